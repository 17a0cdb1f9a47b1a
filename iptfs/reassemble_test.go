package iptfs

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"stillwater/pmd/mbuf"
)

// TestReassemblerConfig refuses what the fields of RFC 9348 cannot hold, and names the value.
func TestReassemblerConfig(t *testing.T) {
	for _, c := range []struct {
		cfg  ReassemblerConfig
		text string // in the error; "" for none
	}{
		{ReassemblerConfig{}, ""},
		{ReassemblerConfig{Window: 65535, LostTimer: 1, MaxInner: 65535}, ""},
		{ReassemblerConfig{Window: -1}, "window of -1 packets"},
		{ReassemblerConfig{Window: 65536}, "window of 65536 packets"},
		{ReassemblerConfig{LostTimer: -5}, "lost timer of -5 ns"},
		{ReassemblerConfig{MaxInner: 39}, "inner packet of 39 octets"},
		{ReassemblerConfig{MaxInner: 65536}, "inner packet of 65536 octets"},
	} {
		r, err := NewReassembler(c.cfg)
		if c.text == "" {
			if err != nil || r == nil {
				t.Errorf("%+v: %v", c.cfg, err)
			}
			continue
		}
		if !errors.Is(err, ErrReassemblerConfig) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: error %v, expected one about %q", c.cfg, err, c.text)
		}
	}
}

// TestTFS073MaxInner skips packets above the limit, whole or not, and keeps their neighbours.
func TestTFS073MaxInner(t *testing.T) {
	fits, big := reasmV4(100, 1), reasmV6(101, 2)
	g := newReasmRig(t, ReassemblerConfig{MaxInner: 100})
	g.expect(g.recv(1, reasmPayload(0, fits, big, fits)), fits, fits)
	g.expect(g.recv(2, reasmPayload(0, big)))
	g.expect(g.recv(3, reasmPayload(0, fits, big[:50])), fits)
	g.expectDeadline(0)
	g.expect(g.recv(4, reasmPayload(51, big[50:], fits)), fits)
	g.expectDrops(mbuf.AggTooBig, 3)
	g.expectIncomplete(0)
}

// TestTFS073Memory holds as much as a peer can make the Reassembler hold, and counts the mbufs (TFS-073): the payloads of
// the window and one partial packet, in either mode.
func TestTFS073Memory(t *testing.T) {
	const window = 8
	for _, immediate := range []bool{false, true} {
		t.Run(fmt.Sprintf("TFS-073 immediate=%v", immediate), func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: window, LostTimer: reasmSecond, Immediate: immediate})
			free := g.pool.Available(mbuf.Class2K) + g.pool.Available(mbuf.Class9K)
			packet := reasmV4(5000, 1)
			g.expect(g.recv(1, reasmPayload(0, packet[:50])))
			for seq := uint64(3); seq < 3+10*window; seq++ {
				g.recv(seq, reasmPayload(0xffff, packet))
				g.recv(seq+window/2, reasmPayload(0, packet[:1000]))
				held := free - g.pool.Available(mbuf.Class2K) - g.pool.Available(mbuf.Class9K)
				if held > window+1 {
					t.Fatalf("%d mbufs held after number %d, expected %d at most", held, seq, window+1)
				}
			}
		})
	}
}

// TestTFS076NoFragments has a peer fragment that was told not to: the packet is dropped, whole blocks are kept.
func TestTFS076NoFragments(t *testing.T) {
	packet, whole := reasmV4(200, 1), reasmV4(60, 2)
	g := newReasmRig(t, ReassemblerConfig{Window: 3, NoFragments: true})
	g.expect(g.recv(1, reasmPayload(0, whole, packet[:80])), whole)
	g.expect(g.recv(2, reasmPayload(120, packet[80:], whole, packet[:2])), whole)
	g.expect(g.recv(3, reasmPayload(198, packet[2:], whole)), whole)
	g.expectDrops(mbuf.AggFragment, 2)
	g.expectCounters(ReassemblerCounters{RxPkts: 3, RxOctets: 180})
}

