// Package suite is the registry of protection algorithms that ESP can use: the rows of the IANA IKEv2 registries
// "Transform Type 1" (encryption) and "Transform Type 3" (integrity) with the lengths that packets and key material are
// built from, and the complete combinations of the two. It holds names and numbers only; it does no cryptography and
// imports nothing of this module.
package suite

import "strconv"

// Alg is the dense index of one complete ESP protection algorithm, encryption and integrity together. Back-ends
// dispatch on it, so it names what is computed rather than how it was negotiated. The zero value is no algorithm.
type Alg uint8

// The algorithms. The implicit-IV twins (RFC 8750) compute what their originals compute and differ on the wire only.
const (
	AES128GCM16 Alg = iota + 1
	AES192GCM16
	AES256GCM16
	ChaCha20Poly1305
	AES128GCM16IIV
	AES192GCM16IIV
	AES256GCM16IIV
	ChaCha20Poly1305IIV
	AES128GMAC
	AES192GMAC
	AES256GMAC
	AES128CBCSHA256
	AES128CBCSHA384
	AES128CBCSHA512
	AES192CBCSHA256
	AES192CBCSHA384
	AES192CBCSHA512
	AES256CBCSHA256
	AES256CBCSHA384
	AES256CBCSHA512
	NullSHA256
	NullSHA384
	NullSHA512

	// AlgCount is one more than the largest Alg: the length of an array indexed by Alg.
	AlgCount = int(NullSHA512) + 1
)

// String is the algorithm's name as in ESP.String, or "alg(n)" for a number that names none.
func (a Alg) String() string {
	if s, ok := Lookup(a); ok {
		return s.String()
	}
	return "alg(" + strconv.Itoa(int(a)) + ")"
}

// Kind is the construction of an encryption transform: what is encrypted, what is authenticated and in which order.
type Kind uint8

// The constructions.
const (
	// KindAEAD encrypts and authenticates in one primitive (RFC 4106, RFC 7634, RFC 8750).
	KindAEAD Kind = iota + 1
	// KindGMAC authenticates and leaves the payload clear (RFC 4543). Its key and salt are those of GCM.
	KindGMAC
	// KindCBC encrypts, then a separate integrity transform authenticates (RFC 3602, RFC 4868).
	KindCBC
	// KindNull encrypts nothing; a separate integrity transform authenticates (RFC 2410, RFC 4868).
	KindNull
)

// SelfAuth reports whether the construction has an integrity check of its own, so that no integrity transform goes with
// it.
func (k Kind) SelfAuth() bool { return k == KindAEAD || k == KindGMAC }

// Encr is one row of IANA "Transform Type 1 - Encryption Algorithm Transform IDs", as ESP uses it, for one key size.
// Immutable value. Lengths are octets.
type Encr struct {
	ID         uint16 // IANA transform ID
	Name       string // strongSwan's spelling
	KeyBits    int    // Key Length attribute (RFC 7296 3.3.5) in bits; 0 where the transform must not carry one
	KeyLen     int    // cipher key, salt not counted
	SaltLen    int    // salt at the tail of KEYMAT
	IVLen      int    // IV in each packet
	BlockLen   int    // the encrypted part is a multiple of this
	ICVLen     int    // ICV in each packet; 0 where the integrity transform supplies it
	Kind       Kind   // construction
	ImplicitIV bool   // the IV is the sequence number and is not sent (RFC 8750)
}

// Integ is one row of IANA "Transform Type 3 - Integrity Algorithm Transform IDs". The zero value is NONE, which goes
// with encryption that authenticates by itself. Immutable value. Lengths are octets.
type Integ struct {
	ID     uint16 // IANA transform ID
	Name   string // strongSwan's spelling
	KeyLen int    // key, always the digest's full length (RFC 4868 2.1.1)
	ICVLen int    // digest truncated to its first half (RFC 4868 2.1)
}
