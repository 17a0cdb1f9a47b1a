package ike

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// testBoxes are a box of each kind.
func testBoxes(t *testing.T) map[string]box {
	t.Helper()
	out := map[string]box{}
	for _, s := range []struct {
		encr  uint16
		bits  int
		integ uint16
	}{{suite.EncrAESGCM16, 128, 0}, {suite.EncrAESGCM16, 256, 0}, {suite.EncrAESCBC, 128, 12}, {suite.EncrAESCBC, 256, 14}} {
		e, ok := suite.LookupIKEEncr(s.encr, s.bits)
		i, ok2 := suite.LookupInteg(s.integ)
		if !ok || !ok2 {
			t.Fatalf("no suite %v", s)
		}
		st := suite.IKE{Encr: e, Integ: i}
		key := bytes.Repeat([]byte{1, 2, 3, 4}, 16)
		out[e.Name+i.Name] = newBox(st, key[:e.KeyLen+e.SaltLen], key[:i.KeyLen])
	}
	return out
}

// prefixed is a message up to where the IV begins.
func prefixed() []byte {
	h := wire.Header{SPIi: 1, SPIr: 2, Next: wire.PayloadSK, Version: wire.Version, Exchange: wire.ExchangeInformational}
	return append(h.Append(nil), 0, 0, 0, 0)
}

const ivAt = wire.HeaderLen + genericLen

// What is sealed opens again, at every length; lengths in the header are those of the message; padding is the shortest.
func TestIKE095_SealAndOpen(t *testing.T) {
	for name, b := range testBoxes(t) {
		for n := range 100 {
			plain := bytes.Repeat([]byte{byte(n)}, n)
			msg := b.seal(prefixed(), wire.HeaderLen, plain, func(iv []byte) { iv[0] = 7 })
			if len(msg) != ivAt+n+b.overhead(n) || binary.BigEndian.Uint32(msg[24:]) != uint32(len(msg)) {
				t.Fatalf("%s: %d octets make a message of %d that says %d", name, n, len(msg), binary.BigEndian.Uint32(msg[24:]))
			}
			if got := int(binary.BigEndian.Uint16(msg[wire.HeaderLen+2:])); got != len(msg)-wire.HeaderLen {
				t.Fatalf("%s: the payload says %d octets, has %d", name, got, len(msg)-wire.HeaderLen)
			}
			got, err := b.open(msg, ivAt)
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("%s: opened %x, %v; sealed %x", name, got, err, plain)
			}
		}
	}
}

// room is the inverse of overhead: what fits, and not one octet more.
func TestFRG003_Room(t *testing.T) {
	for name, b := range testBoxes(t) {
		for n := 100; n < 400; n++ {
			room := b.room(n)
			if room+b.overhead(room) > n || room+1+b.overhead(room+1) <= n {
				t.Fatalf("%s: %d octets hold %d, with overhead %d", name, n, room, b.overhead(room))
			}
		}
	}
}

// RFC 7296 3.14, RFC 5282 5.1: every octet from the header on is authenticated, and a shorter message is none.
func TestIKE095_EveryOctetIsAuthenticated(t *testing.T) {
	for name, b := range testBoxes(t) {
		msg := b.seal(prefixed(), wire.HeaderLen, []byte("payloads"), func([]byte) {})
		for i := range msg {
			bad := slices.Clone(msg)
			bad[i] ^= 0x80
			if got, err := b.open(bad, ivAt); err != errICV {
				t.Errorf("%s: octet %d changed: %x, %v", name, i, got, err)
			}
		}
		for n := ivAt; n < len(msg); n++ {
			if got, err := b.open(slices.Clone(msg[:n]), ivAt); err != errICV {
				t.Errorf("%s: %d of %d octets: %x, %v", name, n, len(msg), got, err)
			}
		}
	}
}