// TestDrainResumes takes everything out through a burst of one: order and octets are the same, and the payloads received
// meanwhile wait.
func TestDrainResumes(t *testing.T) {
	inner, payloads := reasmAppendixA()
	for size := 1; size < 6; size++ {
		g := newReasmRig(t, ReassemblerConfig{Window: 3})
		for i, p := range payloads {
			g.r.Receive(g.mbuf(uint64(i+1), NextHeader, p), g.pool, 0)
		}
		g.expect(g.drain(size), inner...)
		if n := g.r.Drain(nil, g.pool, 0); n != 0 {
			t.Errorf("%d packets in a burst of none", n)
		}
	}
}

// TestDrainOwed receives a burst and more without draining: the first BurstSize are kept in any case, what exceeds the
// queue is dropped and counted, and nothing is lost track of.
func TestDrainOwed(t *testing.T) {
	g := newReasmRig(t, ReassemblerConfig{Window: 0})
	const received = 200
	for seq := uint64(1); seq <= received; seq++ {
		g.r.Receive(g.mbuf(seq, NextHeader, reasmNumbered(seq)), g.pool, 0)
	}
	got := g.drain(mbuf.BurstSize)
	dropped := g.r.Drops()[mbuf.RingFull]
	if len(got) < mbuf.BurstSize || uint64(len(got))+dropped != received {
		t.Errorf("%d delivered, %d dropped, expected %d together", len(got), dropped, received)
	}
	g.expect(got[:2], reasmNumbers(1, 2)...)
}

// TestDrainSpends takes apart more payloads in one drain than are freed at a time; the rig finds any that is missing.
func TestDrainSpends(t *testing.T) {
	g := newReasmRig(t, ReassemblerConfig{Window: 0})
	const received = 2*mbuf.BurstSize - 1
	for seq := uint64(1); seq <= received; seq++ {
		g.r.Receive(g.mbuf(seq, NextHeader, reasmPayload(0, reasmPad(9))), g.pool, 0)
	}
	g.expect(g.drain(mbuf.BurstSize))
	g.expectDrops(mbuf.AggAllPad, received)
}

// TestInPlace uses a payload with a single whole packet as that packet's mbuf, header and padding cut off; with two in it
// both are copied and the payload is freed.
func TestInPlace(t *testing.T) {
	one, two := reasmV4(100, 1), reasmV4(300, 2)
	cases := []struct {
		name    string
		payload []byte
		inPlace bool
	}{
		{"alone", reasmPayload(0, one), true},
		{"padding behind", reasmCC(0, one, reasmPad(700)), true},
		{"behind a continuation", reasmPayload(7, reasmPad(7), one), true},
		{"two", reasmPayload(0, one, one), false},
		{"a fragment behind", reasmPayload(0, one, two[:30]), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{})
			m := g.mbuf(1, NextHeader, c.payload)
			g.r.Receive(m, g.pool, 0)
			out := make(mbuf.Burst, 2)
			n := g.r.Drain(out, g.pool, 0)
			if n == 0 || (out[0] == m) != c.inPlace {
				t.Fatalf("%d packets, in place %v, expected %v", n, n > 0 && out[0] == m, c.inPlace)
			}
			g.checkInner(out[0])
			consumed := uint64(1)
			if c.inPlace {
				consumed = 0
			}
			g.expectDrops(mbuf.AggConsumed, consumed)
			g.pool.Free(out[:n])
		})
	}
}

// TestNoBuffer runs out of mbufs: packets are dropped and counted, reading ends all the same, and with mbufs back the
// next payload is read in full.
func TestNoBuffer(t *testing.T) {
	inner := [][]byte{reasmV4(60, 1), reasmV4(70, 2), reasmV4(90, 3)}
	g := newReasmRig(t, ReassemblerConfig{Window: 3})
	m := g.mbuf(1, NextHeader, reasmPayload(0, inner[0], inner[1], inner[2][:50]))
	rest := g.mbuf(2, NextHeader, reasmPayload(40, inner[2][50:], inner[0], inner[1]))
	hoard := g.hoard()
	g.r.Receive(m, g.pool, 0)
	g.expect(g.drain(4))
	g.expectDrops(mbuf.NoBuffer, 3)
	g.pool.Free(hoard)
	g.r.Receive(rest, g.pool, 0)
	g.expect(g.drain(4), inner[0], inner[1])
	g.expectIncomplete(0)
}

