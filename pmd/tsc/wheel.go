package tsc

import (
	"fmt"
	"math"
	"math/bits"
)

const (
	digitBits = 6
	slots     = 1 << digitBits
	levels    = 11 // digits of 6 bits that a 63-bit tick count has

	// stepsPerFired bounds the work of a call of Advance: this many timers are moved or fired, or slots reached, per place
	// in its result. A timer a second ahead in ticks of a microsecond moves three times on its way down.
	stepsPerFired = 4
)

// nowhere is the link of a timer that is not armed.
const nowhere = math.MaxUint32

// node is a timer, or the head of a circular list of timers. 16 octets, four to a cache line.
type node struct {
	tick       uint64
	next, prev uint32
}

// Wheel is a hierarchical timing wheel over the timers 0 to n-1: arming, cancelling and firing take constant time, and
// nothing is allocated after NewWheel. Owned by one lcore.
//
// A timer hangs in the slot of the topmost base-64 digit in which its tick differs from the wheel's. So everything on a
// lower level is due before everything on a higher one, a bitmap per level finds the earliest slot however far away, and
// a timer moves down one or more levels each time the wheel reaches its slot.
type Wheel struct {
	tick   int64  // ns
	now    uint64 // tick reached: everything before it has fired or waits in the due list
	busy   uint64 // bit l: level l has timers
	bitmap [levels]uint64
	nodes  []node // the timers, the heads of all slots, the head of the due list
	timers uint32
	due    uint32 // list of timers whose slot was reached: to be fired or moved down, before anything else
}

// NewWheel returns a wheel that tells time in ticks of so many nanoseconds and has room for the timers 0 to timers-1. It
// panics if tick or timers is not positive, or timers above 2^30: both are constants of the program.
func NewWheel(tick int64, timers int) *Wheel {
	if tick <= 0 || timers <= 0 || timers > 1<<30 {
		panic(fmt.Sprintf("tsc: wheel with a tick of %d ns and %d timers, expected positive numbers, at most 2^30 timers", tick, timers))
	}
	w := &Wheel{
		tick:   tick,
		nodes:  make([]node, timers+levels*slots+1),
		timers: uint32(timers),
		due:    uint32(timers + levels*slots),
	}
	for i := range w.nodes {
		w.nodes[i].next, w.nodes[i].prev = uint32(i), uint32(i)
		if i < timers {
			w.nodes[i].next = nowhere
		}
	}
	return w
}

// Arm sets timer id to fire at the first tick not before at, in nanoseconds; a time already reached fires at the next
// call of Advance. An armed timer is moved. It panics if there is no such timer.
func (w *Wheel) Arm(id uint32, at int64) {
	w.Cancel(id)
	t := uint64(max(at, 0))
	q := t / uint64(w.tick)
	if q*uint64(w.tick) < t {
		q++
	}
	w.nodes[id].tick = q
	w.place(id)
}

// Cancel disarms timer id; a timer that is not armed stays so. It panics if there is no such timer.
func (w *Wheel) Cancel(id uint32) {
	if w.Armed(id) {
		w.unlink(id)
	}
}

// Armed tells whether timer id waits to be fired. It panics if there is no such timer.
func (w *Wheel) Armed(id uint32) bool { return w.nodes[:w.timers][id].next != nowhere }

// Advance moves the wheel to now and fills fired with the timers due by then, in the order of their ticks, but that those
// armed too late come as they were armed; they are disarmed. It returns their number. Work is bounded by len(fired), so a call may leave timers for the next one, and may
// return less than len(fired) while it does: as long as Next is not after now, there is more. No timer fires before its
// time, and none more than a tick late if Advance is called in time. A now before an earlier one counts
// as that one, and any time before zero as zero.
func (w *Wheel) Advance(now int64, fired []uint32) int {
	to := uint64(max(now, 0)) / uint64(w.tick)
	n := 0
	for steps := stepsPerFired * len(fired); steps > 0 && n < len(fired); steps-- {
		id := w.nodes[w.due].next
		if id == w.due {
			if !w.reach(to) {
				break
			}
			continue
		}
		w.unlink(id)
		if w.nodes[id].tick > w.now {
			w.place(id)
			continue
		}
		fired[n] = id
		n++
	}
	return n
}

// Next returns a time, in nanoseconds, before which no armed timer fires; false when none is armed. It is exact in the
// wheel's present block of 64 ticks, and not after the now of the last Advance when that call left work.
func (w *Wheel) Next() (at int64, armed bool) {
	t := w.now
	if w.nodes[w.due].next == w.due {
		if w.busy == 0 {
			return 0, false
		}
		_, t = w.earliest()
	}
	if t > math.MaxInt64/uint64(w.tick) {
		return math.MaxInt64, true
	}
	return int64(t) * w.tick, true
}

// reach moves the wheel to its next slot with timers, and these to the due list; false, with the wheel at tick to, when
// that slot starts later.
func (w *Wheel) reach(to uint64) bool {
	if w.busy == 0 {
		w.now = max(w.now, to)
		return false
	}
	head, start := w.earliest()
	if start > to {
		w.now = max(w.now, to)
		return false
	}
	w.now = start
	first, last := w.nodes[head].next, w.nodes[head].prev
	w.nodes[w.due].next, w.nodes[w.due].prev = first, last
	w.nodes[first].prev, w.nodes[last].next = w.due, w.due
	w.nodes[head].next, w.nodes[head].prev = head, head
	w.clearSlot(head)
	return true
}

// earliest returns the first slot with timers and the tick it starts at. There must be one.
func (w *Wheel) earliest() (head uint32, start uint64) {
	l := bits.TrailingZeros64(w.busy)
	digit := bits.TrailingZeros64(w.bitmap[l])
	shift := digitBits * l
	above := w.now >> shift >> digitBits << digitBits // two shifts: the top level has no digits above it
	return w.timers + uint32(l*slots+digit), (above | uint64(digit)) << shift
}

// place hangs a timer where its tick belongs, seen from the wheel's.
func (w *Wheel) place(id uint32) {
	t := w.nodes[id].tick
	if t <= w.now {
		w.link(w.due, id)
		return
	}
	l := (bits.Len64(t^w.now) - 1) / digitBits
	digit := t >> (digitBits * l) % slots
	w.bitmap[l] |= 1 << digit
	w.busy |= 1 << l
	w.link(w.timers+uint32(l*slots)+uint32(digit), id)
}

// link appends a timer to a list.
func (w *Wheel) link(head, id uint32) {
	prev := w.nodes[head].prev
	w.nodes[id].next, w.nodes[id].prev = head, prev
	w.nodes[prev].next, w.nodes[head].prev = id, id
}

// unlink takes a timer out of its list.
func (w *Wheel) unlink(id uint32) {
	next, prev := w.nodes[id].next, w.nodes[id].prev
	w.nodes[prev].next, w.nodes[next].prev = next, prev
	w.nodes[id].next = nowhere
	if next == prev && next != w.due && next >= w.timers {
		w.clearSlot(next)
	}
}

// clearSlot records that a slot has no timers left.
func (w *Wheel) clearSlot(head uint32) {
	l, digit := (head-w.timers)/slots, (head-w.timers)%slots
	w.bitmap[l] &^= 1 << digit
	if w.bitmap[l] == 0 {
		w.busy &^= 1 << l
	}
}
