package dataplane

import (
	"testing"

	"stillwater/crypto/esp"
)

// TestIKE030_LastReceived: control sees when a peer last proved that it lives, at most a millisecond late, and never a later
// time than the packet's; what is not authentic or a replay proves nothing.
func TestIKE030_LastReceived(t *testing.T) {
	for name, mode := range modes {
		r := newHalfRig(t, rigConfig{lcores: 2})
		spi := r.a.spiOf(1, 0x1000)
		s, slot := newSender(r, mode(spi, addrB, addrA))
		send := func(packet []byte) (at int64) {
			s.send(header4(addrB.outer, addrA.outer, 50, 64, packet))
			r.step(200_000)
			at = r.clock.Now()
			r.steps(20, 100_000)
			return at
		}
		want := func(why string, at int64) {
			t.Helper()
			if got := r.a.LastReceived(1, slot); got != at {
				t.Errorf("%s, %s: last received at %d, expected %d", name, why, got, at)
			}
		}
		want("nothing", 0)
		dummy := s.esp(59, make([]byte, 30))
		at := send(dummy)
		want("a dummy packet", at)
		send(dummy)
		want("a replay", at)
		forged := s.esp(59, make([]byte, 30))
		forged[len(forged)-1] ^= 1
		send(forged)
		want("a forgery", at)
		at = send(s.esp(59, nil))
		want("another dummy packet", at)
		if c := r.a.SACounters(1, slot, true); c.Packets != 2 || c.Seq != 3 {
			t.Errorf("%s: counters %+v, expected two packets", name, c)
		}
		r.a.do(Command{Op: RemoveInbound, Lcore: 1, Slot: slot})
		r.a.installIn(1, mode(spi, addrB, addrA))
		want("a new SA in the slot", 0)
		if c := r.a.SACounters(1, slot, true); c != (esp.Counters{}) {
			t.Errorf("%s: a new SA has carried %+v", name, c)
		}
	}
}

// TestSACounters: what is published about an SA is what its removal acknowledges, in both directions.
func TestSACounters(t *testing.T) {
	for name, mode := range modes {
		r := newRig(t, rigConfig{})
		out, in := r.connect(mode, 0x1000)
		for i := range uint32(50) {
			r.hostA.send(numbered(addrA.host, addrB.host, 300, i))
			r.step(1e6)
		}
		r.a.point(0, NoSA)
		r.a.Submit(&Command{Op: RemoveOutbound, Slot: out})
		var sent Ack
		var seen esp.Counters
		for ok := false; !ok; sent, ok = r.a.TakeAck() {
			seen = r.a.SACounters(0, out, false)
			r.step(1e6)
		}
		r.steps(5, 1e6)
		received := r.b.SACounters(0, in, true)
		if sent.Counters.Packets == 0 || sent.Counters.Packets-seen.Packets > 64 || received != sent.Counters {
			t.Errorf("%s: removed with %+v, published before %+v, received %+v", name, sent.Counters, seen, received)
		}
		if a := r.b.do(Command{Op: RemoveInbound, Slot: in}); a.Counters != received {
			t.Errorf("%s: removed with %+v, published %+v", name, a.Counters, received)
		}
	}
}

// TestViewsTakeTurns: with more busy SAs than one publication renews none is left behind for long.
func TestViewsTakeTurns(t *testing.T) {
	const slots = 5*viewQuota + 7
	s := newStaleSAs(slots)
	behind := make([]int, slots)
	turn := make([]uint32, viewQuota)
	for range 100 {
		for slot := range uint32(slots) {
			s.add(slot)
			s.add(slot)
			behind[slot]++
		}
		for _, slot := range turn[:s.take(turn)] {
			behind[slot] = 0
		}
		for slot, n := range behind {
			if n > slots/viewQuota+1 {
				t.Fatalf("slot %d waits for %d publications", slot, n)
			}
		}
	}
	rest := 0
	for n := s.take(turn); n > 0; n = s.take(turn) {
		rest += n
	}
	if rest > slots {
		t.Errorf("%d slots listed, there are %d", rest, slots)
	}
}
