package dataplane

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
		w.removals++
	case Drain:
		w.draining, w.quiet = true, 0
		w.drains = append(w.drains, o)
		w.removals++
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
	w.ack(o, Done)
}

func (w *Worker) installOutbound(o order) {
	w.outLive[o.slot] = true
	if sa := &w.out[o.slot]; sa.pacer != nil {
		sa.pacer.Start(w.now)
		w.paced = append(w.paced, o.slot)
	}
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
		w.foldSA(int(o.slot))
		w.wheel.Cancel(o.slot)
	}
	*sa, w.inLive[o.slot] = inSA{}, false
	w.ack(o, Done)
}

// finishRemovals completes removals and drains whose framers have emptied.
func (w *Worker) finishRemovals() {
	if w.removals == 0 {
		return
	}
	busy := len(w.ready) > 0
	for slot := range w.out {
		if !w.outLive[slot] {
			continue // the builder may be at work there
		}
		sa := &w.out[slot]
		if !sa.idle() {
			busy = true
			continue
		}
		if sa.removal.op == RemoveOutbound && !sa.queued {
			o := sa.removal
			w.unpace(o.slot)
			w.foldSA(slot)
			*sa, w.outLive[slot] = outSA{}, false
			w.removals--
			w.ack(o, Done)
		}
	}
	if busy {
		w.quiet = 0
		return
	}
	// What the port has not taken by now it gets a while for, no longer: the peer may have gone before us.
	if w.quiet++; w.txEmpty() || w.quiet > quietSteps {
		for _, o := range w.drains {
			w.removals--
			w.ack(o, Done)
		}
		w.drains = w.drains[:0]
	}
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
