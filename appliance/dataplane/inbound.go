package dataplane

import (
	"stillwater/appliance/spd"
	"stillwater/pmd/mbuf"
)

// fromOutside takes one burst from the unprotected side.
func (w *Worker) fromOutside(q *rxQueue) int {
	ms := w.receive(q)
	if len(ms) == 0 {
		return 0
	}
	w.count.OutsideRx += uint64(len(ms))
	n := len(ms)
	w.unframe(w.open(w.steerSealed(w.classify(ms, q))))
	return n
}

// fromSealedRing takes ESP packets that arrived on another lcore's queue. They come before any replay check: the window
// is touched by its owner only.
func (w *Worker) fromSealedRing(r *packetRing) int {
	n := r.PopBurst(w.burst)
	if n > 0 {
		w.unframe(w.open(w.burst[:n]))
	}
	return n
}

// classify lets ESP packets for this appliance go on, data at the ESP header and the SPI in the metadata. IKE and other
// packets for the appliance are punted; transit packets in the clear need a BYPASS entry (RFC 4301 5.2).
func (w *Worker) classify(ms mbuf.Burst, q *rxQueue) mbuf.Burst {
	kept := ms[:0]
	for _, m := range ms {
		if w.settle(m, w.classifyOne(m, q)) {
			kept = append(kept, m)
		}
	}
	return kept
}

func (w *Worker) classifyOne(m *mbuf.Mbuf, q *rxQueue) mbuf.Verdict {
	if !stripLink(m, q.l2) {
		return mbuf.Punted
	}
	if v := CheckIP(m); v != mbuf.Pass {
		return v
	}
	if !w.gen.toUs(m.Data()) {
		return w.transit(m, q.vrf)
	}
	return ParseOuter(m)
}

// transit applies the inbound policy to a clear packet that is not for the appliance (RFC 4301 5.2, SPD-I).
func (w *Worker) transit(m *mbuf.Mbuf, vrf uint16) mbuf.Verdict {
	if _, code := w.packet.Parse(m.Data()); code != spd.ParseOK {
		return mbuf.Malformed
	}
	w.packet.VRF = vrf
	switch d := w.gen.Policy.Inbound(&w.packet); {
	case d.Entry == spd.NoEntry:
		return mbuf.NoPolicy
	case d.Action == spd.Bypass:
		return w.sendClear(m, &w.packet)
	}
	return mbuf.PolicyDiscard // PROTECT too: it should have come inside ESP
}

// steerSealed sends ESP packets to the lcore that owns their SPI's bucket.
func (w *Worker) steerSealed(ms mbuf.Burst) mbuf.Burst {
	g, kept := w.gen, ms[:0]
	spi, owner := uint32(0), -1
	for _, m := range ms {
		if m.SPI != spi || owner < 0 {
			spi, owner = m.SPI, g.Buckets.Lcore(&g.Perm, m.SPI)
		}
		if owner != w.id {
			w.sealedTo[owner].add(m)
			continue
		}
		kept = append(kept, m)
	}
	w.count.SealedOut += w.handOver(w.sealedTo)
	return kept
}

// open finds the SAs, checks replay, authenticates and decrypts.
func (w *Worker) open(ms mbuf.Burst) mbuf.Burst {
	n := w.sad.LookupBurst(ms)
	if n < len(ms) {
		w.drop(ms[n:])
	}
	w.listStale(ms[:n])
	k := w.inbound.Open(ms[:n])
	if k < n {
		w.drop(ms[k:n])
	}
	w.count.Opened += uint64(k)
	return ms[:k]
}

// listStale lists the SAs of packets that are about to be opened, whatever becomes of them.
func (w *Worker) listStale(ms mbuf.Burst) {
	last := ^uint32(0)
	for _, m := range ms {
		if m.SA != last {
			last = m.SA
			w.staleIn.add(last)
		}
	}
}

// unframe turns opened payloads into inner packets and delivers those.
func (w *Worker) unframe(ms mbuf.Burst) {
	runs(ms, func(slot uint32, run mbuf.Burst) { w.in[slot].arrive(w, slot, run) })
	w.deliverInner()
}

// unframeTunnel is the unframe function of plain tunnel mode: the payload is the inner packet.
func unframeTunnel(w *Worker, _ uint32, run mbuf.Burst) {
	for _, m := range run {
		w.pushInner(m)
	}
}

// unframeAggfrag is the unframe function of AGGFRAG SAs: order, take apart, reassemble.
func unframeAggfrag(w *Worker, slot uint32, run mbuf.Burst) {
	sa := &w.in[slot]
	for _, m := range run {
		sa.reasm.Receive(m, w.pool, w.now)
		w.drain(slot, sa)
	}
}

// drain moves every inner packet that is complete and in order to the delivery burst and sets the lost-packet timer.
func (w *Worker) drain(slot uint32, sa *inSA) {
	for {
		room := len(w.inner) - w.innerLen
		n := sa.reasm.Drain(w.inner[w.innerLen:], w.pool, w.now)
		w.innerLen += n
		if n < room {
			break
		}
		w.deliverInner()
	}
	at, armed := sa.reasm.Deadline()
	switch {
	case armed && at != sa.armed:
		w.wheel.Arm(slot, at)
		sa.armed = at
	case !armed && sa.armed != 0:
		w.wheel.Cancel(slot)
		sa.armed = 0
	}
}

// pushInner appends one inner packet to the delivery burst.
func (w *Worker) pushInner(m *mbuf.Mbuf) {
	w.inner[w.innerLen] = m
	if w.innerLen++; w.innerLen == len(w.inner) {
		w.deliverInner()
	}
}

// deliverInner checks the inner packets that have gathered against their SAs' selectors and forwards them.
func (w *Worker) deliverInner() {
	ms := w.inner[:w.innerLen]
	w.innerLen = 0
	if len(ms) == 0 {
		return
	}
	kept := ms[:0]
	for _, m := range ms {
		if w.settle(m, w.deliverOne(m)) {
			kept = append(kept, m)
		}
	}
	if len(kept) > 0 {
		w.frame(w.steerClear(kept))
	}
}

// deliverOne decides about one inner packet. Forwarded packets leave here; Pass means that it goes on into another tunnel.
func (w *Worker) deliverOne(m *mbuf.Mbuf) mbuf.Verdict {
	m.L3 = 0 // the link header was the outer packet's
	if v := CheckIP(m); v != mbuf.Pass {
		return v
	}
	if _, code := w.packet.Parse(m.Data()); code != spd.ParseOK {
		return mbuf.Malformed
	}
	p, child := &w.packet, w.gen.child(w.in[m.SA].child)
	if !child.Selectors.Match(p, true) {
		return mbuf.SelectorMismatch
	}
	p.VRF = child.VRF
	if w.gen.toUs(m.Data()) {
		return mbuf.Punted
	}
	return w.forward(m, p)
}
