package dataplane

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// afterOpen are the verdicts of packets that plane b has opened: in delivery, or in AGGFRAG.
var afterOpen = map[mbuf.Verdict]bool{mbuf.SelectorMismatch: true, mbuf.TTLExceeded: true, mbuf.NoRoute: true, mbuf.TxFull: true, mbuf.TooBig: true}

func isAggfrag(v mbuf.Verdict) bool {
	return v >= mbuf.AggConsumed && v <= mbuf.AggFragment || v == mbuf.Drained
}

// TestConservation soaks two planes of two lcores in random traffic over a wire that loses, doubles, reorders and damages,
// with garbage beside it. At every moment each packet that came in has left, has a verdict, or is still inside; at the
// end every mbuf is back in its pool.
func TestConservation(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			rnd := newRand(t)
			r := newRig(t, rigConfig{lcores: 2, steer: spray(), seed: 1 + rnd.Uint64()>>1,
				out: softpmd.Impairment{Loss: 0.03, Duplicate: 0.03, Reorder: 0.05, ReorderDepth: 5}})
			out, in := r.connect(mode, r.b.spiOf(1, 0x1000))
			r.framer, r.reasm = r.a.workers[0].out[out].framer, r.b.workers[1].in[in].reasm
			r.wire.SetFilter(softpmd.A, func(f []byte) bool {
				if rnd.IntN(40) == 0 {
					f[rnd.IntN(len(f))] ^= 1 << rnd.IntN(8)
				}
				return true
			})
			delivered := 0
			for i := range uint32(1500) {
				for range rnd.IntN(8) {
					r.hostA.send(soakPacket(rnd, i))
				}
				if rnd.IntN(4) == 0 {
					r.garbage(rnd)
				}
				r.step(1 + rnd.Int64N(1e6))
				delivered += r.hostB.discard()
				r.checkConservation(r.b.total().InsideTx)
			}
			r.a.point(0, NoSA)
			r.a.Submit(&Command{Op: RemoveOutbound, Slot: out})
			for _, done := r.a.TakeAck(); !done; _, done = r.a.TakeAck() { // a constant rate takes its time to the last
				r.checkConservation(r.b.total().InsideTx)
				r.step(1e6)
				delivered += r.hostB.discard()
			}
			r.steps(20, 1e6)
			r.checkConservation(r.b.total().InsideTx)
			r.b.do(Command{Op: RemoveInbound, Lcore: 1, Slot: in})
			r.steps(5, 1e6)
			delivered += r.hostB.discard()
			r.checkConservation(uint64(delivered))
			r.b.punted()
			r.a.punted()
			r.wantPoolsWhole()
			c := r.b.total()
			if delivered == 0 || c.Verdicts[mbuf.AuthFailed] == 0 || c.Verdicts[mbuf.Replayed] == 0 {
				t.Errorf("%d delivered, %v: the test saw too little", delivered, c.Drops())
			}
		})
	}
}

// soakPacket is mostly a good one, else one that has to be dropped on its way.
func soakPacket(rnd *rand.Rand, id uint32) []byte {
	p := numbered(addrA.host, addrB.host, 40+rnd.IntN(1400), id)
	switch rnd.IntN(30) {
	case 0:
		p[8] = byte(rnd.IntN(3)) // TTL
		checksum4(p)
	case 1:
		p[10] ^= 1
	case 2:
		return numbered(addrA.host, "100.64.0.1", 80, id) // no policy
	case 3:
		return numbered("10.77.0.1", addrB.host, 80, id) // b's selectors refuse it
	case 4:
		return p[:rnd.IntN(len(p))+1]
	case 5:
		return numbered(addrA.host6, addrB.host6, 60+rnd.IntN(1300), id)
	case 6:
		return numbered(addrA.host, addrA.own, 60, id) // punted
	}
	return p
}

