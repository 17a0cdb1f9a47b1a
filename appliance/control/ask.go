package control

import (
	"context"
	"errors"
	"sync/atomic"
)

// ErrEnded is returned to those who ask a Core whose Run is over.
var ErrEnded = errors.New("the control core has ended")

// askRing is how many asks wait for the Core; more wait with those who ask.
const askRing = 16

// The states of an ask.
const (
	askWaiting int32 = iota
	askTaken         // the Core runs it, or has
	askDropped       // who asked has gone: it must not touch what they have returned
)

// ask is something that another goroutine wants from the one that owns the Core.
type ask struct {
	run   func(now int64)
	state atomic.Int32
	done  chan struct{}
}

// Do runs f on the goroutine that owns the Core, while Run runs, and waits for it. An error says that f has not run and never
// will: ErrEnded, or that of ctx. The caller of a Core with a clock of its own owns it: there f runs at once. Safe for concurrent
// use while Run runs.
func (c *Core) Do(ctx context.Context, f func(now int64)) error {
	if c.stepped {
		f(c.clock())
		return nil
	}
	a := &ask{run: f, done: make(chan struct{})}
	select {
	case c.asks <- a:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ended:
		return ErrEnded
	}
	c.notify()
	select {
	case <-a.done:
		return nil
	case <-ctx.Done():
		return a.giveUp(ctx.Err())
	case <-c.ended:
		return a.giveUp(ErrEnded)
	}
}

// giveUp takes an ask back, unless the Core has begun with it: then it will end soon.
func (a *ask) giveUp(why error) error {
	if a.state.CompareAndSwap(askWaiting, askDropped) {
		return why
	}
	<-a.done
	return nil
}

// answerAsks runs what other goroutines want from the one that owns the Core.
func (c *Core) answerAsks(now int64) (n int) {
	for ; ; n++ {
		select {
		case a := <-c.asks:
			if a.state.CompareAndSwap(askWaiting, askTaken) {
				a.run(now)
				close(a.done)
			}
		default:
			return n
		}
	}
}
