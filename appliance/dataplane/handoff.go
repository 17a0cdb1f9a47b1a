package dataplane

import "stillwater/pmd/mbuf"

// handOff gathers the packets of one burst for another lcore.
type handOff struct {
	ring *packetRing // nil towards oneself
	dead func() bool
	buf  mbuf.Burst
}

// add puts m aside; handOver sends it.
func (h *handOff) add(m *mbuf.Mbuf) { h.buf = append(h.buf, m) }

// handOver sends what a burst has put aside and returns how many packets went. A full ring drops with a verdict and never
// blocks; so does a dead lcore's.
func (w *Worker) handOver(to []handOff) (sent uint64) {
	for i := range to {
		h := &to[i]
		if len(h.buf) == 0 {
			continue
		}
		n, why := 0, mbuf.RingFull
		if h.dead() {
			why = mbuf.LcoreDown
		} else {
			n = h.ring.PushBurst(h.buf)
		}
		for _, m := range h.buf[n:] {
			w.reject(m, why)
		}
		sent += uint64(n)
		clear(h.buf)
		h.buf = h.buf[:0]
	}
	return sent
}
