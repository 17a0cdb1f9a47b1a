// Package aead is the burst interface to authenticated encryption. ESP fills a vector of descriptors, one per packet, and
// a back-end seals or opens all of them in one call, in place. What is per packet (nonce, AAD, sequence number) comes from
// ESP in the descriptor; what is per key stays in the back-end's key table, expanded once, off the lcore.
//
// The descriptor is pointer-free and has one layout for Go, Go assembly and C.
package aead

import "stillwater/crypto/suite"

// Status is the outcome of one descriptor.
type Status uint8

// The outcomes.
const (
	// OK: sealed, or opened and authentic.
	OK Status = iota
	// AuthFailed: the integrity check value does not match, the slot holds no key, or the descriptor has lengths that its
	// algorithm cannot have. After Seal the packet must not be sent.
	AuthFailed
)

// Desc describes one packet to seal or open in place. 64 octets, no pointers. Owned by one lcore.
//
// Three kinds of algorithm use it, chosen by the key slot:
//
//	AEAD (AES-GCM-16, ChaCha20-Poly1305 and their implicit-IV twins): text is what is encrypted; Nonce[:12] is salt and
//	IV; AAD[:AADLen] is SPI and sequence number, 8 or 12 octets (RFC 4106 5: SPI, high, low).
//
//	NULL-GMAC (RFC 4543): text is IV, payload and trailer, authenticated and left as it is; Nonce[:12] is salt and IV;
//	AAD[:AADLen] as above. The ICV covers AAD then text (RFC 4543 3.3).
//
//	Encrypt-then-MAC (AES-CBC or NULL with HMAC-SHA2): text is IV (16 octets for CBC, none for NULL), payload and trailer; what
//	follows the IV is encrypted under it. Nonce is not used. AAD[:8] is SPI and low sequence number, and with AADLen 12
//	AAD[8:12] is the high half, which the ICV covers last (RFC 4303 2.2.1): HMAC(AAD[:8] | text | AAD[8:12]).
//
// The ICV stands at Addr+Len, as many octets as the slot's algorithm has; the memory there must be the packet's own.
type Desc struct {
	Addr   uintptr  // first octet of text
	Len    uint32   // octets of text, ICV not counted
	Slot   uint32   // key slot
	Nonce  [16]byte // see above
	AAD    [16]byte // see above
	AADLen uint8    // 8 with 32-bit, 12 with 64-bit sequence numbers; see MaxAAD
	Status Status   // set by Seal and Open
	_      [14]byte
}

// MaxAAD is the largest AADLen. ESP uses 8 and 12 only. For AEAD and GMAC every back-end takes any length up to MaxAAD,
// so that published vectors run through the same code as packets do; encrypt-then-MAC takes 8 and 12 and nothing else.
const MaxAAD = 16

// MaxText is the largest Len, the size of the largest mbuf class.
const MaxText = 1 << 16

// Engine is a back-end with its key table. Seal and Open are owned by one lcore. SetKey and ClearKey may run on another
// goroutine for a slot that no descriptor names at that time; handing the slot number over is the caller's
// synchronisation (a ring).
type Engine interface {
	// Name is the back-end's name: "std".
	Name() string
	// Slots is the size of the key table; slots are 0..Slots()-1.
	Slots() int
	// SetKey expands key for algorithm a into a slot. key is the cipher key, followed by the integrity key for
	// encrypt-then-MAC; salts stay with ESP. The engine keeps no reference to key.
	SetKey(slot uint32, a suite.Alg, key []byte) error
	// ClearKey empties a slot, wiping what the back-end can wipe.
	ClearKey(slot uint32)
	// Seal encrypts and authenticates every descriptor in place, writes each ICV and sets each Status. What it cannot seal
	// (see AuthFailed) it zeroes, so that no plaintext leaves even where the caller forgets to look.
	Seal(ds []Desc)
	// Open authenticates and decrypts every descriptor in place, sets each Status, and returns how many failed. The text
	// of a failed descriptor is undefined and must not be used.
	Open(ds []Desc) (failed int)
}
