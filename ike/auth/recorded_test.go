package auth

import (
	"crypto/x509"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// recorded is one end of a session between two strongSwan 6.1.0 with certificates: payload bodies, and what they cover.
type recorded struct{ message, nonce, skP, id, cert, auth octetString }

// claim is what that end claimed, with the Octets computed here.
func (r recorded) claim() Claim {
	id := wire.ID{IDType: wire.IDType(r.id[0]), Reserved: [3]byte(r.id[1:4]), Data: r.id[4:]}
	return Claim{
		Exchange: digital(), ID: id,
		Auth:   wire.Auth{Method: wire.AuthMethod(r.auth[0]), Data: slices.Clone(r.auth[4:])},
		Certs:  []wire.Cert{{Encoding: wire.CertEncoding(r.cert[0]), Data: r.cert[1:]}},
		Octets: SignedOctets(sha256PRF(), r.message, r.nonce, r.skP, id.Body()),
		Now:    time.Date(2026, 11, 20, 18, 5, 11, 0, time.UTC), // when it was recorded
	}
}

// TestIKE086_RecordedSession verifies the AUTH payloads of both ends (KAT-11): ECDSA P-256 under method 14, over octets that
// this package put together from the recorded messages. Each end's certificate is pinned, the authority's was not sent.
func TestIKE086_RecordedSession(t *testing.T) {
	var file map[string]json.RawMessage
	if err := json.Unmarshal(must(os.ReadFile("testdata/strongswan_cert.json")), &file); err != nil {
		t.Fatal(err)
	}
	field := func(name string) (o octetString) {
		if err := json.Unmarshal(file[name], &o); err != nil || len(o) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		return o
	}
	ends := map[string]recorded{
		"a.test": {field("msg_i"), field("n_r"), field("sk_pi"), field("id_i"), field("cert_i"), field("auth_i")},
		"b.test": {field("msg_r"), field("n_i"), field("sk_pr"), field("id_r"), field("cert_r"), field("auth_r")},
	}
	for name, end := range ends {
		leaf := must(x509.ParseCertificate(end.cert[1:]))
		trust := must(NewTrust([]*x509.Certificate{leaf}, nil, CRLIfPresent))
		peer := &Peer{Name: name, ID: pattern(name), Method: Pubkey, Trust: trust}
		info, err := VerifyAuth(peer, end.claim())
		if err != nil || info.Subject != "CN="+name || info.Issuer != "CN=Interop CA" || info.Method != wire.AuthSignature {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
		for what, change := range map[string]func(*Claim){
			"octets":    func(c *Claim) { c.Octets[len(c.Octets)-1] ^= 1 },
			"signature": func(c *Claim) { c.Auth.Data[len(c.Auth.Data)-1] ^= 1 },
			"ends": func(c *Claim) {
				c.Octets = ends[map[string]string{"a.test": "b.test", "b.test": "a.test"}[name]].claim().Octets
			},
		} {
			c := end.claim()
			change(&c)
			_, err := VerifyAuth(peer, c)
			expect(t, name+", "+what+" changed", err, StageProof)
		}
		anyone := *peer
		anyone.ID = pattern("%any")
		c := end.claim()
		c.ID.Data = []byte("c.test")
		_, err = VerifyAuth(&anyone, c)
		expect(t, name+" under another name", err, StageBinding)
	}
}
