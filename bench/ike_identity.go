package bench

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"stillwater/ike/auth"
)

// The names of the two sides.
const (
	gatewayName  = "gw.test"
	clientDomain = ".clients.test"
)

// realm is what both sides of a measurement prove themselves with: one secret for all, or certificates of one authority.
// Immutable after newRealm.
type realm struct {
	secret    []byte // nil: certificates
	authority *x509.Certificate
	key       crypto.Signer
}

// secretLen is the octets of the shared secret.
const secretLen = 32

// newRealm draws a secret, or makes an authority with an ECDSA key on P-256.
func newRealm(certificates bool) (*realm, error) {
	if !certificates {
		r := &realm{secret: make([]byte, secretLen)}
		rand.Read(r.secret) // never fails
		return r, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	form := certificateForm("authority")
	form.IsCA, form.KeyUsage = true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return nil, err
	}
	r := &realm{key: key}
	r.authority, err = x509.ParseCertificate(der)
	return r, err
}

// certificateForm is what all certificates have in common.
func certificateForm(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// issue makes a key and its certificate for a name.
func (r *realm) issue(name string) (key *ecdsa.PrivateKey, der []byte, err error) {
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, err
	}
	form := certificateForm(name)
	form.DNSNames = []string{name}
	der, err = x509.CreateCertificate(rand.Reader, form, r.authority, key.Public(), r.key)
	return key, der, err
}

// local is one side's proof of its name.
func (r *realm) local(name string) (*auth.Local, error) {
	id, err := auth.ParseIdentity(name)
	if err != nil {
		return nil, err
	}
	if r.secret != nil {
		return &auth.Local{ID: id, Method: auth.PSK, PSK: r.secret}, nil
	}
	key, der, err := r.issue(name)
	if err != nil {
		return nil, err
	}
	l := &auth.Local{ID: id, Method: auth.Pubkey}
	l.Credential, err = auth.NewCredential(key, [][]byte{der})
	return l, err
}

// peer is what one side takes for the other's proof.
func (r *realm) peer(pattern string) (*auth.Peer, error) {
	id, err := auth.ParsePattern(pattern)
	if err != nil {
		return nil, err
	}
	p := &auth.Peer{Name: pattern, ID: id, Method: auth.PSK, PSK: r.secret}
	if r.secret == nil {
		p.Method = auth.Pubkey
		p.Trust, err = auth.NewTrust([]*x509.Certificate{r.authority}, nil, auth.CRLIfPresent)
	}
	return p, err
}

// files puts the gateway's credentials into a folder and returns the lines of a [[connection]] that name them.
func (r *realm) files(dir string) (lines string, err error) {
	if r.secret != nil {
		file := filepath.Join(dir, "psk")
		return fmt.Sprintf("psk_file = %q", file), os.WriteFile(file, []byte("0x"+hex.EncodeToString(r.secret)), 0o600)
	}
	key, der, err := r.issue(gatewayName)
	if err != nil {
		return "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	paths := make([]string, 0, 3)
	for _, f := range []struct {
		name, kind string
		octets     []byte
	}{{"cert", "CERTIFICATE", der}, {"key", "PRIVATE KEY", secret}, {"ca", "CERTIFICATE", r.authority.Raw}} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.octets}), 0o600); err != nil {
			return "", err
		}
		paths = append(paths, path)
	}
	return fmt.Sprintf("cert_file = %q\nkey_file = %q\nca_file = [%q]", paths[0], paths[1], paths[2]), nil
}
