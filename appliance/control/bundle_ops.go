package control

import (
	"fmt"

	"stillwater/appliance/dataplane"
	"stillwater/ike"
)

// openBundle gives a bundle a child index and a place in policy.
func (c *Core) openBundle(now int64, op *ike.Operation) {
	at, ok := c.childAt[op.Child]
	if !ok {
		c.finish(now, op, fmt.Errorf("bundle %d: %w: its child is not configured", op.Bundle, errRefused))
		return
	}
	selectors, match, err := negotiated(op.Local, op.Remote)
	if err != nil {
		c.finish(now, op, err)
		return
	}
	conn := &c.cfg.Connections[at.conn]
	b := &bundle{
		id: op.Bundle, name: conn.Name + "/" + conn.Children[at.child].Name, conn: at.conn, child: at.child, outer: op.Outer, mode: op.Mode,
		index: c.indexes.take(), selectors: selectors, match: match, since: c.number + 1,
	}
	c.bundles[b.id], c.byIndex[b.index] = b, b
	c.order = append(c.order, b)
	c.draft.policy = true
	c.wantNeighbour(b.outer.Remote.Addr(), c.outerPort(b))
	c.changed(b, func(now int64) { c.finish(now, op, nil) })
}

// moveBundle changes the outer addresses of all outbound SAs of a bundle. One that is still coming is redirected when it is
// there.
func (c *Core) moveBundle(now int64, op *ike.Operation) {
	b := c.bundles[op.Bundle]
	if b == nil {
		c.finish(now, op, nil)
		return
	}
	b.outer = op.Outer
	c.wantNeighbour(b.outer.Remote.Addr(), c.outerPort(b))
	c.changed(b, func(now int64) {
		left := 1
		next := func(now int64, _ *dataplane.Ack) {
			if left--; left == 0 {
				c.finish(now, op, nil)
			}
		}
		for _, p := range b.sealing {
			left++
			c.orders.give(c.redirect(p), next)
		}
		next(now, nil)
	})
}

// closeBundle withdraws a bundle from policy. What is on its way in its SAs still leaves: the lcores keep what they know of it
// until they have none.
func (c *Core) closeBundle(now int64, op *ike.Operation) {
	b := c.bundles[op.Bundle]
	if b == nil {
		c.finish(now, op, nil)
		return
	}
	b.closed = true
	delete(c.bundles, b.id)
	delete(c.byIndex, b.index)
	c.draft.policy = true
	c.changed(b, func(now int64) {
		b.unlinked = true
		c.finish(now, op, nil)
		c.retire(b)
	})
}

// retire makes a hole of the index of a closed bundle that has no SA any more; when every lcore has seen the hole, the index
// may mean something else.
func (c *Core) retire(b *bundle) {
	if !b.unlinked || b.pairs > 0 || b.over {
		return
	}
	b.over = true
	c.changed(b, func(int64) { c.indexes.give(b.index) })
}
