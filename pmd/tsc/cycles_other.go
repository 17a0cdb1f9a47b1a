//go:build !amd64

package tsc

import "time"

var start = time.Now()

// Cycles returns nanoseconds of the runtime's monotonic clock on this architecture. Safe for concurrent use.
func Cycles() uint64 { return uint64(time.Since(start)) }

// invariant is false: the clock is the runtime's own here.
func invariant() bool { return false }
