// Package kat holds known answers for the primitives that ESP is protected with. The vectors were computed by others and
// are published: Wycheproof, the RFCs, and the ESP packets of an Internet-Draft (testdata/README.md names each origin and
// its license). Every back-end runs the same lists, so that none is tested only against another of ours.
//
// Its functions are safe for concurrent use; what they return is the caller's.
package kat

import (
	"crypto"
	_ "crypto/sha256" // links the hashes that HashOf names
	_ "crypto/sha512"
	"embed"

	"stillwater/crypto/suite"
)

// Primitive is what a vector exercises. Key lengths are not part of the name.
type Primitive string

// The primitives.
const (
	AESGCM           Primitive = "aes-gcm"           // 96-bit nonce, 128-bit tag
	ChaCha20Poly1305 Primitive = "chacha20-poly1305" // 96-bit nonce
	AESGMAC          Primitive = "aes-gmac"          // 96-bit nonce, 128-bit tag
	HMACSHA256       Primitive = "hmac-sha256"
	HMACSHA384       Primitive = "hmac-sha384"
	HMACSHA512       Primitive = "hmac-sha512"
	AESCBC           Primitive = "aes-cbc" // whole blocks, no padding of its own
)

// Vector is one known answer. The caller owns its slices.
type Vector struct {
	Primitive Primitive
	ID        string // origin and number: "wycheproof/aes_gcm#17"
	Valid     bool   // false: the tag is wrong, and opening must fail
	Key       []byte // of the one primitive; an empty key is a nil slice, and so on for the others
	Nonce     []byte // 12 octets; for AES-CBC the IV of 16; nil for HMAC
	AAD       []byte // for AES-GMAC the first part of the message, Text being the rest
	Text      []byte // plaintext, or what is authenticated
	Sealed    []byte // ciphertext without the tag, as long as Text; nil where nothing is encrypted
	Tag       []byte // truncated for HMAC; nil for AES-CBC
}

//go:embed testdata/*.txt
var files embed.FS

// AEAD is every AES-GCM and ChaCha20-Poly1305 vector.
func AEAD() []Vector {
	return load("aesgcm.txt", "chacha20poly1305.txt", "esp.txt", "rfc.txt").of(AESGCM, ChaCha20Poly1305)
}

// GMAC is every AES-GMAC vector.
func GMAC() []Vector { return load("gmac.txt", "esp.txt").of(AESGMAC) }

// HMAC is every HMAC-SHA2 vector. Those of RFC 4231 have the full tag or that of 128 bits and keys that ESP never has.
func HMAC() []Vector { return load("hmac.txt", "rfc.txt").of(HMACSHA256, HMACSHA384, HMACSHA512) }

// CBC is every AES-CBC vector.
func CBC() []Vector { return load("rfc.txt").of(AESCBC) }

type list []Vector

// load panics where an embedded file is malformed: it is part of the program.
func load(names ...string) (all list) {
	for _, name := range names {
		text, err := files.ReadFile("testdata/" + name)
		if err != nil {
			panic(err)
		}
		vs, err := parse(string(text))
		if err != nil {
			panic("kat: " + name + ": " + err.Error())
		}
		all = append(all, vs...)
	}
	return all
}

func (l list) of(ps ...Primitive) (some []Vector) {
	for _, v := range l {
		for _, p := range ps {
			if v.Primitive == p {
				some = append(some, v)
			}
		}
	}
	return some
}

// Alg is the ESP algorithm that computes exactly this vector, and false where there is none: AES-CBC, which ESP never
// has alone, and HMAC with a key or a truncation that RFC 4868 does not have.
func (v Vector) Alg() (suite.Alg, bool) {
	for _, s := range suite.All() {
		if v.Primitive == primitiveOf(s) && len(v.Key) == s.KeyLen() && len(v.Tag) == s.ICVLen() {
			return s.Alg, true
		}
	}
	return 0, false
}

// primitiveOf is the one primitive that a suite consists of, empty for a suite of two.
func primitiveOf(s suite.ESP) Primitive {
	switch {
	case s.Encr.ID == suite.EncrChaCha20Poly1305:
		return ChaCha20Poly1305
	case s.Encr.ID == suite.EncrAESGCM16:
		return AESGCM
	case s.Encr.Kind == suite.KindGMAC:
		return AESGMAC
	case s.Encr.Kind == suite.KindNull:
		return hmacs[s.Integ.ID]
	}
	return ""
}

var hmacs = map[uint16]Primitive{
	suite.IntegHMACSHA256128: HMACSHA256,
	suite.IntegHMACSHA384192: HMACSHA384,
	suite.IntegHMACSHA512256: HMACSHA512,
}

// HashOf is the hash of an HMAC primitive, 0 for the others.
func HashOf(p Primitive) crypto.Hash {
	switch p {
	case HMACSHA256:
		return crypto.SHA256
	case HMACSHA384:
		return crypto.SHA384
	case HMACSHA512:
		return crypto.SHA512
	}
	return 0
}
