package auth

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	scheme "stillwater/crypto/sign"
	"stillwater/ike/wire"
)

// octets is what the peer of the tests signs.
var octets = []byte("RealMessage2 | NonceIData | MACedIDForR")

// digital is an exchange in which both ends announced hashes; plain one in which they did not.
func digital() Exchange {
	return Exchange{PRF: sha256PRF(), Digital: true, Hashes: scheme.SupportedHashes()}
}
func plain() Exchange { return Exchange{PRF: sha256PRF()} }

// claim is what an end sends that authenticates by l.
func claim(t *testing.T, l *Local, e Exchange) Claim {
	t.Helper()
	a, err := l.Auth(e, octets)
	if err != nil {
		t.Fatal(err)
	}
	return Claim{Exchange: e, ID: l.Wire(true), Auth: a, Certs: l.Certs(), Octets: octets, Now: now}
}

// pskPair is both sides of a connection with a shared secret.
func pskPair() (*Local, *Peer) {
	return &Local{ID: ident("b.example.org"), Method: PSK, PSK: []byte("correct horse battery staple")},
		&Peer{Name: "office", ID: pattern("b.example.org"), Method: PSK, PSK: []byte("correct horse battery staple")}
}

// certPair is both sides of a connection with certificates.
func certPair() (*Local, *Peer) {
	end := rootCA().newEnd("b.example.org", nil)
	return &Local{ID: ident("b.example.org"), Method: Pubkey, Credential: credential(end)},
		&Peer{Name: "office", ID: pattern("b.example.org"), Method: Pubkey, Trust: trusting(rootCA())}
}

// TestIKE084_SharedSecret: the right secret passes; one bit anywhere in secret, octets or AUTH does not.
func TestIKE084_SharedSecret(t *testing.T) {
	local, peer := pskPair()
	c := claim(t, local, plain())
	info, err := VerifyAuth(peer, c)
	if err != nil || !info.Identity.Equal(local.ID) || info.Method != wire.AuthPSK {
		t.Fatalf("%v, %v", info, err)
	}
	for i := range c.Auth.Data {
		bad := c
		bad.Auth.Data = slices.Clone(c.Auth.Data)
		bad.Auth.Data[i] ^= 1
		_, err := VerifyAuth(peer, bad)
		expect(t, "bit of AUTH", err, StageProof)
	}
	for name, change := range map[string]func(*Claim, *Peer){
		"other octets":  func(c *Claim, _ *Peer) { c.Octets = append([]byte{1}, c.Octets...) },
		"other secret":  func(_ *Claim, p *Peer) { p.PSK = []byte("correct horse battery stable") },
		"newline left":  func(_ *Claim, p *Peer) { p.PSK = append(slices.Clone(p.PSK), 10) },
		"AUTH cut":      func(c *Claim, _ *Peer) { c.Auth.Data = c.Auth.Data[:31] },
		"AUTH extended": func(c *Claim, _ *Peer) { c.Auth.Data = append(slices.Clone(c.Auth.Data), 0) },
		"AUTH empty":    func(c *Claim, _ *Peer) { c.Auth.Data = nil },
		"AUTH zero":     func(c *Claim, _ *Peer) { c.Auth.Data = make([]byte, 32) },
	} {
		c, p := c, *peer
		change(&c, &p)
		_, err := VerifyAuth(&p, c)
		expect(t, name, err, StageProof)
	}
}

// TestIKE086_Signature: certificate and signature of every kind of key pass with method 14; older methods when hashes were
// not announced.
func TestIKE086_Signature(t *testing.T) {
	for name, key := range map[string]crypto.Signer{"ecdsa": newKey(), "rsa": keyRSA()} {
		end := issue(rootCA(), key, endTemplate("b.example.org"), nil)
		_, peer := certPair()
		local := &Local{ID: ident("b.example.org"), Method: Pubkey, Credential: credential(end)}
		for mode, e := range map[string]Exchange{"method 14": digital(), "older": plain()} {
			c := claim(t, local, e)
			if (c.Auth.Method == wire.AuthSignature) != e.Digital {
				t.Errorf("%s, %s: sent method %d", name, mode, c.Auth.Method)
			}
			info, err := VerifyAuth(peer, c)
			if err != nil || info.Subject != "O=Stillwater Test, CN=b.example.org" || !info.NotAfter.Equal(end.cert.NotAfter) {
				t.Errorf("%s, %s: %+v, %v", name, mode, info, err)
			}
			c.Octets = append([]byte{0}, octets...)
			_, err = VerifyAuth(peer, c)
			expect(t, name+", other octets", err, StageProof)
			if !errors.Is(err, scheme.ErrSignature) {
				t.Errorf("%s, other octets: %v", name, err)
			}
			c.Digital, c.Octets = !e.Digital, octets
			_, err = VerifyAuth(peer, c)
			expect(t, name+", method of the other mode", err, StageMethod)
		}
	}
}

