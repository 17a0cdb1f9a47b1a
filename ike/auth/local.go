package auth

import (
	"slices"

	"stillwater/crypto/sign"
	"stillwater/ike/wire"
)

// Local is our side of a connection: who we are and how we prove it. Immutable once in use, safe for concurrent use.
type Local struct {
	ID         Identity
	Method     Method
	PSK        []byte        // secret, for method PSK
	Credential *Credential   // for method Pubkey
	Schemes    []sign.Scheme // for method Pubkey: what to sign with, by preference; nil leaves it to the key
}

// Check reports, at load, what would make every authentication fail: no secret (HAZ-25), no key, or an identity that the
// certificate does not carry, which any peer would refuse.
func (l *Local) Check() error {
	switch {
	case l.ID.IsZero():
		return &Error{Stage: StageConfig, Reason: "no local identity"}
	case l.Method == PSK && len(l.PSK) == 0:
		return &Error{Stage: StageConfig, Reason: "no shared secret", Detail: l.ID.String()}
	case l.Method == Pubkey && l.Credential == nil:
		return &Error{Stage: StageConfig, Reason: "no private key", Detail: l.ID.String()}
	case l.Method == Pubkey:
		return bind(l.Credential.Leaf, l.ID)
	case l.Method != PSK:
		return &Error{Stage: StageConfig, Reason: "no authentication method", Detail: l.ID.String()}
	}
	return nil
}

// Wire is our ID payload. A distinguished name goes out with the octets of the certificate's subject, so that the peer's
// binary comparison succeeds (RFC 4945 3.1.5).
func (l *Local) Wire(responder bool) wire.ID {
	id := l.ID
	if id.Type == wire.IDDN && l.Credential != nil && (Identity{wire.IDDN, l.Credential.Leaf.RawSubject}).Equal(id) {
		id.Data = l.Credential.Leaf.RawSubject
	}
	return id.Wire(responder)
}

// Certs is the chain to send, the signer's certificate first (RFC 7296 3.6); nil for a shared secret.
func (l *Local) Certs() []wire.Cert {
	if l.Method != Pubkey || l.Credential == nil {
		return nil
	}
	var certs []wire.Cert
	for _, der := range l.Credential.Chain {
		certs = append(certs, wire.Cert{Encoding: wire.CertX509Signature, Data: der})
	}
	return certs
}

// Auth makes our AUTH payload over our own SignedOctets. It signs, so it belongs in the worker pool. The error is an *Error.
func (l *Local) Auth(e Exchange, octets []byte) (wire.Auth, error) {
	switch {
	case l.Method == PSK && len(l.PSK) > 0:
		return AuthPSK(e.PRF, l.PSK, octets), nil
	case l.Method == Pubkey && l.Credential != nil:
		return l.Credential.auth(e, l.Schemes, octets)
	}
	return wire.Auth{}, &Error{Stage: StageConfig, Reason: "no secret or key of our own", Detail: l.ID.String()}
}

// auth signs, with method 14 where both ends can.
func (c *Credential) auth(e Exchange, schemes []sign.Scheme, octets []byte) (wire.Auth, error) {
	if !e.Digital {
		method, signature, err := sign.SignLegacy(c.Key, octets)
		if err != nil {
			return wire.Auth{}, &Error{Stage: StageConfig, Reason: "cannot sign", Err: err}
		}
		return wire.Auth{Method: wire.AuthMethod(method), Data: signature}, nil
	}
	if len(schemes) == 0 {
		schemes = sign.Preference(c.Key.Public())
	}
	scheme, err := sign.ForKey(c.Key.Public(), e.Hashes, narrow(schemes, e.Methods)...)
	if err != nil {
		return wire.Auth{}, &Error{Stage: StageMethod, Reason: "peer takes none of our signatures", Err: err}
	}
	data, err := sign.Sign(c.Key, scheme, octets)
	if err != nil {
		return wire.Auth{}, &Error{Stage: StageConfig, Reason: "cannot sign", Err: err}
	}
	return wire.Auth{Method: wire.AuthSignature, Data: data}, nil
}

// narrow leaves the schemes that the peer announced (RFC 9593). The announcement is a help and no rule: where it leaves
// nothing, or names no signature at all, everything stays.
func narrow(schemes []sign.Scheme, announced []Announcement) []sign.Scheme {
	taken := func(s sign.Scheme) bool {
		return slices.ContainsFunc(announced, func(a Announcement) bool {
			named, ok := sign.Lookup(a.Algorithm)
			return ok && a.Method == wire.AuthSignature && named == s
		})
	}
	var left []sign.Scheme
	for _, s := range schemes {
		if taken(s) {
			left = append(left, s)
		}
	}
	if len(left) == 0 {
		return schemes
	}
	return left
}
