package testbed

import (
	"context"
	"runtime"
	"time"
)

// Traffic runs both directions between two hosts.
type Traffic struct {
	hosts   [2]*host
	streams [2]*stream // by sending host
}

// patience is how long Traffic waits at the end without anything arriving before it calls the rest lost. A machine may take
// a core away for long; a packet that is lost never comes.
const patience = 5 * time.Second

// Run sends until ctx ends, then waits until everything has arrived or nothing has for a while, and counts what is missing.
func (t *Traffic) Run(ctx context.Context) {
	for steps := 0; ctx.Err() == nil; steps++ {
		if t.step(true) == 0 {
			runtime.Gosched()
		}
		if steps%publishSteps == 0 {
			t.publish(false)
		}
	}
	t.settle()
}

const publishSteps = 256

// settle waits for what is on its way.
func (t *Traffic) settle() {
	last := time.Now()
	for t.outstanding() > 0 && time.Since(last) < patience {
		if t.step(false) > 0 {
			last = time.Now()
		} else {
			runtime.Gosched()
		}
	}
	t.publish(true)
}

// step moves one burst each way in both directions.
func (t *Traffic) step(more bool) (work int) {
	for i, h := range t.hosts {
		work += h.send(t.streams[i], more)
		work += h.receive(t.streams[1-i])
	}
	return work
}

func (t *Traffic) outstanding() (n uint64) {
	for _, s := range t.streams {
		n += s.tally.Sent - s.tally.Received
	}
	return n
}

func (t *Traffic) publish(final bool) {
	for _, s := range t.streams {
		s.publish(final)
	}
}

// Tally returns the sum over both directions. Safe for concurrent use.
func (t *Traffic) Tally() (sum Tally) {
	for _, s := range t.streams {
		sum.Add(s.snapshot())
	}
	return sum
}