// garbage lets something that is no ESP of ours arrive at b.
func (r *rig) garbage(rnd *rand.Rand) {
	p := make([]byte, 1+rnd.IntN(200))
	for i := range p {
		p[i] = byte(rnd.Uint32())
	}
	switch rnd.IntN(3) {
	case 0:
		p = header4(addrA.outer, addrB.outer, 50, 64, p)
	case 1:
		p = header4(addrA.outer, addrB.outer, 17, 64, udp(4500, 4500, p))
	}
	m := r.a.pools[0].Get(len(p))
	if m == nil {
		return
	}
	copy(m.Append(len(p)), p)
	m.Port = outsidePort
	if _, inject := r.a.Punts(0); !inject.Push(m) {
		r.a.pools[0].Put(m)
	}
}

// checkConservation checks the three balances.
func (r *rig) checkConservation(delivered uint64) {
	r.t.Helper()
	a, b := r.a.total(), r.b.total()

	var verdicts, inner, inside uint64
	for _, n := range a.Verdicts {
		verdicts += n
	}
	inner = a.Sealed // tunnel: one packet each
	for _, w := range r.a.workers {
		for _, ring := range w.clearFrom {
			inside += uint64(ring.Len())
		}
		for i := range w.out {
			if f := w.out[i].framer; f != nil {
				n, _ := f.Waiting()
				inside += uint64(n)
			}
		}
	}
	if r.framer != nil {
		inner = r.framer.Counters().TxPkts
	}
	if a.InsideRx != inner+verdicts+inside {
		r.t.Fatalf("a took in %d packets: %d sent, %d with a verdict %v, %d inside", a.InsideRx, inner, verdicts, a.Drops(), inside)
	}

	var before, after uint64
	for v, n := range b.Verdicts {
		switch v := mbuf.Verdict(v); {
		case afterOpen[v]:
			after += n
		case !isAggfrag(v):
			before += n
		}
	}
	rings := uint64(0)
	for _, w := range r.b.workers {
		for _, ring := range w.sealedFrom {
			rings += uint64(ring.Len())
		}
	}
	if b.OutsideRx != b.Opened+before+rings {
		r.t.Fatalf("b received %d packets: %d opened, %d with a verdict %v, %d in rings", b.OutsideRx, b.Opened, before, b.Drops(), rings)
	}
	packets := b.Opened
	if r.reasm != nil {
		packets = r.reasm.Counters().RxPkts
	}
	if packets != b.InsideTx+after || b.InsideTx != delivered {
		r.t.Fatalf("b took %d inner packets out: %d sent, %d arrived, %d with a verdict %v", packets, b.InsideTx, delivered, after, b.Drops())
	}
}

// wantPoolsWhole fails unless every mbuf is home.
func (r *rig) wantPoolsWhole() {
	r.t.Helper()
	for _, p := range r.pools {
		free := 0
		for c := mbuf.Class2K; c <= mbuf.Class64K; c++ {
			free += p.Available(c)
		}
		if free != p.Size() {
			r.t.Errorf("pool %s: %d of %d mbufs are home", p.Name(), free, p.Size())
		}
	}
}

// TestConservationOfLoad runs more traffic than a plane can carry: what does not fit has a verdict.
func TestConservationOfLoad(t *testing.T) {
	for _, lcores := range []int{1, 4} {
		t.Run(fmt.Sprint(lcores), func(t *testing.T) {
			r := newRig(t, rigConfig{lcores: lcores, steer: spray(), ring: 64})
			r.connect(tunnelSA, r.b.spiOf(0, 0x1000))
			delivered := 0
			for i := range uint32(300) {
				for range 60 {
					r.hostA.send(numbered(addrA.host, addrB.host, 1400, i))
				}
				r.step(1e6)
				if i%5 == 0 { // the host behind b is slow
					delivered += r.hostB.discard()
				}
				r.checkConservation(r.b.total().InsideTx)
			}
			for range 100 {
				r.step(1e6)
				delivered += r.hostB.discard()
			}
			if got := r.b.total(); got.InsideTx != uint64(delivered) || got.Verdicts[mbuf.TxFull] == 0 {
				t.Errorf("%d sent, %d arrived, %v", got.InsideTx, delivered, got.Drops())
			}
		})
	}
}