// TestHAZ32_MethodConfusion: every authentication method against an entry for the other kind of proof. A secret is no key, a
// key no secret, and AUTH_NULL nothing.
func TestHAZ32_MethodConfusion(t *testing.T) {
	pskLocal, pskPeer := pskPair()
	certLocal, certPeer := certPair()
	for _, c := range []Claim{claim(t, pskLocal, plain()), claim(t, certLocal, plain()), claim(t, certLocal, digital())} {
		for _, both := range []bool{false, true} {
			for method := range 256 {
				c.Auth.Method, c.Digital = wire.AuthMethod(method), both
				signature := method == 14 && both || (method == 1 || method >= 9 && method <= 11) && !both
				for _, p := range []*Peer{pskPeer, certPeer} {
					if p.Method == PSK && method == 2 || p.Method == Pubkey && signature {
						continue
					}
					_, err := VerifyAuth(p, c)
					expect(t, fmt.Sprintf("%v, method %d", p.Method, method), err, StageMethod)
				}
			}
		}
	}
}

// TestHAZ32_PublicKeyAsSecret: the MAC under a key that everybody knows does not pass where a signature is owed, even with
// an entry that has both set.
func TestHAZ32_PublicKeyAsSecret(t *testing.T) {
	local, peer := certPair()
	secret := local.Credential.Leaf.RawSubjectPublicKeyInfo
	c := claim(t, local, digital())
	c.Auth = AuthPSK(c.PRF, secret, octets)
	_, err := VerifyAuth(peer, c)
	expect(t, "MAC under the public key", err, StageMethod)
	peer.PSK = secret
	_, err = VerifyAuth(peer, c)
	expect(t, "entry with a stray secret", err, StageMethod)
}

// TestHAZ15_EmptySignatures: empty and zero proofs of all methods, through the whole of VerifyAuth (HAZ-33).
func TestHAZ15_EmptySignatures(t *testing.T) {
	_, pskPeer := pskPair()
	certLocal, certPeer := certPair()
	for _, e := range []Exchange{plain(), digital()} {
		c := claim(t, certLocal, e)
		for method := range 256 {
			for _, n := range []int{0, 1, 20, 32, 64, 96, 132, 256} {
				c.Auth = wire.Auth{Method: wire.AuthMethod(method), Data: make([]byte, n)}
				for _, p := range []*Peer{pskPeer, certPeer, {}, nil} {
					if _, err := VerifyAuth(p, c); err == nil {
						t.Errorf("method %d, %d zeros pass", method, n)
					}
				}
			}
		}
	}
}

// TestIKE100_UnknownIdentity: an identity nobody knows, a wrong secret, an entry without secret and an entry for signatures
// all end in an *Error after one MAC over the octets, whatever the AUTH data says.
func TestIKE100_UnknownIdentity(t *testing.T) {
	local, peer := pskPair()
	c := claim(t, local, plain())
	_, certPeer := certPair()
	stranger := *peer
	stranger.ID = pattern("c.example.org")
	empty := *peer
	empty.PSK = nil
	for name, x := range map[string]struct {
		peer  *Peer
		stage Stage
	}{
		"no entry":             {nil, StageIdentity},
		"another's entry":      {&stranger, StageIdentity},
		"entry for signatures": {certPeer, StageMethod},
		"no secret (HAZ-25)":   {&empty, StageConfig},
		"zero entry":           {&Peer{}, StageIdentity},
	} {
		_, err := VerifyAuth(x.peer, c)
		expect(t, name, err, x.stage)
		c := c
		c.Auth = AuthPSK(c.PRF, decoy(), octets)
		_, err = VerifyAuth(x.peer, c)
		expect(t, name+", the decoy guessed", err, x.stage)
	}
	c.ID.Data = nil
	_, err := VerifyAuth(peer, c)
	expect(t, "malformed identity", err, StageIdentity)
}

// TestIKE100_DecoySecret: the secret that nobody has is 32 random octets, not an empty one, and every time the same.
func TestIKE100_DecoySecret(t *testing.T) {
	one, two := decoy(), decoy()
	if len(one) != 32 || !bytes.Equal(one, two) || bytes.Equal(one, make([]byte, 32)) {
		t.Errorf("%d octets, the same again: %t", len(one), bytes.Equal(one, two))
	}
}

