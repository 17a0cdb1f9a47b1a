package control

import "slices"

// batchTime is the least time between two generations: SPD and route changes are batched (DESIGN.md 3), not one
// generation per SA. Building a large one takes longer than that, and then at most a quarter of the time goes there.
const (
	batchTime  = 5e6 // ns
	buildShare = 4
	retryTime  = 1e9 // ns after a generation that could not be built
)

// waiter is what waits until every lcore uses a generation.
type waiter struct {
	number uint64
	next   func(now int64)
}

// draft is what the next generation has to say that the last one does not.
type draft struct {
	wanted  bool
	policy  bool      // a bundle has come or gone
	routes  bool      // a neighbour has: every child's way to its peer is looked up anew
	bundles []*bundle // whose rows have changed: all that a rekey does
}

// touch has the row of a bundle written anew.
func (c *Core) touch(b *bundle) {
	c.draft.wanted = true
	if !b.touched {
		b.touched = true
		c.draft.bundles = append(c.draft.bundles, b)
	}
}

// changed asks for a generation with a new row for b; next is called when every lcore uses it.
func (c *Core) changed(b *bundle, next func(now int64)) {
	c.touch(b)
	c.wait(c.number+1, next)
}

// whenSeen calls next when every lcore uses generation n, or a later one.
func (c *Core) whenSeen(now int64, n uint64, next func(now int64)) {
	if n <= c.lastSeen || n <= c.number && c.plane.Seen(n) {
		next(now)
		return
	}
	c.wait(n, next)
}

// wait lines a waiter up by its number. Those of one number keep their order.
func (c *Core) wait(n uint64, next func(now int64)) {
	at := len(c.waiters)
	for at > 0 && c.waiters[at-1].number > n {
		at--
	}
	c.waiters = slices.Insert(c.waiters, at, waiter{n, next})
}

// seen continues what waited for generations that every lcore uses now.
func (c *Core) seen(now int64) (n int) {
	for n < len(c.waiters) {
		if want := c.waiters[n].number; want > c.lastSeen {
			if want > c.number || !c.plane.Seen(want) {
				break
			}
			c.lastSeen = want
		}
		n++
	}
	due := c.waiters[:n:n]
	c.waiters = c.waiters[n:]
	for i := range due {
		due[i].next(now)
		due[i].next = nil
	}
	return n
}

// publish builds the next generation when one is asked for and due.
func (c *Core) publish(now int64) int {
	if !c.draft.wanted || now < c.publishAt {
		return 0
	}
	began := c.clock() // the step that this is part of may have begun long ago
	if err := c.publishNext(); err != nil {
		// Nobody is told of what the lcores do not have: the draft stays, and who waits for it waits.
		c.log.Error("policy not changed", "error", err)
		c.publishAt = now + retryTime
		return 1
	}
	c.publishAt = began + max(batchTime, buildShare*(c.clock()-began))
	return 1
}

// publishNext builds and publishes what the draft asks for.
func (c *Core) publishNext() error {
	g, err := c.generation()
	if err != nil {
		return err
	}
	c.plane.Publish(g)
	c.number = g.Number
	for i, b := range c.draft.bundles {
		b.touched = false
		c.draft.bundles[i] = nil
	}
	c.draft = draft{bundles: c.draft.bundles[:0]}
	return nil
}
