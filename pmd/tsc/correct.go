package tsc

import (
	"fmt"
	"math"
	"time"
)

const (
	lead   = time.Millisecond // from the sample to the hand-over of the plan made from it
	maxPPM = 500              // no honest counter drifts that far; also the steepest bend
)

// UnstableError says that the counter ran at a rate no oscillator drifts to: it was stopped, reset or rescaled under the
// program.
type UnstableError struct {
	PPM    float64 // how much faster the counter ran than before, parts per million
	Offset int64   // clock minus CLOCK_MONOTONIC_RAW, ns
}

// Error names what was measured and the limit.
func (e *UnstableError) Error() string {
	return fmt.Sprintf("tsc: counter drifted %.0f ppm, clock is off by %d ns: expected at most %d ppm", e.PPM, e.Offset, maxPPM)
}

// discipline is what a check remembers of the one before. Owned by whoever holds the clock's mutex.
type discipline struct {
	last sample
	rate float64 // ns a cycle, as last measured
}

// correct plans how a clock that runs on l comes back to CLOCK_MONOTONIC_RAW after the sample now: at the rate measured
// since the last sample, bent to lose half of the offset in an interval of the same length. Half, because a check that
// comes late must not overshoot: an offset shrinks with every interval below four times the one before. ppm is how much
// faster the counter ran than at the last check.
func (d *discipline) correct(l line, now sample) (p *plan, ppm float64, err error) {
	elapsed := float64(now.raw - d.last.raw)
	offset := l.at(now.cycles) - now.raw
	rate := elapsed / float64(int64(now.cycles-d.last.cycles))
	ppm = (d.rate/rate - 1) * 1e6
	// Written so that a counter that stood still or went back, rate infinite or negative, fails too.
	if !(rate > 0 && math.Abs(ppm) <= maxPPM) {
		return nil, ppm, &UnstableError{PPM: ppm, Offset: offset}
	}
	d.last, d.rate = now, rate

	const limit = maxPPM * 1e-6
	bend := -float64(offset) / 2 / max(elapsed, float64(time.Second))
	bend = min(max(bend, -limit), limit)
	from := now.cycles + uint64(float64(lead)/rate)
	return handOver(l, from, uint64(rate*(1+bend)*(1<<32))), ppm, nil
}
