package aead

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"stillwater/crypto/suite"
)

// TestESPT02_OneBit is ESP-T02 at this layer: one bit off, in any field that an algorithm authenticates, must not open.
func TestESPT02_OneBit(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		p := tamperPacket(s)
		setKey(t, e, 0, s.Alg, p.key)
		sealed := p.reference(t)
		if !opens(e, p, sealed) {
			t.Fatal("the packet itself does not open")
		}
		fields := map[string][]byte{"text and ICV": sealed, "AAD": p.aad}
		if s.Encr.Kind.SelfAuth() {
			fields["nonce"] = p.nonce // encrypt-then-MAC has its IV in the text
		}
		for name, field := range fields {
			for bit := range len(field) * 8 {
				field[bit/8] ^= 1 << (bit % 8)
				if opens(e, p, sealed) {
					t.Errorf("opens with bit %d of %s flipped", bit, name)
				}
				field[bit/8] ^= 1 << (bit % 8)
			}
		}
	})
}

// TestESPT02_OneKeyBit: another key, by one bit of the cipher or the integrity key, does not open either. What encrypts and
// authenticates with two keys (RFC 4303 3.4.4.1) does not notice the cipher key, so only the integrity key counts there.
func TestESPT02_OneKeyBit(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		p := tamperPacket(s)
		sealed := p.reference(t)
		first := 0
		if !s.Encr.Kind.SelfAuth() {
			first = s.Encr.KeyLen
		}
		for i := first; i < len(p.key); i++ {
			key := slices.Clone(p.key)
			key[i] ^= 0x10
			setKey(t, e, 0, s.Alg, key)
			if opens(e, p, sealed) {
				t.Errorf("opens with octet %d of the key changed", i)
			}
		}
	})
}

// TestESPT08_AADLength: a packet sealed under one length of sequence number does not open under the other, even where
// the high half is zero.
func TestESPT08_AADLength(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		for _, n := range []int{8, 12} {
			p := tamperPacket(s)
			p.aad = make([]byte, n)
			setKey(t, e, 0, s.Alg, p.key)
			sealed := p.reference(t)
			p.aad = make([]byte, 20-n)
			if opens(e, p, sealed) {
				t.Errorf("sealed with an AAD of %d octets, opens with %d", n, 20-n)
			}
		}
	})
}

// TestESPT09_ICVLength: an ICV that is cut short (its last octets are another packet's) does not open at any length.
func TestESPT09_ICVLength(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		p := tamperPacket(s)
		setKey(t, e, 0, s.Alg, p.key)
		sealed := p.reference(t)
		for kept := range s.ICVLen() {
			cut := slices.Clone(sealed)
			for i := len(p.text) + kept; i < len(cut); i++ {
				cut[i] = ^cut[i]
			}
			if opens(e, p, cut) {
				t.Errorf("opens with %d octets of its ICV, want all %d", kept, s.ICVLen())
			}
		}
	})
}

// TestESP03B_AuthenticBeforeDecryption: what fails its ICV under AES-CBC is not decrypted; the cipher text stands as
// it came.
func TestESP03B_AuthenticBeforeDecryption(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		if s.Encr.Kind != suite.KindCBC {
			return
		}
		p := tamperPacket(s)
		setKey(t, e, 0, s.Alg, p.key)
		b := p.buffer()
		copy(b.sealed(), p.reference(t))
		b.sealed()[len(p.text)] ^= 1
		before := slices.Clone(b.octets)
		if e.Open([]Desc{p.desc(0, b)}) != 1 {
			t.Fatal("a damaged ICV opens")
		}
		if !bytes.Equal(b.octets, before) {
			t.Error("a packet that failed was changed")
		}
	})
}

// tamperPacket is a packet of fixed content with a 64-bit sequence number.
func tamperPacket(s suite.ESP) packet {
	text := fmt.Appendf(nil, "%-64s", "a packet long enough for an IV and three blocks")
	return packet{
		s, bytes.Repeat([]byte{0x42}, s.KeyLen()), []byte("salt12345678"),
		[]byte{0, 0, 0x43, 0x21, 0, 0, 0, 9, 0, 0, 0, 1}, text,
	}
}

func opens(e Engine, p packet, sealed []byte) bool {
	b := p.buffer()
	copy(b.sealed(), sealed)
	ds := []Desc{p.desc(0, b)}
	failed := e.Open(ds)
	runtime.KeepAlive(b)
	if (failed == 0) != (ds[0].Status == OK) {
		panic("the count of failures contradicts the status")
	}
	return failed == 0
}
