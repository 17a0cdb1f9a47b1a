package aead

import (
	"crypto/cipher"

	"stillwater/crypto/suite"
)

// Std is the portable back-end over the Go standard library and golang.org/x/crypto. It has every algorithm of
// crypto/suite and is the reference that the others are tested against.
//
// Owned by one lcore, but for SetKey and ClearKey, as Engine says. It allocates in NewStd and SetKey only.
//
// What it deliberately does not do:
//   - it cannot wipe expanded keys: the library keeps them in unexported fields. ClearKey drops the last reference and the
//     collector frees the memory some time later, not zeroed;
//   - it makes the library's own interface call per packet (cipher.AEAD, hash.Hash, cipher.BlockMode). The library offers
//     no other way in, and it is the one exception to the rule against interface calls per packet;
//   - it copies the text for GMAC, because the library wants AAD and text in one piece.
type Std struct {
	keys  []stdKey
	whole []byte   // GMAC: AAD and text in one piece
	mac   [64]byte // HMAC: the digest before truncation
}

// stdKey is one slot. The zero value is the empty slot.
type stdKey struct {
	kind suite.Kind
	icv  int         // octets of ICV
	aead cipher.AEAD // KindAEAD and KindGMAC
	etm  etm         // KindCBC and KindNull
}

// NewStd returns a back-end with that many empty key slots. It panics where slots is not positive.
func NewStd(slots int) *Std {
	if slots <= 0 {
		panic("aead: NewStd needs at least one key slot")
	}
	return &Std{keys: make([]stdKey, slots), whole: make([]byte, MaxAAD+MaxText)}
}

// Name is "std".
func (s *Std) Name() string { return "std" }

// Slots is the size of the key table.
func (s *Std) Slots() int { return len(s.keys) }

// SetKey implements Engine. The error wraps ErrSlot, ErrAlg or ErrKeyLen.
func (s *Std) SetKey(slot uint32, a suite.Alg, key []byte) error {
	esp, err := checkKey(slot, len(s.keys), a, key)
	if err != nil {
		return err
	}
	k := stdKey{kind: esp.Encr.Kind, icv: esp.ICVLen()}
	if k.kind.SelfAuth() {
		k.aead, err = newStdAEAD(esp.Encr.ID, key)
	} else {
		k.etm, err = newEtM(esp, key)
	}
	if err != nil {
		return err
	}
	s.keys[slot] = k
	return nil
}

// ClearKey empties a slot; see Std for what it cannot wipe. A slot outside the table is empty already.
func (s *Std) ClearKey(slot uint32) {
	if int64(slot) < int64(len(s.keys)) {
		s.keys[slot] = stdKey{}
	}
}

// Seal implements Engine. It works run by run: descriptors in a row that name one slot cost one look at the key table.
func (s *Std) Seal(ds []Desc) {
	for len(ds) > 0 {
		n := run(ds)
		k := s.key(ds[0].Slot)
		switch k.kind {
		case suite.KindAEAD:
			sealAEAD(k, ds[:n])
		case suite.KindGMAC:
			s.sealGMAC(k, ds[:n])
		case suite.KindCBC, suite.KindNull:
			s.sealEtM(k, ds[:n])
		default:
			refuseSeal(ds[:n])
		}
		ds = ds[n:]
	}
}

// Open implements Engine, run by run like Seal.
func (s *Std) Open(ds []Desc) (failed int) {
	for len(ds) > 0 {
		n := run(ds)
		k := s.key(ds[0].Slot)
		switch k.kind {
		case suite.KindAEAD:
			failed += openAEAD(k, ds[:n])
		case suite.KindGMAC:
			failed += s.openGMAC(k, ds[:n])
		case suite.KindCBC, suite.KindNull:
			failed += s.openEtM(k, ds[:n])
		default:
			failed += refuseOpen(ds[:n])
		}
		ds = ds[n:]
	}
	return failed
}

// unset is the key of every slot outside a table.
var unset stdKey

func (s *Std) key(slot uint32) *stdKey {
	if int64(slot) < int64(len(s.keys)) {
		return &s.keys[slot]
	}
	return &unset
}

// run is how many descriptors at the head of ds, which is not empty, name the same slot.
func run(ds []Desc) int {
	for i := range ds {
		if ds[i].Slot != ds[0].Slot {
			return i
		}
	}
	return len(ds)
}

// refuse marks a descriptor that cannot be sealed and zeroes its text, which is still plaintext. A length beyond MaxText is
// no buffer's, and what stands there is not touched.
func (d *Desc) refuse() {
	d.Status = AuthFailed
	if d.Len <= MaxText {
		clear(d.text(0))
	}
}

func refuseSeal(ds []Desc) {
	for i := range ds {
		ds[i].refuse()
	}
}

func refuseOpen(ds []Desc) (failed int) {
	for i := range ds {
		ds[i].Status = AuthFailed
	}
	return len(ds)
}
