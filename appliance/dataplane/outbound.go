package dataplane

import (
	"stillwater/appliance/spd"
	"stillwater/pmd/mbuf"
)

// fromInside takes one burst of clear packets from a protected network. While the outside queue is backed up it leaves
// them with the port: what is not received is not lost here, and a port that overflows counts it.
func (w *Worker) fromInside(q *rxQueue) int {
	if w.draining || w.outsideFull() {
		return 0
	}
	ms := w.receive(q)
	if len(ms) == 0 {
		return 0
	}
	w.count.InsideRx += uint64(len(ms))
	n := len(ms)
	w.frame(w.steerClear(w.admit(ms, q)))
	return n
}

// fromClearRing takes clear packets that other lcores handed over because this one owns their SA.
func (w *Worker) fromClearRing(r *packetRing) int {
	n := r.PopBurst(w.burst)
	ms := w.burst[:0]
	for _, m := range w.burst[:n] {
		ref := w.gen.out(m.Aux, w.id)
		if int(ref.Lcore) != w.id || !w.holds(ref.Slot, m.Aux) || m.Seq < w.gen.child(m.Aux).Since {
			w.reject(m, mbuf.NoSA) // the SA moved while the packet was in the ring, or its child is another one now
			continue
		}
		m.SA = ref.Slot
		ms = append(ms, m)
	}
	w.frame(ms)
	return n
}

// admit parses clear packets, asks the policy, and lets go on what must be protected, with the child in Aux and the TTL
// lowered. Bypassed packets leave by their route, packets for the appliance itself by the punt ring.
func (w *Worker) admit(ms mbuf.Burst, q *rxQueue) mbuf.Burst {
	kept := ms[:0]
	for _, m := range ms {
		if w.settle(m, w.admitOne(m, q)) {
			kept = append(kept, m)
		}
	}
	return kept
}

func (w *Worker) admitOne(m *mbuf.Mbuf, q *rxQueue) mbuf.Verdict {
	if !stripLink(m, q.l2) {
		return mbuf.Punted // ARP and whatever else is not IP belongs to the host stack
	}
	if v := CheckIP(m); v != mbuf.Pass {
		return v
	}
	w.count.InsideRxOctets += uint64(m.Len())
	if w.gen.toUs(m.Data()) {
		return mbuf.Punted
	}
	if _, code := w.packet.Parse(m.Data()); code != spd.ParseOK {
		return mbuf.Malformed
	}
	w.packet.VRF = q.vrf
	return w.protect(m, &w.packet)
}

// protect applies the outbound policy to a clear IP packet that is being forwarded (RFC 4301 5.1).
func (w *Worker) protect(m *mbuf.Mbuf, p *spd.Packet) mbuf.Verdict {
	d, v := w.decide(p)
	switch {
	case v != mbuf.Pass:
		return v
	case d.Action == spd.Bypass:
		return w.sendClear(m, p)
	}
	m.Aux = d.Tunnel
	return lowerTTL(m.Data())
}

// decide asks the outbound policy; Pass for PROTECT and BYPASS.
func (w *Worker) decide(p *spd.Packet) (spd.Decision, mbuf.Verdict) {
	d := w.gen.Policy.Outbound(p)
	switch {
	case d.Entry == spd.NoEntry:
		return d, mbuf.NoPolicy
	case d.Action == spd.Discard:
		return d, mbuf.PolicyDiscard
	}
	return d, mbuf.Pass
}

// steerClear gives each packet the slot of its SA; packets whose SA another lcore owns go there by the clear ring.
func (w *Worker) steerClear(ms mbuf.Burst) mbuf.Burst {
	kept := ms[:0]
	for _, m := range ms {
		ref := w.gen.out(m.Aux, w.id)
		switch {
		case ref.Slot == noSlot:
			w.acquire(m)
		case int(ref.Lcore) != w.id:
			w.lend(m, ref.Lcore)
		case !w.holds(ref.Slot, m.Aux):
			w.reject(m, mbuf.NoSA)
		default:
			m.SA = ref.Slot
			kept = append(kept, m)
		}
	}
	w.count.ClearOut += w.handOver(w.clearTo)
	return kept
}

// acquire drops a packet for whose child there is no SA, and asks for one where the child wants that.
func (w *Worker) acquire(m *mbuf.Mbuf) {
	if w.gen.child(m.Aux).Acquire {
		w.ask(&w.acquires, EventAcquire, acquireEvery, m)
	}
	w.reject(m, mbuf.NoSA)
}

// lend puts a packet aside for the lcore that owns its SA; Seq says which generation chose the child. Where the child wants an
// SA for every lcore, control hears that this one has none (RFC 9611 3).
func (w *Worker) lend(m *mbuf.Mbuf, owner uint8) {
	if w.gen.child(m.Aux).PerResource {
		w.ask(&w.resources, EventResource, resourceEvery, m)
	}
	m.Seq = w.gen.Number
	w.clearTo[owner].add(m)
}

