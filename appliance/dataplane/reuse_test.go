package dataplane

import (
	"fmt"
	"testing"

	"stillwater/appliance/spd"
	"stillwater/pmd/mbuf"
)

// twoChildren gives plane a a second child, for 203.0.113.0/24, with a peer and keys of its own.
func twoChildren(r *rig) {
	r.t.Helper()
	r.a.gen = r.a.Generation().Next()
	r.a.gen.Children = append(r.a.gen.Children, r.a.gen.Children[0])
	r.a.setPolicy(entryTo("203.0.113.0/24", spd.Protect, 1), entryTo(addrB.net, spd.Protect, 0))
}

// TestSlotReuse: a generation that still names a slot which another child's SA has taken over seals nothing under that SA,
// on the lcore itself and for packets that another lcore hands over.
func TestSlotReuse(t *testing.T) {
	for _, receiver := range []int{0, 1} {
		t.Run(fmt.Sprint(receiver), func(t *testing.T) {
			r := newHalfRig(t, rigConfig{lcores: 2})
			peer := r.openPeer()
			twoChildren(r)
			slot := r.a.installOut(receiver, tunnelSA(0x1000, addrA, addrB))
			r.a.point(0, OutRef{uint8(receiver), slot})
			r.hostA.send(numbered(addrA.host, addrB.host, 60, 1))
			if receiver == 1 {
				r.a.workers[0].Step(r.clock.Advance(1e6)) // the packet waits in the ring
			}
			r.a.do(Command{Op: RemoveOutbound, Lcore: uint8(receiver), Slot: slot}) // and nobody tells the generation
			peer.receive()
			again := r.a.do(Command{Op: InstallOutbound, Lcore: uint8(receiver), Child: 1, SA: tunnelSA(0x2000, addrA, addrB)}).Slot
			if again != slot {
				t.Fatalf("slot %d, expected %d again: the test sees nothing", again, slot)
			}
			before := r.a.total()
			r.hostA.send(numbered(addrA.host, addrB.host, 60, 2))
			r.steps(4, 1e6)
			if got := peer.receive(); len(got) != 0 {
				t.Errorf("%d packets of child 0 left, sealed for child 1", len(got))
			}
			if c := r.a.total(); c.Verdicts[mbuf.NoSA] == before.Verdicts[mbuf.NoSA] {
				t.Error("the packet did not end as one without SA")
			}
			r.a.point(1, OutRef{uint8(receiver), again})
			r.hostA.send(numbered(addrA.host, "203.0.113.1", 60, 3))
			r.steps(4, 1e6)
			if got := peer.receive(); len(got) != 1 || be32(got[0][20:]) != 0x2000 {
				t.Errorf("%d packets of child 1 left, expected one", len(got))
			}
		})
	}
}

// TestChildReuse: a packet that waits between two lcores while its child's index is given to another Child SA is not sealed
// for that one.
func TestChildReuse(t *testing.T) {
	r := newHalfRig(t, rigConfig{lcores: 2})
	peer := r.openPeer()
	old := r.a.installOut(1, tunnelSA(0x1000, addrA, addrB))
	r.a.point(0, OutRef{1, old})
	r.hostA.send(numbered(addrA.host, addrB.host, 60, 1))
	r.a.workers[0].Step(r.clock.Advance(1e6)) // the packet waits in the ring
	waiting := r.a.workers[1].clearFrom[0]
	w := r.a.workers[1]
	w.obey(order{op: RemoveOutbound, slot: old}) // lcore 1 gets its orders, and no packets yet
	w.finishRemovals()
	r.a.builder.waiting[1]++
	r.a.builder.step()
	r.a.gen = r.a.Generation().Next()
	r.a.gen.Children[0].Since = r.a.gen.Number + 1 // publish counts on
	r.a.gen.Out[0], r.a.gen.Out[1] = NoSA, NoSA
	r.a.publish()
	r.a.builder.command = Command{Op: InstallOutbound, Lcore: 1, SA: tunnelSA(0x2000, addrA, addrB)}
	if code := r.a.builder.build(&r.a.builder.command); code != Done || waiting.Len() != 1 {
		t.Fatalf("install: %s, %d packets wait", code, waiting.Len())
	}
	r.a.point(0, OutRef{1, old})
	r.steps(3, 1e6)
	if got := peer.receive(); len(got) != 0 {
		t.Errorf("%x left, sealed for the new child", got)
	}
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.NoSA: 1})
	r.hostA.send(numbered(addrA.host, addrB.host, 60, 2))
	r.steps(3, 1e6)
	if got := peer.receive(); len(got) != 1 || be32(got[0][20:]) != 0x2000 {
		t.Errorf("%d packets of the new child left, expected one", len(got))
	}
}

// TestHoleInChildren: a policy decision for a child that is a hole, or beyond the last, drops and asks nobody; for one that
// waits for its SA it asks.
func TestHoleInChildren(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	r.openPeer()
	twoChildren(r)
	r.a.gen.Children[0] = Child{}
	r.a.setPolicy(entryTo("203.0.113.0/25", spd.Protect, 1), entryTo("203.0.113.128/25", spd.Protect, 7), entryTo(addrB.net, spd.Protect, 0))
	r.hostA.send(numbered(addrA.host, addrB.host, 60, 1), numbered(addrA.host, "203.0.113.200", 60, 2), numbered(addrA.host, "203.0.113.1", 60, 3))
	r.steps(3, 1e6)
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.NoSA: 3})
	if got := r.a.eventsOf(0, EventAcquire); len(got) != 1 || got[0].Child != 1 || got[0].Flow.Destination().Addr().String() != "203.0.113.1" {
		t.Errorf("events %+v, expected child 1 alone to ask", got)
	}
	slot := r.a.installOut(0, tunnelSA(0x1000, addrA, addrB)) // of the hole
	r.a.point(0, OutRef{0, slot})
	r.hostA.send(numbered(addrA.host, addrB.host, 60, 4))
	r.steps(3, 1e6)
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.NoSA: 3, mbuf.NoNeighbour: 1})
}

// TestNextGenerationIsACopy: what is changed in it does not reach lcores that use the one before.
func TestNextGenerationIsACopy(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	g := r.a.Generation()
	n := g.Next()
	n.Children[0].Acquire, n.Out[0] = !n.Children[0].Acquire, OutRef{3, 3}
	built := NewGeneration(n, 1)
	if g.Children[0].Acquire == n.Children[0].Acquire || g.Out[0] == n.Out[0] || built.Number != g.Number+1 {
		t.Errorf("generation %d became %d and shares what it points to", g.Number, built.Number)
	}
	if len(built.local4) != len(g.local4) || len(built.local6) != len(g.local6) {
		t.Errorf("%d and %d own addresses, expected %d and %d", len(built.local4), len(built.local6), len(g.local4), len(g.local6))
	}
}

// BenchmarkPublish is what control pays for one generation that differs in one SA.
func BenchmarkPublish(b *testing.B) {
	for _, children := range []int{100, 10_000} {
		b.Run(fmt.Sprint(children), func(b *testing.B) {
			r := newHalfRig(b, rigConfig{lcores: 4})
			g := r.a.Generation().Next()
			g.Children = append(g.Children, make([]Child, children)...)
			r.a.Publish(NewGeneration(g, 4))
			b.ReportAllocs()
			for b.Loop() {
				n := r.a.Generation().Next()
				n.Out[0] = OutRef{0, 1}
				r.a.Publish(NewGeneration(n, 4))
			}
		})
	}
}
