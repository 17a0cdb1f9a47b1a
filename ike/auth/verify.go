package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"slices"
	"sync"
	"time"

	"stillwater/crypto/prf"
	"stillwater/crypto/sign"
	"stillwater/ike/wire"
)

// Claim is one attempt of a peer to authenticate: everything it sent, and the octets that its proof must cover. Its slices
// are the caller's and only read.
type Claim struct {
	Exchange
	ID     wire.ID     // as received
	Auth   wire.Auth   // as received
	Certs  []wire.Cert // as received, in order: the first X.509 certificate is the signer's (RFC 7296 3.6)
	Octets []byte      // SignedOctets of the peer's side
	Now    time.Time   // for validity of certificates and revocation lists
}

// Info is what became known about an authenticated peer. Immutable.
type Info struct {
	Identity Identity
	Method   wire.AuthMethod
	// Of the certificate, empty with a shared secret. Texts are escaped and at most 256 octets.
	Subject, Issuer, Serial string
	NotAfter                time.Time // the earliest end of validity in the chain
}

// decoy is a secret that nobody has. Claims that cannot succeed are verified against it, so that they take as long as a wrong
// secret does (IKE-100).
var decoy = sync.OnceValue(func() []byte {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails: crypto/rand
	return secret
})

// VerifyAuth decides whether the peer is who it claims to be, by its entry and nothing else. A nil entry stands for an
// identity that nobody knows: it fails like a wrong secret, after the same work. The error is an *Error for the operator; the
// answer on the wire is AUTHENTICATION_FAILED whatever it says. It verifies signatures, so it belongs in the worker pool.
func VerifyAuth(p *Peer, c Claim) (*Info, error) {
	id, refusal := p.admit(&c)
	if c.Auth.Method == wire.AuthPSK {
		return p.verifyPSK(&c, id, refusal)
	}
	if refusal != nil {
		return nil, refusal
	}
	return p.verifySignature(&c, id)
}

// admit is all that can be decided without a proof: identity, method, and whether we are equipped for them.
func (p *Peer) admit(c *Claim) (Identity, *Error) {
	id, err := FromWire(c.ID)
	switch {
	case err != nil:
		return id, &Error{Stage: StageIdentity, Reason: "malformed", Err: err}
	case p == nil:
		return id, &Error{Stage: StageIdentity, Reason: "no entry for this peer", Detail: id.String()}
	case !p.Accepts(id):
		return id, &Error{Stage: StageIdentity, Reason: "not the one expected", Detail: id.String() + ", want " + p.ID.String()}
	case !p.takes(c.Auth.Method, c.Digital):
		detail := fmt.Sprintf("method %d, want %v (method 14: %t)", c.Auth.Method, p.Method, c.Digital)
		return id, &Error{Stage: StageMethod, Reason: "not the one demanded", Detail: detail}
	case p.Method == PSK && len(p.PSK) == 0, p.Method == Pubkey && p.Trust == nil:
		return id, &Error{Stage: StageConfig, Reason: "nothing to verify with", Detail: p.Name}
	}
	return id, nil
}

// takes reports whether the entry's method covers that of an AUTH payload. With hashes announced by both ends only method 14
// does for signatures, without only the older ones (IKE-086). No entry takes AUTH_NULL, DSS or anything unknown.
func (p *Peer) takes(method wire.AuthMethod, digital bool) bool {
	switch method {
	case wire.AuthPSK:
		return p.Method == PSK
	case wire.AuthSignature:
		return p.Method == Pubkey && digital
	case wire.AuthRSA, wire.AuthECDSA256, wire.AuthECDSA384, wire.AuthECDSA521:
		return p.Method == Pubkey && !digital
	}
	return false
}

// verifyPSK computes the MAC in any case, with the decoy where the claim is refused already.
func (p *Peer) verifyPSK(c *Claim, id Identity, refusal *Error) (*Info, error) {
	secret := decoy()
	if refusal == nil {
		secret = p.PSK
	}
	want := prf.PSKAuth(c.PRF, secret, c.Octets)
	same := subtle.ConstantTimeCompare(want, c.Auth.Data) == 1
	switch {
	case refusal != nil:
		return nil, refusal
	case !same:
		return nil, &Error{Stage: StageProof, Reason: "shared secret does not match", Detail: id.String()}
	}
	return &Info{Identity: id, Method: wire.AuthPSK}, nil
}

// verifySignature builds the chain first, because only then there is a key to verify with.
func (p *Peer) verifySignature(c *Claim, id Identity) (*Info, error) {
	key, info, err := p.Trust.Verify(chainOf(c.Certs), id, c.Now)
	if err != nil {
		return nil, err
	}
	if c.Auth.Method == wire.AuthSignature {
		err = sign.Verify(key, c.Auth.Data, c.Octets, sign.SupportedHashes())
	} else {
		err = sign.VerifyLegacy(key, uint8(c.Auth.Method), c.Auth.Data, c.Octets)
	}
	if err != nil {
		return nil, &Error{Stage: StageProof, Reason: "signature refused", Detail: id.String(), Err: err}
	}
	info.Method = c.Auth.Method
	return info, nil
}

// chainOf is the certificates among the CERT payloads, in order. Revocation lists and URLs of the peer's are passed over
// (HAZ-19).
func chainOf(certs []wire.Cert) [][]byte {
	certs = slices.DeleteFunc(slices.Clone(certs), func(c wire.Cert) bool { return c.Encoding != wire.CertX509Signature })
	chain := make([][]byte, len(certs))
	for i, c := range certs {
		chain[i] = c.Data
	}
	return chain
}
