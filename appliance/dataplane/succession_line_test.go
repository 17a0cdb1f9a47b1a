package dataplane

import (
	"slices"
	"testing"

	"stillwater/iptfs"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// line is a plane with a chain of SAs of one mode, the first of which is named; steps are 1 ms, the slots of constantSA.
type line struct {
	*rig
	peer *host
	spis *[]uint32
	slot []uint32
}

func newLine(t *testing.T, mode func(spi uint32, from, to addresses) SA, length int) *line {
	t.Helper()
	r := newHalfRig(t, rigConfig{lcores: 1})
	l := &line{rig: r, peer: r.openPeer(), slot: []uint32{r.a.installOut(0, mode(0x1000, addrA, addrB))}}
	l.spis = r.spiLog(&observer{sizes: map[int]int{}})
	r.a.point(0, OutRef{0, l.slot[0]})
	r.step(1e6)
	for i := 1; i < length; i++ {
		l.slot = append(l.slot, r.a.succeed(mode(0x1000+uint32(i), addrA, addrB), l.slot[i-1]))
	}
	return l
}

// name publishes a generation that names SA i.
func (l *line) name(i int) { l.a.point(0, OutRef{0, l.slot[i]}) }

// offer sends packets to the SA that is named and keeps them in its framer.
func (l *line) offer(n int) {
	for range n {
		l.hostA.send(numbered(addrA.host, addrB.host, 1300, 0))
	}
	l.step(1)
}

// run steps n slots and returns which SAs sent in them, and which removals were acknowledged.
func (l *line) run(n int) (sent []int, removed []uint32) {
	l.t.Helper()
	*l.spis = (*l.spis)[:0]
	l.steps(n, 1e6)
	l.peer.discard()
	for _, spi := range *l.spis {
		sent = append(sent, int(spi-0x1000))
	}
	return sent, l.a.removed()
}

// want compares what the next n slots carry, and which SAs are removed in them.
func (l *line) want(sent []int, removed ...int) {
	l.t.Helper()
	got, gone := l.run(len(sent))
	var slots []uint32
	for _, i := range removed {
		slots = append(slots, l.slot[i])
	}
	if !slices.Equal(got, sent) || !slices.Equal(gone, slots) {
		l.t.Errorf("slots used by SAs %v and slots %v removed, expected %v and %v", got, gone, sent, slots)
	}
}

// TestSuccessionRemovals has the orders in which SAs in line can be removed. Of a constant rate, so that every slot shows whose
// turn it is.
func TestSuccessionRemovals(t *testing.T) {
	t.Run("nobody: the old one sends until it is not named and has sent all", func(t *testing.T) {
		l := newLine(t, constantSA, 2)
		l.want([]int{0, 0})
		l.offer(2)
		l.name(1)
		l.offer(1)
		l.want([]int{0, 0, 1, 1})
	})
	t.Run("the old one while it has packets", func(t *testing.T) {
		l := newLine(t, constantSA, 2)
		l.offer(2)
		l.name(1)
		l.a.remove(l.slot[0])
		l.step(1)
		l.want([]int{0, 0, 1, 1}, 0)
	})
	t.Run("the old one before anything is published", func(t *testing.T) {
		l := newLine(t, constantSA, 2)
		l.a.remove(l.slot[0])
		l.want([]int{0, 1, 1}, 0)
	})
	t.Run("the new one, empty", func(t *testing.T) {
		l := newLine(t, constantSA, 2)
		l.a.remove(l.slot[1])
		l.want([]int{0, 0, 0}, 1)
		if got := l.a.workers[0].waiting; len(got) != 0 {
			t.Errorf("%v still in line", got)
		}
	})
	t.Run("the middle one, empty", func(t *testing.T) {
		l := newLine(t, constantSA, 3)
		l.a.remove(l.slot[1])
		l.want([]int{0, 0}, 1)
		l.offer(1)
		l.name(2)
		l.want([]int{0, 2, 2})
	})
	t.Run("the middle one, with packets", func(t *testing.T) {
		l := newLine(t, constantSA, 3)
		l.offer(1)
		l.name(1)
		l.offer(1)
		l.name(2)
		l.a.remove(l.slot[1])
		l.offer(1)
		l.want([]int{0, 1, 2, 2}, 1)
	})
	t.Run("all three at once", func(t *testing.T) {
		l := newLine(t, constantSA, 3)
		for i := range 3 {
			l.name(i)
			l.offer(1)
		}
		for i := range 3 {
			l.a.remove(l.slot[i])
		}
		l.step(1)
		got, gone := l.run(6)
		if !slices.Equal(got, []int{0, 1, 2}) || !slices.Equal(gone, l.slot) {
			t.Errorf("slots used by SAs %v, %v removed, expected each once", got, gone)
		}
	})
	t.Run("the old one first of all", func(t *testing.T) {
		l := newLine(t, constantSA, 1)
		old := l.slot[0]
		l.a.do(Command{Op: RemoveOutbound, Slot: old})
		again := l.a.do(Command{Op: InstallOutbound, SA: constantSA(0x1001, addrA, addrB), After: old, AfterSPI: 0x1000}).Slot
		if again != old {
			t.Fatalf("slot %d, expected %d again: the test sees nothing", again, old)
		}
		l.want([]int{1, 1})
	})
}

// TestSuccessionWithTwoHeirs: two SAs that were both to come after one come after each other (RFC 7296 2.8.1, both ends rekey).
func TestSuccessionWithTwoHeirs(t *testing.T) {
	l := newLine(t, constantSA, 2)
	l.slot = append(l.slot, l.a.succeed(constantSA(0x1002, addrA, addrB), l.slot[0]))
	l.offer(1)
	l.name(1)
	l.offer(2)
	l.want([]int{0, 1})
	l.name(2)
	l.offer(1)
	l.want([]int{1, 2, 2})
}

// TestSuccessionIsOfOneSA: what After names holds up nothing if it is not the SA that was meant: none, another child's, or another
// one in a slot that was used again.
func TestSuccessionIsOfOneSA(t *testing.T) {
	for name, c := range map[string]struct{ after, spi, child, waits uint32 }{
		"the one":        {after: 0, spi: 0x1000, waits: 1},
		"none":           {after: 0, spi: 0},
		"empty slot":     {after: 9, spi: 0x1000},
		"no such slot":   {after: noSlot, spi: 0x1000},
		"its slot again": {after: 0, spi: 0x0fff},
		"another child":  {after: 0, spi: 0x1000, child: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHalfRig(t, rigConfig{})
			twoChildren(r)
			r.a.publish()
			if slot := r.a.installOut(0, constantSA(0x1000, addrA, addrB)); slot != 0 {
				t.Fatalf("first slot %d", slot)
			}
			r.a.point(0, OutRef{0, 0})
			r.a.do(Command{Op: InstallOutbound, Child: c.child, SA: constantSA(0x1001, addrA, addrB), After: c.after, AfterSPI: c.spi})
			w := r.a.workers[0]
			if len(w.waiting) != int(c.waits) || len(w.paced) != 2-int(c.waits) {
				t.Errorf("%d in line, %d with a clock, expected %d and %d", len(w.waiting), len(w.paced), c.waits, 2-c.waits)
			}
		})
	}
}

