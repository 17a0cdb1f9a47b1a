package dataplane

import (
	"fmt"

	"stillwater/crypto/esp"
)

// builder stands between control and the lcores: it expands keys and builds SA records off the lcores, in slots nobody
// uses yet, and passes slot numbers on. It is owned by one goroutine. It never waits for an lcore: acks come back by ring.
type builder struct {
	plane   *Plane
	free    []slots // by lcore
	command Command // the one being built; wiped when it is done
	replies []Ack   // acks that the ring to control had no room for
	// waiting counts orders without an ack, by lcore; it never exceeds the ack ring.
	waiting []int
}

// slots are the free places in one lcore's SA tables.
type slots struct{ in, out []uint32 }

func newBuilder(p *Plane, capacity int) *builder {
	b := &builder{plane: p, free: make([]slots, len(p.workers)), waiting: make([]int, len(p.workers))}
	for i := range b.free {
		for s := capacity - 1; s >= 0; s-- {
			b.free[i].in = append(b.free[i].in, uint32(s))
			b.free[i].out = append(b.free[i].out, uint32(s))
		}
	}
	return b
}

// commandQuota bounds the commands built per step.
const commandQuota = 64

// step takes commands and acks and returns how many it moved. While acks to control wait, or an lcore has as many orders as
// its ring holds, no command is taken: that is the back-pressure on control.
func (b *builder) step() int {
	n := b.collect()
	for len(b.replies) > 0 && b.plane.acks.Push(b.replies[0]) {
		b.replies = b.replies[1:]
	}
	for i := 0; i < commandQuota && len(b.replies) == 0 && !b.busy(); i++ {
		var ok bool
		if b.command, ok = b.plane.commands.Pop(); !ok {
			break
		}
		c := &b.command
		if code := b.build(c); code != Done {
			b.reply(b.refusal(c, code))
		}
		c.wipe()
		n++
	}
	return n
}

// busy reports whether some lcore cannot be given one more order.
func (b *builder) busy() bool {
	for i, w := range b.plane.workers {
		if b.waiting[i] >= w.acks.Cap() && !w.dead.Load() {
			return true
		}
	}
	return false
}

func (b *builder) reply(a Ack) {
	if len(b.replies) > 0 || !b.plane.acks.Push(a) {
		b.replies = append(b.replies, a)
	}
}

// refusal answers a command that was not ordered. A stopped lcore still gives up its SAs.
func (b *builder) refusal(c *Command, code Code) Ack {
	a := Ack{Ticket: c.Ticket, Op: c.Op, Code: code, Lcore: c.Lcore, Slot: c.Slot}
	if code == LcoreDead && (c.Op == RemoveInbound || c.Op == RemoveOutbound) {
		b.wipe(b.plane.workers[c.Lcore], &a)
	}
	return a
}

// build prepares a command and orders its lcore to act; anything but Done is the refusal.
func (b *builder) build(c *Command) Code {
	if int(c.Lcore) >= len(b.plane.workers) {
		return BadCommand
	}
	w := b.plane.workers[c.Lcore]
	if w.dead.Load() {
		return LcoreDead
	}
	o := order{op: c.Op, slot: c.Slot, ticket: c.Ticket, after: c.After, afterSPI: c.AfterSPI}
	code := Done
	switch c.Op {
	case InstallInbound:
		o.spi = c.SA.SPI
		o.slot, code = b.buildInbound(w, c)
	case InstallOutbound:
		code = b.buildOutbound(w, c, &o)
	case RemoveInbound, RemoveOutbound:
		if int(c.Slot) >= len(w.in) {
			code = BadCommand
		}
	case Redirect:
		code = b.buildRedirect(w, c, &o)
	case Drain:
	default:
		code = BadCommand
	}
	if code != Done {
		return code
	}
	b.waiting[c.Lcore]++
	w.orders.Push(o) // never full: waiting is bounded by the ack ring, which is as long
	return Done
}

func (b *builder) buildInbound(w *Worker, c *Command) (uint32, Code) {
	free := &b.free[c.Lcore].in
	p, err := b.params(c)
	if err != nil {
		return 0, b.refuse(err)
	}
	if len(*free) == 0 {
		return 0, NoSlot
	}
	slot := (*free)[len(*free)-1]
	sa, err := newInSA(c)
	if err != nil {
		return 0, b.refuse(err)
	}
	if err := w.inbound.Install(slot, p); err != nil {
		return 0, b.refuse(err)
	}
	w.in[slot] = sa
	*free = (*free)[:len(*free)-1]
	return slot, Done
}

