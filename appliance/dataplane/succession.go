package dataplane

import (
	"slices"

	"stillwater/pmd/mbuf"
)

// succession is an outbound SA that waits for another of its child to send its last inner packet: after a rekey nothing may
// overtake what waits in the old SA's framer, and of two constant-rate SAs exactly one may send. Several may wait in line.
type succession struct{ slot, after uint32 }

// follows reports whether the SA that an order installs takes the place of one that is still here. Slots are used again, so
// child and SPI have to be those that were meant.
func (w *Worker) follows(o *order) bool {
	return o.afterSPI != 0 && w.holds(o.after, w.out[o.slot].child) && w.out[o.after].spi == o.afterSPI
}

// wait makes an SA stand in line: its packets gather in its framer. Plain tunnel mode has none and needs none, for nothing
// ever waits in the tunnel SA before it.
func (w *Worker) wait(slot, after uint32) {
	sa := &w.out[slot]
	sa.resume = sa.frame
	if sa.framer != nil {
		sa.frame = frameQueued
	}
	w.waiting = append(w.waiting, succession{slot, after})
}

// start makes an SA send from this moment on.
func (w *Worker) start(slot uint32) {
	switch sa := &w.out[slot]; {
	case sa.pacer != nil:
		sa.pacer.Start(w.now)
		w.paced = append(w.paced, slot)
	case !sa.idle():
		w.sendReady(slot, sa)
	}
}

// succeed lets each SA go on whose predecessor is done. An SA stands behind its predecessor in the list, so that the place
// passes through a whole line at once.
func (w *Worker) succeed() {
	for i := 0; i < len(w.waiting); {
		s := w.waiting[i]
		if !w.done(s.after) {
			i++
			continue
		}
		w.replace(s)
	}
}

// done reports whether an SA has sent its last packet: none waits, and none will come.
func (w *Worker) done(slot uint32) bool {
	sa := &w.out[slot]
	return sa.idle() && sa.resume == nil && (sa.removal.op != 0 || !w.named(slot))
}

// named reports whether the generation in use sends packets to an SA of this lcore. Other lcores' packets go by this lcore's
// word too.
func (w *Worker) named(slot uint32) bool {
	return w.gen.out(w.out[slot].child, w.id) == OutRef{uint8(w.id), slot}
}

// recall gives what waits in SAs back to their predecessors where the generation has gone back to those: before the packets
// that it sends them now.
func (w *Worker) recall() {
	for _, s := range w.waiting {
		if !w.out[s.slot].idle() && w.out[s.after].removal.op == 0 && w.named(s.after) {
			w.giveBack(s)
		}
	}
}

func (w *Worker) giveBack(s succession) {
	sa, old := &w.out[s.slot], &w.out[s.after]
	w.staleOut.add(s.after)
	for n := sa.framer.Take(w.burst); n > 0; n = sa.framer.Take(w.burst) {
		for _, m := range w.burst[:n] {
			m.SA = s.after
		}
		old.frame(w, s.after, w.burst[:n])
	}
}

// replace gives an SA the place of its predecessor, whose slot clock goes on under it without a gap. Whoever else waits for
// the predecessor waits for the new SA from here on.
func (w *Worker) replace(s succession) {
	sa, old := &w.out[s.slot], &w.out[s.after]
	sa.frame, sa.resume = sa.resume, nil
	w.leaveLine(s.slot, s.after, s.slot)
	at := slices.Index(w.paced, s.after)
	if at >= 0 && sa.pacer != nil {
		sa.pacer.Follow(old.pacer)
		w.paced[at] = s.slot
	} else {
		w.unpace(s.after)
		w.start(s.slot)
	}
	if old.pacer != nil {
		old.frame = frameStopped
	}
}

// withdraw takes an SA that is removed before its turn out of the line; who waits for it waits for its predecessor.
func (w *Worker) withdraw(slot uint32) {
	for _, s := range w.waiting {
		if s.slot == slot {
			w.leaveLine(slot, slot, s.after)
			return
		}
	}
}

// leaveLine takes slot out of the line and makes those behind before wait for now.
func (w *Worker) leaveLine(slot, before, now uint32) {
	still := w.waiting[:0]
	for _, s := range w.waiting {
		if s.slot == slot {
			continue
		}
		if s.after == before {
			s.after = now
		}
		still = append(still, s)
	}
	w.waiting = still
}

// frameStopped is the frame function of a constant-rate SA whose clock another one has: what reached its framer would never
// leave.
func frameStopped(w *Worker, _ uint32, run mbuf.Burst) { w.giveUp(run, mbuf.NoSA) }
