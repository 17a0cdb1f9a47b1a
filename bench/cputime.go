package bench

import (
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// threadTime returns the CPU time that the calling thread has used, in nanoseconds. The caller has locked its goroutine to
// the thread. It is a system call, because no virtual counter knows when the thread was not running.
func threadTime() int64 {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) // fails for a bad clock number or address only
	return t.Nano()
}

// onThread runs f on a goroutine that has an operating system thread of its own, and gives it the clock of that thread.
func onThread(f func(clock func() int64) error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return fmt.Errorf("clock of thread CPU time: %w", err)
	}
	return f(threadTime)
}

// clockReads is how many readings the price of one is taken from.
const clockReads = 2001

// clockCost is the median of what lies between two readings with nothing between them: it is taken off every timed part.
func clockCost(clock func() int64) int64 {
	var gaps [clockReads]int64
	last := clock()
	for i := range gaps {
		at := clock()
		gaps[i], last = at-last, at
	}
	slices.Sort(gaps[:])
	return gaps[clockReads/2]
}
