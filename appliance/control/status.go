package control

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"stillwater/crypto/esp"
	"stillwater/ike"
)

// Counts is what the control core has seen. Safe for concurrent use.
func (c *Core) Counts() (events map[string]uint64, punted, rekeys uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.counts.events), c.counts.punted, c.counts.rekeys
}

// Snapshot lists the IKE SAs. Safe for concurrent use while Run runs.
func (c *Core) Snapshot(ctx context.Context) (out []ike.SAStatus, err error) {
	err = c.Do(ctx, func(int64) { out = c.engine.Snapshot() })
	return out, err
}

// Failures lists the last failed negotiations. Safe for concurrent use while Run runs.
func (c *Core) Failures(ctx context.Context) (out []ike.Failure, err error) {
	err = c.Do(ctx, func(int64) { out = c.engine.Failures() })
	return out, err
}

// Initiate brings up a connection, or one child of it. Safe for concurrent use while Run runs.
func (c *Core) Initiate(ctx context.Context, connection, child string) error {
	return c.obey(ctx, func(now int64) error { return c.engine.Initiate(now, connection, child) })
}

// Terminate closes a connection. Safe for concurrent use while Run runs.
func (c *Core) Terminate(ctx context.Context, connection string) error {
	return c.obey(ctx, func(now int64) error { return c.engine.Terminate(now, connection) })
}

// Rekey replaces the SAs of a connection: its IKE SA, or its Child SAs. Safe for concurrent use while Run runs.
func (c *Core) Rekey(ctx context.Context, connection string, ikeSA, children bool) error {
	return c.obey(ctx, func(now int64) error { return c.engine.Rekey(now, connection, ikeSA, children) })
}

// obey runs an order that may be refused.
func (c *Core) obey(ctx context.Context, f func(now int64) error) error {
	var refused error
	if err := c.Do(ctx, func(now int64) { refused = f(now) }); err != nil {
		return fmt.Errorf("control core: %w", err)
	}
	return refused
}

// PairStatus is one negotiated SA pair. Keys are nowhere in it.
type PairStatus struct {
	Name          string // connection/child
	Lcore         int
	SPIIn, SPIOut uint32
	Suite         string
	Out           bool // its outbound half is in use
	// What it has carried. The data plane publishes it, a millisecond late at most.
	Received, Sent esp.Counters
}

// Pairs lists the negotiated SA pairs that receive. Safe for concurrent use.
func (c *Core) Pairs() []PairStatus {
	out := c.receiving()
	slices.SortFunc(out, func(a, b PairStatus) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Lcore, b.Lcore), cmp.Compare(a.SPIIn, b.SPIIn))
	})
	return out
}

// receiving lists them in no order: the Core is not held up by a sort.
func (c *Core) receiving() []PairStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]PairStatus, 0, len(c.pairs))
	for _, p := range c.pairs {
		if p.in.state == there {
			out = append(out, PairStatus{p.bundle.name, p.lcore, p.spiIn, p.spiOut, p.suite, p.sends, c.counters(p, &p.in), c.counters(p, &p.out)})
		}
	}
	return out
}
