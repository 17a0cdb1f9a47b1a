package tsc

import (
	"errors"
	"testing"
	"time"
)

// waitInterval spins until a check may look again: the real clocks under test have to move.
func waitInterval() {
	for until := rawNow() + int64(minInterval) + int64(time.Millisecond); rawNow() < until; {
	}
}

// checkScale fails unless c reads as CLOCK_MONOTONIC_RAW does, give or take a millisecond.
func checkScale(t *testing.T, c *Clock) {
	t.Helper()
	before := rawNow()
	now := c.Now()
	after := rawNow()
	if slack := int64(time.Millisecond); now < before-slack || now > after+slack {
		t.Errorf("%s clock shows %d, expected %d to %d", c.Source(), now, before, after)
	}
}

func TestClockSource(t *testing.T) {
	want := "nanotime"
	if invariant() {
		want = "tsc"
	}
	if got := New().Source(); got != want {
		t.Errorf("source %q, expected %q", got, want)
	}
}

func TestClockOnTheRuntimesClock(t *testing.T) {
	quiet := &script{now: 1e9, counts: 3, delays: []int64{100}}
	noisy := &script{now: 1e9, counts: 3, delays: []int64{5_000_000}}
	for name, c := range map[string]*Clock{
		"counter not invariant":        newClock(quiet.source(), false),
		"counter cannot be calibrated": newClock(noisy.source(), true),
	} {
		t.Run(name, func(t *testing.T) {
			if c.Source() != "nanotime" {
				t.Fatalf("source %q, expected nanotime", c.Source())
			}
			a := c.Now()
			if a < 1e9 {
				t.Errorf("starts at %d, expected the raw clock's 1e9 or later", a)
			}
			if b := c.Now(); b < a {
				t.Errorf("stepped back from %d to %d", a, b)
			}
			if ppm, err := c.Check(); ppm != 0 || err != nil {
				t.Errorf("Check() = %g, %v; expected nothing to compare", ppm, err)
			}
		})
	}
	checkScale(t, newClock(machine, false))
}

func TestClockCheckKeepsTheScale(t *testing.T) {
	c := New()
	if c.Source() != "tsc" {
		t.Skip("SKIP: this machine's counter is not invariant")
	}
	before := c.plan.Load()
	if ppm, err := c.Check(); ppm != 0 || err != nil || c.plan.Load() != before {
		t.Errorf("Check() right after New = %g, %v; expected it to wait for 100 ms", ppm, err)
	}
	waitInterval()
	checkScale(t, c)
	_, err := c.Check()
	switch {
	case errors.Is(err, ErrNoisy):
		t.Skip("SKIP: the machine is too busy for a sample")
	case err != nil:
		t.Fatal(err)
	case c.plan.Load() == before:
		t.Error("Check changed nothing")
	}
	checkScale(t, c)
}

func TestClockCheckGivesUpTheCounter(t *testing.T) {
	c := New()
	if c.Source() != "tsc" {
		t.Skip("SKIP: this machine's counter is not invariant")
	}
	c.rate *= 2 // as if the counter had run half as fast before
	waitInterval()
	last := c.Now()
	_, err := c.Check()
	if errors.Is(err, ErrNoisy) {
		t.Skip("SKIP: the machine is too busy for a sample")
	}
	var unstable *UnstableError
	if !errors.As(err, &unstable) {
		t.Fatalf("error %v, expected an UnstableError", err)
	}
	if now := c.Now(); c.Source() != "nanotime" || now < last {
		t.Errorf("%s clock went from %d to %d, expected nanotime and no step back", c.Source(), last, now)
	}
	checkScale(t, c)
	if _, err := c.Check(); err != nil {
		t.Errorf("second check: %v, expected the error once", err)
	}
}

func TestClockIsMonotone(t *testing.T) {
	c := New()
	last := c.Now()
	for range 1_000_000 {
		now := c.Now()
		if now < last {
			t.Fatalf("stepped back by %d ns", last-now)
		}
		last = now
	}
}

func TestClockDoesNotAllocate(t *testing.T) {
	for _, c := range []*Clock{New(), newClock(machine, false)} {
		if n := testing.AllocsPerRun(1000, func() { c.Now() }); n != 0 {
			t.Errorf("%s: %g allocations a reading, expected 0", c.Source(), n)
		}
	}
}

func TestManual(t *testing.T) {
	var m Manual
	if m.Now() != 0 || m.Advance(7) != 7 || m.Advance(0) != 7 || m.Now() != 7 {
		t.Errorf("clock shows %d after an advance of 7, expected 7", m.Now())
	}
	defer func() {
		if recover() == nil || m.Now() != 7 {
			t.Error("Advance(-1) did not panic or moved the clock")
		}
	}()
	m.Advance(-1)
}
