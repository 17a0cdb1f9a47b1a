package ike

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"sync"
	"testing"
	"time"

	"stillwater/ike/auth"
)

// authority is a certification authority of the tests.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

var (
	theCA    = sync.OnceValue(func() *authority { return newAuthority(nil, "CA") })
	theSubCA = sync.OnceValue(func() *authority { return newAuthority(theCA(), "Sub CA") })
	otherCA  = sync.OnceValue(func() *authority { return newAuthority(nil, "Other CA") })
	// Keys that take long to make are made once.
	rsaKey = sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 4096)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newKey() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func newAuthority(issuer *authority, name string) *authority {
	tmpl := template(name)
	tmpl.IsCA, tmpl.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	return issuer.issue(tmpl, newKey())
}

var serials = new(big.Int)

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: new(big.Int).Set(serials.Add(serials, big.NewInt(1))), Subject: pkix.Name{CommonName: name},
		NotBefore: testDay.Add(-24 * time.Hour), NotAfter: testDay.Add(24 * time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// issue signs a certificate; a nil issuer is one that signs itself.
func (a *authority) issue(tmpl *x509.Certificate, key crypto.Signer) *authority {
	parent, signer := tmpl, key
	if a != nil {
		parent, signer = a.cert, a.key
	}
	der := must(x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer))
	return &authority{must(x509.ParseCertificate(der)), key}
}

// credential is a key with its chain for a name.
func (a *authority) credential(name string, key crypto.Signer, chain ...*authority) *auth.Credential {
	tmpl := template(name)
	tmpl.DNSNames = []string{name}
	leaf := a.issue(tmpl, key)
	ders := [][]byte{leaf.cert.Raw}
	for _, c := range chain {
		ders = append(ders, c.cert.Raw)
	}
	return must(auth.NewCredential(key, ders))
}

// trusting believes one authority.
func trusting(a *authority) *auth.Trust {
	return must(auth.NewTrust([]*x509.Certificate{a.cert}, nil, auth.CRLIfPresent))
}

// certPair turns both ends of a pair to certificates of the CA; keyA and keyB sign.
func certPair(a, b *Connection, keyA, keyB crypto.Signer) {
	for _, c := range []struct {
		conn *Connection
		name string
		key  crypto.Signer
	}{{a, "a.test", keyA}, {b, "b.test", keyB}} {
		c.conn.Self = &auth.Local{ID: identity(c.name), Method: auth.Pubkey, Credential: theCA().credential(c.name, c.key)}
		c.conn.Them.Method, c.conn.Them.PSK, c.conn.Them.Trust = auth.Pubkey, nil, trusting(theCA())
	}
}

// certLadder is two engines that prove themselves by certificates.
func certLadder(t testing.TB, change func(a, b *Connection)) *ladder {
	t.Helper()
	return pskLadder(t, func(a, b *Connection) {
		certPair(a, b, newKey(), newKey())
		if change != nil {
			change(a, b)
		}
	})
}

// keysToSignWith are one of each kind (IKE-086, IKE-087).
func keysToSignWith() map[string]crypto.Signer {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return map[string]crypto.Signer{
		"ecdsa p256": newKey(), "ecdsa p384": must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
		"ecdsa p521": must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)), "ed25519": ed, "rsa": rsaKey(),
	}
}
