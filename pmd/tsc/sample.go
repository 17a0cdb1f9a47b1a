package tsc

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

const (
	sampleTries = 16     // pairs of readings in a sample, the tightest is kept
	sampleWidth = 20_000 // ns; a wider sample says nothing in a check

	calibrationTries = 20
	calibrationPause = 10 * time.Millisecond
	calibrationPPM   = 100 // good enough to start with; the first check does better
	slowest          = 10  // ns a cycle: no time stamp counter runs below 100 MHz
)

// sample is one reading of both clocks at the same moment.
type sample struct {
	cycles uint64
	raw    int64  // CLOCK_MONOTONIC_RAW, ns
	width  uint64 // cycles from before to after: the sample is off by at most half of it
}

// source is where samples come from: the machine, or a test.
type source struct {
	cycles func() uint64
	raw    func() int64
	sleep  func(time.Duration)
}

var machine = source{cycles: Cycles, raw: rawNow, sleep: time.Sleep}

// rawNow reads CLOCK_MONOTONIC_RAW, the clock that no time daemon slews, in nanoseconds.
func rawNow() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC_RAW, &ts); err != nil {
		panic("tsc: no CLOCK_MONOTONIC_RAW, which Linux has since 2.6.28: " + err.Error())
	}
	return ts.Nano()
}

// sample reads raw between two readings of the counter, several times, keeps the tightest and puts the moment in its
// middle.
func (src source) sample() sample {
	best := sample{width: math.MaxUint64}
	for range sampleTries {
		before := src.cycles()
		raw := src.raw()
		if w := src.cycles() - before; w < best.width {
			best = sample{before + w/2, raw, w}
		}
	}
	return best
}

// calibrate measures the counter's rate over 10 ms, or longer while the samples are too wide for that. ok is false when
// no interval gave a plausible rate.
func (src source) calibrate() (d discipline, ok bool) {
	a := src.sample()
	for range calibrationTries {
		src.sleep(calibrationPause)
		b := src.sample()
		cycles := b.cycles - a.cycles
		rate := float64(b.raw-a.raw) / float64(cycles)
		if (a.width+b.width)*(1e6/calibrationPPM) <= cycles && rate > 0 && rate < slowest {
			return discipline{last: b, rate: rate}, true
		}
	}
	return discipline{}, false
}
