package auth

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write puts content into a file of a mode in a folder of the test's own.
func write(t *testing.T, name string, mode os.FileMode, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := errors.Join(os.WriteFile(file, content, mode), os.Chmod(file, mode)); err != nil {
		t.Fatal(err)
	}
	return file
}

// block is one PEM block.
func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// TestCERT_LoadCredential: every form a key file can have, with the chain in PEM or a single certificate in DER.
func TestCERT_LoadCredential(t *testing.T) {
	end := rootCA().newEnd(host, nil)
	rsaEnd := issue(rootCA(), keyRSA(), endTemplate(host), nil)
	sec1 := must(x509.MarshalECPrivateKey(end.key.(*ecdsa.PrivateKey)))
	pkcs8 := must(x509.MarshalPKCS8PrivateKey(end.key))
	pkcs1 := x509.MarshalPKCS1PrivateKey(keyRSA())
	pemChain := slices.Concat([]byte("# office\n"), block("CERTIFICATE", end.cert.Raw), block("CERTIFICATE", rootCA().cert.Raw))
	for name, c := range map[string]struct {
		cert, key []byte
		chain     int
	}{
		"PKCS #8":                  {pemChain, block("PRIVATE KEY", pkcs8), 2},
		"SEC 1 after parameters":   {pemChain, append(block("EC PARAMETERS", []byte{5, 0}), block("EC PRIVATE KEY", sec1)...), 2},
		"PKCS #1":                  {block("CERTIFICATE", rsaEnd.cert.Raw), block("RSA PRIVATE KEY", pkcs1), 1},
		"DER, PKCS #8":             {end.cert.Raw, pkcs8, 1},
		"DER, SEC 1":               {end.cert.Raw, sec1, 1},
		"DER, PKCS #1":             {rsaEnd.cert.Raw, pkcs1, 1},
		"key among certificates":   {pemChain, append(slices.Clone(pemChain), block("PRIVATE KEY", pkcs8)...), 2},
		"certificate beside a key": {append(block("PRIVATE KEY", pkcs8), pemChain...), block("PRIVATE KEY", pkcs8), 2},
	} {
		got, err := LoadCredential(write(t, "cert.pem", 0o644, c.cert), write(t, "key.pem", 0o600, c.key))
		if err != nil || len(got.Chain) != c.chain || got.Leaf == nil || got.Key == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCERT_CredentialErrors: each names the file, and none shows what is in it.
func TestCERT_CredentialErrors(t *testing.T) {
	end := rootCA().newEnd(host, nil)
	pkcs8 := must(x509.MarshalPKCS8PrivateKey(end.key))
	cert, key := block("CERTIFICATE", end.cert.Raw), block("PRIVATE KEY", pkcs8)
	old := &pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"DEK-Info": "AES-128-CBC,00"}, Bytes: []byte{1}}
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	for name, c := range map[string]struct {
		cert, key []byte
		mode      os.FileMode
		word      string
	}{
		"open to the group":   {cert, key, 0o640, "key.pem: mode 0640 lets others use the private key"},
		"open to all":         {cert, key, 0o604, "key.pem: mode 0604"},
		"encrypted":           {cert, block("ENCRYPTED PRIVATE KEY", pkcs8), 0o600, "key.pem: private key is encrypted"},
		"encrypted, old form": {cert, pem.EncodeToMemory(old), 0o600, "key.pem: private key is encrypted"},
		"not a key":           {cert, cert, 0o600, "key.pem: no private key"},
		"garbage":             {cert, []byte("sesame"), 0o600, "key.pem: no private key"},
		"broken DER":          {cert, pkcs8[:len(pkcs8)-4], 0o600, "key.pem: no private key"},
		"too long":            {cert, make([]byte, 64<<10+1), 0o600, "key.pem: longer than"},
		"cannot sign":         {cert, block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(must(ecdh.X25519().GenerateKey(rand.Reader))))), 0o600, "cannot sign"},
		"another's key":       {cert, block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(newKey()))), 0o600, "does not belong"},
		"another kind":        {cert, block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(keyRSA()))), 0o600, "does not belong"},
		"unknown curve": {
			block("CERTIFICATE", issue(rootCA(), p224, endTemplate(host), nil).cert.Raw),
			block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(p224))), 0o600, "curve",
		},
		"no certificate":  {key, key, 0o600, "cert.pem: no certificate"},
		"empty":           {nil, key, 0o600, "cert.pem: no certificate"},
		"bad certificate": {block("CERTIFICATE", []byte("sesame")), key, 0o600, "certificate:"},
	} {
		got, err := LoadCredential(write(t, "cert.pem", 0o644, c.cert), write(t, "key.pem", c.mode, c.key))
		if err == nil || !strings.Contains(err.Error(), c.word) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v, %v, want %q", name, got, err, c.word)
		}
	}
	good := write(t, "cert.pem", 0o644, cert)
	if _, err := LoadCredential(good, good+".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no key file: %v", err)
	}
	if _, err := LoadCredential(good+".none", good); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no certificate file: %v", err)
	}
	if _, err := NewCredential(nil, chain(end)); err == nil {
		t.Error("a credential without key")
	}
	if _, err := NewCredential(end.key, slices.Repeat(chain(end), 9)); err == nil {
		t.Error("a chain of 9 certificates (LIM-17)")
	}
}

// TestCERT_LoadTrust: authorities and lists from files, several in one, PEM and DER, both names of a list (RFC 4945 6.2).
func TestCERT_LoadTrust(t *testing.T) {
	end := rootCA().newEnd(host, nil)
	second := newRoot("Second", nil)
	cas := write(t, "cas.pem", 0o644, append(block("CERTIFICATE", rootCA().cert.Raw), block("CERTIFICATE", second.cert.Raw)...))
	der := write(t, "ca.der", 0o644, rootCA().cert.Raw)
	lists := write(t, "crl.pem", 0o644, append(block("X509 CRL", second.crl(nil).Raw), block("CRL", rootCA().crl(nil, end).Raw)...))
	trust, err := LoadTrust([]string{cas, der}, []string{lists}, CRLIfPresent)
	if err != nil || len(trust.Roots()) != 3 {
		t.Fatal(err)
	}
	_, _, err = trust.Verify(chain(end), ident(host), now)
	expect(t, "revoked by a file", err, StageRevocation)

	for name, c := range map[string]struct{ ca, crl []string }{
		"no authority":          {nil, nil},
		"no such file":          {[]string{der + ".none"}, nil},
		"list for an authority": {[]string{lists}, nil},
		"authority for a list":  {[]string{cas}, []string{cas}},
		"broken":                {[]string{write(t, "x.pem", 0o644, block("CERTIFICATE", []byte{1}))}, nil},
	} {
		if _, err := LoadTrust(c.ca, c.crl, CRLStrict); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
