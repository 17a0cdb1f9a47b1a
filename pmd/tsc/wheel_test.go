package tsc

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// drain calls Advance until nothing is left at now, and returns what fired. It fails on a wheel that makes no progress.
func drain(t *testing.T, w *Wheel, now int64, room int) (ids []uint32) {
	t.Helper()
	fired := make([]uint32, room)
	for calls := 0; ; calls++ {
		ids = append(ids, fired[:w.Advance(now, fired)]...)
		if next, armed := w.Next(); !armed || next > now {
			return ids
		}
		if calls > levels*len(w.nodes) {
			t.Fatalf("wheel still has work at %d ns after %d calls", now, calls)
		}
	}
}

func TestWheelFiresBetweenDeadlineAndOneTickLater(t *testing.T) {
	const tick = 1000
	for _, at := range []int64{0, 1, 999, 1000, 1001, 63_000, 64_000, 64_001, 4096_000, 4096_001, int64(time.Hour), int64(time.Hour) * 24 * 365 * 200} {
		w := NewWheel(tick, 1)
		w.Arm(0, at)
		if at > 0 && len(drain(t, w, at-1, 1)) != 0 {
			t.Errorf("deadline %d ns: fired at %d", at, at-1)
		}
		if got := drain(t, w, at+tick-1, 1); !slices.Equal(got, []uint32{0}) {
			t.Errorf("deadline %d ns: fired %v at %d, expected [0]", at, got, at+tick-1)
		}
	}
}

func TestWheelPastDeadlineFiresAtNextAdvance(t *testing.T) {
	w := NewWheel(10, 3)
	drain(t, w, 5000, 1)
	w.Arm(0, 4000)
	w.Arm(1, math.MinInt64)
	w.Arm(2, 5001)
	if next, armed := w.Next(); !armed || next > 5000 {
		t.Errorf("Next() = %d, %t with a deadline passed, expected a time not after 5000", next, armed)
	}
	if got := drain(t, w, 5000, 8); !slices.Equal(got, []uint32{0, 1}) {
		t.Errorf("fired %v at 5000, expected [0 1]", got)
	}
}

func TestWheelFiresInOrderOfTicks(t *testing.T) {
	r := newRand(t)
	const n = 1000
	w, at := NewWheel(1, n), make([]int64, n)
	for id := range at {
		at[id] = r.Int64N(1 << 20)
		w.Arm(uint32(id), at[id])
	}
	got := drain(t, w, 1<<20, 7)
	if len(got) != n {
		t.Fatalf("fired %d timers, expected %d", len(got), n)
	}
	if !slices.IsSortedFunc(got, func(a, b uint32) int { return int(at[a] - at[b]) }) {
		t.Error("timers fired out of order")
	}
}

func TestWheelRearmMovesAndCancelDisarms(t *testing.T) {
	w := NewWheel(1, 4)
	w.Arm(0, 100)
	w.Arm(0, 7_000_000)
	w.Arm(1, 100)
	w.Arm(2, 100)
	w.Cancel(1)
	w.Cancel(1)
	w.Cancel(3)
	if got := drain(t, w, 1000, 4); !slices.Equal(got, []uint32{2}) {
		t.Errorf("fired %v at 1000, expected [2]", got)
	}
	if w.Armed(1) || w.Armed(2) || !w.Armed(0) {
		t.Errorf("armed: 0 %t, 1 %t, 2 %t; expected only 0", w.Armed(0), w.Armed(1), w.Armed(2))
	}
	if got := drain(t, w, 7_000_000, 4); !slices.Equal(got, []uint32{0}) {
		t.Errorf("fired %v at 7 ms, expected [0]", got)
	}
	if at, armed := w.Next(); armed {
		t.Errorf("Next() = %d on an empty wheel, expected none", at)
	}
}

// A timer that waits in the due list, its slot reached but the call's work used up, can still be moved and cancelled.
func TestWheelCancelsAndMovesTimersLeftOver(t *testing.T) {
	w, one := NewWheel(1, 4), make([]uint32, 1)
	for id := range uint32(4) {
		w.Arm(id, 50)
	}
	if n := w.Advance(50, one); n != 1 || one[0] != 0 {
		t.Fatalf("first call fired %v", one[:n])
	}
	w.Cancel(1)
	w.Arm(2, 60)
	if got := drain(t, w, 50, 1); !slices.Equal(got, []uint32{3}) {
		t.Errorf("fired %v at 50, expected [3]", got)
	}
	if got := drain(t, w, 60, 1); !slices.Equal(got, []uint32{2}) {
		t.Errorf("fired %v at 60, expected [2]", got)
	}
}

// However many timers share a far slot, one call moves no more than its share of them, and the rest is not forgotten.
func TestWheelBoundsTheWorkOfOneCall(t *testing.T) {
	const n, far = 10_000, 1 << 30
	w := NewWheel(1, n)
	for id := range uint32(n) {
		w.Arm(id, far+int64(id)%3)
	}
	fired := make([]uint32, 8)
	if got := w.Advance(far, fired); got > len(fired) {
		t.Fatalf("Advance returned %d for room of %d", got, len(fired))
	}
	waiting := 0
	for i := w.nodes[w.due].next; i != w.due; i = w.nodes[i].next {
		waiting++
	}
	if moved := n - waiting; moved > stepsPerFired*len(fired) {
		t.Errorf("one call moved %d timers, expected at most %d", moved, stepsPerFired*len(fired))
	}
	if got := drain(t, w, far+2, 8); len(got) < n-len(fired) {
		t.Errorf("fired %d timers afterwards, expected at least %d", len(got), n-len(fired))
	}
}

