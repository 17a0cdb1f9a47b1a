package control

import (
	"fmt"

	"stillwater/appliance/dataplane"
	"stillwater/ike"
)

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

// addInbound installs the inbound half once every lcore knows what the bundle's index means.
func (c *Core) addInbound(now int64, op *ike.Operation) {
	b := c.bundles[op.Bundle]
	if b == nil || c.pairs[op.Pair.SPIIn] != nil {
		wipePair(op.Pair)
		c.finish(now, op, fmt.Errorf("SA %#08x of bundle %d: %w: the bundle is not open, or has the SA", op.Pair.SPIIn, op.Bundle, errRefused))
		return
	}
	p := c.newPair(b, op.Pair)
	p.install = &dataplane.Command{Op: dataplane.InstallInbound, Lcore: uint8(p.lcore), Child: b.index}
	err := c.inboundSA(&p.install.SA, b, op.Pair)
	clear(op.Pair.KeymatIn)
	if err != nil {
		p.install = nil
		c.finish(now, op, err)
		c.settled(now, p, &p.in)
		return
	}
	c.whenSeen(now, b.since, func(now int64) { c.installInbound(now, op, p) })
}

// installInbound orders the install, unless the engine has changed its mind.
func (c *Core) installInbound(now int64, op *ike.Operation, p *pair) {
	cmd := p.install
	p.install = nil
	if p.in.leave != nil || p.bundle.closed {
		clear(cmd.SA.Keymat[:])
		c.finish(now, op, fmt.Errorf("SA %#08x: %w: it is not wanted any more", p.spiIn, errRefused))
		c.settled(now, p, &p.in)
		return
	}
	c.orders.give(cmd, func(now int64, ack *dataplane.Ack) {
		err := c.refusal(p.spiIn, ack)
		c.finish(now, op, err)
		if err != nil {
			c.settled(now, p, &p.in)
			return
		}
		p.in.slot = ack.Slot
		c.set(p, &p.in, there)
		if p.in.leave != nil {
			c.orderInboundAway(p)
		}
	})
}

// removeInbound takes the inbound half away. Its SPI may be drawn again when both halves have gone, as the pair goes by it.
func (c *Core) removeInbound(now int64, op *ike.Operation) {
	done := func(now int64) {
		c.freeSPI(op.Pair.SPIIn)
		c.finish(now, op, nil)
	}
	switch p := c.pairs[op.Pair.SPIIn]; {
	case p == nil || p.in.state == absent:
		done(now)
	default:
		p.in.leave = append(p.in.leave, done)
		if p.in.state == there {
			c.orderInboundAway(p)
		}
	}
}

func (c *Core) orderInboundAway(p *pair) {
	c.set(p, &p.in, going)
	c.orders.give(&dataplane.Command{Op: dataplane.RemoveInbound, Lcore: uint8(p.lcore), Slot: p.in.slot}, c.gone(p, &p.in))
}

// gone is what follows the removal of a half, from a dead lcore too.
func (c *Core) gone(p *pair, h *half) then {
	return func(now int64, ack *dataplane.Ack) {
		c.mu.Lock()
		h.last = ack.Counters
		c.mu.Unlock()
		c.settled(now, p, h)
	}
}

// addOutbound installs the outbound half. At a rekey it comes after the SA that sealed on its lcore before.
func (c *Core) addOutbound(now int64, op *ike.Operation) {
	p := c.pairs[op.Pair.SPIIn]
	if p == nil || p.out.state != absent {
		clear(op.Pair.KeymatOut)
		c.finish(now, op, fmt.Errorf("SA %#08x: %w: its inbound half is gone, or it has both", op.Pair.SPIIn, errRefused))
		return
	}
	cmd := &dataplane.Command{Op: dataplane.InstallOutbound, Lcore: uint8(p.lcore), Child: p.bundle.index}
	err := c.outboundSA(&cmd.SA, p.bundle, op.Pair)
	clear(op.Pair.KeymatOut)
	if err != nil {
		c.finish(now, op, err)
		return
	}
	p.sent, p.outer, p.fallback = cmd.SA, p.bundle.outer, op.Pair.Fallback
	clear(p.sent.Keymat[:])
	if old := c.pairs[op.Replaces]; old != nil && old.out.state == there && old.lcore == p.lcore {
		cmd.After, cmd.AfterSPI = old.out.slot, old.spiOut
	}
	c.set(p, &p.out, coming)
	c.orders.give(cmd, func(now int64, ack *dataplane.Ack) { c.outboundCame(now, op, p, ack) })
}

// outboundCame puts a new outbound SA to use.
func (c *Core) outboundCame(now int64, op *ike.Operation, p *pair, ack *dataplane.Ack) {
	if err := c.refusal(p.spiIn, ack); err != nil {
		c.finish(now, op, err)
		c.settled(now, p, &p.out)
		return
	}
	p.out.slot = ack.Slot
	c.set(p, &p.out, there)
	if p.out.leave != nil {
		c.finish(now, op, nil)
		c.orderOutboundAway(p)
		return
	}
	c.seats[seat{ack.Lcore, ack.Slot}] = p
	p.bundle.seal(p, c.pairs[op.Replaces])
	if p.outer != p.bundle.outer { // it has moved meanwhile
		c.orders.give(c.redirect(p), func(int64, *dataplane.Ack) {})
	}
	c.changed(p.bundle, func(now int64) {
		c.mu.Lock()
		p.sends = p.out.state == there
		c.mu.Unlock()
		c.finish(now, op, nil)
	})
}

// removeOutbound takes the pair out of the generation first: once every lcore uses the next one, nobody refers to the SA.
func (c *Core) removeOutbound(now int64, op *ike.Operation) {
	done := func(now int64) { c.finish(now, op, nil) }
	switch p := c.pairs[op.Pair.SPIIn]; {
	case p == nil || p.out.state == absent:
		done(now)
	default:
		p.out.leave = append(p.out.leave, done)
		if p.out.state != there {
			return
		}
		delete(c.seats, seat{uint8(p.lcore), p.out.slot})
		p.bundle.unseal(p)
		c.set(p, &p.out, going)
		c.changed(p.bundle, func(int64) { c.orderOutboundAway(p) })
	}
}

func (c *Core) orderOutboundAway(p *pair) {
	c.set(p, &p.out, going)
	c.orders.give(&dataplane.Command{Op: dataplane.RemoveOutbound, Lcore: uint8(p.lcore), Slot: p.out.slot}, c.gone(p, &p.out))
}

// redirect is the command that gives an outbound SA the outer addresses of its bundle.
func (c *Core) redirect(p *pair) *dataplane.Command {
	b, sa := p.bundle, p.sent
	p.outer = b.outer
	sa.Src, sa.Dst = dataplane.AddrFrom(b.outer.Local.Addr()), dataplane.AddrFrom(b.outer.Remote.Addr())
	sa.Encap, sa.SrcPort, sa.DstPort = 0, 0, 0
	encapsulate(&sa, b, b.outer.Local.Port(), b.outer.Remote.Port())
	return &dataplane.Command{Op: dataplane.Redirect, Lcore: uint8(p.lcore), Child: b.index, Slot: p.out.slot, SA: sa}
}

// wipePair clears keys that will not be installed.
func wipePair(p *ike.Pair) {
	clear(p.KeymatIn)
	clear(p.KeymatOut)
}
