package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"flag"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"stillwater/crypto/prf"
)

var seed = flag.Uint64("seed", 0, "seed of random tests; 0 draws one")

// now is when the tests take place.
var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// must is for what cannot fail in a test.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// ident is ParseIdentity for a good one.
func ident(s string) Identity { return must(ParseIdentity(s)) }

// pattern is ParsePattern for a good one.
func pattern(s string) Pattern { return must(ParsePattern(s)) }

// sha256PRF is PRF_HMAC_SHA2_256.
func sha256PRF() prf.PRF { return must(prf.New(5)) }

// expect checks that an error is an *Error of a stage.
func expect(t *testing.T, name string, err error, stage Stage) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Stage != stage {
		t.Errorf("%s: %v, want stage %v", name, err, stage)
	}
}

// authority is a certification authority of the tests, or an end of a chain.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

var (
	keyRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	rootCA = sync.OnceValue(func() *authority { return newRoot("Root CA", nil) })
	serial int64
	lock   sync.Mutex
)

// nextSerial makes serial numbers that are not used twice.
func nextSerial() *big.Int {
	lock.Lock()
	defer lock.Unlock()
	serial++
	return big.NewInt(serial)
}

// newKey is a fresh key on P-256.
func newKey() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

// newRoot is an authority that signs itself.
func newRoot(name string, change func(*x509.Certificate)) *authority {
	return issue(nil, newKey(), caTemplate(name), change)
}

// newCA is an authority below a.
func (a *authority) newCA(name string, change func(*x509.Certificate)) *authority {
	return issue(a, newKey(), caTemplate(name), change)
}

// newEnd is an end certificate below a, for host and its names.
func (a *authority) newEnd(host string, change func(*x509.Certificate)) *authority {
	return issue(a, newKey(), endTemplate(host), change)
}

// caTemplate is a year's authority that may sign certificates and lists.
func caTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:  pkix.Name{Organization: []string{"Stillwater Test"}, CommonName: name},
		NotAfter: now.AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// endTemplate is a month's certificate for a host, by name, mailbox and both kinds of address.
func endTemplate(host string) *x509.Certificate {
	return &x509.Certificate{
		Subject:  pkix.Name{Organization: []string{"Stillwater Test"}, CommonName: host},
		NotAfter: now.AddDate(0, 1, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		DNSNames: []string{host}, EmailAddresses: []string{"admin@" + host},
		IPAddresses: []net.IP{{192, 0, 2, 1}, net.ParseIP("2001:db8::1")},
	}
}

// issue makes a certificate; a nil issuer signs itself.
func issue(issuer *authority, key crypto.Signer, template *x509.Certificate, change func(*x509.Certificate)) *authority {
	template.SerialNumber, template.NotBefore = nextSerial(), now.AddDate(-1, 0, 0)
	if change != nil {
		change(template)
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
	}
	der := must(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer))
	return &authority{must(x509.ParseCertificate(der)), key}
}

// chain is the DER of certificates.
func chain(list ...*authority) [][]byte {
	var der [][]byte
	for _, a := range list {
		der = append(der, a.cert.Raw)
	}
	return der
}

// crl is a revocation list of a's that names the certificates given.
func (a *authority) crl(change func(*x509.RevocationList), revoked ...*authority) *x509.RevocationList {
	template := &x509.RevocationList{Number: nextSerial(), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour)}
	for _, r := range revoked {
		entry := x509.RevocationListEntry{SerialNumber: r.cert.SerialNumber, RevocationTime: now.Add(-time.Hour)}
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, entry)
	}
	if change != nil {
		change(template)
	}
	return must(x509.ParseRevocationList(must(x509.CreateRevocationList(rand.Reader, template, a.cert, a.key))))
}

// trusting believes roots, without revocation lists.
func trusting(roots ...*authority) *Trust {
	var list []*x509.Certificate
	for _, r := range roots {
		list = append(list, r.cert)
	}
	return must(NewTrust(list, nil, CRLIfPresent))
}

// credential is an end with its chain.
func credential(list ...*authority) *Credential {
	return must(NewCredential(list[0].key, chain(list...)))
}
