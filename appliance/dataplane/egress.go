package dataplane

import (
	"stillwater/appliance/spd"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/ring"
)

// packetRing carries mbufs between lcores and between an lcore and the host stack.
type packetRing = ring.Ring[*mbuf.Mbuf]

// txStage is how many packets wait for a port before a worker's transmit queue counts as backed up.
const txStage = 256

// txQueue gathers the packets of one step for one port. What the port does not take stays here and is offered again in the
// next step.
type txQueue struct {
	queue   pmd.TxQueue
	buf     mbuf.Burst // capacity txStage
	outside bool
}

// room returns how many packets the stage still takes.
func (t *txQueue) room() int { return txStage - len(t.buf) }

// flush offers what has gathered to the port and keeps the rest, in order.
func (t *txQueue) flush() {
	if len(t.buf) == 0 {
		return
	}
	n := t.queue.TxBurst(t.buf)
	rest := copy(t.buf, t.buf[n:])
	clear(t.buf[rest:])
	t.buf = t.buf[:rest]
}

// outsideFull reports whether some outside port is so far behind that a burst more would not fit.
func (w *Worker) outsideFull() bool {
	for i := range w.tx {
		if t := &w.tx[i]; t.outside && t.room() < txStage/2 {
			return true
		}
	}
	return false
}

// forward routes a clear packet that has left its tunnel. Towards a protected network it leaves here; towards the outside
// the policy decides again, as for every packet that goes there (RFC 4301 5.1).
func (w *Worker) forward(m *mbuf.Mbuf, p *spd.Packet) mbuf.Verdict {
	adj, v := w.route(p)
	if v != mbuf.Pass {
		return v
	}
	if w.tx[adj.Port].outside {
		return w.protect(m, p)
	}
	return w.forwardTo(m, adj)
}

// sendClear routes and sends a packet that policy lets past in the clear.
func (w *Worker) sendClear(m *mbuf.Mbuf, p *spd.Packet) mbuf.Verdict {
	adj, v := w.route(p)
	if v != mbuf.Pass {
		return v
	}
	return w.forwardTo(m, adj)
}

// route looks the destination up.
func (w *Worker) route(p *spd.Packet) (*spd.Adjacency, mbuf.Verdict) {
	i, ok := w.gen.Routes.Lookup(p.VRF, p.Dst)
	if !ok {
		return nil, mbuf.NoRoute
	}
	adj := w.gen.Routes.Adjacency(i)
	switch {
	case adj.Local:
		return nil, mbuf.Punted
	case !adj.Valid:
		return nil, mbuf.NoNeighbour
	}
	return adj, mbuf.Pass
}

// forwardTo lowers the TTL and sends; left when the packet is gone.
func (w *Worker) forwardTo(m *mbuf.Mbuf, adj *spd.Adjacency) mbuf.Verdict {
	if m.Len() > int(adj.MTU) {
		return mbuf.TooBig
	}
	if v := lowerTTL(m.Data()); v != mbuf.Pass {
		return v
	}
	w.egress(m, adj)
	return left
}

// egress puts the link header in front of an IP packet and stages it for its port.
func (w *Worker) egress(m *mbuf.Mbuf, adj *spd.Adjacency) {
	if !adj.Valid {
		w.reject(m, mbuf.NoNeighbour)
		return
	}
	t := &w.tx[adj.Port]
	if t.room() == 0 {
		if t.flush(); t.room() == 0 {
			w.reject(m, mbuf.TxFull)
			return
		}
	}
	octets := m.Len()
	header := adj.Header[:adj.HeaderLen]
	h := m.Prepend(len(header))
	if h == nil {
		w.reject(m, mbuf.TooBig)
		return
	}
	copy(h, header)
	m.Flags &^= mbuf.FlagVLAN
	if t.outside {
		w.count.OutsideTx++
	} else {
		w.count.InsideTx++
		w.count.InsideTxOctets += uint64(octets)
	}
	if t.buf = append(t.buf, m); len(t.buf)%mbuf.BurstSize == 0 {
		t.flush()
	}
}

// transmit offers everything that has gathered in this step to the ports.
func (w *Worker) transmit() {
	for i := range w.tx {
		w.tx[i].flush()
	}
}

// punt gives a packet for the appliance itself to the host stack, as it came from the link.
func (w *Worker) punt(m *mbuf.Mbuf) {
	if m.Prepend(int(m.L3)) == nil || !w.punts.Push(m) {
		w.reject(m, mbuf.RingFull)
		return
	}
	w.count.Verdicts[mbuf.Punted]++
}

// InjectReceive in Mbuf.Aux of an injected packet lets it enter the pipeline as if a protected network had sent it (data at
// the IP header); otherwise it is a whole frame for port Mbuf.Port.
const InjectReceive = 1

// injectQuota bounds the packets of the host stack that one step takes.
const injectQuota = 8

// inject takes packets of the host stack.
func (w *Worker) inject() int {
	n := w.injected.PopBurst(w.burst[:injectQuota])
	if n == 0 {
		return 0
	}
	entering := w.burst[:0]
	for _, m := range w.burst[:n] {
		switch {
		case m.Aux == InjectReceive:
			entering = append(entering, m)
		case int(m.Port) >= len(w.tx):
			w.reject(m, mbuf.PortDown)
		default:
			w.injectFrame(m)
		}
	}
	w.frame(w.steerClear(w.admit(entering, &rxQueue{})))
	return n
}

// injectFrame stages a finished frame.
func (w *Worker) injectFrame(m *mbuf.Mbuf) {
	if t := &w.tx[m.Port]; t.room() > 0 {
		t.buf = append(t.buf, m)
		return
	}
	w.reject(m, mbuf.TxFull)
}