// TestIKE100_SameWork counts the work: refused claims cost the allocations of a wrong secret and at most a few more for
// their error text.
func TestIKE100_SameWork(t *testing.T) {
	local, peer := pskPair()
	c := claim(t, local, plain())
	wrong := *peer
	wrong.PSK = []byte("another")
	cost := func(p *Peer) float64 { return testing.AllocsPerRun(100, func() { VerifyAuth(p, c) }) }
	if known, unknown := cost(&wrong), cost(nil); unknown < known-4 || unknown > known+4 {
		t.Errorf("a wrong secret allocates %v times, an unknown identity %v times", known, unknown)
	}
}

// TestIKE091_IdentityOfTheKey: a good certificate and signature under a name that is not in it, or that is not expected.
func TestIKE091_IdentityOfTheKey(t *testing.T) {
	local, peer := certPair()
	c := claim(t, local, digital())
	c.ID = ident("c.example.org").Wire(true)
	_, err := VerifyAuth(peer, c)
	expect(t, "unexpected name", err, StageIdentity)
	anyone := *peer
	anyone.ID = pattern("%any")
	_, err = VerifyAuth(&anyone, c)
	expect(t, "name of another", err, StageBinding)
	c.ID = ident("keyid:b.example.org").Wire(true)
	_, err = VerifyAuth(&anyone, c)
	expect(t, "key ID with a certificate", err, StageBinding)
}

// TestIKE116_CertificateOrder: the first certificate is the signer's. Lists, URLs and unknown encodings are passed over and
// nothing is fetched (HAZ-19).
func TestIKE116_CertificateOrder(t *testing.T) {
	middle := rootCA().newCA("Middle CA", nil)
	end := middle.newEnd("b.example.org", nil)
	local := &Local{ID: ident("b.example.org"), Method: Pubkey, Credential: credential(end, middle)}
	_, peer := certPair()
	c := claim(t, local, digital())
	if len(c.Certs) != 2 || !bytes.Equal(c.Certs[0].Data, end.cert.Raw) {
		t.Fatal("we do not send the signer's certificate first")
	}
	url := wire.Cert{Encoding: wire.CertHashURL, Data: []byte("12345678901234567890http://127.0.0.1:1/")}
	c.Certs = append([]wire.Cert{url, {Encoding: wire.CertCRL, Data: []byte{1}}}, c.Certs...)
	if _, err := VerifyAuth(peer, c); err != nil {
		t.Errorf("with a URL and a list in front: %v", err)
	}
	c.Certs = []wire.Cert{c.Certs[3], c.Certs[2]}
	if _, err := VerifyAuth(peer, c); err == nil {
		t.Error("the signer's certificate may come second")
	}
	c.Certs = []wire.Cert{url}
	_, err := VerifyAuth(peer, c)
	expect(t, "URL only", err, StageCertificate)
}

// TestErrorsHoldNoSecret: nothing of secrets or keys in any error, however it is printed.
func TestErrorsHoldNoSecret(t *testing.T) {
	local, peer := pskPair()
	c := claim(t, local, plain())
	peer.PSK = []byte("sesame-open-sesame")
	_, wrong := VerifyAuth(peer, c)
	_, unknown := VerifyAuth(nil, c)
	for _, err := range []error{wrong, unknown, (&Local{ID: local.ID, Method: PSK}).Check(), (&Peer{PSK: peer.PSK}).Check()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
			text := fmt.Sprintf(verb, err)
			if strings.Contains(text, "sesame") || strings.Contains(text, "horse") || strings.Contains(text, fmt.Sprintf("%x", c.Auth.Data[:8])) {
				t.Errorf("%s shows a secret: %s", verb, text)
			}
		}
	}
}

// TestErrorText: one line with stage, reason, detail and cause; peers' text in it is escaped (LIM-18).
func TestErrorText(t *testing.T) {
	cause := errors.New("bad\nbytes " + strings.Repeat("x", 500))
	err := &Error{Stage: StageCertificate, Reason: "cannot be parsed", Detail: "CN=a", Err: cause}
	text := err.Error()
	if !strings.HasPrefix(text, `authentication: certificate: cannot be parsed: CN=a: bad\x0abytes`) || len(text) > 400 || !errors.Is(err, cause) {
		t.Errorf("%d octets: %s", len(text), text)
	}
	if Stage(99).String() != "unknown" {
		t.Error(Stage(99))
	}
}

// TestClaimIsOnlyRead: VerifyAuth leaves what the caller gave as it was.
func TestClaimIsOnlyRead(t *testing.T) {
	local, peer := certPair()
	c := claim(t, local, digital())
	before := c
	before.Certs = slices.Clone(c.Certs)
	if _, err := VerifyAuth(peer, c); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c.Certs, before.Certs) || !bytes.Equal(c.Auth.Data, before.Auth.Data) {
		t.Error("the claim was changed")
	}
}