// TestSuccessionChangesPace: with another interval the new SA's clock starts in the old one's next slot; from and to a mode
// without clock there is one clock, or none, from the change on.
func TestSuccessionChangesPace(t *testing.T) {
	slow := func(spi uint32) SA {
		sa := constantSA(spi, addrA, addrB)
		sa.Framing.Interval = iptfs.Interval{Num: 3e6, Den: 1}
		return sa
	}
	demand := func(spi uint32) SA { return aggregateSA(spi, addrA, addrB) }
	constant := func(spi uint32) SA { return constantSA(spi, addrA, addrB) }
	tunnel := func(spi uint32) SA { return tunnelSA(spi, addrA, addrB) }
	for name, c := range map[string]struct {
		from, to func(uint32) SA
		want     []int // in quarters of a ms from the change
	}{
		"slower":    {constant, slow, []int{3, 15, 27}}, // the old clock was started a quarter before
		"faster":    {slow, constant, []int{11, 15, 19, 23, 27, 31}},
		"on demand": {constant, demand, nil},
		"tunnel":    {constant, tunnel, nil},
		"constant":  {demand, constant, []int{2, 5, 9, 13, 17, 21, 25, 29}}, // started at the end of step 1
	} {
		t.Run(name, func(t *testing.T) {
			r := newHalfRig(t, rigConfig{})
			r.openPeer()
			slot := r.a.installOut(0, c.from(0x1000))
			r.a.point(0, OutRef{0, slot})
			r.step(250_000)
			r.a.point(0, OutRef{0, r.a.succeed(c.to(0x1001), slot)})
			o := r.observe()
			start := r.clock.Now()
			r.steps(32, 250_000)
			var at []int
			for _, now := range o.times {
				at = append(at, int((now-start)/250_000))
			}
			if !slices.Equal(at, c.want) {
				t.Errorf("packets in quarters %v, expected %v", at, c.want)
			}
		})
	}
}

