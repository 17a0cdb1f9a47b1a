package dataplane

import "stillwater/crypto/esp"

// orderQuota bounds the orders one step takes, so that a burst of rekeys does not hold up packets.
const orderQuota = 8

// command takes orders of the builder; each is acknowledged when it is in effect.
func (w *Worker) command() int {
	n := 0
	for ; n < orderQuota; n++ {
		o, ok := w.orders.Pop()
		if !ok {
			break
		}
		w.obey(o)
	}
	return n
}

func (w *Worker) obey(o order) {
	switch o.op {
	case InstallInbound:
		w.installInbound(o)
	case InstallOutbound:
		w.installOutbound(o)
	case RemoveInbound:
		w.removeInbound(o)
	case RemoveOutbound:
		if !w.outLive[o.slot] || w.out[o.slot].removal.op != 0 {
			w.ack(o, BadCommand)
			return
		}
		w.out[o.slot].removal = o
		w.leaving = append(w.leaving, o.slot)
	case Redirect:
		w.redirect(o)
	case Drain:
		w.draining, w.quiet = true, 0
		w.drains = append(w.drains, o)
	}
}

func (w *Worker) ack(o order, code Code) {
	w.acks.Push(Ack{Ticket: o.ticket, Op: o.op, Code: code, Lcore: uint8(w.id), Slot: o.slot})
}

func (w *Worker) installInbound(o order) {
	if err := w.sad.Insert(o.spi, o.slot); err != nil {
		w.ack(o, SPIInUse)
		return
	}
	w.inLive[o.slot] = true
	w.inView[o.slot].store(&esp.Counters{}, 0)
	w.ack(o, Done)
}

func (w *Worker) installOutbound(o order) {
	w.outLive[o.slot] = true
	w.outView[o.slot].store(&esp.Counters{}, 0)
	if w.follows(&o) {
		w.wait(o.slot, o.after)
	} else {
		w.start(o.slot)
	}
	w.ack(o, Done)
}

// redirect changes where an outbound SA sends, between two of its packets.
func (w *Worker) redirect(o order) {
	if !w.outLive[o.slot] {
		w.ack(o, BadCommand)
		return
	}
	if err := w.out[o.slot].resize(int(o.capacity), w.pool); err != nil {
		w.ack(o, BadSA)
		return
	}
	w.outbound.Redirect(o.slot, o.header)
	w.ack(o, Done)
}

// removeInbound lets go of an inbound SA; a partial packet dies with it (RFC 9347 2.2.3 keeps SAs apart).
func (w *Worker) removeInbound(o order) {
	if !w.inLive[o.slot] {
		w.ack(o, BadCommand)
		return
	}
	sa := &w.in[o.slot]
	w.sad.Delete(sa.spi)
	if sa.reasm != nil {
		sa.reasm.Close(w.pool)
		w.publishIn(o.slot)
		w.wheel.Cancel(o.slot)
	}
	*sa, w.inLive[o.slot] = inSA{}, false
	w.ack(o, Done)
}

// finishRemovals completes the removals of SAs whose framers have emptied.
func (w *Worker) finishRemovals() {
	still := w.leaving[:0]
	for _, slot := range w.leaving {
		sa := &w.out[slot]
		if sa.queued || !sa.idle() {
			still = append(still, slot)
			continue
		}
		o := sa.removal
		w.unpace(slot)
		w.withdraw(slot)
		w.publishOut(slot)
		*sa, w.outLive[slot] = outSA{}, false
		w.ack(o, Done)
	}
	w.leaving = still
}

// finishDrains completes drains when all framers have emptied. What the port has not taken by then it gets a while for, no
// longer: the peer may have gone before us.
func (w *Worker) finishDrains() {
	if len(w.drains) == 0 {
		return
	}
	if w.framing() {
		w.quiet = 0
		return
	}
	if w.quiet++; w.txEmpty() || w.quiet > quietSteps {
		for _, o := range w.drains {
			w.ack(o, Done)
		}
		w.drains = w.drains[:0]
	}
}

// framing reports whether some outbound SA has packets waiting. It looks at every slot: the appliance is on its way out.
func (w *Worker) framing() bool {
	for slot, live := range w.outLive {
		if live && !w.out[slot].idle() { // others the builder may be at work in
			return true
		}
	}
	return len(w.ready) > 0
}

// quietSteps is how many steps with empty framers a drain waits for ports to take what is staged.
const quietSteps = 1000

// unpace takes a slot off the constant-rate list.
func (w *Worker) unpace(slot uint32) {
	for i, s := range w.paced {
		if s == slot {
			w.paced = append(w.paced[:i], w.paced[i+1:]...)
			return
		}
	}
}

func (w *Worker) txEmpty() bool {
	for i := range w.tx {
		if len(w.tx[i].buf) > 0 {
			return false
		}
	}
	return true
}
