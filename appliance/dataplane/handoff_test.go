package dataplane

import (
	"fmt"
	"slices"
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// spray is a port that spreads packets over its queues without looking at them: the worst steering there is.
func spray() softpmd.HashFunc {
	n := uint32(0)
	return func([]byte, pmd.Link) uint32 { n++; return n }
}

// spiOf finds an SPI at or after from that belongs to lcore.
func (n *node) spiOf(lcore int, from uint32) uint32 {
	for n.owner(from) != lcore {
		from++
	}
	return from
}

// TestRES033_WrongLcore: ESP that arrives on any lcore reaches its SA's owner before the replay check and is delivered
// once, also when the same packet arrives on several queues (RPL-T05, RES-T10).
func TestRES033_WrongLcore(t *testing.T) {
	for _, lcores := range []int{2, 4} {
		for name, mode := range map[string]func(uint32, addresses, addresses) SA{"tunnel": tunnelSA, "aggregate": aggregateSA} {
			t.Run(fmt.Sprint("RPL-012 ", name, " ", lcores), func(t *testing.T) {
				r := newRig(t, rigConfig{lcores: lcores, steer: spray(), out: softpmd.Impairment{Duplicate: 1}, seed: 1})
				spi := r.b.spiOf(1, 0x1000)
				r.connect(mode, spi)
				const total = 400
				var got []uint32
				for i := range uint32(total) {
					r.hostA.send(numbered(addrA.host, addrB.host, 1300, i))
					r.step(1e6)
					got = append(got, idsOf(r.hostB.receive())...)
				}
				r.steps(5, 1e6)
				got = append(got, idsOf(r.hostB.receive())...)
				checkOnce(t, got, total)
				c := r.b.total()
				if c.Verdicts[mbuf.Replayed] != c.Opened {
					t.Errorf("%d opened, %d replayed, expected every duplicate to be found", c.Opened, c.Verdicts[mbuf.Replayed])
				}
				for l, w := range r.b.workers {
					if l != 1 && (w.count.Opened != 0 || w.count.SealedOut == 0) {
						t.Errorf("lcore %d opened %d and handed %d over, expected none and some", l, w.count.Opened, w.count.SealedOut)
					}
					if l == 1 && w.count.SealedOut != 0 {
						t.Errorf("the owner handed %d over", w.count.SealedOut)
					}
				}
			})
		}
	}
}

// checkOnce wants every number below total once.
func checkOnce(t *testing.T, got []uint32, total uint32) {
	t.Helper()
	sorted := slices.Sorted(slices.Values(got))
	if want := upTo(total); !slices.Equal(sorted, want) {
		t.Errorf("%d packets delivered, expected %d, each once", len(got), total)
	}
}

func upTo(n uint32) []uint32 {
	ids := make([]uint32, n)
	for i := range ids {
		ids[i] = uint32(i)
	}
	return ids
}

// bySource spreads inner packets over queues by the last octet of their source, so that a flow stays on one queue.
func bySource(d []byte, _ pmd.Link) uint32 { return uint32(d[15]) }

// TestRES032_ClearHandOff: lcores without an SA of their own hand packets to its owner, and every flow keeps its order
// (RES-T04). Then the SA moves, and still does.
func TestRES032_ClearHandOff(t *testing.T) {
	for _, lcores := range []int{2, 4} {
		t.Run(fmt.Sprint(lcores), func(t *testing.T) {
			r := newRig(t, rigConfig{lcores: lcores, steer: bySource})
			sa0 := aggregateSA(r.b.spiOf(0, 0x1000), addrA, addrB)
			r.b.installIn(0, sa0)
			r.a.point(0, OutRef{0, r.a.installOut(0, sa0)})
			const each = 150
			var got [][]byte
			for i := range uint32(each) {
				for flow := range 8 {
					r.hostA.send(numbered(fmt.Sprintf("10.1.0.%d", 100+flow), addrB.host, 200, i))
				}
				if i == each/2 {
					r.step(1e6) // what is in the rings leaves through the old SA first
					r.step(1e6)
					sa1 := aggregateSA(r.b.spiOf(1, 0x9000), addrA, addrB)
					r.b.installIn(1, sa1)
					r.a.point(0, OutRef{1, r.a.installOut(1, sa1)})
				}
				r.step(1e6)
				got = append(got, r.hostB.receive()...)
			}
			r.steps(4, 1e6)
			got = append(got, r.hostB.receive()...)
			flows := map[byte][]uint32{}
			for _, p := range got {
				flows[p[15]] = append(flows[p[15]], idOf(p))
			}
			for flow := range byte(8) {
				if ids := flows[100+flow]; !slices.Equal(ids, upTo(each)) {
					t.Errorf("flow %d: %d packets, in order %t, expected %d", flow, len(ids), slices.IsSorted(ids), each)
				}
			}
			if c := r.a.total(); c.ClearOut == 0 {
				t.Error("nothing was handed over: the test saw nothing")
			}
			wantVerdicts(t, r.a.total(), nil)
		})
	}
}

// TestRES030_OwnSA: an lcore with an SA of its own uses it; nothing is handed over.
func TestRES030_OwnSA(t *testing.T) {
	r := newRig(t, rigConfig{lcores: 2, steer: bySource})
	for l := range 2 {
		sa := tunnelSA(r.b.spiOf(l, 0x1000), addrA, addrB)
		r.b.installIn(l, sa)
		r.a.point(0, OutRef{uint8(l), r.a.installOut(l, sa)}, l)
	}
	for i := range uint32(20) {
		r.hostA.send(numbered(fmt.Sprintf("10.1.0.%d", i), addrB.host, 100, i))
	}
	r.steps(4, 1e6)
	checkOnce(t, idsOf(r.hostB.receive()), 20)
	for l, w := range r.a.workers {
		if w.count.Sealed != 10 || w.count.ClearOut != 0 {
			t.Errorf("lcore %d sealed %d and handed %d over, expected 10 and 0", l, w.count.Sealed, w.count.ClearOut)
		}
	}
}

// TestRES030_SAGoneWhileInRing: a clear packet whose SA has moved on ends with no_sa, also when its child is gone.
func TestRES030_SAGoneWhileInRing(t *testing.T) {
	for name, forget := range map[string]func(n *node){
		"no SA":    func(n *node) { n.point(0, NoSA) },
		"moved":    func(n *node) { n.point(0, OutRef{0, 0}) },
		"no child": func(n *node) { n.gen.Children, n.gen.Out = nil, nil; n.setPolicy() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newHalfRig(t, rigConfig{lcores: 2})
			slot := r.a.installOut(1, tunnelSA(0x1000, addrA, addrB))
			r.a.point(0, OutRef{1, slot})
			r.hostA.send(numbered(addrA.host, addrB.host, 100, 1))
			r.a.workers[0].Step(r.clock.Advance(1e6)) // only lcore 0: the packet waits in the ring
			forget(r.a)
			r.a.workers[1].Step(r.clock.Advance(1e6))
			wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.NoSA: 1})
		})
	}
}