// holds reports whether there is an outbound SA of child in slot: a generation may name one that is gone, not there yet, or
// another child's by now.
func (w *Worker) holds(slot, child uint32) bool {
	return uint64(slot) < uint64(len(w.outLive)) && w.outLive[slot] && w.out[slot].child == child
}

// frame gives packets to the framers of their SAs, a run at a time.
func (w *Worker) frame(ms mbuf.Burst) {
	runs(ms, func(slot uint32, run mbuf.Burst) {
		w.staleOut.add(slot)
		w.out[slot].frame(w, slot, run)
	})
}

// frameTunnel is the frame function of plain tunnel mode: one inner packet, one ESP packet.
func frameTunnel(w *Worker, slot uint32, run mbuf.Burst) {
	w.fit(run, w.out[slot].tunnelMTU, func(ms mbuf.Burst) {
		for _, m := range ms {
			m.NextHeader = nextHeader(m.Data())
		}
		w.seal(ms)
	})
}

// frameOnDemand is the frame function of AGGFRAG without cover traffic: payloads leave in this step's pace, as full as the
// traffic makes them.
func frameOnDemand(w *Worker, slot uint32, run mbuf.Burst) {
	sa := &w.out[slot]
	sa.offer(w, sa, run)
	w.sendReady(slot, sa)
}

// sendReady lists an SA with payloads to send as soon as there is room.
func (w *Worker) sendReady(slot uint32, sa *outSA) {
	if !sa.queued {
		sa.queued = true
		w.ready = append(w.ready, slot)
	}
}

// frameQueued is the frame function where something else decides when payloads leave: the slot clock of constant rate, or the
// SA whose place this one is to take.
func frameQueued(w *Worker, slot uint32, run mbuf.Burst) {
	sa := &w.out[slot]
	sa.offer(w, sa, run)
}

// offerAny gives packets of any size to the framer.
func offerAny(w *Worker, sa *outSA, run mbuf.Burst) {
	for _, m := range run[sa.framer.Offer(run, w.now):] {
		m.Aux = uint32(sa.framer.MaxInner())
		w.settle(m, m.Verdict)
	}
}

// offerWhole does so for a peer that takes no AGGFRAG fragments: the tunnel behaves as a plain one (RFC 9347 2.2.6).
func offerWhole(w *Worker, sa *outSA, run mbuf.Burst) {
	w.fit(run, sa.framer.MaxInner(), func(ms mbuf.Burst) { offerAny(w, sa, ms) })
}

// pace sends what is due: one payload for each slot that has come on constant-rate SAs, everything that waits on the
// others. A slot whose payload the transmit queue cannot take is missed and counted, never made up for.
func (w *Worker) pace() int {
	work := 0
	for _, slot := range w.paced {
		sa := &w.out[slot]
		missed := sa.pacer.Missed()
		if due := sa.pacer.Due(w.now); due > 0 {
			sent := w.emit(slot, sa, due)
			w.count.MissedSlots += uint64(due-sent) + sa.pacer.Missed() - missed
			work += sent
		}
	}
	for i := 0; i < len(w.ready); {
		slot := w.ready[i]
		sa := &w.out[slot]
		work += w.emit(slot, sa, emitQuota)
		if !sa.idle() {
			i++
			continue
		}
		sa.queued = false
		w.ready = append(w.ready[:i], w.ready[i+1:]...)
	}
	if last := len(w.ready) - 1; last > 0 { // they take turns in being first, or one of them would get all the room
		first := w.ready[0]
		copy(w.ready, w.ready[1:])
		w.ready[last] = first
	}
	w.succeed()
	w.finishRemovals()
	w.finishDrains()
	return work
}

// emitQuota bounds the payloads one on-demand SA sends in one step, so that one busy SA does not starve the others.
const emitQuota = 2 * mbuf.BurstSize

// emit asks a framer for up to n payloads, as many as the transmit queue has room for, and seals them.
func (w *Worker) emit(slot uint32, sa *outSA, n int) int {
	w.staleOut.add(slot)
	port := w.gen.child(sa.child).Egress.Port
	sent := 0
	for sent < n {
		want := min(n-sent, w.tx[port].room(), len(w.sealing))
		if want == 0 {
			break
		}
		ms := w.sealing[:sa.framer.Emit(w.sealing[:want], w.pool, w.now)]
		for _, m := range ms {
			m.SA = slot
		}
		w.seal(ms)
		sent += len(ms)
		if len(ms) < want {
			break
		}
	}
	return sent
}

// seal protects payloads and sends them. Data starts at the outer IP header behind it.
func (w *Worker) seal(ms mbuf.Burst) {
	n := w.outbound.Seal(ms)
	if n < len(ms) {
		w.drop(ms[n:])
	}
	w.count.Sealed += uint64(n)
	for _, m := range ms[:n] {
		c := w.gen.child(w.out[m.SA].child)
		if !c.Egress.Valid {
			w.miss(c.Egress.Port, c.NextHop)
			w.reject(m, mbuf.NoNeighbour)
			continue
		}
		w.egress(m, &c.Egress)
	}
}
