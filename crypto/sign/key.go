package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"slices"
)

// Bounds of an RSA modulus in bits: RFC 8247 4.2 asks for 2048 at least; more than 8192 is only a way to burn our time
// (LIM-17).
const (
	MinRSABits = 2048
	MaxRSABits = 8192
)

// CheckKey reports, wrapping ErrKey, why a public key is not accepted, before any arithmetic with it: unknown type or curve,
// RSA modulus of the wrong size or even, exponent even or below 3. A nil error is not a promise that the key belongs to
// anyone.
func CheckKey(pub crypto.PublicKey) error {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		return checkRSA(key)
	case *ecdsa.PublicKey:
		if _, ok := preferred(key); !ok {
			return fmt.Errorf("%w: curve is not P-256, P-384 or P-521", ErrKey)
		}
		return nil
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("%w: Ed25519 key of %d octets, want %d", ErrKey, len(key), ed25519.PublicKeySize)
		}
		return nil
	}
	return fmt.Errorf("%w: type %T, want RSA, ECDSA or Ed25519", ErrKey, pub)
}

// checkRSA is CheckKey for RSA.
func checkRSA(key *rsa.PublicKey) error {
	if key == nil || key.N == nil || key.N.Sign() <= 0 {
		return fmt.Errorf("%w: RSA key without modulus", ErrKey)
	}
	if bits := key.N.BitLen(); bits < MinRSABits || bits > MaxRSABits {
		return fmt.Errorf("%w: RSA modulus of %d bits, want %d to %d", ErrKey, bits, MinRSABits, MaxRSABits)
	}
	if key.N.Bit(0) == 0 || key.E < 3 || key.E&1 == 0 {
		return fmt.Errorf("%w: RSA modulus even, or exponent %d not an odd number of 3 or more", ErrKey, key.E)
	}
	return nil
}

// preferred is the scheme whose hash is as strong as the curve (RFC 4754 3); false where the curve is none of ours.
func preferred(key *ecdsa.PublicKey) (Scheme, bool) {
	if key == nil {
		return 0, false
	}
	switch key.Curve {
	case elliptic.P256():
		return ECDSASHA256, true
	case elliptic.P384():
		return ECDSASHA384, true
	case elliptic.P521():
		return ECDSASHA512, true
	}
	return 0, false
}

// fits reports whether a key that CheckKey accepts can use the family. Any of the curves goes with any hash (RFC 7427 6).
func (f family) fits(pub crypto.PublicKey) bool {
	switch pub.(type) {
	case *rsa.PublicKey:
		return f == familyPSS || f == familyPKCS1
	case *ecdsa.PublicKey:
		return f == familyECDSA
	case ed25519.PublicKey:
		return f == familyEdDSA
	}
	return false
}

// ForKey chooses what to sign with: the scheme that matches the key's strength if the peer announced its hash, else the
// nearest stronger hash, else the nearest weaker one. RSA is padded with PSS. Where prefer is given only those schemes are
// considered, in that order: so PKCS #1 v1.5 is chosen, or a policy of the operator's. It wraps ErrKey for a key that is not
// accepted and ErrHash where the peer announced nothing that fits (RFC 7427 4).
func ForKey(pub crypto.PublicKey, peer []Hash, prefer ...Scheme) (Scheme, error) {
	if err := CheckKey(pub); err != nil {
		return 0, err
	}
	if len(prefer) == 0 {
		prefer = Preference(pub)
	}
	for _, s := range prefer {
		if s.known() && schemes[s].family.fits(pub) && slices.Contains(peer, s.Hash()) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%w: peer takes %v, which none of %v does with this key", ErrHash, peer, prefer)
}

// Preference is every scheme of a key that CheckKey accepts in the order of ForKey, nil for any other key. Strengths are those
// of NIST SP 800-57 part 1, table 2: RSA of 3072 bits is worth SHA-256, of 7680 bits SHA-384. PKCS #1 v1.5 comes after all of
// PSS, so it is only reached by peers that take nothing else.
func Preference(pub crypto.PublicKey) []Scheme {
	if CheckKey(pub) != nil {
		return nil
	}
	switch key := pub.(type) {
	case *ecdsa.PublicKey:
		best, _ := preferred(key)
		return around(best, ECDSASHA256, ECDSASHA512)
	case *rsa.PublicKey:
		step := strength(key.N.BitLen())
		return append(around(RSAPSSSHA256+step, RSAPSSSHA256, RSAPSSSHA512),
			around(RSAPKCS1SHA256+step, RSAPKCS1SHA256, RSAPKCS1SHA512)...)
	}
	return []Scheme{Ed25519}
}

// strength is how many steps above SHA-256 the hash of an RSA key of so many bits is.
func strength(bits int) Scheme {
	switch {
	case bits <= 3072:
		return 0
	case bits <= 7680:
		return 1
	}
	return 2
}

// around is best, then what is above it up to last, then what is below it down to first.
func around(best, first, last Scheme) []Scheme {
	var list []Scheme
	for s := best; s <= last; s++ {
		list = append(list, s)
	}
	for s := best - 1; s >= first; s-- {
		list = append(list, s)
	}
	return list
}