// TestSuccessionWaitsForThePort: while the port takes nothing the old SA keeps its packets and its turn.
func TestSuccessionWaitsForThePort(t *testing.T) {
	for name, mode := range successors {
		if name == "tunnel" {
			continue // it keeps nothing
		}
		t.Run(name, func(t *testing.T) {
			r := newHalfRig(t, rigConfig{ring: 16}) // nobody at the other end yet
			first := r.a.installOut(0, mode(0x1000, addrA, addrB))
			r.a.point(0, OutRef{0, first})
			w := r.a.workers[0]
			for range 300 {
				r.hostA.send(numbered(addrA.host, addrB.host, 250, 0))
				r.step(25_000)
			}
			for range 900 {
				m := w.pool.Get(250)
				copy(m.Append(250), numbered(addrA.host, addrB.host, 250, 0))
				m.SA = first
				w.frame(mbuf.Burst{m}) // more than the stage takes
			}
			second := r.a.succeed(mode(0x1001, addrA, addrB), first)
			r.a.point(0, OutRef{0, second})
			r.steps(100, 25_000)
			if len(w.waiting) != 1 || w.outbound.Counters(second).Packets != 0 {
				t.Errorf("%d in line, %d packets of the new SA, expected it to wait", len(w.waiting), w.outbound.Counters(second).Packets)
			}
			peer := r.openPeer()
			for range 2000 {
				r.step(25_000)
				peer.discard()
			}
			if len(w.waiting) != 0 || !w.out[first].idle() {
				t.Errorf("%d in line, the old SA empty %t", len(w.waiting), w.out[first].idle())
			}
		})
	}
}

// TestSuccessionStopsForGood: a generation that names an SA whose clock another one has costs packets, and its removal goes on.
func TestSuccessionStopsForGood(t *testing.T) {
	l := newLine(t, constantSA, 2)
	l.name(1)
	l.want([]int{0, 1})
	l.name(0)
	l.offer(3)
	l.want([]int{1, 1})
	wantVerdicts(t, l.a.total(), map[mbuf.Verdict]uint64{mbuf.NoSA: 3})
	l.a.remove(l.slot[0])
	l.want([]int{1, 1}, 0)
}

// TestSuccessionOnADeadLcore: SAs in line are given up like all others.
func TestSuccessionOnADeadLcore(t *testing.T) {
	l := newLine(t, constantSA, 3)
	l.a.remove(l.slot[1])
	l.a.builder.step()
	l.a.workers[0].dead.Store(true)
	for range 3 {
		l.a.builder.step()
	}
	if a, ok := l.a.TakeAck(); !ok || a.Code != LcoreDead || a.Slot != l.slot[1] {
		t.Errorf("ack %+v, expected the removal under way to be answered", a)
	}
	for _, i := range []int{0, 2} {
		if a, _ := l.a.try(Command{Op: RemoveOutbound, Slot: l.slot[i]}); a.Code != LcoreDead {
			t.Errorf("ack %+v", a)
		}
	}
}

// TestSuccessionDoesNotAllocate: neither does the lcore's part of a rekey, nor a step with SAs in line.
func TestSuccessionDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP: the race detector allocates")
	}
	for name, mode := range successors {
		l := newLine(t, mode, 3)
		w := l.a.workers[0]
		inner := numbered(addrA.host, addrB.host, 250, 1)
		g := [3]*Generation{}
		for i := range g {
			l.name(i)
			g[i] = l.a.Generation()
		}
		turn := 0
		round := func() { // the line as a ring: the one that has sent all stands behind the last
			old := l.slot[turn%3]
			turn++
			l.a.Publish(g[turn%3])
			l.hostA.load(inner, 1)
			for range 4 {
				l.step(1e6)
				l.peer.discard()
			}
			if sa := &w.out[old]; sa.framer != nil && sa.pacer != nil {
				sa.frame = frameQueued
			}
			w.wait(old, l.slot[(turn+1)%3])
		}
		l.a.Publish(g[0])
		*l.spis = make([]uint32, 0, 1<<20)
		l.wire.SetTap(softpmd.A, nil)
		for range 10 {
			round()
		}
		if n := testing.AllocsPerRun(100, round); n != 0 {
			t.Errorf("%s: %v allocations per rekey", name, n)
		}
		for i, slot := range l.slot {
			if got := w.outbound.Counters(slot).Packets; got < 30 {
				t.Errorf("%s: SA %d sent %d packets: the test sees too little", name, i, got)
			}
		}
	}
}
