package ike

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"stillwater/ike/wire"
)

// padding is a payload that everyone skips and that makes a message long.
func padding(n int) wire.Payload { return wire.Vendor{Data: make([]byte, n)} }

// fragmentLadder is an established SA between peers that both take fragments.
func fragmentLadder(t *testing.T) *ladder {
	t.Helper()
	l := pskLadder(t, nil)
	l.connect("net")
	return l
}

// FRG-001: announced by both, or no message is ever in pieces.
func TestFRG001_OnlyWhereBothAnnounce(t *testing.T) {
	for _, c := range []struct{ a, b, datagrams int }{{1280, 1280, 3}, {0, 1280, 1}, {1280, 0, 1}, {0, 0, 1}} {
		l := pskLadder(t, func(a, b *Connection) { a.FragmentSize, b.FragmentSize = c.a, c.b })
		l.connect("net")
		if n := len(l.a.forge(wire.ExchangeInformational, 2, false, padding(3000))); n != c.datagrams {
			t.Errorf("sizes %d and %d: %d datagrams, want %d", c.a, c.b, n, c.datagrams)
		}
		for i, size := range []int{c.a, c.b} {
			if got := strings.Contains(l.log[i], "IKEV2_FRAGMENTATION_SUPPORTED"); i == 0 && got != (size > 0) {
				t.Errorf("size %d: announced %v", size, got)
			}
		}
	}
}

// RFC 7383 2.5: header but for Length and Next Payload, numbers from 1, first payload named in the first only, and an IV each.
func TestFRG002_Form(t *testing.T) {
	l := fragmentLadder(t)
	datagrams := l.a.forge(wire.ExchangeInformational, 2, false, padding(5000))
	if len(datagrams) != 5 {
		t.Fatalf("%d fragments of 5000 octets, want 5", len(datagrams))
	}
	ivs := map[string]bool{}
	for i, b := range datagrams {
		m, err := wire.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		skf := m.Payloads[0].(wire.SKF)
		first := wire.PayloadNone
		if i == 0 {
			first = wire.PayloadVendor
		}
		if m.Header.MessageID != 2 || skf.Number != uint16(i+1) || skf.Total != 5 || skf.First != first {
			t.Errorf("fragment %d has ID %d, number %d of %d, first payload %v", i+1, m.Header.MessageID, skf.Number, skf.Total, skf.First)
		}
		ivs[string(skf.Body[:8])] = true
	}
	if len(ivs) != 5 {
		t.Errorf("%d different IVs in 5 fragments", len(ivs))
	}
}

// FRG-003: no IP datagram is longer than configured, whatever the suite and the family.
func TestFRG003_Threshold(t *testing.T) {
	for _, suite := range []string{"aes128gcm16-prfsha256-x25519", "aes256-sha512-prfsha384-x25519"} {
		for _, size := range []int{576, 1280, 1500} {
			l := pskLadder(t, func(a, b *Connection) {
				a.FragmentSize = size
				a.Proposals, b.Proposals = ikeProposals(suite), ikeProposals(suite)
			})
			l.connect("net")
			for n := range 4000 {
				for _, b := range l.a.forge(wire.ExchangeInformational, 2, false, padding(n)) {
					if len(b)+overIPv4 > size {
						t.Fatalf("%s: a message with %d octets makes a datagram of %d, want at most %d", suite, n, len(b)+overIPv4, size)
					}
				}
			}
		}
	}
}

// RFC 7383 2.6: in any order, and more than once, the fragments are one message.
func TestFRG005_AnyOrder(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {0, 0, 1, 1, 2, 2, 3, 3}, {1, 3, 1, 0, 2}} {
		l := fragmentLadder(t)
		datagrams := l.a.forge(wire.ExchangeInformational, 2, false, padding(4500))
		mark := l.mark()
		for _, i := range order {
			l.a.inject(datagrams[i])
		}
		l.expect(mark, "b -> a  INFORMATIONAL response 2: SK{}")
	}
}

// RFC 7383 2.6, HAZ-12: numbers that make no sense, and octets that are not authentic, leave no trace.
func TestFRG005_BadFragments(t *testing.T) {
	l := fragmentLadder(t)
	datagrams := l.a.forge(wire.ExchangeInformational, 2, false, padding(3000))
	at := wire.HeaderLen + genericLen
	number := func(n, total uint16) []byte {
		b := slices.Clone(datagrams[0])
		binary.BigEndian.PutUint16(b[at:], n)
		binary.BigEndian.PutUint16(b[at+2:], total)
		return b
	}
	mark := l.mark()
	for _, c := range [][2]uint16{{0, 3}, {1, 0}, {4, 3}, {1, 65}, {1, 65535}, {65535, 65535}, {2, 3}, {1, 2}} {
		l.a.inject(number(c[0], c[1])) // the numbers are authenticated too
	}
	for n := at; n < at+40; n++ {
		short := slices.Clone(datagrams[0][:n])
		binary.BigEndian.PutUint16(short[wire.HeaderLen+2:], uint16(n-wire.HeaderLen))
		wire.PatchLength(short)
		l.a.inject(short)
	}
	if asm := &l.b.sa().replies.asm; asm.total != 0 || asm.have != 0 {
		t.Errorf("kept %d of %d fragments", asm.have, asm.total)
	}
	l.a.inject(datagrams...)
	l.expect(mark, "b -> a  INFORMATIONAL response 2: SK{}")
}

