package control

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

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
	return c.ask(ctx, func(now int64) error { return c.engine.Initiate(now, connection, child) })
}

// Terminate closes a connection. Safe for concurrent use while Run runs.
func (c *Core) Terminate(ctx context.Context, connection string) error {
	return c.ask(ctx, func(now int64) error { return c.engine.Terminate(now, connection) })
}

// Rekey replaces the SAs of a connection: its IKE SA, or its Child SAs. Safe for concurrent use while Run runs.
func (c *Core) Rekey(ctx context.Context, connection string, ikeSA, children bool) error {
	return c.ask(ctx, func(now int64) error { return c.engine.Rekey(now, connection, ikeSA, children) })
}

// ask runs an order that may be refused; on a clock of the caller's at once, else when Run comes to it.
func (c *Core) ask(ctx context.Context, f func(now int64) error) error {
	if c.stepped {
		return f(c.clock()) // the caller owns the Core
	}
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
}

// Pairs lists the negotiated SA pairs that receive. Safe for concurrent use.
func (c *Core) Pairs() []PairStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]PairStatus, 0, len(c.pairs))
	for _, p := range c.pairs {
		if p.hasIn {
			conn := &c.cfg.Connections[p.bundle.conn]
			out = append(out, PairStatus{conn.Name + "/" + conn.Children[p.bundle.child].Name, p.lcore, p.spiIn, p.spiOut, p.suite, p.sends})
		}
	}
	slices.SortFunc(out, func(a, b PairStatus) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Lcore, b.Lcore), cmp.Compare(a.SPIIn, b.SPIIn))
	})
	return out
}
