package ke

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"slices"
)

// curve is a group of crypto/ecdh, whose public values begin with form where IKE's do not.
type curve struct {
	ecdh.Curve
	form []byte
}

// uncompressed is the octet before x and y in SEC 1. RFC 5903 7 leaves it out.
var uncompressed = []byte{4}

var (
	x25519 = curve{ecdh.X25519(), nil}
	ecp256 = curve{ecdh.P256(), uncompressed}
	ecp384 = curve{ecdh.P384(), uncompressed}
	ecp521 = curve{ecdh.P521(), uncompressed}
)

// curveHalf is a private value on a curve.
type curveHalf struct {
	curve
	private *ecdh.PrivateKey
}

func (c curve) generate() (half, []byte, error) {
	private, err := c.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	h, public := c.half(private)
	return h, public, nil
}

func (c curve) half(private *ecdh.PrivateKey) (half, []byte) {
	return &curveHalf{c, private}, private.PublicKey().Bytes()[len(c.form):]
}

var (
	errNotOnCurve = errors.New("public value is not a point of the curve")
	errSmallOrder = errors.New("public value is of small order")
)

// shared relies on NewPublicKey to refuse what is not a point (RFC 6989 2.3), and on ECDH to refuse the all-zero result
// of a Curve25519 point of small order (RFC 7748 6.1). Curve25519 takes any 32 octets and ignores the top bit (RFC 7748
// 5).
func (h *curveHalf) shared(peer []byte) ([]byte, error) {
	point, err := h.NewPublicKey(slices.Concat(h.form, peer))
	if err != nil {
		return nil, errNotOnCurve
	}
	secret, err := h.private.ECDH(point)
	if err != nil {
		return nil, errSmallOrder
	}
	return secret, nil
}

func (h *curveHalf) wipe() { h.private = nil }
