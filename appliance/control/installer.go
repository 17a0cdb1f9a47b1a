package control

import (
	"errors"
	"fmt"

	"stillwater/appliance/dataplane"
	"stillwater/ike"
)

// errRefused is why an operation on the data plane failed.
var errRefused = errors.New("the data plane refused")

// then is what follows an acknowledgement of the data plane.
type then func(now int64, ack *dataplane.Ack)

// operate carries out one operation of the engine. The engine hears of it when the lcores have done it, and where a
// generation is part of it, when every lcore uses that.
func (c *Core) operate(now int64, op *ike.Operation) {
	switch op.Kind {
	case ike.OpenBundle:
		c.openBundle(now, op)
	case ike.AddInbound:
		c.addInbound(now, op)
	case ike.AddOutbound:
		c.addOutbound(now, op)
	case ike.RemoveOutbound:
		c.removeOutbound(now, op)
	case ike.RemoveInbound:
		c.removeInbound(now, op)
	case ike.MoveBundle:
		c.moveBundle(now, op)
	case ike.CloseBundle:
		c.closeBundle(now, op)
	}
}

// finish tells the engine that an operation is done.
func (c *Core) finish(now int64, op *ike.Operation, err error) {
	c.engine.Acknowledge(now, op.Ticket, err)
}

// command submits a command; next is called with its acknowledgement. What the ring has no room for waits in line.
func (c *Core) command(cmd dataplane.Command, next then) {
	c.ticket++
	cmd.Ticket = c.ticket
	c.awaited[cmd.Ticket] = next
	c.commands = append(c.commands, cmd)
	clear(cmd.SA.Keymat[:])
	c.submit()
}

// submit hands waiting commands over. Submit wipes the keys of what it takes.
func (c *Core) submit() {
	n := 0
	for n < len(c.commands) && c.plane.Submit(&c.commands[n]) {
		n++
	}
	if n > 0 {
		rest := copy(c.commands, c.commands[n:])
		clear(c.commands[rest:])
		c.commands = c.commands[:rest]
	}
}

// takeAcks continues what waited for acknowledgements.
func (c *Core) takeAcks(now int64) int {
	n := 0
	for ; ; n++ {
		ack, ok := c.plane.TakeAck()
		if !ok {
			return n
		}
		if next := c.awaited[ack.Ticket]; next != nil {
			delete(c.awaited, ack.Ticket)
			next(now, &ack)
		}
	}
}

// refusal turns an acknowledgement into an error.
func (c *Core) refusal(spi uint32, ack *dataplane.Ack) error {
	if ack.Code == dataplane.Done {
		return nil
	}
	err := fmt.Errorf("SA %#08x on lcore %d: %w: %s", spi, ack.Lcore, errRefused, ack.Code)
	if ack.Code == dataplane.BadSA && c.plane.Refusal() != nil {
		err = fmt.Errorf("%w: %w", err, c.plane.Refusal())
	}
	return err
}

func (c *Core) openBundle(now int64, op *ike.Operation) {
	at, ok := c.childAt[op.Child]
	if !ok {
		c.finish(now, op, fmt.Errorf("bundle %d: %w: its child is not configured", op.Bundle, errRefused))
		return
	}
	b := &bundle{
		id: op.Bundle, conn: at.conn, child: at.child, outer: op.Outer, mode: op.Mode, index: c.indexes.take(),
		pairs: map[uint32]*pair{}, out: make([]uint32, c.plane.Lcores()),
	}
	var err error
	if b.selectors, b.match, err = negotiated(op.Local, op.Remote); err != nil {
		c.indexes.give(b.index)
		c.finish(now, op, err)
		return
	}
	b.since = c.number + 1
	c.bundles[b.id], c.byIndex[b.index] = b, b
	c.order = append(c.order, b)
	c.wantNeighbour(b.outer.Remote.Addr(), c.outerPort(b))
	c.changed(now, func(now int64) { c.finish(now, op, nil) })
}

func (c *Core) addInbound(now int64, op *ike.Operation) {
	b := c.bundles[op.Bundle]
	if b == nil {
		wipePair(op.Pair)
		c.finish(now, op, fmt.Errorf("bundle %d: %w: it is not open", op.Bundle, errRefused))
		return
	}
	p := &pair{bundle: b, spiIn: op.Pair.SPIIn, spiOut: op.Pair.SPIOut, lcore: op.Pair.Lcore, suite: suiteName(op.Pair)}
	b.pairs[p.spiIn] = p
	c.load[p.lcore]++
	c.mu.Lock()
	c.pairs[p.spiIn] = p
	c.mu.Unlock()
	if op.Pair.Fallback {
		b.fallback = p.spiIn
	}
	sa, err := c.inboundSA(b, op.Pair)
	clear(op.Pair.KeymatIn)
	if err != nil {
		c.forget(p)
		c.finish(now, op, err)
		return
	}
	// The lcores must have seen the bundle: its index means something to them only then.
	c.whenSeen(now, func(now int64) {
		c.command(dataplane.Command{Op: dataplane.InstallInbound, Lcore: uint8(p.lcore), Child: b.index, SA: sa}, func(now int64, ack *dataplane.Ack) {
			err := c.refusal(p.spiIn, ack)
			if err != nil {
				c.forget(p)
			} else {
				c.mu.Lock()
				p.inSlot, p.hasIn = ack.Slot, true
				c.mu.Unlock()
			}
			c.finish(now, op, err)
		})
		clear(sa.Keymat[:])
	})
}

