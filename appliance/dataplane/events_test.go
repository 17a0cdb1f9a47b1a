package dataplane

import (
	"slices"
	"testing"

	"stillwater/appliance/spd"
	"stillwater/crypto/esp"
	"stillwater/pmd/mbuf"
)

// TestEventsDropRate: at most one drop event a millisecond for each verdict, and the counts of all of them, with what is
// not told yet, add up to the packets.
func TestEventsDropRate(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	peer := r.openPeer()
	bad := header4(addrB.outer, addrA.outer, 50, 64, append(be(0x1234567), make([]byte, 40)...))
	fragment := patch(bad, 6, 0x20, 0)
	last := map[mbuf.Verdict]int64{}
	sum := map[mbuf.Verdict]uint64{}
	const steps = 200
	for range steps {
		for range 5 {
			peer.send(bad, fragment)
		}
		r.step(100_000)
		for e, ok := r.a.TakeEvent(0); ok; e, ok = r.a.TakeEvent(0) {
			v := mbuf.Verdict(e.Verdict)
			if at, seen := last[v]; seen && e.Time-at < 1e6 {
				t.Fatalf("%s told at %d and %d", v, at, e.Time)
			}
			last[v] = e.Time
			sum[v] += e.Count
		}
	}
	for _, v := range []mbuf.Verdict{mbuf.UnknownSPI, mbuf.OuterFragment} {
		if got := sum[v] + r.a.workers[0].reports[v].count; got != 5*steps || sum[v] < 5*(steps-10) {
			t.Errorf("%s: %d packets told, %d in all, expected %d", v, sum[v], got, 5*steps)
		}
	}
}

// TestEventsLifetime: a limit that was reached is told once, even while the event ring was full at that moment.
func TestEventsLifetime(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	sa := tunnelSA(0x1000, addrA, addrB)
	sa.Soft.Packets, sa.Hard.Packets = 2, 4
	r.openPeer()
	r.a.point(0, OutRef{0, r.a.installOut(0, sa)})
	w := r.a.workers[0]
	for w.events.Push(Event{Kind: EventAcquire}) {
	}
	for i := range uint32(6) {
		r.hostA.send(numbered(addrA.host, addrB.host, 100, i))
		r.step(1e6)
	}
	var limits []esp.EventKind
	for range 3 {
		for e, ok := r.a.TakeEvent(0); ok; e, ok = r.a.TakeEvent(0) {
			if e.Kind == EventLimit {
				if e.SPI != 0x1000 || e.Limit.SPI != 0x1000 {
					t.Errorf("event %+v", e)
				}
				limits = append(limits, e.Limit.Kind)
			}
		}
		r.step(1e6)
	}
	if !slices.Equal(limits, []esp.EventKind{esp.SoftPackets, esp.HardPackets}) {
		t.Errorf("limits told: %v, expected soft and hard packets", limits)
	}
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.LifetimeExpired: 2})
}

// TestAcquireOfEveryChild: a busy child without an SA does not keep another one from asking for its own.
func TestAcquireOfEveryChild(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	r.a.gen.Children = append(slices.Clone(r.a.gen.Children), r.a.gen.Children[0])
	r.a.setPolicy(entryTo(addrB.net, spd.Protect, 0), entryTo("203.0.113.0/24", spd.Protect, 1))
	asked := map[uint32]int{}
	for i := range uint32(50) {
		r.hostA.send(numbered(addrA.host, addrB.host, 60, i), numbered(addrA.host, "203.0.113.1", 60, i))
		r.step(1e6)
		for e, ok := r.a.TakeEvent(0); ok; e, ok = r.a.TakeEvent(0) {
			asked[e.Child]++
		}
	}
	if asked[0] == 0 || asked[1] == 0 {
		t.Errorf("acquire events by child: %v, expected both", asked)
	}
}