func TestWheelJumpsOverIdleTimeInOneStep(t *testing.T) {
	w, fired := NewWheel(1, 1), make([]uint32, 1)
	w.Arm(0, math.MaxInt64-1)
	if n := w.Advance(math.MaxInt64-2, fired); n != 0 {
		t.Fatalf("fired %v a nanosecond early", fired)
	}
	if got := drain(t, w, math.MaxInt64, 1); len(got) != 1 {
		t.Error("timer at the end of time did not fire")
	}
}

// With a tick that does not divide the end of time, a deadline in the last tick lies behind every now.
func TestWheelSaturatesAtTheEndOfTime(t *testing.T) {
	w := NewWheel(1000, 1)
	w.Arm(0, math.MaxInt64)
	if got := w.Advance(math.MaxInt64-1, make([]uint32, 1)); got != 0 {
		t.Error("fired before its time")
	}
	if at, armed := w.Next(); !armed || at < 0 {
		t.Errorf("Next() = %d, %t, expected no overflow", at, armed)
	}
}

func TestWheelIgnoresTimeThatRunsBack(t *testing.T) {
	w := NewWheel(1, 1)
	drain(t, w, 1000, 1)
	drain(t, w, 500, 1)
	w.Arm(0, 1001)
	if got := drain(t, w, 700, 1); len(got) != 0 {
		t.Errorf("fired %v at 700 for a deadline of 1001", got)
	}
	if got := drain(t, w, 1001, 1); len(got) != 1 {
		t.Error("did not fire at 1001")
	}
}

// oracle is the obvious timer list: a deadline per timer, or -1.
type oracle struct {
	tick int64
	at   []int64
}

// earliest returns the smallest time at which a timer may fire, rounded up to a tick; false if there is none.
func (o *oracle) earliest() (int64, bool) {
	first, ok := int64(math.MaxInt64), false
	for _, at := range o.at {
		if at >= 0 {
			first, ok = min(first, (at+o.tick-1)/o.tick*o.tick), true
		}
	}
	return first, ok
}

// fired takes timers off the list that the wheel says are due at now.
func (o *oracle) fired(t *testing.T, now int64, ids []uint32) {
	for _, id := range ids {
		switch at := o.at[id]; {
		case at < 0:
			t.Fatalf("timer %d fired at %d and was not armed", id, now)
		case at > now:
			t.Fatalf("timer %d fired at %d, %d ns early", id, now, at-now)
		}
		o.at[id] = -1
	}
}

// logUniform spreads draws over all magnitudes below 2^bits, so that every level of the wheel is met.
func logUniform(r *rand.Rand, bits int) int64 { return r.Int64() >> (63 - r.IntN(bits+1)) }

// A million random operations leave wheel and oracle in agreement after each.
func TestWheelAgreesWithSortedDeadlines(t *testing.T) {
	r := newRand(t)
	const timers = 24
	for _, tick := range []int64{1, 100, 1 << 10, 999_983} {
		w, o := NewWheel(tick, timers), &oracle{tick, slices.Repeat([]int64{-1}, timers)}
		fired, now := make([]uint32, 5), r.Int64N(1<<40)
		for range 250_000 {
			id := uint32(r.IntN(timers))
			switch r.IntN(4) {
			case 0, 1:
				at := max(0, now+logUniform(r, 45)-logUniform(r, 20))
				w.Arm(id, at)
				o.at[id] = at
			case 2:
				w.Cancel(id)
				o.at[id] = -1
			case 3:
				now += logUniform(r, 43)
				o.fired(t, now, fired[:w.Advance(now, fired[:1+r.IntN(len(fired))])])
			}
			checkAgainst(t, w, o, now)
		}
	}
}

// checkAgainst compares what the wheel says about its next deadline, and which timers it has, with the oracle.
func checkAgainst(t *testing.T, w *Wheel, o *oracle, now int64) {
	next, armed := w.Next()
	first, any := o.earliest()
	if armed != any {
		t.Fatalf("at %d: Next() says armed %t, expected %t", now, armed, any)
	}
	if armed && next > max(first, now) {
		t.Fatalf("at %d: Next() = %d, but a timer is due at %d", now, next, first)
	}
	for id, at := range o.at {
		if w.Armed(uint32(id)) != (at >= 0) {
			t.Fatalf("at %d: timer %d armed %t, expected %t", now, id, at < 0, at >= 0)
		}
	}
}

func TestWheelPanicsOnProgrammerErrors(t *testing.T) {
	w := NewWheel(1, 2)
	for name, f := range map[string]func(){
		"tick 0":          func() { NewWheel(0, 1) },
		"no timers":       func() { NewWheel(1, 0) },
		"too many timers": func() { NewWheel(1, 1<<30+1) },
		"arm beyond":      func() { w.Arm(2, 0) },
		"cancel beyond":   func() { w.Cancel(2) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("did not panic")
				}
			}()
			f()
		})
	}
}

func TestWheelDoesNotAllocate(t *testing.T) {
	w, fired, now := NewWheel(1000, 256), make([]uint32, 32), int64(0)
	allocs := testing.AllocsPerRun(1000, func() {
		for id := range uint32(256) {
			w.Arm(id, now+int64(id)*12_345)
		}
		w.Cancel(7)
		now += 1_000_000
		w.Advance(now, fired)
		w.Next()
	})
	if allocs != 0 {
		t.Errorf("%g allocations a run, expected 0", allocs)
	}
}
