package dataplane

import (
	"runtime/debug"
	"sync/atomic"

	"stillwater/appliance/spd"
	"stillwater/crypto/esp"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/ring"
	"stillwater/pmd/tsc"
)

// The path of a packet through one lcore; the functions below and in inbound.go and outbound.go stand in this order.
//
//	outbound   inside queue -> receive -> admit (parse, policy, TTL) -> steerClear [SA elsewhere? clear ring] -> frame
//	           ... pace: slot due, or payload ready -> emit -> seal -> egress -> transmit -> outside queue
//	inbound    outside queue -> receive -> classify (ESP | punt | clear) -> steerSealed [not mine? sealed ring]
//	           -> open (SAD, replay, AEAD) -> unframe (reorder, reassemble) -> deliver (selectors, TTL, route) -> transmit
//	side exits drop(Verdict) | punt ring -> host stack | event ring -> control
//	side entry inject ring <- host stack

// Worker is one lcore: its queues, its SAs, its counters. Everything in it is owned by one lcore; the rings, the published
// counters and the generation pointer are how others reach it.
type Worker struct {
	id   int
	pool *mbuf.Pool
	now  int64
	gen  *Generation

	inside, outside []rxQueue
	tx              []txQueue // by port index; a nil queue where this lcore has none

	outbound *esp.Outbound
	inbound  *esp.Inbound
	sad      *esp.SAD
	out      []outSA  // by outbound slot
	in       []inSA   // by inbound slot
	outLive  []bool   // outbound slots that the builder has handed over and not got back: others are not to be read
	inLive   []bool   // the same for inbound ones
	inView   []saView // by inbound slot
	outView  []saView // by outbound slot
	staleIn  staleSAs
	staleOut staleSAs
	leaving  []uint32     // outbound slots with a removal order that waits for the framer to empty
	ready    []uint32     // outbound slots with payloads to send as soon as there is room
	paced    []uint32     // outbound slots that send by their slot clock
	waiting  []succession // outbound SAs that are to send when another one has sent all; predecessors first
	wheel    *tsc.Wheel

	orders                *ring.Ring[order]
	acks                  *ring.Ring[Ack]
	punts, injected       *packetRing
	events                *ring.Ring[Event]
	sealedTo, clearTo     []handOff     // by target lcore
	sealedFrom, clearFrom []*packetRing // by source lcore

	count     Counters
	reports   [mbuf.NumVerdicts]report
	acquires  question
	resources question
	misses    [missShares]missed
	bounceAt  int64 // when the next packet for an ICMP error would be due at an even rate
	event     Event // the one being filled in
	published published
	publishAt int64
	seen      atomic.Uint64 // number of the newest generation in use
	dead      atomic.Bool
	draining  bool
	quiet     int     // steps in a row with all framers empty, counted while something waits for that
	drains    []order // Drain orders to acknowledge when everything has left

	burst    mbuf.Burst // what a stage works on
	sealing  mbuf.Burst // payloads between framer and seal
	inner    mbuf.Burst // inner packets between reassembly and delivery, innerLen of them
	innerLen int
	packet   spd.Packet // the packet a stage is deciding about
	scratch  mbuf.Burst // of the framers
	rejects  mbuf.Burst // packets that ended in this step and are not yet counted and freed
	fired    []uint32
	limits   []esp.Event
	turn     []uint32 // SAs whose views are renewed in this publication
	shared   *atomic.Pointer[Generation]
}

// Step runs the pipeline once to completion at time now, in nanoseconds of the plane's clock, and returns how much work it
// found: 0 means the lcore was idle.
func (w *Worker) Step(now int64) int {
	w.now = now
	w.inbound.Tick(now)
	work := w.command()
	w.gen = w.shared.Load() // after the orders: what control published before an order is in effect with it
	w.recall()
	work += w.inject()
	for i := range w.outside {
		work += w.fromOutside(&w.outside[i])
	}
	for _, r := range w.sealedFrom {
		work += w.fromSealedRing(r)
	}
	for i := range w.inside {
		work += w.fromInside(&w.inside[i])
	}
	for _, r := range w.clearFrom {
		work += w.fromClearRing(r)
	}
	w.expire()
	work += w.pace()
	w.sweep()
	w.transmit()
	w.publish()
	return work
}

