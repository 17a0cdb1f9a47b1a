package sign

import (
	"crypto"
	_ "crypto/sha256" // crypto.SHA256
	_ "crypto/sha512" // crypto.SHA384 and crypto.SHA512
	"encoding/binary"
	"fmt"
	"slices"
)

// Hash is an IKEv2 Hash Algorithm number, as SIGNATURE_HASH_ALGORITHMS announces it (RFC 7427 4).
type Hash uint16

// The hash algorithms. SHA1 is here to be named when it is refused: RFC 8247 4.2 forbids it.
const (
	SHA1     Hash = 1
	SHA256   Hash = 2
	SHA384   Hash = 3
	SHA512   Hash = 4
	Identity Hash = 5 // no hashing before the signature: EdDSA (RFC 8420 2)
)

// hashes is what each usable Hash is in the standard library; Identity is crypto.Hash(0), which signers take as "message".
var hashes = map[Hash]crypto.Hash{SHA256: crypto.SHA256, SHA384: crypto.SHA384, SHA512: crypto.SHA512, Identity: 0}

// hashNames are the names of RFC 7427 7 and RFC 8420 4.
var hashNames = map[Hash]string{SHA1: "SHA1", SHA256: "SHA2-256", SHA384: "SHA2-384", SHA512: "SHA2-512", Identity: "Identity"}

// String is the IANA name, or the number in words.
func (h Hash) String() string {
	if name, ok := hashNames[h]; ok {
		return name
	}
	return fmt.Sprintf("hash %d", uint16(h))
}

// digest is what is signed in place of octets: its hash, or octets themselves for Identity. h is in hashes.
func (h Hash) digest(octets []byte) []byte {
	if h == Identity {
		return octets
	}
	state := hashes[h].New()
	state.Write(octets)
	return state.Sum(nil)
}

// SupportedHashes is what this end announces and accepts. Identity is in it because EdDSA is supported (RFC 8420 3). The
// caller owns the slice.
func SupportedHashes() []Hash { return []Hash{SHA256, SHA384, SHA512, Identity} }

// AppendHashes appends the notification data of SIGNATURE_HASH_ALGORITHMS (RFC 7427 4).
func AppendHashes(b []byte, list []Hash) []byte {
	for _, h := range list {
		b = binary.BigEndian.AppendUint16(b, uint16(h))
	}
	return b
}

// ParseHashes reads the notification data of SIGNATURE_HASH_ALGORITHMS: the hashes that can be used here, each once, in the
// peer's order. Unknown ones, SHA-1 and a trailing odd octet are passed over, so that the answer is short whatever came.
func ParseHashes(data []byte) []Hash {
	var list []Hash
	for ; len(data) >= 2; data = data[2:] {
		h := Hash(binary.BigEndian.Uint16(data))
		if _, usable := hashes[h]; usable && !slices.Contains(list, h) {
			list = append(list, h)
		}
	}
	return list
}
