package dataplane

import (
	"sync/atomic"

	"stillwater/crypto/esp"
)

// saView is the copy of an SA's counters that others may read; a reader may see words of two moments, each of them right on
// its own. Written by its lcore only.
type saView struct {
	packets, octets, seq atomic.Uint64
	last                 atomic.Int64 // inbound: when a packet was last accepted
}

func (v *saView) store(c *esp.Counters, last int64) {
	v.packets.Store(c.Packets)
	v.octets.Store(c.Octets)
	v.seq.Store(c.Seq)
	v.last.Store(last)
}

func (v *saView) load() esp.Counters {
	return esp.Counters{Packets: v.packets.Load(), Octets: v.octets.Load(), Seq: v.seq.Load()}
}

// staleSAs lists the SAs of one direction whose views are behind: a byte read per run of packets, where a store per run that
// others can see would cost 6 ns. Owned by one lcore.
type staleSAs struct {
	slots  []uint32 // oldest first, each once
	listed []bool   // by slot
}

func newStaleSAs(slots int) staleSAs {
	return staleSAs{slots: make([]uint32, 0, slots), listed: make([]bool, slots)}
}

// add lists a slot.
func (s *staleSAs) add(slot uint32) {
	if !s.listed[slot] {
		s.listed[slot] = true
		s.slots = append(s.slots, slot)
	}
}

// take moves the oldest to dst and returns how many.
func (s *staleSAs) take(dst []uint32) int {
	n := copy(dst, s.slots)
	for _, slot := range dst[:n] {
		s.listed[slot] = false
	}
	s.slots = s.slots[:copy(s.slots, s.slots[n:])]
	return n
}

// viewQuota bounds the SAs of each direction whose views one publication renews. Where more are busy they take turns.
const viewQuota = 64

// publishSAs renews the views of SAs that have carried packets, and adds what their framers and reassemblers have dropped to
// the lcore's counters.
func (w *Worker) publishSAs() {
	for _, slot := range w.turn[:w.staleIn.take(w.turn)] {
		w.publishIn(slot)
	}
	for _, slot := range w.turn[:w.staleOut.take(w.turn)] {
		w.publishOut(slot)
	}
}

// publishAllSAs does so for every SA that is behind.
func (w *Worker) publishAllSAs() {
	for len(w.staleIn.slots)+len(w.staleOut.slots) > 0 {
		w.publishSAs()
	}
}

// publishIn renews the view of an inbound SA; it may have gone since it was listed, and then the builder may be at work there.
func (w *Worker) publishIn(slot uint32) {
	if !w.inLive[slot] {
		return
	}
	c := w.inbound.Counters(slot)
	w.inView[slot].store(&c.Counters, w.inbound.LastReceived(slot))
	if sa := &w.in[slot]; sa.reasm != nil {
		w.count.fold(sa.folded, sa.reasm.Drops())
	}
}

// publishOut is the same for an outbound SA.
func (w *Worker) publishOut(slot uint32) {
	if !w.outLive[slot] {
		return
	}
	c := w.outbound.Counters(slot)
	w.outView[slot].store(&c, 0)
	if sa := &w.out[slot]; sa.framer != nil {
		w.count.fold(sa.folded, sa.framer.Drops())
	}
}

// LastReceived returns when an inbound SA last received a packet that was authentic and no replay, in nanoseconds of the
// plane's clock: the peer was alive then (RFC 7296 2.4). 0 is never since its install. It is at most a millisecond behind
// for every 64 inbound SAs of the lcore that are busy at the time.
func (p *Plane) LastReceived(lcore int, slot uint32) int64 {
	return p.workers[lcore].inView[slot].last.Load()
}

// SACounters returns what an SA has carried since its install, as much behind as LastReceived. The exact final counters are
// in the ack of its removal.
func (p *Plane) SACounters(lcore int, slot uint32, inbound bool) esp.Counters {
	if inbound {
		return p.workers[lcore].inView[slot].load()
	}
	return p.workers[lcore].outView[slot].load()
}
