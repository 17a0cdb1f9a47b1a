package prf

import "fmt"

// Keymat is the first n octets of KEYMAT = prf+(SK_d, [g^ir |] Ni | Nr) (RFC 7296 2.17), n being what both directions
// need: the keys from initiator to responder come first, and of one direction the encryption key, with its salt, before
// the integrity key. secret is nil where the exchange had no key exchange of its own. The error wraps ErrLength. The
// caller wipes the result.
func Keymat(p PRF, skD, secret, ni, nr []byte, n int) ([]byte, error) {
	seed := make([]byte, 0, len(secret)+len(ni)+len(nr))
	seed = append(append(append(seed, secret...), ni...), nr...)
	defer clear(seed)
	keymat, err := p.Plus(nil, skD, seed, n)
	if err != nil {
		return nil, fmt.Errorf("key material of the Child SA: %w", err)
	}
	return keymat, nil
}
