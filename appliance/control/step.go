package control

import (
	"context"
	"time"

	"stillwater/appliance/dataplane"
	"stillwater/ike"
)

// Start brings up the connections that start by themselves. It comes after InstallStatic.
func (c *Core) Start(now int64) { c.engine.Start(now) }

// Step does whatever there is to do at time now, in ns of the plane's clock, and returns how much it was.
func (c *Core) Step(now int64) int {
	c.tickStack(now)
	work := c.takePunts(now)
	work += c.takeMail(now)
	work += c.takeEvents(now)
	work += c.takeDeaths(now)
	work += c.orders.take(now)
	work += c.takeResults(now)
	work += c.answerAsks(now)
	if c.engine.Deadline() <= now {
		c.engine.Tick(now)
		work++
	}
	work += c.seen(now)
	work += c.takeEffects(now)
	work += c.publish(now)
	c.orders.submit()
	return work
}

// takeEffects carries out what the engine wants, until it wants nothing more.
func (c *Core) takeEffects(now int64) int {
	work := 0
	for {
		e := &c.effects
		e.Datagrams, e.Operations, e.Jobs, e.Events = e.Datagrams[:0], e.Operations[:0], e.Jobs[:0], e.Events[:0]
		c.engine.Take(e)
		n := len(e.Datagrams) + len(e.Operations) + len(e.Jobs) + len(e.Events)
		if n == 0 {
			return work
		}
		work += n
		for i := range e.Events {
			c.logEvent(&e.Events[i])
		}
		for i := range e.Datagrams {
			c.send(&e.Datagrams[i])
		}
		for i := range e.Operations {
			op := e.Operations[i] // a copy: operations end long after this slice is used again
			c.operate(now, &op)
		}
		c.dispatch(now, e.Jobs)
	}
}

// dispatch gives jobs to the workers, or does them here when the caller steps.
func (c *Core) dispatch(now int64, jobs []ike.Job) {
	if !c.stepped {
		c.workers.submit(jobs)
		return
	}
	for _, j := range jobs {
		c.engine.Finish(now, j.Ticket, run(j))
	}
}

// takeResults gives finished jobs back to the engine.
func (c *Core) takeResults(now int64) int {
	if c.stepped {
		return 0
	}
	c.workers.feed()
	for n := 0; ; n++ {
		select {
		case r := <-c.workers.done:
			c.engine.Finish(now, r.ticket, r.value)
		default:
			return n
		}
	}
}

// notify wakes Run up.
func (c *Core) notify() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// The pace of Run: after restSteps steps without work it looks at the rings every restTime; lcores do not wake it.
const (
	restSteps = 20
	restTime  = 500 * time.Microsecond
)

// The bounds of an orderly end (DESIGN.md 3): framers empty while slots go on, then peers are told.
const (
	drainTime  = 2 * time.Second
	deleteTime = time.Second
)

// Run steps until ctx ends, then drains the framers and closes the IKE SAs, both within bounds.
func (c *Core) Run(ctx context.Context) {
	defer close(c.ended)
	c.Start(c.clock())
	c.loop(func() bool { return ctx.Err() != nil })
	c.drain()
	c.engine.Shutdown(c.clock())
	end := c.clock() + int64(deleteTime)
	c.loop(func() bool { return c.engine.Idle() && c.clock() > end-int64(deleteTime) || c.clock() > end })
	c.takeEffects(c.clock())
}

// loop steps until done.
func (c *Core) loop(done func() bool) {
	timer := time.NewTimer(restTime)
	defer timer.Stop()
	quiet := 0
	for !done() {
		if quiet++; c.Step(c.clock()) > 0 {
			quiet = 0
		}
		if quiet < restSteps {
			continue
		}
		timer.Reset(restTime)
		select {
		case <-timer.C:
		case <-c.wake:
		}
	}
}

// drain stops the intake of every lcore and waits until the framers are empty.
func (c *Core) drain() {
	left := 0
	for l := range c.plane.Lcores() {
		left++
		c.orders.give(&dataplane.Command{Op: dataplane.Drain, Lcore: uint8(l)}, func(int64, *dataplane.Ack) { left-- })
	}
	end := c.clock() + int64(drainTime)
	c.loop(func() bool { return left == 0 || c.clock() > end })
	if left > 0 {
		c.log.Warn("drain incomplete", "lcores", left)
	}
}
