package dataplane

import (
	"fmt"
	"slices"
	"testing"

	"stillwater/iptfs"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// TestTFS053_Rekey installs a new pair, publishes it, and removes the old one, again and again under traffic: nothing is
// lost or reordered, and no inner packet is split over two SAs (TFS-T44).
func TestTFS053_Rekey(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigConfig{})
			out, in := r.connect(mode, 0x1000)
			var got []uint32
			next := uint32(0)
			pass := func(steps int) {
				for range steps {
					r.hostA.send(numbered(addrA.host, addrB.host, 900, next)) // below the constant rate of 1400 octets
					next++
					r.step(1e6)
					got = append(got, idsOf(r.hostB.receive())...)
				}
			}
			for i := range uint32(20) {
				pass(7)
				oldOut, oldIn := out, in
				out, in = r.connect(mode, 0x1001+i)
				pass(2)
				r.a.do(Command{Op: RemoveOutbound, Slot: oldOut})
				pass(3) // the linger of the old inbound SA
				if c := r.b.do(Command{Op: RemoveInbound, Slot: oldIn}).Counters; c.Packets != c.Seq {
					t.Fatalf("rekey %d: %d packets received of %d sent on the old SA", i, c.Packets, c.Seq)
				}
			}
			for range 60 {
				r.step(1e6)
				got = append(got, idsOf(r.hostB.receive())...)
			}
			if !slices.Equal(got, upTo(next)) {
				t.Errorf("%d delivered of %d, in order %t", len(got), next, slices.IsSorted(got))
			}
			wantVerdicts(t, r.a.total(), nil)
			for v, n := range r.b.total().Verdicts {
				if v := mbuf.Verdict(v); v.Drop() && n > 0 {
					t.Errorf("b dropped %d: %s", n, v)
				}
			}
		})
	}
}

// observer notes the size and time of everything that leaves a.
type observer struct {
	sizes map[int]int
	times []int64
}

func (r *rig) observe() *observer {
	o := &observer{sizes: map[int]int{}}
	r.wire.SetTap(softpmd.A, func(_ softpmd.End, f []byte, now int64) {
		o.sizes[len(f)]++
		o.times = append(o.times, now)
	})
	return o
}

// TestTFS060_ConstantMeansConstant: the same packets, of one size, at the same times, idle, with small packets, with large
// ones, and overloaded (TFS-T60).
func TestTFS060_ConstantMeansConstant(t *testing.T) {
	var want []int64
	for _, load := range []struct {
		name     string
		size, by int
	}{{"idle", 0, 0}, {"trickle", 40, 1}, {"small", 64, 20}, {"large", 1500, 1}, {"overload", 1500, 10}} {
		r := newRig(t, rigConfig{})
		r.connect(constantSA, 0x1000)
		start := r.clock.Now()
		o := r.observe()
		for i := range uint32(300) {
			for range load.by {
				r.hostA.send(numbered(addrA.host, addrB.host, load.size, i))
			}
			r.step(250_000) // four looks per slot
		}
		for i := range o.times {
			o.times[i] -= start
		}
		if want == nil {
			want = o.times
		}
		if o.sizes[1400] != len(o.times) {
			t.Errorf("%s: sizes %v, expected 1400 octets always", load.name, o.sizes)
		}
		if len(o.times) < 74 || !slices.Equal(o.times, want) {
			t.Errorf("%s: %d packets at other times than the %d when idle", load.name, len(o.times), len(want))
		}
		if c := r.a.total(); c.MissedSlots != 0 {
			t.Errorf("%s: %d missed slots", load.name, c.MissedSlots)
		}
	}
}

// TestTFS060_LateStep: slots that pass while the core is away are counted, and not repaid (TFS-T63).
func TestTFS060_LateStep(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.connect(constantSA, 0x1000)
	r.steps(10, 1e6)
	before, o := r.a.total(), r.observe()
	r.step(50e6)
	c := r.a.total()
	if len(o.times) != 1 || c.MissedSlots-before.MissedSlots != 49 {
		t.Errorf("%d packets and %d missed slots after 50 intervals, expected 1 and 49", len(o.times), c.MissedSlots-before.MissedSlots)
	}
	r.steps(10, 1e6)
	if len(o.times) != 11 {
		t.Errorf("%d packets in ten more intervals, expected ten", len(o.times)-1)
	}
	wantVerdicts(t, r.b.total(), map[mbuf.Verdict]uint64{mbuf.AggAllPad: c.Sealed + 10})
}

// TestTFS060_TxFull: a slot whose packet the port cannot take is missed and counted; when the port is back there is one
// packet for each slot, beside the stage that had gathered.
func TestTFS060_TxFull(t *testing.T) {
	r := newHalfRig(t, rigConfig{ring: 4}) // nobody at the other end
	r.a.point(0, OutRef{0, r.a.installOut(0, constantSA(0x1000, addrA, addrB))})
	first := r.a.total().Sealed
	const slots = txStage + 50
	r.steps(slots, 1e6)
	c := r.a.total()
	if c.Sealed != txStage || c.MissedSlots != slots+first-txStage {
		t.Errorf("%d sealed and %d missed, expected %d and the rest of %d", c.Sealed, c.MissedSlots, txStage, slots+first)
	}
	if c.Verdicts[mbuf.TxFull] != 0 {
		t.Errorf("%d packets were sealed for nothing", c.Verdicts[mbuf.TxFull])
	}
	peer := r.openPeer()
	for range 2 * txStage { // four packets a step: the stage empties
		r.step(1e6)
		peer.discard()
	}
	before := r.a.total().Sealed
	r.steps(20, 1e6)
	if got := r.a.total().Sealed - before; got > 20 {
		t.Errorf("%d packets in 20 slots", got)
	}
}