// RFC 7296 3.14: padding may have any content and, on receipt, any length that fits.
func TestIKE096_Padding(t *testing.T) {
	for _, c := range []struct {
		text []byte
		want int // length of the plaintext, -1: refused
	}{
		{make([]byte, 16), 15},
		{append(bytes.Repeat([]byte{0xEE}, 15), 15), 0},
		{append(bytes.Repeat([]byte{0xEE}, 31), 20), 11},
		{append(bytes.Repeat([]byte{0xEE}, 15), 16), -1},
		{append(bytes.Repeat([]byte{0xEE}, 15), 255), -1},
	} {
		plain, err := unpad(c.text)
		switch {
		case c.want < 0 && err != errPadding:
			t.Errorf("%x: %x, %v, want errPadding", c.text, plain, err)
		case c.want >= 0 && (err != nil || len(plain) != c.want):
			t.Errorf("%x: %d octets, %v, want %d", c.text, len(plain), err, c.want)
		}
	}
}

// IKE-096: padding that is too long in an authentic request is broken syntax, which ends the SA on both sides.
func TestIKE096_PaddingTooLong(t *testing.T) {
	l := pskLadder(t, func(a, b *Connection) {
		a.Proposals, b.Proposals = ikeProposals("aes128-sha256-x25519"), ikeProposals("aes128-sha256-x25519")
	})
	l.connect("net")
	s := l.a.sa()
	encr, integ := s.outKeys()
	b := newBox(s.suite, encr, integ)
	h := s.header(wire.ExchangeInformational, 2, false)
	h.Next = wire.PayloadSK
	msg := append(h.Append(nil), 0, 0, 0, 0)
	// seal writes the pad length itself, so the last block is made here: the last octet of the CBC text counts.
	sealed := b.seal(msg, wire.HeaderLen, bytes.Repeat([]byte{0}, 15), func([]byte) {})
	text := sealed[ivAt+16 : len(sealed)-16]
	plainIV := sealed[ivAt : ivAt+16]
	plainIV[15] ^= 16 // CBC: the IV flips the last octet of the first block, the pad length
	sealed = b.sum(sealed[:len(sealed)-16])
	if len(text) != 16 {
		t.Fatalf("%d octets of text, want one block", len(text))
	}
	mark := l.mark()
	l.a.inject(sealed)
	l.expect(mark, "b -> a  INFORMATIONAL response 2: SK{N(INVALID_SYNTAX)}")
	l.b.gone()
}

// RFC 7296 2.12, IKE-094: no key outlives its SA, and what only the setup needed is dropped when it is over.
func TestIKE094_KeysAreWiped(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	var keys [][]byte
	for _, x := range []*end{l.a, l.b} {
		s := x.sa()
		if s.setup != nil {
			t.Errorf("%s keeps what IKE_AUTH needed", x.name)
		}
		keys = append(keys, s.keys.D, s.keys.Ei, s.keys.Er, s.keys.Pi, s.keys.Pr)
	}
	if err := l.a.e.Terminate(l.now, "net"); err != nil {
		t.Fatal(err)
	}
	l.run(time.Minute)
	for i, k := range keys {
		if !bytes.Equal(k, make([]byte, len(k))) {
			t.Errorf("key %d of %d is still there", i, len(keys))
		}
	}
}

// IKE-095: the IVs of a direction never repeat; those of CBC are random.
func TestIKE095_IVs(t *testing.T) {
	for _, proposal := range []string{"aes128gcm16-prfsha256-x25519", "aes128-sha256-x25519"} {
		l := pskLadder(t, func(a, b *Connection) { a.Proposals, b.Proposals = ikeProposals(proposal), ikeProposals(proposal) })
		l.connect("net")
		seen := map[string]bool{}
		for range 1000 {
			msg := l.a.forge(wire.ExchangeInformational, 2, false)[0]
			if iv := string(msg[ivAt : ivAt+8]); seen[iv] {
				t.Fatalf("%s: IV %x twice", proposal, iv)
			} else {
				seen[iv] = true
			}
		}
	}
}
