// Package tsc is time for lcores: a clock that costs one RDTSC, and the timing wheel that deadlines hang on.
//
// The clock is calibrated against CLOCK_MONOTONIC_RAW at start and checked against it about once a second, off the
// lcores. A check never moves the time that readers see: it bends the slope a little and lets the error run out. Where
// the counter is not invariant, or turns out not to keep time, the runtime's clock serves.
//
// What it does not do: wall-clock time. Nothing here follows NTP.
package tsc

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// minInterval is the shortest time between two checks: below it the measured rate is mostly noise.
const minInterval = 100 * time.Millisecond

// ErrNoisy says that the machine interrupted every sample of a check; the clock goes on as it was.
var ErrNoisy = errors.New("tsc: clock not checked: every reading of CLOCK_MONOTONIC_RAW was interrupted")

// Clock gives nanoseconds on the scale of CLOCK_MONOTONIC_RAW. On one thread it never steps back, but perhaps by the time
// that Check needs to give up a counter gone wrong; two cores may disagree by the tens of nanoseconds by which a CPU reads
// its counter early. Safe for concurrent use. Check is not for lcores: it holds a mutex and makes system calls.
type Clock struct {
	plan  atomic.Pointer[plan]
	start time.Time // zero of the runtime's clock in a system plan

	mu sync.Mutex
	discipline
}

// New returns a clock, calibrated for 10 ms, on a disturbed machine for up to 200 ms.
func New() *Clock { return newClock(machine, invariant()) }

func newClock(src source, invariant bool) *Clock {
	c := &Clock{start: time.Now()}
	calibrated := false
	if invariant {
		c.discipline, calibrated = src.calibrate()
	}
	if !calibrated {
		c.plan.Store(&plan{first: line{ns: src.raw() - int64(time.Since(c.start))}, system: true})
		return c
	}
	c.plan.Store(straight(line{cycles: c.last.cycles, ns: c.last.raw, mult: uint64(c.rate * (1 << 32))}))
	return c
}

// Now returns the time in nanoseconds since a moment before the program started.
func (c *Clock) Now() int64 {
	for {
		p := c.plan.Load()
		if p.system {
			return p.first.ns + int64(time.Since(c.start))
		}
		// The second load proves that the counter was read while p was published. It fails once a second at most.
		cycles := Cycles()
		if c.plan.Load() == p {
			return p.at(cycles)
		}
	}
}

// Source names what the clock counts: "tsc" or "nanotime".
func (c *Clock) Source() string {
	if c.plan.Load().system {
		return "nanotime"
	}
	return "tsc"
}

// Check compares the clock with CLOCK_MONOTONIC_RAW and bends it; call it about once a second. ppm is how much faster the
// counter ran since the last check than before it, in parts per million. The error is ErrNoisy when the machine was too
// busy to tell, or an *UnstableError when the counter had to be given up: from then on the runtime's clock serves, for
// good. On the runtime's clock, and within 100 ms of the last check, there is nothing to compare and both results are zero.
func (c *Clock) Check() (ppm float64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	running := c.plan.Load()
	if running.system || rawNow()-c.last.raw < int64(minInterval) {
		return 0, nil
	}
	system := time.Since(c.start) // before the sample, so that a change to this clock can only step forward
	s := machine.sample()
	if float64(s.width)*c.rate > sampleWidth {
		return 0, ErrNoisy
	}
	l := running.settled()
	next, ppm, err := c.correct(l, s)
	if err != nil {
		c.plan.Store(&plan{first: line{ns: max(l.at(s.cycles), s.raw) - int64(system)}, system: true})
		return ppm, err
	}
	c.plan.Store(next)
	next.confirm(Cycles())
	return ppm, nil
}
