package tsc

import (
	"math/bits"
	"sync/atomic"
)

// line turns cycles into nanoseconds: it goes through (cycles, ns) with a slope of mult/2^32 nanoseconds a cycle. The
// fixed point keeps 0.5 ppb at 3 GHz and cannot overflow, however long a line is in use. Immutable once published.
type line struct {
	cycles uint64
	ns     int64
	mult   uint64
}

// at returns the time at a cycle count. Counts before the line's own point give that point: a core whose counter is a
// few cycles behind must not see time run backwards.
func (l *line) at(cycles uint64) int64 {
	d := cycles - l.cycles
	if int64(d) < 0 {
		return l.ns
	}
	hi, lo := bits.Mul64(d, l.mult)
	return l.ns + int64(hi<<32|lo>>32)
}

// The states of a plan. It starts pending and leaves that state once.
const (
	pending   uint32 = iota // published, the writer has not yet seen that it was in time
	confirmed               // the second line takes over at the hand-over
	void                    // the first line goes on
)

// plan is what readers hold: the line in use, and the one that takes over at the cycle count from, where both give the
// same time. Nobody may read the first line past the hand-over and the second one later, since a flatter second line
// would then step back; the state settles which of the two holds without a reader ever waiting for the writer, who may
// be descheduled anywhere. Safe for concurrent use.
type plan struct {
	first  line
	second line
	from   uint64
	state  atomic.Uint32
	system bool // the counter is not to be trusted: first.ns plus the runtime's clock is the time
}

// handOver plans the change from l to the slope mult at the cycle count from.
func handOver(l line, from, mult uint64) *plan {
	return &plan{first: l, second: line{cycles: from, ns: l.at(from), mult: mult}, from: from}
}

// straight is the plan that goes on with l for good.
func straight(l line) *plan {
	p := &plan{first: l, second: l, from: l.cycles}
	p.state.Store(confirmed)
	return p
}

// at returns the time at a cycle count that was read while p was the published plan.
func (p *plan) at(cycles uint64) int64 {
	if int64(cycles-p.from) >= 0 && p.over() {
		return p.second.at(cycles)
	}
	return p.first.at(cycles)
}

// over tells whether the second line holds past the hand-over. A reader who gets there before the writer has confirmed
// voids the plan, for itself and for everyone after it.
func (p *plan) over() bool {
	s := p.state.Load()
	if s == pending && p.state.CompareAndSwap(pending, void) {
		return false
	}
	return p.state.Load() == confirmed
}

// confirm settles the plan after it was published: cycles is a count read since. Late, or overtaken by a reader, it is
// void, and the next check tries again.
func (p *plan) confirm(cycles uint64) bool {
	to := confirmed
	if int64(cycles-p.from) >= 0 {
		to = void
	}
	return p.state.CompareAndSwap(pending, to) && to == confirmed
}

// settled returns the line that holds in the end; p must have been confirmed or voided. Before the hand-over it stands
// still, so a plan made from it too early can make time wait and never step back.
func (p *plan) settled() line {
	if p.state.Load() == confirmed {
		return p.second
	}
	return p.first
}