// RFC 7383 2.6: more fragments of the same message replace those kept, fewer are ignored.
func TestFRG005_OtherTotals(t *testing.T) {
	l := fragmentLadder(t)
	s := l.a.sa()
	h := s.header(wire.ExchangeInformational, 2, false)
	encr, integ := s.outKeys()
	cut := func(most int) [][]byte {
		b := newBox(s.suite, encr, integ)
		first, plain := wire.AppendPayloads([]byte{}, []wire.Payload{padding(3000)})
		return s.fragments(&b, h, first, plain, most)
	}
	large, small := cut(1400), cut(700)
	mark := l.mark()
	l.a.inject(large[0])
	l.a.inject(small[:len(small)-1]...)
	l.a.inject(large...)
	l.expect(mark)
	l.a.inject(small[len(small)-1])
	l.expect(mark, "b -> a  INFORMATIONAL response 2: SK{}")
}

// FRG-005: fragments of which the rest never comes are forgotten.
func TestFRG005_Timeout(t *testing.T) {
	l := fragmentLadder(t)
	datagrams := l.a.forge(wire.ExchangeInformational, 2, false, padding(3000))
	l.a.inject(datagrams[0], datagrams[1])
	asm := &l.b.sa().replies.asm
	l.run(DefaultLimits.ReassemblyTime - 1)
	if asm.have != 2 {
		t.Fatalf("%d fragments before the time is over, want 2", asm.have)
	}
	l.run(2)
	if asm.have != 0 || asm.pieces != nil {
		t.Errorf("%d fragments after it, want none", asm.have)
	}
	mark := l.mark()
	l.a.inject(datagrams[2])
	l.expect(mark)
	l.a.inject(datagrams[0], datagrams[1])
	l.expect(mark, "b -> a  INFORMATIONAL response 2: SK{}")
}

// RFC 7383 2.6.1: only fragment 1 brings the answer again, cut as before or otherwise.
func TestFRG006_RepeatedFragments(t *testing.T) {
	l := fragmentLadder(t)
	datagrams := l.a.forge(wire.ExchangeInformational, 2, false, padding(3000))
	l.a.inject(datagrams...)
	mark := l.mark()
	l.a.inject(datagrams[1], datagrams[2])
	l.expect(mark)
	l.a.inject(datagrams[0])
	l.expect(mark, "b -> a  INFORMATIONAL response 2: SK{}")
	mark = l.mark()
	forged := slices.Clone(datagrams[0])
	forged[len(forged)-1] ^= 1
	l.a.inject(forged)
	l.expect(mark)
}

// FRG-007: a long answer is in pieces, too, and both ends put them together.
func TestFRG007_AnswersInPieces(t *testing.T) {
	l := fragmentLadder(t)
	l.a.sa().e.guard(l.now, nil, func() {})
	s := l.b.sa()
	l.edit("INFORMATIONAL response", func(ps []wire.Payload) []wire.Payload { return ps })
	task := &emptyTask{s: l.a.sa()}
	l.fate = func(f *flight) fate {
		if f.is("INFORMATIONAL response") && !strings.Contains(f.text, "SKF") {
			return lose
		}
		return arrive
	}
	l.tamper = nil
	l.a.sa().enqueue(l.now, task)
	l.settle()
	l.b.inject(s.protect(s.header(wire.ExchangeInformational, 2, true), []wire.Payload{padding(3000)})...)
	if !task.answered {
		t.Error("a does not take a response in pieces")
	}
}

// FRG-010: one queue, for the message that is expected; nothing is spent on others.
func TestFRG010_OtherMessageIDs(t *testing.T) {
	l := fragmentLadder(t)
	mark := l.mark()
	for _, id := range []uint32{0, 3, 100} {
		l.a.inject(l.a.forge(wire.ExchangeInformational, id, false, padding(3000))...)
	}
	l.expect(mark)
	if c := l.b.e.Counters(); c.Unexpected != 9 || c.BadICV != 0 || l.b.sa().replies.asm.total != 0 {
		t.Errorf("%d unexpected, %d opened in vain, %d fragments wanted", c.Unexpected, c.BadICV, l.b.sa().replies.asm.total)
	}
}

// FRG-010, LIM-01: a message of more octets than the limit is given up, not kept.
func TestLIM01_Reassembled(t *testing.T) {
	for size, answers := range map[int]int{60000: 1, 70000: 0} {
		l := pskLadder(t, func(a, b *Connection) { a.FragmentSize = 3000 })
		l.connect("net")
		mark := l.mark()
		l.a.inject(l.a.forge(wire.ExchangeInformational, 2, false, padding(size/2), padding(size/2))...)
		if got := len(l.log) - mark; got != answers {
			t.Errorf("%d octets: %d answers, want %d", size, got, answers)
		}
	}
}