func (c *Core) addOutbound(now int64, op *ike.Operation) {
	p := c.pairs[op.Pair.SPIIn]
	if p == nil {
		clear(op.Pair.KeymatOut)
		c.finish(now, op, fmt.Errorf("SA %#08x: %w: its inbound half is gone", op.Pair.SPIIn, errRefused))
		return
	}
	b := p.bundle
	sa, err := c.outboundSA(b, op.Pair)
	clear(op.Pair.KeymatOut)
	if err != nil {
		c.finish(now, op, err)
		return
	}
	p.out = sa
	clear(p.out.Keymat[:])
	c.command(dataplane.Command{Op: dataplane.InstallOutbound, Lcore: uint8(p.lcore), Child: b.index, SA: sa}, func(now int64, ack *dataplane.Ack) {
		if err := c.refusal(p.spiIn, ack); err != nil {
			c.finish(now, op, err)
			return
		}
		c.mu.Lock()
		p.outSlot, p.hasOut = ack.Slot, true
		c.mu.Unlock()
		c.seats[seat{ack.Lcore, ack.Slot}] = p
		b.out[p.lcore] = p.spiIn
		if op.Pair.Fallback {
			b.fallback = p.spiIn
		}
		c.changed(now, func(now int64) {
			c.mu.Lock()
			p.sends = p.hasOut
			c.mu.Unlock()
			c.finish(now, op, nil)
		})
	})
	clear(sa.Keymat[:])
}

// removeOutbound takes the pair out of the generation first: once every lcore uses the next one, nobody refers to the SA.
func (c *Core) removeOutbound(now int64, op *ike.Operation) {
	p := c.pairs[op.Pair.SPIIn]
	if p == nil || !p.hasOut {
		c.finish(now, op, nil)
		return
	}
	b := p.bundle
	c.mu.Lock()
	p.hasOut, p.sends = false, false
	c.mu.Unlock()
	delete(c.seats, seat{uint8(p.lcore), p.outSlot})
	if b.out[p.lcore] == p.spiIn {
		b.out[p.lcore] = 0
	}
	if b.fallback == p.spiIn {
		b.fallback = 0
	}
	c.changed(now, func(int64) {
		c.command(dataplane.Command{Op: dataplane.RemoveOutbound, Lcore: uint8(p.lcore), Slot: p.outSlot}, func(now int64, _ *dataplane.Ack) {
			c.finish(now, op, nil)
		})
	})
}

func (c *Core) removeInbound(now int64, op *ike.Operation) {
	p := c.pairs[op.Pair.SPIIn]
	if p == nil || !p.hasIn {
		delete(c.spis, op.Pair.SPIIn)
		c.finish(now, op, nil)
		return
	}
	c.command(dataplane.Command{Op: dataplane.RemoveInbound, Lcore: uint8(p.lcore), Slot: p.inSlot}, func(now int64, _ *dataplane.Ack) {
		c.forget(p)
		c.finish(now, op, nil)
	})
}

// moveBundle changes the outer addresses of all outbound SAs of a bundle.
func (c *Core) moveBundle(now int64, op *ike.Operation) {
	b := c.bundles[op.Bundle]
	if b == nil {
		c.finish(now, op, nil)
		return
	}
	b.outer = op.Outer
	c.wantNeighbour(b.outer.Remote.Addr(), c.outerPort(b))
	c.changed(now, func(now int64) {
		left := 1
		next := func(now int64, _ *dataplane.Ack) {
			if left--; left == 0 {
				c.finish(now, op, nil)
			}
		}
		for _, p := range b.pairs {
			if p.hasOut {
				left++
				c.command(c.redirect(b, p), next)
			}
		}
		next(now, nil)
	})
}

// closeBundle withdraws a bundle; its child index is free when no lcore can have it any more.
func (c *Core) closeBundle(now int64, op *ike.Operation) {
	b := c.bundles[op.Bundle]
	if b == nil {
		c.finish(now, op, nil)
		return
	}
	delete(c.bundles, b.id)
	delete(c.byIndex, b.index)
	for i := range c.order {
		if c.order[i] == b {
			c.order = append(c.order[:i], c.order[i+1:]...)
			break
		}
	}
	c.changed(now, func(now int64) {
		c.indexes.give(b.index)
		c.finish(now, op, nil)
	})
}

// redirect is the command that gives an outbound SA the outer addresses of its bundle.
func (c *Core) redirect(b *bundle, p *pair) dataplane.Command {
	sa := p.out
	sa.Src, sa.Dst = dataplane.AddrFrom(b.outer.Local.Addr()), dataplane.AddrFrom(b.outer.Remote.Addr())
	sa.Encap, sa.SrcPort, sa.DstPort = 0, 0, 0
	c.encapsulate(&sa, b, b.outer.Local.Port(), b.outer.Remote.Port())
	return dataplane.Command{Op: dataplane.Redirect, Lcore: uint8(p.lcore), Child: b.index, Slot: p.outSlot, SA: sa}
}

// forget removes a pair from every table once its inbound half is gone.
func (c *Core) forget(p *pair) {
	c.load[p.lcore]--
	c.mu.Lock()
	p.hasIn = false
	delete(c.pairs, p.spiIn)
	c.mu.Unlock()
	delete(p.bundle.pairs, p.spiIn)
	delete(c.spis, p.spiIn)
}

// wipePair clears keys that will not be installed.
func wipePair(p *ike.Pair) {
	clear(p.KeymatIn)
	clear(p.KeymatOut)
}
