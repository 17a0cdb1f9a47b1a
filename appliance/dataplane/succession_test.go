package dataplane

import (
	"fmt"
	"slices"
	"testing"

	"stillwater/iptfs"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// The tests here and in succession_line_test.go rekey child 0 from plane a to plane b, or to a peer that only looks, on lcore 0.

// small makes AGGFRAG SAs whose payloads are a fraction of a packet, so that one step's intake takes several to leave.
func small(sa SA) SA {
	sa.Framing.OuterSize = 300
	return sa
}

// successors are the modes in which SAs succeed each other.
var successors = map[string]func(spi uint32, from, to addresses) SA{
	"tunnel":    tunnelSA,
	"aggregate": aggregateSA,
	"fragments": func(spi uint32, from, to addresses) SA { return small(aggregateSA(spi, from, to)) },
	"whole": func(spi uint32, from, to addresses) SA {
		sa := small(aggregateSA(spi, from, to))
		sa.Framing.DontFragment = true
		return sa
	},
	"constant": func(spi uint32, from, to addresses) SA {
		sa := small(constantSA(spi, from, to))
		sa.Framing.Interval = iptfs.Interval{Num: 25_000, Den: 1}
		return sa
	},
}

// succeed installs an SA at a that comes after another one.
func (n *node) succeed(sa SA, after uint32) uint32 {
	n.t.Helper()
	return n.do(Command{Op: InstallOutbound, SA: sa, After: after, AfterSPI: n.workers[0].out[after].spi}).Slot
}

// installed returns how many outbound SAs lcore 0 has.
func (n *node) installed() int { return rigSlots - len(n.builder.free[0].out) }

// remove orders the removal of an outbound SA; its ack has the slot as its ticket.
func (n *node) remove(slot uint32) {
	n.t.Helper()
	if !n.Submit(&Command{Op: RemoveOutbound, Slot: slot, Ticket: uint64(slot)}) {
		n.t.Fatal("command ring full")
	}
}

// removed returns the slots of all removals that were acknowledged.
func (n *node) removed() (slots []uint32) {
	n.t.Helper()
	for a, ok := n.TakeAck(); ok; a, ok = n.TakeAck() {
		if a.Op != RemoveOutbound || a.Code != Done {
			n.t.Fatalf("ack %+v", a)
		}
		slots = append(slots, a.Slot)
	}
	return slots
}

// rekeying is traffic from host a to host b over SAs that succeed each other, all numbers in order.
type rekeying struct {
	*rig
	make func(spi uint32, from, to addresses) SA
	spi  uint32
	out  []uint32 // oldest first; those that are being removed are not among them
	in   []uint32
	next uint32 // number of the next packet
	got  []uint32
	held int // steps in which packets waited for their SA's turn
}

// pass offers traffic for some steps: bursts that take one step in and several out, and no more than the newest SA's queue takes
// without loss.
func (r *rekeying) pass(steps, packets, size int) {
	r.t.Helper()
	w := r.a.workers[0]
	for i := range steps {
		for range packets * (1 - min(i%5, 1)) {
			if f := w.out[r.newest()].framer; f != nil {
				if n, _ := f.Waiting(); n > 100 {
					break
				}
			}
			r.next += uint32(r.hostA.send(numbered(addrA.host, addrB.host, size, r.next)))
		}
		r.step(25_000)
		r.got = append(r.got, idsOf(r.hostB.receive())...)
		for _, s := range w.waiting {
			if !w.out[s.slot].idle() {
				r.held++
			}
		}
	}
}

func (r *rekeying) newest() uint32 { return r.out[len(r.out)-1] }

// rekey lets a new SA come after the newest and points child 0 at it, when the old one has just got its last packets.
func (r *rekeying) rekey(packets, size int) {
	r.t.Helper()
	r.spi++
	sa := r.make(r.spi, addrA, addrB)
	r.in = append(r.in, r.b.installIn(0, sa))
	r.out = append(r.out, r.a.succeed(sa, r.newest()))
	r.pass(1, packets, size)
	r.a.point(0, OutRef{0, r.newest()})
}

// removeOldest orders the removal of the oldest SA, whatever waits in it or for it.
func (r *rekeying) removeOldest() {
	r.a.remove(r.out[0])
	r.out = r.out[1:]
}

// shed lets traffic pass until the planes have room for another SA, and removes inbound SAs that have received everything.
func (r *rekeying) shed(packets, size int) {
	r.t.Helper()
	for i := 0; r.a.installed() > len(r.out); i++ {
		if r.pass(1, packets, size); i == 20_000 {
			r.t.Fatalf("%d outbound SAs are there, expected %d", r.a.installed(), len(r.out))
		}
	}
	gone := len(r.in) - len(r.out)
	r.pass(60, packets, size) // what is on the wire
	for _, in := range r.in[:gone] {
		if c := r.b.do(Command{Op: RemoveInbound, Slot: in}).Counters; c.Packets != c.Seq {
			r.t.Fatalf("%d packets received of %d sent on an old SA", c.Packets, c.Seq)
		}
	}
	r.in = r.in[gone:]
}

// TestIKE131_RekeysKeepOrder: under load, with rekeys so fast that several SAs stand in line, removed soon or late, every packet
// arrives, in order, and no inner packet is split over two SAs (TFS-053).
func TestIKE131_RekeysKeepOrder(t *testing.T) {
	for name, mode := range successors {
		t.Run(name, func(t *testing.T) {
			rnd := newRand(t)
			r := &rekeying{rig: newRig(t, rigConfig{}), make: mode, spi: 0x1000}
			out, in := r.connect(mode, r.spi)
			r.out, r.in = []uint32{out}, []uint32{in}
			const packets = 24
			size := map[bool]int{true: 200, false: 1300}[name == "whole"]
			for range 25 {
				for range 1 + rnd.IntN(4) {
					r.pass(rnd.IntN(12), packets, size)
					r.rekey(packets, size)
					if rnd.IntN(2) == 0 {
						r.removeOldest()
					}
				}
				for len(r.out) > 1 {
					r.pass(rnd.IntN(3), packets, size)
					r.removeOldest()
				}
				r.shed(packets, size)
			}
			r.pass(2000, 0, 0)
			if !slices.Equal(r.got, upTo(r.next)) {
				t.Errorf("%d delivered of %d, in order %t", len(r.got), r.next, slices.IsSorted(r.got))
			}
			wantVerdicts(t, r.a.total(), nil)
			for v, n := range r.b.total().Verdicts {
				if v := mbuf.Verdict(v); v.Drop() && n > 0 {
					t.Errorf("b dropped %d: %s", n, v)
				}
			}
			if fragmented := name == "fragments" || name == "constant"; fragmented && r.held < 10 {
				t.Errorf("packets waited for their SA's turn in %d steps: the test sees too little", r.held)
			}
			if w := r.a.workers[0]; len(w.waiting) != 0 {
				t.Errorf("%v still in line", w.waiting)
			}
		})
	}
}

// gridOf returns when packets leave if slot k is due at start + k*num/den and the plane looks at the times given, which lie
// closer together than slots.
func gridOf(looks []int64, start int64, every iptfs.Interval) (times []int64) {
	for k, i := int64(0), 0; i < len(looks); i++ {
		if looks[i] >= start+k*every.Num/every.Den {
			times = append(times, looks[i])
			k++
		}
	}
	return times
}

// spiLog notes the SPI of every ESP packet that leaves a, beside what an observer sees.
func (r *rig) spiLog(o *observer) *[]uint32 {
	spis := new([]uint32)
	r.wire.SetTap(softpmd.A, func(_ softpmd.End, f []byte, now int64) {
		o.sizes[len(f)]++
		o.times = append(o.times, now)
		*spis = append(*spis, be32(f[20:]))
	})
	return spis
}

// TestTFS060_RekeysKeepTheGrid: fifty rekeys, idle, loaded and overloaded, removals early and late, and every outer packet leaves
// when it would have left without: one for each slot, the phase kept to the fraction of a nanosecond.
func TestTFS060_RekeysKeepTheGrid(t *testing.T) {
	every := iptfs.Interval{Num: 1e9, Den: 30_001}
	mode := func(spi uint32) SA {
		sa := constantSA(spi, addrA, addrB)
		sa.Framing.Interval, sa.Framing.QueuePackets = every, 256
		return sa
	}
	for _, load := range []int{0, 1, 3, 20} {
		t.Run(fmt.Sprint(load), func(t *testing.T) {
			rnd := newRand(t)
			r := newHalfRig(t, rigConfig{})
			peer := r.openPeer()
			o := &observer{sizes: map[int]int{}}
			spis := r.spiLog(o)
			looks := []int64{r.clock.Now()}
			slot := r.a.installOut(0, mode(0x1000))
			r.a.point(0, OutRef{0, slot})
			pass := func(steps int) {
				for range steps {
					for range load {
						r.hostA.send(numbered(addrA.host, addrB.host, 60+rnd.IntN(1300), 0))
					}
					r.step(1 + rnd.Int64N(30_000))
					looks = append(looks, r.clock.Now())
					peer.discard()
					r.a.removed()
				}
			}
			for i := range uint32(50) {
				pass(rnd.IntN(40))
				old := slot
				slot = r.a.succeed(mode(0x1001+i), old)
				pass(rnd.IntN(3))
				r.a.point(0, OutRef{0, slot})
				pass(rnd.IntN(1 + 600*min(load, 1)))
				r.a.remove(old)
				for r.a.installed() > 12 {
					pass(1)
				}
			}
			pass(5000) // what overload has left
			want := gridOf(looks, looks[0], every)
			if !slices.Equal(o.times, want) {
				t.Errorf("%d packets at other times than the %d slots", len(o.times), len(want))
			}
			if len(o.sizes) != 1 || o.sizes[1400] == 0 {
				t.Errorf("sizes %v, expected 1400 octets always", o.sizes)
			}
			sorted, senders := slices.IsSorted(*spis), slices.Compact(*spis)
			if !sorted || len(senders) < 30 || senders[len(senders)-1] != 0x1000+50 {
				t.Errorf("packets of SAs %x, one after the other %t; expected most of 51 and the last", senders, sorted)
			}
			if c := r.a.total(); c.MissedSlots != 0 {
				t.Errorf("%d missed slots", c.MissedSlots)
			}
		})
	}
}

// TestSuccessionTakenBack: a generation that goes back to the old SA takes with it what waits in the new one, in order.
func TestSuccessionTakenBack(t *testing.T) {
	for name, mode := range successors {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigConfig{})
			first, _ := r.connect(mode, 0x1000)
			sa := mode(0x1001, addrA, addrB)
			r.b.installIn(0, sa)
			second := r.a.succeed(sa, first)
			next, size := uint32(0), map[bool]int{true: 200, false: 1200}[name == "whole"]
			offer := func(ref uint32) {
				r.a.point(0, OutRef{0, ref})
				for range 30 {
					r.hostA.send(numbered(addrA.host, addrB.host, size, next))
					next++
				}
				r.step(1)
			}
			offer(first)
			offer(second)
			offer(first)
			r.a.remove(second)
			r.steps(5, 1)
			if sa.Mode != tunnelSA(1, addrA, addrB).Mode && !slices.Equal(r.a.removed(), []uint32{second}) {
				t.Error("the new SA is still there")
			}
			r.steps(800, 1e6)
			if got := idsOf(r.hostB.receive()); !slices.Equal(got, upTo(next)) {
				t.Errorf("delivered %v", got)
			}
			wantVerdicts(t, r.a.total(), nil)
		})
	}
}
