package prf

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Keys are the seven keys of an IKE SA (RFC 7296 2.14). They share one array, which Wipe clears. Owned by the IKE SA
// they protect.
type Keys struct {
	D      []byte // SK_d: derives the keys of Child SAs and of the successor; Len octets
	Ai, Ar []byte // SK_a: integrity of the SK payload from initiator and responder; empty with an AEAD
	Ei, Er []byte // SK_e: its encryption, with the AEAD's salt at the tail
	Pi, Pr []byte // SK_p: enter AUTH of initiator and responder; Len octets

	all []byte // the array
}

// Wipe overwrites the keys. They are empty from then on.
func (k *Keys) Wipe() {
	clear(k.all)
	*k = Keys{}
}

// Format writes a placeholder under every verb, so that no log line shows a key.
func (Keys) Format(w fmt.State, _ rune) { io.WriteString(w, "(IKE keys)") }

// MarshalText gives the placeholder too, for encoders that do not format.
func (Keys) MarshalText() ([]byte, error) { return []byte("(IKE keys)"), nil }

// Skeyseed is SKEYSEED = prf(Ni | Nr, g^ir) of a new IKE SA (RFC 7296 2.14). The caller wipes it.
func Skeyseed(p PRF, ni, nr, secret []byte) []byte {
	return p.Sum(make([]byte, 0, p.len), join(ni, nr), secret)
}

// RekeySkeyseed is SKEYSEED = prf(SK_d (old), g^ir | Ni | Nr) of an IKE SA that replaces another (RFC 7296 2.18): old
// and skD are those of the SA being replaced, whatever PRF the new one has. The caller wipes it.
func RekeySkeyseed(old PRF, skD, secret, ni, nr []byte) []byte {
	return old.Sum(make([]byte, 0, old.len), skD, secret, ni, nr)
}

// DeriveIKE expands SKEYSEED into the keys of an IKE SA: {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} =
// prf+(SKEYSEED, Ni | Nr | SPIi | SPIr) (RFC 7296 2.14). encrKey is the length in octets of SK_ei, an AEAD's salt
// included, and integKey that of SK_ai, 0 with an AEAD. The error wraps ErrLength.
func DeriveIKE(p PRF, skeyseed, ni, nr []byte, spiI, spiR uint64, encrKey, integKey int) (*Keys, error) {
	if limit := maxBlocks * p.len; encrKey < 0 || encrKey > limit || integKey < 0 || integKey > limit {
		return nil, fmt.Errorf("keys of %d and %d octets, want 0 to %d: %w", encrKey, integKey, limit, ErrLength)
	}
	seed := join(ni, nr)
	seed = binary.BigEndian.AppendUint64(seed, spiI)
	seed = binary.BigEndian.AppendUint64(seed, spiR)
	n := 3*p.len + 2*encrKey + 2*integKey
	all, err := p.Plus(nil, skeyseed, seed, n)
	if err != nil {
		return nil, fmt.Errorf("keys of the IKE SA: %w", err)
	}
	k := &Keys{all: all}
	for _, part := range [...]struct {
		key *[]byte
		len int
	}{
		{&k.D, p.len}, {&k.Ai, integKey}, {&k.Ar, integKey}, {&k.Ei, encrKey}, {&k.Er, encrKey}, {&k.Pi, p.len}, {&k.Pr, p.len},
	} {
		*part.key, all = all[:part.len:part.len], all[part.len:]
	}
	return k, nil
}

// join is Ni | Nr with room for the two SPIs.
func join(ni, nr []byte) []byte {
	both := make([]byte, 0, len(ni)+len(nr)+16)
	return append(append(both, ni...), nr...)
}
