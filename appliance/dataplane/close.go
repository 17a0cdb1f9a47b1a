package dataplane

import "stillwater/pmd/mbuf"

// Close sends every packet the lcores still hold home to its pool: those in rings, framers, reorder windows and transmit
// stages, each counted as drained. Call it when Run has returned, before ports and pools are closed.
func (p *Plane) Close() {
	for _, w := range p.workers {
		w.release()
	}
}

// release gives up everything a worker holds.
func (w *Worker) release() {
	for slot := range w.out {
		if f := w.out[slot].framer; f != nil {
			f.Close(w.pool)
			w.staleOut.add(uint32(slot))
		}
	}
	for slot := range w.in {
		if r := w.in[slot].reasm; r != nil {
			r.Close(w.pool)
			w.staleIn.add(uint32(slot))
		}
	}
	w.publishAllSAs()
	for i := range w.tx {
		w.giveUp(w.tx[i].buf, mbuf.Drained)
		w.tx[i].buf = w.tx[i].buf[:0]
	}
	for _, r := range append(append([]*packetRing{w.punts, w.injected}, w.sealedFrom...), w.clearFrom...) {
		for n := r.PopBurst(w.burst); n > 0; n = r.PopBurst(w.burst) {
			w.giveUp(w.burst[:n], mbuf.Drained)
		}
	}
	w.sweep()
	w.published.store(&w.count)
}

// giveUp ends packets that nobody will work on any more.
func (w *Worker) giveUp(ms mbuf.Burst, v mbuf.Verdict) {
	for _, m := range ms {
		w.reject(m, v)
	}
}
