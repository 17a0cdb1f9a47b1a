package dataplane

import (
	"stillwater/crypto/esp"
)

// builder stands between control and the lcores: it expands keys and builds SA records off the lcores, in slots nobody
// uses yet, and passes slot numbers on. It is owned by one goroutine. It never waits for an lcore: acks come back by ring.
type builder struct {
	plane   *Plane
	free    []slots // by lcore
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

// step takes commands and acks and returns how many it moved. While acks to control wait, no command is taken: that is the
// back-pressure on control.
func (b *builder) step() int {
	n := b.collect()
	for len(b.replies) > 0 && b.plane.acks.Push(b.replies[0]) {
		b.replies = b.replies[1:]
	}
	for i := 0; i < commandQuota && len(b.replies) == 0; i++ {
		c, ok := b.plane.commands.Pop()
		if !ok {
			break
		}
		if code := b.build(&c); code != Done {
			b.reply(Ack{Ticket: c.Ticket, Op: c.Op, Code: code, Lcore: c.Lcore, Slot: c.Slot})
		}
		c.wipe()
		n++
	}
	return n
}

func (b *builder) reply(a Ack) {
	if len(b.replies) > 0 || !b.plane.acks.Push(a) {
		b.replies = append(b.replies, a)
	}
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
	if b.waiting[c.Lcore] >= w.acks.Cap() {
		return NoSlot
	}
	o := order{op: c.Op, slot: c.Slot, ticket: c.Ticket}
	code := Done
	switch c.Op {
	case InstallInbound:
		o.spi = c.SA.SPI
		o.slot, code = b.buildInbound(w, c)
	case InstallOutbound:
		o.slot, code = b.buildOutbound(w, c)
	case RemoveInbound, RemoveOutbound:
		if int(c.Slot) >= len(w.in) {
			code = BadCommand
		}
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
	p, ok := c.SA.params()
	if !ok || !b.knows(c.Child) {
		return 0, BadSA
	}
	if len(*free) == 0 {
		return 0, NoSlot
	}
	slot := (*free)[len(*free)-1]
	sa := inSA{child: c.Child, spi: c.SA.SPI, unframe: unframeTunnel}
	if c.SA.Mode == esp.ModeAGGFRAG {
		r, err := c.SA.reassembler()
		if err != nil {
			return 0, b.refuse(err)
		}
		sa.reasm, sa.unframe = r, unframeAggfrag
	}
	if err := w.inbound.Install(slot, p); err != nil {
		return 0, b.refuse(err)
	}
	w.in[slot] = sa
	*free = (*free)[:len(*free)-1]
	return slot, Done
}

func (b *builder) buildOutbound(w *Worker, c *Command) (uint32, Code) {
	free := &b.free[c.Lcore].out
	p, ok := c.SA.params()
	if !ok || !b.knows(c.Child) {
		return 0, BadSA
	}
	if len(*free) == 0 {
		return 0, NoSlot
	}
	slot := (*free)[len(*free)-1]
	sa, err := newOutSA(c, p)
	if err != nil {
		return 0, b.refuse(err)
	}
	if err := w.outbound.Install(slot, p); err != nil {
		return 0, b.refuse(err)
	}
	w.out[slot] = sa
	*free = (*free)[:len(*free)-1]
	return slot, Done
}

// knows reports whether the published generation describes a child: SAs must not be installed before it.
func (b *builder) knows(child uint32) bool {
	return int(child) < len(b.plane.generation.Load().Children)
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
	}
	return n
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