// rxQueue is one receive queue as the worker sees it.
type rxQueue struct {
	queue pmd.RxQueue
	l2    uint8 // octets of link header: 14 for Ethernet, 0 for raw IP
	vrf   uint16
}

// receive polls one queue into the worker's burst buffer.
func (w *Worker) receive(q *rxQueue) mbuf.Burst {
	n := q.queue.RxBurst(w.burst)
	if n == len(w.burst) {
		w.count.FullBursts++
	}
	return w.burst[:n]
}

// left is the verdict of a packet that a stage has already sent on; whoever sees it must not touch the packet again.
const left = mbuf.NumVerdicts

// settle acts on what a stage decided about one packet: true means that it goes on to the next stage.
func (w *Worker) settle(m *mbuf.Mbuf, v mbuf.Verdict) bool {
	switch v {
	case mbuf.Pass:
		return true
	case left:
	case mbuf.Punted:
		w.punt(m)
	case mbuf.OuterFragment:
		w.puntFragment(m)
	case mbuf.TTLExceeded, mbuf.TooBig:
		w.bounce(m, v)
	default:
		w.reject(m, v)
	}
	return false
}

// reject ends one packet. Those of a step are counted and freed together.
func (w *Worker) reject(m *mbuf.Mbuf, v mbuf.Verdict) {
	m.Verdict = v
	if w.rejects = append(w.rejects, m); len(w.rejects) == cap(w.rejects) {
		w.sweep()
	}
}

// sweep is the one place that counts rejected packets and frees them, in bulk.
func (w *Worker) sweep() {
	w.drop(w.rejects)
	w.rejects = w.rejects[:0]
}

// drop ends a burst whose verdicts a library stage has set.
func (w *Worker) drop(ms mbuf.Burst) {
	for _, m := range ms {
		w.count.Verdicts[m.Verdict]++
		if m.Verdict.Auditable() {
			w.report(m)
		}
	}
	w.pool.Free(ms)
}

// expire gives up payloads whose lost-packet timer fired (RFC 9347 2.2.3) and delivers what that set free.
func (w *Worker) expire() {
	n := w.wheel.Advance(w.now, w.fired)
	for _, slot := range w.fired[:n] {
		if sa := &w.in[slot]; sa.reasm != nil {
			sa.armed = 0
			w.staleIn.add(slot)
			sa.reasm.Expire(w.pool, w.now)
			w.drain(slot, sa)
		}
	}
	w.deliverInner()
}

// publishEvery is the least time between two copies of the counters, in nanoseconds.
const publishEvery = 1e6

// publish makes the counters and the generation in use visible to other goroutines, at most once a millisecond.
func (w *Worker) publish() {
	if w.now < w.publishAt {
		return
	}
	w.publishAt = w.now + publishEvery
	w.publishSAs()
	w.published.store(&w.count)
	if w.seen.Load() != w.gen.Number {
		w.seen.Store(w.gen.Number)
	}
	w.reportLimits()
}

// run steps the worker until stop is set. A panic ends this lcore alone: the others see it as dead, control hears of it.
func (w *Worker) run(clock func() int64, stop *atomic.Bool, idle func(work int)) (failure error) {
	defer func() {
		if r := recover(); r != nil {
			w.dead.Store(true)
			w.events.Push(Event{Kind: EventPanic, Lcore: uint8(w.id), Time: w.now})
			failure = &PanicError{Lcore: w.id, Value: r, Stack: debug.Stack()}
		}
	}()
	for !stop.Load() {
		idle(w.Step(clock()))
	}
	w.publishAllSAs()
	w.publishAt = 0
	w.publish()
	return nil
}
