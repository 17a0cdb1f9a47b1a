package dataplane

import (
	"stillwater/appliance/spd"
	"stillwater/pmd/mbuf"
)

// How a packet of the host stack or of control enters, in Mbuf.Aux.
const (
	// InjectFrame: a finished frame that leaves by port Mbuf.Port as it is. Policy is not asked: IKE, ARP, ND.
	InjectFrame = iota
	// InjectReceive: an IP packet that enters as if a protected network had sent it, data at the IP header.
	InjectReceive
	// InjectOutside: an IP packet that enters as if it had come from the outside: ESP put together from its fragments.
	InjectOutside
	// InjectOwn: an IP packet that the appliance has made, ICMP errors above all. It goes where its destination is, into a
	// tunnel where policy says so, and is not forwarded: its TTL stays.
	InjectOwn
)

// injectQuota bounds the packets of the host stack that one step takes.
const injectQuota = 8

// entrances has what takes a run of injected packets, by kind.
var entrances = [...]func(w *Worker, ms mbuf.Burst){
	InjectFrame: (*Worker).injectFrames, InjectReceive: (*Worker).injectReceived,
	InjectOutside: (*Worker).injectOutside, InjectOwn: (*Worker).injectOwn,
}

// inject takes packets of the host stack, in order.
func (w *Worker) inject() int {
	n := w.injected.PopBurst(w.burst[:injectQuota])
	for i := 0; i < n; {
		j, kind := i+1, w.burst[i].Aux
		for j < n && w.burst[j].Aux == kind {
			j++
		}
		if kind < uint32(len(entrances)) {
			entrances[kind](w, w.burst[i:j])
		} else {
			w.giveUp(w.burst[i:j], mbuf.Malformed)
		}
		i = j
	}
	return n
}

func (w *Worker) injectReceived(ms mbuf.Burst) {
	w.frame(w.steerClear(w.admit(ms, &rxQueue{})))
}

func (w *Worker) injectOutside(ms mbuf.Burst) {
	w.unframe(w.open(w.steerSealed(w.classify(ms, &rxQueue{}))))
}

func (w *Worker) injectOwn(ms mbuf.Burst) {
	kept := ms[:0]
	for _, m := range ms {
		if w.settle(m, w.originateOne(m)) {
			kept = append(kept, m)
		}
	}
	w.frame(w.steerClear(kept))
}

// injectFrames stages finished frames.
func (w *Worker) injectFrames(ms mbuf.Burst) {
	for _, m := range ms {
		if int(m.Port) >= len(w.tx) {
			w.reject(m, mbuf.PortDown)
		} else if t := &w.tx[m.Port]; t.room() > 0 {
			t.buf = append(t.buf, m)
		} else {
			w.reject(m, mbuf.TxFull)
		}
	}
}

func (w *Worker) originateOne(m *mbuf.Mbuf) mbuf.Verdict {
	m.L3 = 0
	if v := CheckIP(m); v != mbuf.Pass {
		return v
	}
	if w.gen.toUs(m.Data()) {
		return mbuf.Punted
	}
	if _, code := w.packet.Parse(m.Data()); code != spd.ParseOK {
		return mbuf.Malformed
	}
	w.packet.VRF = 0
	return w.originate(m, &w.packet)
}

// originate sends a packet of the appliance's own: towards a protected network as it is, elsewhere as policy says. No route is
// needed into a tunnel.
func (w *Worker) originate(m *mbuf.Mbuf, p *spd.Packet) mbuf.Verdict {
	at, v := w.route(p)
	if v == mbuf.Punted || v == mbuf.Pass && !w.leadsOutside(at) {
		return w.sendOwn(m, p, at, v)
	}
	d, refused := w.decide(p)
	switch {
	case refused != mbuf.Pass:
		return refused
	case d.Action == spd.Bypass:
		return w.sendOwn(m, p, at, v)
	}
	m.Aux = d.Tunnel
	return mbuf.Pass
}

// sendOwn sends a packet of the appliance's own to adjacency at, unless v refuses it already; left when it is gone. One that
// does not fit ends without an answer: there is nobody but ourselves to tell.
func (w *Worker) sendOwn(m *mbuf.Mbuf, p *spd.Packet, at uint32, v mbuf.Verdict) mbuf.Verdict {
	if v != mbuf.Pass {
		return v
	}
	adj, v := w.adjacency(p, at)
	if v != mbuf.Pass {
		return v
	}
	if m.Len() > int(adj.MTU) {
		w.reject(m, mbuf.TooBig)
		return left
	}
	w.egress(m, adj)
	return left
}
