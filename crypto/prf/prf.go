// Package prf computes the pseudorandom functions of IKEv2 and the keys that come out of them: prf and prf+ (RFC 7296
// 2.13), the keys of an IKE SA and of its successor (2.14, 2.18), those of Child SAs (2.17) and the AUTH value of a
// shared key (2.15). It holds no state of an SA and sends nothing.
//
// The hash states inside crypto/hmac cannot be wiped; what this package allocates for secrets of its own, it wipes.
package prf

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"slices"

	"stillwater/crypto/suite"
)

// ErrUnknown is wrapped by the error for a transform ID that is not in the table of crypto/suite.
var ErrUnknown = errors.New("unknown pseudorandom function")

// ErrLength is wrapped by the error for an amount of key material that prf+ cannot give.
var ErrLength = errors.New("no such amount of key material")

// maxBlocks is how often prf+ may be iterated: its counter is one octet (RFC 7296 2.13).
const maxBlocks = 255

// PRF is one pseudorandom function, an HMAC (RFC 4868). Immutable, safe for concurrent use. The zero value is none and
// panics when used.
type PRF struct {
	len  int
	hash func() hash.Hash
}

// New is the pseudorandom function with that IANA transform ID. The error wraps ErrUnknown.
func New(id uint16) (PRF, error) {
	row, ok := suite.LookupPRF(id)
	if !ok {
		return PRF{}, fmt.Errorf("transform %d: %w", id, ErrUnknown)
	}
	return PRF{len: row.Len, hash: hashes[id]}, nil
}

// hashes has an entry for each row of crypto/suite's table; a test compares them.
var hashes = map[uint16]func() hash.Hash{
	suite.PRFHMACSHA256: sha256.New,
	suite.PRFHMACSHA384: sha512.New384,
	suite.PRFHMACSHA512: sha512.New,
}

// Len is the length in octets of the output, and of the keys SK_d, SK_pi and SK_pr.
func (p PRF) Len() int { return p.len }

// Sum appends prf(key, data) to dst, data being the concatenation of its parts. It retains nothing. A key of any length
// will do: HMAC pads a short one and hashes a long one.
func (p PRF) Sum(dst, key []byte, data ...[]byte) []byte {
	mac := hmac.New(p.hash, key)
	for _, part := range data {
		mac.Write(part)
	}
	return mac.Sum(dst)
}

// Plus appends the first n octets of prf+(key, seed) to dst. The error wraps ErrLength: n is negative, or needs more
// than 255 blocks. It retains nothing.
func (p PRF) Plus(dst, key, seed []byte, n int) ([]byte, error) {
	if n < 0 || n > maxBlocks*p.len {
		return nil, fmt.Errorf("prf+ of %d octets, want 0 to %d: %w", n, maxBlocks*p.len, ErrLength)
	}
	dst = slices.Grow(dst, n) // once, so that no outgrown copy stays behind
	mac := hmac.New(p.hash, key)
	block := make([]byte, 0, p.len)
	defer func() { clear(block[:cap(block)]) }()
	// RFC 7296 2.13: T1 = prf(K, S | 0x01), Tn = prf(K, Tn-1 | S | n), the material taken without regard to boundaries.
	for counter := byte(1); n > 0; counter++ {
		mac.Write(block)
		mac.Write(seed)
		mac.Write([]byte{counter})
		block = mac.Sum(block[:0])
		mac.Reset()
		taken := min(n, len(block))
		dst = append(dst, block[:taken]...)
		n -= taken
	}
	return dst, nil
}
