// Package ke carries out the key exchanges of IKEv2 (RFC 7296 3.4): Diffie-Hellman over Curve25519 (RFC 8031), the ECP
// groups (RFC 5903) and the MODP groups (RFC 3526). Values go in and come out in the form of the KE payload's data.
//
// It does not reuse a private value: RFC 6989 makes the checks of the peer's value mandatory for those who do, and they
// are all made here nevertheless. All arithmetic on private values takes constant time.
package ke

import "stillwater/crypto/suite"

// Private is this side's half of one exchange. Make one for each exchange, and wipe it when the exchange is over; until
// then Shared may be called again, because a value that fails may have been forged. Owned by the exchange: used by one
// goroutine at a time.
type Private struct {
	row    suite.KE
	public []byte
	half   half // nil after Wipe
}

// half is the secret part of a Private.
type half interface {
	// shared is the secret with a peer whose value has the right length, or an error that says what else is wrong with
	// it.
	shared(peer []byte) ([]byte, error)
	wipe()
}

// group generates a half and its public value.
type group interface {
	generate() (half, []byte, error)
}

// groups has an entry for each row of crypto/suite's table; a test compares them.
var groups = map[uint16]group{
	suite.KEX25519:   x25519,
	suite.KEECP256:   ecp256,
	suite.KEECP384:   ecp384,
	suite.KEECP521:   ecp521,
	suite.KEMODP2048: modp2048,
	suite.KEMODP3072: modp3072,
	suite.KEMODP4096: modp4096,
}

// Supported reports whether Generate and Respond know the method. NONE (0) is no method.
func Supported(method uint16) bool {
	_, ok := groups[method]
	return ok
}

// Generate draws a fresh private value for an exchange by that method: the initiator's first step, or the responder's
// with a method that treats both alike. The error is an *Error for a method that is not supported.
func Generate(method uint16) (*Private, error) {
	g, ok := groups[method]
	if !ok {
		return nil, &Error{method, "not supported"}
	}
	h, public, err := g.generate()
	if err != nil {
		return nil, &Error{method, err.Error()}
	}
	row, _ := suite.LookupKE(method)
	return &Private{row, public, h}, nil
}

// Respond answers the peer's public value: it returns the value to send back and the shared secret, which the caller
// wipes. It is the responder's whole part, also for a method like ML-KEM, where the answer is made from what the
// initiator sent. Safe for concurrent use. The error is that of Generate or of Shared.
func Respond(method uint16, peer []byte) (public, secret []byte, err error) {
	// A value of the wrong length is the cheapest to send, so it costs no key.
	if row, _ := suite.LookupKE(method); Supported(method) && len(peer) != row.Public {
		return nil, nil, wrongLength(row, peer)
	}
	p, err := Generate(method)
	if err != nil {
		return nil, nil, err
	}
	defer p.Wipe()
	if secret, err = p.Shared(peer); err != nil {
		return nil, nil, err
	}
	return p.public, secret, nil
}

// Method is the IANA transform ID of the method.
func (p *Private) Method() uint16 { return p.row.ID }

// Public is the value to send, in the form of the KE payload's data: 32 octets for Curve25519 (RFC 8031 3.1), x and y of
// an ECP group (RFC 5903 7), a MODP number at the length of the prime (RFC 7296 3.4). Read only.
func (p *Private) Public() []byte { return p.public }

// Shared is the secret shared with the peer that sent this public value: g^ir as it enters SKEYSEED, which for ECP is x
// alone and for MODP has the length of the prime. The caller wipes it. The error is an *Error for a value that is not
// one: wrong length, not on the curve, a MODP number outside 1 < r < p-1, or, with Curve25519, one of small order (RFC
// 6989 2, RFC 7748 6.1).
func (p *Private) Shared(peer []byte) ([]byte, error) {
	if p.half == nil {
		return nil, &Error{p.row.ID, "private value is wiped"}
	}
	if len(peer) != p.row.Public {
		return nil, wrongLength(p.row, peer)
	}
	secret, err := p.half.shared(peer)
	if err != nil {
		return nil, &Error{p.row.ID, err.Error()}
	}
	return secret, nil
}

// Wipe destroys the private value: a MODP exponent is overwritten, a key of crypto/ecdh, which cannot be, is left to the
// collector. The public value stays.
func (p *Private) Wipe() {
	if p.half != nil {
		p.half.wipe()
		p.half = nil
	}
}
