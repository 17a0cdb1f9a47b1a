package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// The authentication methods that fix key and hash by number (RFC 7296 3.8, RFC 4754 3).
const (
	MethodRSA      uint8 = 1
	MethodECDSA256 uint8 = 9
	MethodECDSA384 uint8 = 10
	MethodECDSA521 uint8 = 11
)

// legacyECDSA is the method of each curve, named by the scheme with its hash, and the octets of r and of s (RFC 4754 7).
var legacyECDSA = map[Scheme]struct {
	method uint8
	octets int
}{
	ECDSASHA256: {MethodECDSA256, 32},
	ECDSASHA384: {MethodECDSA384, 48},
	ECDSASHA512: {MethodECDSA521, 66},
}

// SignLegacy signs without RFC 7427, for peers that did not announce hashes: r and s without any encoding for ECDSA, PKCS #1
// v1.5 with SHA-256 for RSA. The key decides the method. Ed25519 has none (RFC 8420).
//
// RFC 7296 3.8 lets RSA signers choose the hash and suggests SHA-1 as the default, which RFC 8247 no longer allows; a peer
// that knows only SHA-1 cannot be served.
func SignLegacy(key crypto.Signer, octets []byte) (method uint8, signature []byte, err error) {
	if key == nil {
		return 0, nil, fmt.Errorf("%w: no private key", ErrKey)
	}
	s, err := legacyScheme(key.Public())
	if err != nil {
		return 0, nil, err
	}
	signature, err = key.Sign(rand.Reader, s.Hash().digest(octets), s.options())
	if err != nil {
		return 0, nil, fmt.Errorf("sign with %v: %w", s, err)
	}
	if s == RSAPKCS1SHA256 {
		return MethodRSA, signature, nil
	}
	raw, err := fromDER(signature, legacyECDSA[s].octets)
	return legacyECDSA[s].method, raw, err
}

// legacyScheme is what a key signs with where nothing can be chosen.
func legacyScheme(pub crypto.PublicKey) (Scheme, error) {
	if err := CheckKey(pub); err != nil {
		return 0, err
	}
	if familyPKCS1.fits(pub) {
		return RSAPKCS1SHA256, nil
	}
	if key, ok := pub.(*ecdsa.PublicKey); ok {
		s, _ := preferred(key)
		return s, nil
	}
	return 0, fmt.Errorf("%w: a key of type %T signs only under RFC 7427", ErrAlgorithm, pub)
}

// VerifyLegacy checks a signature of method 1, 9, 10 or 11 over octets. ECDSA: the curve is the method's, r and s have the
// length of the curve each. RSA: PKCS #1 v1.5 with a hash of SHA-2; the signature names no hash outside itself, so each is
// encoded and compared, and SHA-1 is not among them.
func VerifyLegacy(pub crypto.PublicKey, method uint8, signature, octets []byte) error {
	if err := CheckKey(pub); err != nil {
		return err
	}
	if method == MethodRSA {
		return verifyLegacyRSA(pub, signature, octets)
	}
	key, ok := pub.(*ecdsa.PublicKey)
	if !ok {
		return fmt.Errorf("%w: method %d with a key of type %T", ErrAlgorithm, method, pub)
	}
	s, _ := preferred(key)
	row := legacyECDSA[s]
	if row.method != method {
		return fmt.Errorf("%w: method %d with a key on %s", ErrAlgorithm, method, key.Params().Name)
	}
	if len(signature) != 2*row.octets {
		return fmt.Errorf("%w: signature of %d octets, method %d has %d", ErrFormat, len(signature), method, 2*row.octets)
	}
	encoded, err := toDER(signature)
	if err != nil {
		return err
	}
	return s.verify(pub, encoded, octets)
}

// verifyLegacyRSA tries the hashes of SHA-2, the usual one first.
func verifyLegacyRSA(pub crypto.PublicKey, signature, octets []byte) error {
	var err error
	for s := RSAPKCS1SHA256; s <= RSAPKCS1SHA512; s++ {
		if err = s.verify(pub, signature, octets); err == nil {
			return nil
		}
	}
	return err
}

// pair is an ECDSA signature in ASN.1 (RFC 3279 2.2.3).
type pair struct{ R, S *big.Int }

// toDER encodes r|s, two halves of equal length, as pair.
func toDER(raw []byte) ([]byte, error) {
	half := len(raw) / 2
	return asn1.Marshal(pair{new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])})
}

// fromDER writes a pair that our own signer made as r|s of size octets each.
func fromDER(encoded []byte, size int) ([]byte, error) {
	var p pair
	if rest, err := asn1.Unmarshal(encoded, &p); err != nil || len(rest) != 0 {
		return nil, fmt.Errorf("%w: the signer's own, not a sequence of r and s", ErrFormat)
	}
	if p.R.Sign() < 0 || p.S.Sign() < 0 || p.R.BitLen() > 8*size || p.S.BitLen() > 8*size {
		return nil, fmt.Errorf("%w: the signer's own, r or s longer than %d octets", ErrFormat, size)
	}
	raw := make([]byte, 2*size)
	p.R.FillBytes(raw[:size])
	p.S.FillBytes(raw[size:])
	return raw, nil
}
