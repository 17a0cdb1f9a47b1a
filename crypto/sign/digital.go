package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"
)

// Sign makes the authentication data of the Digital Signature method: the length of the AlgorithmIdentifier in one octet, the
// AlgorithmIdentifier, the signature over octets (RFC 7427 3). ECDSA signatures are DER, PSS salts are as long as the hash.
// key may live in hardware: only crypto.Signer is asked of it.
func Sign(key crypto.Signer, s Scheme, octets []byte) (authData []byte, err error) {
	if key == nil {
		return nil, fmt.Errorf("%w: no private key", ErrKey)
	}
	if err := CheckKey(key.Public()); err != nil {
		return nil, err
	}
	if !s.known() || !schemes[s].family.fits(key.Public()) {
		return nil, fmt.Errorf("%w: %v with a key of type %T", ErrAlgorithm, s, key.Public())
	}
	signature, err := key.Sign(rand.Reader, s.Hash().digest(octets), s.options())
	if err != nil {
		return nil, fmt.Errorf("sign with %v: %w", s, err)
	}
	algorithm := s.AlgorithmIdentifier()
	return slices.Concat([]byte{byte(len(algorithm))}, algorithm, signature), nil
}

// options is what a crypto.Signer needs to know of a scheme.
func (s Scheme) options() crypto.SignerOpts {
	hash := hashes[s.Hash()]
	if schemes[s].family == familyPSS {
		return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	}
	return hash
}

// Verify checks the authentication data of the Digital Signature method against octets: nil only if the AlgorithmIdentifier
// is one of the table, its hash one of allowed (what this end announced), the key fits it, and the signature verifies with
// nothing left over. Anything else is an error that wraps the reason; none of it is for the peer (IKE-086, IKE-100).
func Verify(pub crypto.PublicKey, authData, octets []byte, allowed []Hash) error {
	s, signature, err := split(authData)
	if err != nil {
		return err
	}
	if !slices.Contains(allowed, s.Hash()) {
		return fmt.Errorf("%w: %v was used, %v were announced", ErrHash, s.Hash(), allowed)
	}
	return s.verify(pub, signature, octets)
}

// split takes authentication data apart: scheme, and a signature that is not empty.
func split(authData []byte) (Scheme, []byte, error) {
	if len(authData) == 0 || len(authData) <= 1+int(authData[0]) {
		return 0, nil, fmt.Errorf("%w: %d octets hold no algorithm and signature", ErrFormat, len(authData))
	}
	end := 1 + int(authData[0])
	s, ok := Lookup(authData[1:end])
	if !ok {
		return 0, nil, fmt.Errorf("%w: AlgorithmIdentifier % x", ErrAlgorithm, authData[1:end])
	}
	return s, authData[end:], nil
}

// verify checks one bare signature of a scheme in the table, in the form of Digital Signature.
func (s Scheme) verify(pub crypto.PublicKey, signature, octets []byte) error {
	if err := CheckKey(pub); err != nil {
		return err
	}
	if !schemes[s].family.fits(pub) {
		return fmt.Errorf("%w: %v with a key of type %T", ErrAlgorithm, s, pub)
	}
	digest := s.Hash().digest(octets)
	valid := false
	switch key := pub.(type) {
	case *ecdsa.PublicKey:
		valid = ecdsa.VerifyASN1(key, digest, signature)
	case ed25519.PublicKey:
		valid = ed25519.Verify(key, digest, signature)
	case *rsa.PublicKey:
		valid = s.verifyRSA(key, signature, digest)
	}
	if !valid {
		return fmt.Errorf("%w: %v", ErrSignature, s)
	}
	return nil
}

// verifyRSA checks either padding. The standard library encodes the digest anew and compares (IKE-090), and with a salt
// length given takes no other.
func (s Scheme) verifyRSA(key *rsa.PublicKey, signature, digest []byte) bool {
	hash := hashes[s.Hash()]
	if schemes[s].family == familyPSS {
		return rsa.VerifyPSS(key, hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return rsa.VerifyPKCS1v15(key, hash, digest, signature) == nil
}