// TestCongestionMarks carries a CE mark on the outer header of any fragment to the packet (RFC 3168 5.3), so that
// decapsulation finds it (RFC 6040).
func TestCongestionMarks(t *testing.T) {
	packet := reasmV4(90, 1)
	for marked := range 3 {
		for _, immediate := range []bool{false, true} {
			g := newReasmRig(t, ReassemblerConfig{Window: 3, Immediate: immediate})
			out := make(mbuf.Burst, 2)
			n := 0
			g.recv(10, reasmPayload(0, reasmPad(9)))
			for i, p := range [][]byte{reasmPayload(0, packet[:2]), reasmPayload(88, packet[2:50]), reasmPayload(40, packet[50:])} {
				// The immediate mode finds all fragments in its window, 11 being missing.
				m := g.mbuf(uint64(12+i), NextHeader, p)
				if !immediate {
					m.Seq--
				}
				m.TOS = 0xb8
				if i == marked {
					m.TOS |= ecnCE
				}
				g.r.Receive(m, g.pool, 0)
				n = g.r.Drain(out, g.pool, 0)
			}
			if n != 1 || out[0].TOS != 0xb8|ecnCE {
				t.Fatalf("fragment %d marked, immediate=%v: %d packets, outer DS field %#x, expected CE", marked, immediate, n, out[0].TOS)
			}
			g.pool.Free(out[:n])
		}
	}
}

// TestClose counts what it frees: the partial packet, payloads that wait in the window, and those not yet drained.
func TestClose(t *testing.T) {
	packet := reasmV4(200, 1)
	g := newReasmRig(t, ReassemblerConfig{Window: 5})
	g.expect(g.recv(1, reasmPayload(0, packet[:80])))
	g.recv(3, reasmPayload(0, packet))
	g.recv(5, reasmPayload(0, packet))
	g.r.Close(g.pool)
	g.expectDrops(mbuf.Drained, 2)
	g.expectIncomplete(1)

	g = newReasmRig(t, ReassemblerConfig{Window: 5})
	for seq := uint64(1); seq < 4; seq++ {
		g.r.Receive(g.mbuf(seq, NextHeader, reasmPayload(0, packet, packet)), g.pool, 0)
	}
	out := make(mbuf.Burst, 1)
	g.pool.Free(out[:g.r.Drain(out, g.pool, 0)]) // stops inside the first payload
	g.r.Close(g.pool)
	g.expectDrops(mbuf.Drained, 3)
}

// TestReassemblerAllocs drives every path of the receiver without an allocation: order and disorder, loss and timer,
// whole packets, fragments and damage.
func TestReassemblerAllocs(t *testing.T) {
	_, payloads := reasmAppendixA()
	payloads = append(payloads, reasmPayload(0, reasmPad(40)), reasmPayload(0, reasmV4(60, 1), []byte{0x10}),
		reasmPayload(5), []byte{9}, reasmPayload(0, reasmV4(60, 1)), reasmPayload(0, reasmV4(60, 1)[:3]))
	for _, immediate := range []bool{false, true} {
		g := newReasmRig(t, ReassemblerConfig{Window: 3, Immediate: immediate})
		out := make(mbuf.Burst, mbuf.BurstSize)
		base, now := uint64(1), int64(0)
		allocs := testing.AllocsPerRun(100, func() {
			for _, i := range []int{0, 1, 3, 2, 4, 7, 6, 8, 8, 9, 5} { // twice out of order, once late, once repeated
				now += 1000
				m := g.pool.Get(len(payloads[i]))
				copy(m.Append(len(payloads[i])), payloads[i])
				m.Seq, m.NextHeader = base+uint64(i), NextHeader
				g.r.Receive(m, g.pool, now)
				g.pool.Free(out[:g.r.Drain(out, g.pool, now)])
			}
			now += reasmSecond
			g.r.Expire(g.pool, now)
			g.pool.Free(out[:g.r.Drain(out, g.pool, now)])
			base += 12
		})
		if allocs != 0 {
			t.Errorf("immediate=%v: %v allocations, expected none", immediate, allocs)
		}
		if c := g.r.Counters(); c.RxPkts == 0 || c.Missed == 0 || c.Incomplete == 0 || c.Errored == 0 {
			t.Errorf("immediate=%v: a path was not taken: %+v", immediate, c)
		}
	}
}
