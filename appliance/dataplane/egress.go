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
	at, v := w.route(p)
	switch {
	case v != mbuf.Pass:
		return v
	case w.leadsOutside(at):
		return w.protect(m, p)
	}
	return w.forwardTo(m, p, at)
}

// sendClear routes and sends a packet that policy lets past in the clear.
func (w *Worker) sendClear(m *mbuf.Mbuf, p *spd.Packet) mbuf.Verdict {
	at, v := w.route(p)
	if v != mbuf.Pass {
		return v
	}
	return w.forwardTo(m, p, at)
}

// route looks the destination up and returns the number of its adjacency.
func (w *Worker) route(p *spd.Packet) (uint32, mbuf.Verdict) {
	at, ok := w.gen.Routes.Lookup(p.VRF, p.Dst)
	switch {
	case !ok:
		return 0, mbuf.NoRoute
	case w.gen.Routes.Adjacency(at).Local:
		return 0, mbuf.Punted
	}
	return at, mbuf.Pass
}

func (w *Worker) leadsOutside(at uint32) bool {
	return w.tx[w.gen.Routes.Adjacency(at).Port].outside
}

// adjacency returns the adjacency of a route, or asks control for the link address it lacks.
func (w *Worker) adjacency(p *spd.Packet, at uint32) (*spd.Adjacency, mbuf.Verdict) {
	adj := w.gen.Routes.Adjacency(at)
	if !adj.Valid {
		w.miss(adj.Port, w.gen.Routes.NextHop(at, p.Dst))
		return nil, mbuf.NoNeighbour
	}
	return adj, mbuf.Pass
}

// forwardTo lowers the TTL and sends to adjacency at; left when the packet is gone.
func (w *Worker) forwardTo(m *mbuf.Mbuf, p *spd.Packet, at uint32) mbuf.Verdict {
	adj, v := w.adjacency(p, at)
	if v != mbuf.Pass {
		return v
	}
	if v := lowerTTL(m.Data()); v != mbuf.Pass {
		return v
	}
	if m.Len() > int(adj.MTU) {
		return w.forwardCut(m, adj)
	}
	w.egress(m, adj)
	return left
}

// forwardCut sends a packet above the MTU of its way in fragments, where it may be cut (RFC 1812 4.2.2.7).
func (w *Worker) forwardCut(m *mbuf.Mbuf, adj *spd.Adjacency) mbuf.Verdict {
	m.Aux = uint32(adj.MTU)
	n, v := w.fragment(m, int(adj.MTU), w.sealing)
	if v != mbuf.Pass {
		return v
	}
	w.pool.Put(m)
	for _, f := range w.sealing[:n] {
		w.egress(f, adj)
	}
	return left
}

// egress puts the link header of a valid adjacency in front of an IP packet and stages it for its port.
func (w *Worker) egress(m *mbuf.Mbuf, adj *spd.Adjacency) {
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