func (b *builder) buildOutbound(w *Worker, c *Command, o *order) Code {
	free := &b.free[c.Lcore].out
	p, err := b.params(c)
	if err != nil {
		return b.refuse(err)
	}
	if len(*free) == 0 {
		return NoSlot
	}
	o.slot = (*free)[len(*free)-1]
	sa, err := newOutSA(c, p, w.scratch)
	if err != nil {
		return b.refuse(err)
	}
	if err := w.outbound.Install(o.slot, p); err != nil {
		return b.refuse(err)
	}
	w.out[o.slot] = sa
	*free = (*free)[:len(*free)-1]
	return Done
}

// params returns what the SA of an install is built from. The published generation must describe its child before.
func (b *builder) params(c *Command) (*esp.Params, error) {
	if children := len(b.plane.generation.Load().Children); uint64(c.Child) >= uint64(children) {
		return nil, fmt.Errorf("child %d, expected one of the %d that the generation describes", c.Child, children)
	}
	return c.SA.params()
}

// buildRedirect builds the header an outbound SA gets.
func (b *builder) buildRedirect(w *Worker, c *Command, o *order) Code {
	if uint64(c.Slot) >= uint64(len(w.out)) {
		return BadCommand
	}
	p, err := c.SA.params()
	if err != nil {
		return b.refuse(err)
	}
	capacity, err := c.SA.capacity(p)
	if err != nil {
		return b.refuse(err)
	}
	if o.header, err = esp.NewOuterHeader(p); err != nil {
		return b.refuse(err)
	}
	o.capacity = uint32(capacity)
	return Done
}

// refuse keeps the text of a refusal for the log of the control core; the ack itself is pointer-free.
func (b *builder) refuse(err error) Code {
	b.plane.refusal.Store(&err)
	return BadSA
}

// collect passes the acks of the lcores on; a removed SA's keys are wiped and its slot is free again from here on.
func (b *builder) collect() int {
	n := 0
	for i, w := range b.plane.workers {
		for {
			a, ok := w.acks.Pop()
			if !ok {
				break
			}
			b.waiting[i]--
			b.settle(w, &b.free[i], &a)
			b.reply(a)
			n++
		}
		if w.dead.Load() && b.waiting[i] > 0 {
			n += b.bury(i, w)
		}
	}
	return n
}

// bury answers the orders that a dead lcore has not finished: its goroutine has ended, so the builder may look at them. SAs
// that came or went with them are wiped.
func (b *builder) bury(i int, w *Worker) (n int) {
	orders := w.drains
	for _, slot := range w.leaving {
		orders = append(orders, w.out[slot].removal)
	}
	for o, ok := w.orders.Pop(); ok; o, ok = w.orders.Pop() {
		orders = append(orders, o)
	}
	w.drains, w.leaving = nil, nil
	for _, o := range orders {
		b.waiting[i]--
		a := Ack{Ticket: o.ticket, Op: o.op, Code: LcoreDead, Lcore: uint8(i), Slot: o.slot}
		b.wipe(w, &a)
		b.reply(a)
	}
	return len(orders)
}

// wipe takes the final counters and the keys of the SA that a is about from a dead lcore. Packets it holds stay for Close: the
// panic may have left framer and reassembler in any state. The slot is not used again.
func (b *builder) wipe(w *Worker, a *Ack) {
	if uint64(a.Slot) >= uint64(len(w.in)) {
		return
	}
	switch a.Op {
	case InstallOutbound, RemoveOutbound:
		a.Counters = w.outbound.Counters(a.Slot)
		w.outbound.Remove(a.Slot)
	case InstallInbound, RemoveInbound:
		a.Counters = w.inbound.Counters(a.Slot).Counters
		w.inbound.Remove(a.Slot)
	}
}

func (b *builder) settle(w *Worker, free *slots, a *Ack) {
	switch {
	case a.Code == BadCommand: // there was no SA in that slot, so nothing became free
	case a.Op == RemoveOutbound:
		a.Counters = w.outbound.Counters(a.Slot)
		w.outbound.Remove(a.Slot)
		free.out = append(free.out, a.Slot)
	case a.Op == RemoveInbound:
		a.Counters = w.inbound.Counters(a.Slot).Counters
		fallthrough
	case a.Op == InstallInbound && a.Code != Done:
		w.inbound.Remove(a.Slot)
		free.in = append(free.in, a.Slot)
	}
}
