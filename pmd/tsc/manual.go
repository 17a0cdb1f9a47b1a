package tsc

import "sync/atomic"

// Manual is a clock that stands still until it is told otherwise: tests and replays step it. Its zero value shows 0.
// Safe for concurrent use.
type Manual struct{ ns atomic.Int64 }

// Now returns the time it was set to, in nanoseconds.
func (m *Manual) Now() int64 { return m.ns.Load() }

// Advance moves the clock by ns nanoseconds and returns the new time. It panics if ns is negative: time does not step
// back, and code under test may rely on it.
func (m *Manual) Advance(ns int64) int64 {
	if ns < 0 {
		panic("tsc: Manual.Advance by a negative time")
	}
	return m.ns.Add(ns)
}