// LIM-01: before authentication the limit is lower.
func TestLIM01_ReassembledBeforeAuthentication(t *testing.T) {
	for size, good := range map[int]bool{15000: true, 17000: false} {
		l := pskLadder(t, nil)
		l.tamper = func(f *flight) {
			if f.is("IKE_AUTH request") && !strings.Contains(f.text, "SKF") {
				f.d.Data = nil
			}
		}
		l.start()
		s := l.a.sa()
		l.a.inject(s.protect(s.header(wire.ExchangeAuth, 1, false), []wire.Payload{padding(size)})...)
		// What is put together is answered: it lacks IDi.
		if got := strings.Contains(l.tail(1), "IKE_AUTH response 1"); got != good {
			t.Errorf("%d octets before authentication: answered %v, want %v", size, got, good)
		}
	}
}

// HAZ-13: fragments for an SA that is not there.
func TestHAZ13_FragmentsForNobody(t *testing.T) {
	l := fragmentLadder(t)
	datagrams := l.a.forge(wire.ExchangeInformational, 2, false, padding(3000))
	mark := l.mark()
	for _, b := range datagrams {
		binary.BigEndian.PutUint64(b[8:], 12345)
		l.a.inject(b)
	}
	l.expect(mark, "b -> a  INFORMATIONAL response 2: N(INVALID_IKE_SPI)")
}

// HAZ-11: unknown payloads in the clear beside fragments, as many as it takes.
func TestHAZ11_PayloadsBesideFragments(t *testing.T) {
	for _, n := range []int{1, 31, 32, 33, 100} {
		l := fragmentLadder(t)
		mark := l.mark()
		for _, b := range l.a.forge(wire.ExchangeInformational, 2, false, padding(3000)) {
			m, err := wire.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			var ps []wire.Payload
			for range n {
				ps = append(ps, wire.Unknown{T: 200, Data: []byte{1}})
			}
			m.Payloads = append(ps, m.Payloads...)
			l.a.inject(m.Append(nil))
		}
		l.expect(mark) // the clear payloads are not what the sender authenticated
	}
}

// FRG-008: payloads in the clear before the fragment are allowed where the sender has authenticated them.
func TestFRG008_ClearPayloadsAreAuthenticated(t *testing.T) {
	l := fragmentLadder(t)
	s := l.a.sa()
	encr, integ := s.outKeys()
	_, plain := wire.AppendPayloads([]byte{}, []wire.Payload{padding(100)})
	var datagrams [][]byte
	for n, piece := range [][]byte{nil, plain} {
		h := s.header(wire.ExchangeInformational, 2, false)
		first, msg := wire.PayloadVendor, []byte(nil)
		h.Next = wire.PayloadSKF
		if n == 0 {
			h.Next = wire.PayloadVendor
			msg = append(h.Append(nil), byte(wire.PayloadSKF), 0, 0, 6, 'x', 'y')
		} else {
			first = wire.PayloadNone
			msg = h.Append(nil)
		}
		at := len(msg)
		msg = append(msg, byte(first), 0, 0, 0, 0, byte(n+1), 0, 2)
		b := newBox(s.suite, encr, integ)
		datagrams = append(datagrams, b.seal(msg, at, piece, s.fillIV(&b)))
	}
	mark := l.mark()
	l.a.inject(datagrams...) // FRG-012: fragment 1 carries no octet of the message
	l.expect(mark, "b -> a  INFORMATIONAL response 2: SK{}")
}

// A peer that never announced fragmentation gets no memory for fragments.
func TestFRG001_UnannouncedFragments(t *testing.T) {
	l := pskLadder(t, func(_, b *Connection) { b.FragmentSize = 0 })
	l.connect("net")
	s := l.a.sa()
	s.peerFragments = true
	mark := l.mark()
	l.a.inject(s.protect(s.header(wire.ExchangeInformational, 2, false), []wire.Payload{padding(3000)})...)
	l.expect(mark)
	if asm := &l.b.sa().replies.asm; asm.total != 0 {
		t.Errorf("kept %d of %d fragments", asm.have, asm.total)
	}
}

// The pieces are the plaintext, in order, and nothing else.
func TestFRG002_PiecesMakeTheWhole(t *testing.T) {
	var asm assembly
	whole := []byte("the fragments of one message are a blob cut at will")
	pieces := [][]byte{whole[:10], whole[10:10], whole[10:11], whole[11:]}
	for _, i := range []int{3, 1, 0, 2} {
		n := uint16(i + 1)
		if !asm.fresh(n, 4, 64) {
			t.Fatalf("fragment %d is not fresh", n)
		}
		if done := asm.add(n, 4, wire.PayloadVendor, pieces[i], 1000); done != (i == 2) {
			t.Fatalf("done %v after fragment %d", done, n)
		}
		if asm.fresh(n, 4, 64) {
			t.Errorf("fragment %d is fresh twice", n)
		}
	}
	if !bytes.Equal(asm.message(), whole) || asm.first != wire.PayloadVendor {
		t.Errorf("the message is %q, first payload %v", asm.message(), asm.first)
	}
}
