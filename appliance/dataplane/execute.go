package dataplane

import (
	"context"
	"fmt"
	"time"
)

// Execute submits a command and waits for its acknowledgement: for start-up and shut-down, where control has nothing else
// to do. Acks of other commands that come first are lost, so it must not be mixed with Submit.
func (p *Plane) Execute(ctx context.Context, c *Command) (Ack, error) {
	tick := time.NewTicker(100 * time.Microsecond)
	defer tick.Stop()
	for submitted := false; ; {
		if !submitted {
			submitted = p.Submit(c)
		}
		if a, ok := p.TakeAck(); ok && a.Ticket == c.Ticket {
			return a, p.ackError(c, &a)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return Ack{}, fmt.Errorf("data plane command %d on lcore %d: %w", c.Op, c.Lcore, ctx.Err())
		}
	}
}

// ackError turns a refusal into an error.
func (p *Plane) ackError(c *Command, a *Ack) error {
	if a.Code == Done {
		return nil
	}
	if a.Code == BadSA && p.Refusal() != nil {
		return fmt.Errorf("SA with SPI %#x on lcore %d: %s: %w", c.SA.SPI, c.Lcore, a.Code, p.Refusal())
	}
	return fmt.Errorf("SA with SPI %#x on lcore %d: %s", c.SA.SPI, c.Lcore, a.Code)
}

// stepLimit bounds ExecuteStepped: a command that is not acknowledged by then never will be.
const stepLimit = 10000

// ExecuteStepped is Execute for a plane that the caller steps: it steps until the acknowledgement.
func (p *Plane) ExecuteStepped(c *Command, now func() int64) (Ack, error) {
	for !p.Submit(c) {
		p.Step(now())
	}
	for range stepLimit {
		p.Step(now())
		if a, ok := p.TakeAck(); ok && a.Ticket == c.Ticket {
			return a, p.ackError(c, &a)
		}
	}
	return Ack{}, fmt.Errorf("data plane command %d on lcore %d: not acknowledged after %d steps", c.Op, c.Lcore, stepLimit)
}
