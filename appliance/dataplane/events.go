package dataplane

import (
	"fmt"
	"net/netip"

	"stillwater/pmd/mbuf"
)

// The least time between two events of a kind, in nanoseconds: RFC 4301 and RFC 4303 ask for an audit record, and control
// has to hear of what is missing, but a flood must not become a flood of events.
const (
	reportEvery   = 1e6   // drops, for each verdict
	acquireEvery  = 1e6   // for each share of the children
	resourceEvery = 100e6 // the same: an SA more is no matter of milliseconds
	movedEvery    = 1e9   // for each SA
	missEvery     = 100e6 // for each next hop
	missOther     = 10e6  // between two next hops that share a place
)

// report is the state of one verdict's drop events.
type report struct {
	count uint64
	next  int64
}

// describe fills in what control wants to know of a packet beside its verdict; nil where that is nothing.
var describe = [mbuf.NumVerdicts]func(w *Worker, m *mbuf.Mbuf, e *Event){
	mbuf.BadSPI: describeOuter, mbuf.UnknownSPI: describeOuter, mbuf.Replayed: describeOuter, mbuf.TooOld: describeOuter,
	mbuf.SeqInvalid: describeOuter, mbuf.AuthFailed: describeOuter,
	mbuf.NoPolicy: describeClear, mbuf.PolicyDiscard: describeClear,
	mbuf.SelectorMismatch: describeMismatch,
}

func describeOuter(_ *Worker, m *mbuf.Mbuf, e *Event) { e.Inbound, e.Flow = true, outerFlow(m) }
func describeClear(_ *Worker, m *mbuf.Mbuf, e *Event) { e.Flow = clearFlow(m) }

// describeMismatch tells of an inner packet outside its SA's selectors. What is in it stays untold where inner traffic must
// not move IKE to anything (DESIGN.md 8).
func describeMismatch(w *Worker, m *mbuf.Mbuf, e *Event) {
	e.Inbound, e.Slot, e.Child = true, m.SA, w.in[m.SA].child
	if w.gen.child(e.Child).Acquire {
		e.Flow = clearFlow(m)
	}
}

// report counts an auditable packet and tells control of it.
func (w *Worker) report(m *mbuf.Mbuf) {
	r := &w.reports[m.Verdict]
	r.count++
	if w.now < r.next {
		return
	}
	e := &w.event
	*e = Event{Kind: EventDrop, Lcore: uint8(w.id), Verdict: uint8(m.Verdict), SPI: m.SPI, Seq: m.Seq, Count: r.count, Time: w.now}
	if tell := describe[m.Verdict]; tell != nil {
		tell(w, m, e)
	}
	if w.events.Push(*e) {
		r.count, r.next = 0, w.now+reportEvery
	}
}

// childShares is how many children may make an lcore ask at one time; they share by number, so that a busy one does not keep
// others from asking.
const childShares = 64

// question is the rate limit of what the packets of children make an lcore ask control for.
type question [childShares]int64

// ask tells control that a packet of child Aux needs something, at most once in every nanoseconds; a full ring means that
// control has enough to do.
func (w *Worker) ask(q *question, kind EventKind, every int64, m *mbuf.Mbuf) {
	next := &q[m.Aux%childShares]
	if w.now < *next {
		return
	}
	if w.events.Push(Event{Kind: kind, Lcore: uint8(w.id), Child: m.Aux, Flow: clearFlow(m), Time: w.now}) {
		*next = w.now + every
	}
}

// missShares is how many next hops may be asked for at one time.
const missShares = 16

// missed is the next hop last asked for in one share.
type missed struct {
	hop Addr
	at  int64
}

// miss asks control for the link address of a next hop. A scan of a network with nobody in it asks for few of its addresses.
func (w *Worker) miss(port uint16, hop netip.Addr) {
	if !hop.IsValid() {
		return
	}
	a := AddrFrom(hop)
	last, wait := &w.misses[a[15]%missShares], int64(missOther)
	if last.hop == a {
		wait = missEvery
	}
	if last.at != 0 && w.now-last.at < wait {
		return
	}
	if w.events.Push(Event{Kind: EventMiss, Lcore: uint8(w.id), Port: port, NextHop: a, Time: w.now}) {
		*last = missed{a, w.now}
	}
}

// reportLimits passes lifetimes that SAs have reached on to control. They are told once, so they stay where they are while
// the ring has no room.
func (w *Worker) reportLimits() {
	if w.events.Len()+len(w.limits) > w.events.Cap() {
		return
	}
	out := w.outbound.TakeEvents(w.limits)
	n := out + w.inbound.TakeEvents(w.limits[out:])
	for i, e := range w.limits[:n] {
		w.events.Push(Event{Kind: EventLimit, Lcore: uint8(w.id), Inbound: i >= out, Slot: e.Slot, SPI: e.SPI, Limit: e, Time: w.now})
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
