package strongswan

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// keyKind is an algorithm and a size.
type keyKind struct {
	name string
	make func() (crypto.Signer, error)
}

func rsaKey(bits int) keyKind {
	return keyKind{fmt.Sprintf("RSA %d", bits), func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, bits) }}
}

func ecdsaKey(curve elliptic.Curve) keyKind {
	return keyKind{"ECDSA " + curve.Params().Name, func() (crypto.Signer, error) { return ecdsa.GenerateKey(curve, rand.Reader) }}
}

// holder is a certificate with its key.
type holder struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// pki is a root authority and two ends. Each end's certificate comes from an intermediate authority of its own if there is
// one, so that the other end can only build the chain from what it is sent.
type pki struct {
	testing.TB
	kind   keyKind
	serial int64
	root   *holder
	ends   map[string][]*holder // by identity: the end's, then what is between it and the root
}

// newPKI makes the certificates of both ends.
func newPKI(t testing.TB, kind keyKind, intermediates int) *pki {
	t.Helper()
	p := &pki{TB: t, kind: kind, ends: map[string][]*holder{}}
	p.root = p.issue("Interop root", nil, true)
	for _, id := range []string{ourID, peerID} {
		above, chain := p.root, []*holder(nil)
		for i := range intermediates {
			above = p.issue(fmt.Sprintf("Interop authority %d of %s", i+1, id), above, true)
			chain = append([]*holder{above}, chain...)
		}
		p.ends[id] = append([]*holder{p.issue(id, above, false)}, chain...)
	}
	return p
}

// issue makes a certificate; one without an issuer is self-signed.
func (p *pki) issue(name string, by *holder, authority bool) *holder {
	p.Helper()
	key, err := p.kind.make()
	if err != nil {
		p.Fatal(err)
	}
	p.serial++
	t := &x509.Certificate{
		SerialNumber: big.NewInt(p.serial), Subject: pkix.Name{CommonName: name, Organization: []string{"Stillwater interop"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true, IsCA: authority,
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if authority {
		t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	} else {
		t.DNSNames = []string{name}
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	parent, signer := t, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		p.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		p.Fatal(err)
	}
	return &holder{cert, key}
}

// write writes PEM blocks of certificates, or of the first one's key.
func (p *pki) write(file string, private bool, holders ...*holder) string {
	p.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		p.Fatal(err)
	}
	var out []byte
	if private {
		der, err := x509.MarshalPKCS8PrivateKey(holders[0].key)
		if err != nil {
			p.Fatal(err)
		}
		out = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	} else {
		for _, h := range holders {
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.cert.Raw})...)
		}
	}
	if err := os.WriteFile(file, out, 0o600); err != nil {
		p.Fatal(err)
	}
	return file
}

// ours writes our files and returns the lines of the configuration that name them: the chain below the root, which is all
// that we trust.
func (p *pki) ours() string {
	p.Helper()
	d, chain := p.TempDir(), p.ends[ourID]
	return fmt.Sprintf("cert_file = %q\nkey_file = %q\nca_file = [%q]", p.write(filepath.Join(d, "us.pem"), false, chain...),
		p.write(filepath.Join(d, "us.key"), true, chain...), p.write(filepath.Join(d, "root.pem"), false, p.root))
}

// theirs writes a folder as the kit's scripts have it: the peer knows the root and its own chain.
func (p *pki) theirs() string {
	p.Helper()
	d, chain := p.TempDir(), p.ends[peerID]
	p.write(filepath.Join(d, "x509ca", "ca.pem"), false, p.root)
	for i, h := range chain[1:] {
		p.write(filepath.Join(d, "x509ca", fmt.Sprintf("between-%d.pem", i)), false, h)
	}
	p.write(filepath.Join(d, "x509", peerID+".pem"), false, chain[0])
	p.write(filepath.Join(d, "private", peerID+".key"), true, chain[0])
	return d
}
