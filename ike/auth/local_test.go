package auth

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"testing"

	scheme "stillwater/crypto/sign"
	"stillwater/ike/wire"
)

// TestHAZ25_LocalWithoutSecret: what lacks a secret or key is found at load, and fails cleanly when used all the same.
func TestHAZ25_LocalWithoutSecret(t *testing.T) {
	good, _ := certPair()
	for name, l := range map[string]*Local{
		"no secret":   {ID: ident("a"), Method: PSK},
		"no key":      {ID: ident("a"), Method: Pubkey},
		"no method":   {ID: ident("a"), PSK: []byte("x"), Credential: good.Credential},
		"no identity": {Method: PSK, PSK: []byte("x")},
	} {
		expect(t, name, l.Check(), StageConfig)
		if l.ID.IsZero() {
			continue
		}
		_, err := l.Auth(digital(), octets)
		expect(t, name, err, StageConfig)
		if l.Certs() != nil {
			t.Errorf("%s: sends certificates", name)
		}
	}
	expect(t, "name of another", (&Local{ID: ident("x.example.org"), Method: Pubkey, Credential: good.Credential}).Check(), StageBinding)
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	psk, _ := pskPair()
	if err := psk.Check(); err != nil {
		t.Error(err)
	}
}

// TestIKE086_LocalScheme: what we sign with follows the key, the peer's hashes, the operator's wish and, as far as it leaves
// anything, the peer's SUPPORTED_AUTH_METHODS (AUA-002).
func TestIKE086_LocalScheme(t *testing.T) {
	announce := func(list ...scheme.Scheme) []Announcement {
		var all []Announcement
		for _, s := range list {
			all = append(all, Announcement{Method: wire.AuthSignature, Algorithm: s.AlgorithmIdentifier()})
		}
		return all
	}
	seedKey := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	all := scheme.SupportedHashes()
	for _, c := range []struct {
		name    string
		key     crypto.Signer
		hashes  []scheme.Hash
		schemes []scheme.Scheme
		methods []Announcement
		want    scheme.Scheme // 0: an error
	}{
		{"P-256", newKey(), all, nil, nil, scheme.ECDSASHA256},
		{"RSA", keyRSA(), all, nil, nil, scheme.RSAPSSSHA256},
		{"RSA, SHA2-512 only", keyRSA(), []scheme.Hash{scheme.SHA512}, nil, nil, scheme.RSAPSSSHA512},
		{"RSA, PKCS #1 wished", keyRSA(), all, []scheme.Scheme{scheme.RSAPKCS1SHA384}, nil, scheme.RSAPKCS1SHA384},
		{"RSA, PKCS #1 announced", keyRSA(), all, nil, announce(scheme.RSAPKCS1SHA256, scheme.Ed25519), scheme.RSAPKCS1SHA256},
		{"RSA, other keys announced", keyRSA(), all, nil, announce(scheme.Ed25519), scheme.RSAPSSSHA256},
		{"RSA, only secrets announced", keyRSA(), all, nil, []Announcement{{Method: wire.AuthPSK}}, scheme.RSAPSSSHA256},
		{"Ed25519", seedKey, all, nil, nil, scheme.Ed25519},
		{"Ed25519 without Identity", seedKey, all[:3], nil, nil, 0},
		{"no hash in common", newKey(), nil, nil, nil, 0},
	} {
		end := issue(rootCA(), c.key, endTemplate(host), nil)
		l := &Local{ID: ident(host), Method: Pubkey, Credential: credential(end), Schemes: c.schemes}
		a, err := l.Auth(Exchange{PRF: sha256PRF(), Digital: true, Hashes: c.hashes, Methods: c.methods}, octets)
		if c.want == 0 {
			expect(t, c.name, err, StageMethod)
			continue
		}
		algorithm := c.want.AlgorithmIdentifier()
		if err != nil || !bytes.HasPrefix(a.Data, append([]byte{byte(len(algorithm))}, algorithm...)) {
			t.Errorf("%s: % x, %v, want %v", c.name, a.Data[:min(20, len(a.Data))], err, c.want)
		}
	}
	l := &Local{ID: ident(host), Method: Pubkey, Credential: credential(issue(rootCA(), seedKey, endTemplate(host), nil))}
	_, err := l.Auth(plain(), octets)
	expect(t, "Ed25519 for a peer without RFC 7427", err, StageConfig)
}

// TestIKE091_SubjectAsSent: a distinguished name goes out octet for octet as the subject of the certificate (RFC 4945 3.1.5),
// whatever string types the configuration would give.
func TestIKE091_SubjectAsSent(t *testing.T) {
	end := rootCA().newEnd(host, func(c *x509.Certificate) {
		name := pkix.RDNSequence{{{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(host)}}}}
		c.RawSubject = must(asn1.Marshal(name))
	})
	l := &Local{ID: ident("CN=B.example.org"), Method: Pubkey, Credential: credential(end)}
	if bytes.Equal(l.ID.Data, end.cert.RawSubject) {
		t.Fatal("the encodings do not differ")
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	if got := l.Wire(false); got.Responder || !bytes.Equal(got.Data, end.cert.RawSubject) {
		t.Errorf("sent % x, want % x", got.Data, end.cert.RawSubject)
	}
	other := &Local{ID: ident("CN=other"), Method: Pubkey, Credential: credential(end)}
	if !bytes.Equal(other.Wire(false).Data, other.ID.Data) {
		t.Error("another name became the subject")
	}
}

// TestLocalAuthIsRepeatable: two signatures by one Local at the same time do not disturb each other.
func TestLocalAuthIsRepeatable(t *testing.T) {
	local, peer := certPair()
	results := make(chan error)
	for range 8 {
		go func() {
			a, err := local.Auth(digital(), octets)
			if err == nil {
				c := Claim{Exchange: digital(), ID: local.Wire(true), Auth: a, Certs: local.Certs(), Octets: slices.Clone(octets), Now: now}
				_, err = VerifyAuth(peer, c)
			}
			results <- err
		}()
	}
	for range 8 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
