package dataplane

import (
	"fmt"

	"stillwater/pmd/mbuf"
)

// reportEvery is the least time between two drop events of one verdict, in nanoseconds.
const reportEvery = 1e6

// report counts an auditable packet and tells control of it, at most once a millisecond for each verdict (RFC 4301 and
// RFC 4303 ask for an audit record; a flood must not become a flood of events).
func (w *Worker) report(m *mbuf.Mbuf) {
	r := &w.reports[m.Verdict]
	r.count++
	if w.now < r.next {
		return
	}
	if w.events.Push(Event{Kind: EventDrop, Lcore: uint8(w.id), Verdict: uint8(m.Verdict), SPI: m.SPI, Seq: m.Seq, Count: r.count, Time: w.now}) {
		r.count, r.next = 0, w.now+reportEvery
	}
}

// report is the state of one verdict's drop events.
type report struct {
	count uint64
	next  int64
}

// acquireShares bounds the acquire events of a millisecond; children share them by number, so that a busy one does not
// keep others from asking.
const acquireShares = 64

// acquire asks control for an SA of a child, at most once a millisecond; a full ring means that control has enough to do.
func (w *Worker) acquire(child uint32) {
	next := &w.acquires[child%acquireShares]
	if w.now >= *next && w.events.Push(Event{Kind: EventAcquire, Lcore: uint8(w.id), Child: child, Time: w.now}) {
		*next = w.now + reportEvery
	}
}

// reportLimits passes lifetimes that SAs have reached on to control. They are told once, so they stay where they are while
// the ring has no room.
func (w *Worker) reportLimits() {
	if w.events.Len()+len(w.limits) > w.events.Cap() {
		return
	}
	n := w.outbound.TakeEvents(w.limits)
	n += w.inbound.TakeEvents(w.limits[n:])
	for _, e := range w.limits[:n] {
		w.events.Push(Event{Kind: EventLimit, Lcore: uint8(w.id), Limit: e, SPI: e.SPI, Time: w.now})
	}
}

// PanicError is returned by Run for an lcore that panicked. The others go on.
type PanicError struct {
	Lcore int
	Value any
	Stack []byte
}

// Error names the lcore and the value.
func (e *PanicError) Error() string { return fmt.Sprintf("lcore %d: panic: %v", e.Lcore, e.Value) }
