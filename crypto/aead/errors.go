package aead

import (
	"errors"
	"fmt"

	"stillwater/crypto/suite"
)

// The reasons for which SetKey refuses a key. They come wrapped with the values at fault, never with key octets.
var (
	// ErrSlot: the slot number is outside the engine's key table.
	ErrSlot = errors.New("aead: no such key slot")
	// ErrAlg: the algorithm is unknown or this back-end does not have it.
	ErrAlg = errors.New("aead: algorithm not available")
	// ErrKeyLen: the key is not exactly as long as the algorithm's cipher and integrity keys together.
	ErrKeyLen = errors.New("aead: wrong key length")
)

// checkKey is what every back-end's SetKey asks first. It returns the algorithm's row.
func checkKey(slot uint32, slots int, a suite.Alg, key []byte) (suite.ESP, error) {
	if int64(slot) >= int64(slots) {
		return suite.ESP{}, fmt.Errorf("%w: slot %d, want less than %d", ErrSlot, slot, slots)
	}
	s, ok := suite.Lookup(a)
	if !ok {
		return suite.ESP{}, fmt.Errorf("%w: %v", ErrAlg, a)
	}
	if len(key) != s.KeyLen() {
		return suite.ESP{}, fmt.Errorf("%w: %v has %d octets, want %d", ErrKeyLen, a, len(key), s.KeyLen())
	}
	return s, nil
}
