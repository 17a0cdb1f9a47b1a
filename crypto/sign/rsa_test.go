package sign

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"math/big"
	"testing"
)

// The DigestInfo prefix of SHA-256 (RFC 8017 9.2, note 1).
const infoSHA256 = "3031 300d 0609 608648016503040201 0500 0420"

// sealed is the RSA signature whose encoded message is em, made with the private key by hand.
func sealed(key *rsa.PrivateKey, em []byte) []byte {
	s := new(big.Int).Exp(new(big.Int).SetBytes(em), key.D, key.N)
	return s.FillBytes(make([]byte, key.Size()))
}

// encoded is 00 01 ff.. 00 and tail, as long as the modulus (RFC 8017 9.2).
func encoded(size int, tail []byte) []byte {
	em := bytes.Repeat([]byte{0xff}, size)
	em[0], em[1] = 0, 1
	em[size-len(tail)-1] = 0
	copy(em[size-len(tail):], tail)
	return em
}

// TestIKE090_EncodedMessages: signatures by the right key whose padding a lenient decoder takes (HAZ-14). Only the one
// encoding of RFC 8017 verifies.
func TestIKE090_EncodedMessages(t *testing.T) {
	key := keyRSA()
	digest := sha256.Sum256(message)
	old := sha1.Sum(message)
	size := key.Size()
	join := func(info string, digest []byte) []byte { return append(unhex(t, info), digest...) }
	short := encoded(size, join(infoSHA256, digest[:]))
	short = append(append(short[:10:10], append([]byte{0}, join(infoSHA256, digest[:])...)...), make([]byte, size)...)[:size]
	first := encoded(size, join(infoSHA256, digest[:]))
	first[1] = 2
	hole := encoded(size, join(infoSHA256, digest[:]))
	hole[20] = 0xfe
	for name, em := range map[string][]byte{
		"garbage behind the digest":     short,
		"block type 2":                  first,
		"padding with another octet":    hole,
		"no DigestInfo":                 encoded(size, digest[:]),
		"digest cut short":              encoded(size, join("3021 300d 0609 608648016503040201 0500 0410", digest[:16])),
		"digest longer than its length": encoded(size, append(join(infoSHA256, digest[:]), 0)),
		"no NULL":                       encoded(size, join("302f 300b 0609 608648016503040201 0420", digest[:])),
		"parameters other than NULL":    encoded(size, join("3033 300f 0609 608648016503040201 0402 0000 0420", digest[:])),
		"long form of a length":         encoded(size, join("308131 300d 0609 608648016503040201 0500 0420", digest[:])),
		"another hash's name":           encoded(size, join("3031 300d 0609 608648016503040202 0500 0420", digest[:])),
		"SHA-1":                         encoded(size, join("3021 3009 0605 2b0e03021a 0500 0414", old[:])),
		"empty digest":                  encoded(size, unhex(t, "3011 300d 0609 608648016503040201 0500 0400")),
	} {
		signature := sealed(key, em)
		if err := Verify(key.Public(), authData(RSAPKCS1SHA256, signature), message, SupportedHashes()); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
		if err := VerifyLegacy(key.Public(), MethodRSA, signature, message); !errors.Is(err, ErrSignature) {
			t.Errorf("%s, method 1: %v", name, err)
		}
	}
	good := sealed(key, encoded(size, join(infoSHA256, digest[:])))
	if err := Verify(key.Public(), authData(RSAPKCS1SHA256, good), message, SupportedHashes()); err != nil {
		t.Errorf("the right encoding: %v", err)
	}
}

// TestIKE090_CubeRoot forges without a private key: with e = 3 the cube root of an encoded message with room for garbage at
// its end is a signature to a lenient decoder (Bleichenbacher 2006, CVE-2018-16152).
func TestIKE090_CubeRoot(t *testing.T) {
	modulus := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 2048), big.NewInt(1)) // odd; its factors do not matter
	pub := &rsa.PublicKey{N: modulus, E: 3}
	digest := sha256.Sum256(message)
	head := append([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, append(unhex(t, infoSHA256), digest[:]...)...)
	em := append(head, bytes.Repeat([]byte{0xff}, 256-len(head))...)
	root := cubeRoot(new(big.Int).SetBytes(em))
	cube := new(big.Int).Exp(root, big.NewInt(3), nil).FillBytes(make([]byte, 256))
	if !bytes.HasPrefix(cube, head) {
		t.Fatal("the forgery is not one: its cube does not begin with a DigestInfo")
	}
	signature := root.FillBytes(make([]byte, 256))
	if err := Verify(pub, authData(RSAPKCS1SHA256, signature), message, SupportedHashes()); !errors.Is(err, ErrSignature) {
		t.Errorf("forged: %v", err)
	}
	if err := VerifyLegacy(pub, MethodRSA, signature, message); !errors.Is(err, ErrSignature) {
		t.Errorf("forged, method 1: %v", err)
	}
}

// cubeRoot is the largest number whose cube is not above n, by bisection.
func cubeRoot(n *big.Int) *big.Int {
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(n.BitLen()/3+1))
	for one := big.NewInt(1); new(big.Int).Sub(high, low).Cmp(one) > 0; {
		middle := new(big.Int).Rsh(new(big.Int).Add(low, high), 1)
		if new(big.Int).Exp(middle, big.NewInt(3), nil).Cmp(n) <= 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// TestHAZ16_SaltLength: PSS with any other salt than the AlgorithmIdentifier says.
func TestHAZ16_SaltLength(t *testing.T) {
	digest := sha256.Sum256(message)
	for _, salt := range []int{1, 20, 31, 33, 48, 222} {
		signature := must(rsa.SignPSS(rand.Reader, keyRSA(), crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: salt}))
		if err := Verify(keyRSA().Public(), authData(RSAPSSSHA256, signature), message, SupportedHashes()); !errors.Is(err, ErrSignature) {
			t.Errorf("salt of %d octets: %v", salt, err)
		}
	}
}

// TestHAZ16_SignatureAboveModulus: s + n is the same residue and must not be the same signature; nor are n, 0 and 1 any.
func TestHAZ16_SignatureAboveModulus(t *testing.T) {
	key := keyRSA()
	for _, s := range []Scheme{RSAPSSSHA256, RSAPKCS1SHA256} {
		data := must(Sign(key, s, message))
		good := new(big.Int).SetBytes(data[1+int(data[0]):])
		for name, bad := range map[string]*big.Int{
			"s+n": new(big.Int).Add(good, key.N), "n": key.N, "n-1": new(big.Int).Sub(key.N, big.NewInt(1)), "0": new(big.Int), "1": big.NewInt(1),
		} {
			if bad.BitLen() > 8*key.Size() {
				continue // does not fit the length, which other tests refuse
			}
			signature := bad.FillBytes(make([]byte, key.Size()))
			if Verify(key.Public(), authData(s, signature), message, SupportedHashes()) == nil {
				t.Errorf("%v: %s verifies", s, name)
			}
		}
	}
}