// TestTFS073_LostTimer: packets behind a lost payload wait for it, and go on when the wheel calls, not before (TFS-T18).
func TestTFS073_LostTimer(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.connect(aggregateSA, 0x1000)
	n := 0
	r.wire.SetFilter(softpmd.A, func([]byte) bool { n++; return n != 2 })
	for i := range uint32(4) {
		r.hostA.send(numbered(addrA.host, addrB.host, 1300, i)) // one payload each, nearly
		r.step(100_000)
	}
	r.step(100_000)
	before := idsOf(r.hostB.receive())
	if slices.Contains(before, 3) {
		t.Fatalf("delivered %v over a gap", before)
	}
	r.steps(46, 100_000) // 5 ms from the arrival behind the gap, less two ticks of 50 us
	if got := r.hostB.receive(); len(got) != 0 {
		t.Errorf("delivered %v before the timer", idsOf(got))
	}
	r.steps(4, 100_000)
	after := idsOf(r.hostB.receive())
	if len(after) == 0 || !slices.Contains(after, 3) {
		t.Errorf("delivered %v and %v, expected the packets behind the gap when the timer has fired", before, after)
	}
	w := r.b.workers[0]
	if at, armed := w.wheel.Next(); armed && at < r.clock.Now() {
		t.Errorf("the wheel is still armed for %d", at)
	}
}

// TestLostTimerEndsWithTheSA: removing the SA disarms its timer, and the slot's next SA does not inherit it.
func TestLostTimerEndsWithTheSA(t *testing.T) {
	r := newRig(t, rigConfig{})
	out, in := r.connect(aggregateSA, 0x1000)
	n := 0
	r.wire.SetFilter(softpmd.A, func([]byte) bool { n++; return n != 2 })
	for i := range uint32(4) {
		r.hostA.send(numbered(addrA.host, addrB.host, 1300, i))
		r.step(100_000)
	}
	if _, armed := r.b.workers[0].wheel.Next(); !armed {
		t.Fatal("no timer: the test sees nothing")
	}
	r.b.do(Command{Op: RemoveInbound, Slot: in})
	if _, armed := r.b.workers[0].wheel.Next(); armed {
		t.Error("the timer outlives its SA")
	}
	if got := r.b.total().Verdicts[mbuf.Drained]; got == 0 {
		t.Error("the payloads that waited are not counted")
	}
	r.hostB.receive()
	r.a.point(0, NoSA)
	r.a.do(Command{Op: RemoveOutbound, Slot: out})
	r.connect(aggregateSA, 0x1001)
	r.hostA.send(numbered(addrA.host, addrB.host, 100, 9))
	r.steps(2, 100_000)
	if got := idsOf(r.hostB.receive()); !slices.Equal(got, []uint32{9}) {
		t.Errorf("the next SA delivered %v", got)
	}
}

// TestFairTurns: SAs with more to send than the port takes get their turns, though one of them is never done.
func TestFairTurns(t *testing.T) {
	r := newHalfRig(t, rigConfig{ring: 32})
	peer := r.openPeer()
	w := r.a.workers[0]
	var slots []uint32
	for i := range uint32(3) {
		slots = append(slots, r.a.installOut(0, aggregateSA(0x1000+i, addrA, addrB)))
	}
	p := numbered(addrA.host, addrB.host, 1300, 0)
	for range 40 {
		for _, slot := range slots {
			for range 40 { // more than a third of what the port takes
				m := w.pool.Get(len(p))
				copy(m.Append(len(p)), p)
				m.SA = slot
				w.frame(mbuf.Burst{m})
			}
		}
		r.step(1e6)
		peer.discard()
	}
	for _, slot := range slots {
		if got := w.outbound.Counters(slot).Packets; got < 40*32/6 {
			t.Errorf("slot %d sent %d of %d packets, expected about a third", slot, got, 40*32)
		}
	}
}

// TestEmptySlotInGeneration: a generation that names a slot without SA costs packets, not the lcore.
func TestEmptySlotInGeneration(t *testing.T) {
	for _, lcores := range []int{1, 2} {
		t.Run(fmt.Sprint(lcores), func(t *testing.T) {
			r := newHalfRig(t, rigConfig{lcores: lcores})
			r.a.point(0, OutRef{uint8(lcores - 1), 3})
			r.hostA.send(numbered(addrA.host, addrB.host, 100, 1))
			r.steps(2, 1e6)
			wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.NoSA: 1})
		})
	}
}

// TestConstantInterval checks fractions of a nanosecond: the rate is exact over any span.
func TestConstantInterval(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	peer := r.openPeer()
	sa := constantSA(0x1000, addrA, addrB)
	sa.Framing.Interval = iptfs.Interval{Num: 1e9, Den: 3000} // 333333.3 ns
	r.a.installOut(0, sa)
	before := r.a.total().Sealed
	for range 10_000 {
		r.step(100_000)
		peer.discard()
	}
	if got := r.a.total().Sealed - before; got < 2999 || got > 3001 {
		t.Errorf("%d packets in a second, expected 3000", got)
	}
}