// TestHandOffRingFull: a lcore that does not keep up loses what is handed to it, with a verdict, and nobody waits.
func TestHandOffRingFull(t *testing.T) {
	r := newHalfRig(t, rigConfig{lcores: 2})
	slot := r.a.installOut(1, tunnelSA(0x1000, addrA, addrB))
	r.a.point(0, OutRef{1, slot})
	peer := r.openPeer()
	foreign := header4(addrB.outer, addrA.outer, 50, 64, append(be(r.a.spiOf(1, 0x2000)), make([]byte, 40)...))
	const bursts = handOffRing/32 + 3
	for range bursts {
		for i := range uint32(32) {
			r.hostA.send(numbered(addrA.host, addrB.host, 60, i))
			peer.send(foreign)
		}
		if r.a.workers[0].Step(r.clock.Advance(1e6)) == 0 {
			t.Fatal("the lcore stood still")
		}
	}
	c := r.a.workers[0].count
	wantVerdicts(t, c, map[mbuf.Verdict]uint64{mbuf.RingFull: 2 * 3 * 32})
	if c.ClearOut != handOffRing || c.SealedOut != handOffRing {
		t.Errorf("handed over %d clear and %d sealed, expected %d each", c.ClearOut, c.SealedOut, handOffRing)
	}
}

// TestDeadLcore: what belongs to a lcore that has ended is dropped with lcore_down, and its commands are refused.
func TestDeadLcore(t *testing.T) {
	r := newHalfRig(t, rigConfig{lcores: 2})
	slot := r.a.installOut(1, tunnelSA(0x1000, addrA, addrB))
	r.a.point(0, OutRef{1, slot})
	r.a.workers[1].dead.Store(true)
	peer := r.openPeer()
	r.hostA.send(numbered(addrA.host, addrB.host, 60, 1))
	peer.send(header4(addrB.outer, addrA.outer, 50, 64, append(be(r.a.spiOf(1, 0x2000)), make([]byte, 40)...)))
	r.steps(2, 1e6)
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.LcoreDown: 2})
	if !r.a.Dead(1) || r.a.Dead(0) {
		t.Error("Dead does not tell which")
	}
	n := r.a.gen.Number + 1
	r.a.publish()
	r.steps(2, 1e6)
	if !r.a.Seen(n) {
		t.Error("a dead lcore holds up reclamation")
	}
	a, err := r.a.try(Command{Op: RemoveOutbound, Lcore: 1, Slot: slot})
	if a.Code != LcoreDead || err == nil {
		t.Errorf("ack %+v, %v, expected lcore stopped", a, err)
	}
}
