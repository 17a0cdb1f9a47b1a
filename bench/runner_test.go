package bench

import (
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// fakeClock is a clock that moves when it is read, by the price of reading, and when a fake circuit works.
type fakeClock struct{ now, cost int64 }

func (c *fakeClock) read() int64 {
	c.now += c.cost
	return c.now
}

// fakeCircuit takes a fixed time per pass, and more of it the later it is by drift.
type fakeCircuit struct {
	clock       *fakeClock
	outNS, inNS int64
	packets     int
	drift       float64 // ns a pass takes more for each ns on the clock
	untimed     int64   // ns that carry and check take
	passes      int
	failAt      int // pass whose check fails
}

var errFake = errors.New("planted")

func (c *fakeCircuit) work(ns int64) int {
	c.clock.now += ns + int64(c.drift*float64(c.clock.now))
	return c.packets
}

func (c *fakeCircuit) out() int { return c.work(c.outNS) }
func (c *fakeCircuit) in() int  { return c.work(c.inNS) }

func (c *fakeCircuit) carry() error {
	c.clock.now += c.untimed
	return nil
}

func (c *fakeCircuit) check() error {
	c.clock.now += c.untimed
	if c.passes++; c.passes == c.failAt {
		return errFake
	}
	return nil
}

func (c *fakeCircuit) close() error { return nil }

func newTestRunner(clock *fakeClock, rounds int) *runner {
	return &runner{clock: clock.read, cost: clock.cost, sample: 1000, rounds: rounds, progress: io.Discard}
}

func TestClockCost(t *testing.T) {
	c := &fakeClock{cost: 17}
	if got := clockCost(c.read); got != 17 {
		t.Errorf("clock cost %d, want 17", got)
	}
}

// TestOnlyWorkIsTimed: neither reading the clock nor what lies between the two directions counts.
func TestOnlyWorkIsTimed(t *testing.T) {
	clock := &fakeClock{cost: 50}
	c := &fakeCircuit{clock: clock, outNS: 320, inNS: 640, packets: 32, untimed: 1e6}
	series, err := newTestRunner(clock, 3).measure("test", []string{"fake"}, []circuit{c})
	if err != nil {
		t.Fatal(err)
	}
	for way, want := range []float64{10, 20} {
		if len(series[0][way]) != 3 {
			t.Fatalf("direction %d: %d rounds, want 3", way, len(series[0][way]))
		}
		for _, got := range series[0][way] {
			if got != want {
				t.Errorf("direction %d: %v ns a packet, want %v", way, got, want)
			}
		}
	}
}

// TestDriftDropsOut: two equal circuits on a machine that gets slower all the time, by about 20 ns from one sample to the
// next, measure the same.
func TestDriftDropsOut(t *testing.T) {
	const ns = 100_000
	clock := &fakeClock{}
	circuits := make([]circuit, 2)
	for i := range circuits {
		circuits[i] = &fakeCircuit{clock: clock, outNS: ns, inNS: ns, packets: 1, drift: 1e-4}
	}
	series, err := newTestRunner(clock, 5).measure("test", []string{"a", "b"}, circuits)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 5 {
		a, b := series[0][0][round], series[1][0][round]
		if a < ns+20 {
			t.Fatalf("round %d: %v ns, the drift was not there", round, a)
		}
		if math.Abs(a-b) > 2 {
			t.Errorf("round %d: %v and %v ns", round, a, b)
		}
	}
}

// TestSampleLength: passes are chosen so that a sample takes the time asked for; both samples of a round have as many.
func TestSampleLength(t *testing.T) {
	clock := &fakeClock{}
	c := &fakeCircuit{clock: clock, outNS: 50, inNS: 150, packets: 1}
	r := newTestRunner(clock, 1)
	passes, err := r.warmUp(c)
	if err != nil {
		t.Fatal(err)
	}
	if passes != 10 { // 2 x 1000 ns at 200 ns a pass
		t.Errorf("%d passes a sample, want 10", passes)
	}
	if c.passes != warmUps*10 {
		t.Errorf("%d passes to warm up, want %d", c.passes, warmUps*10)
	}
	c.passes = 0
	if _, err := r.measure("test", []string{"c"}, []circuit{c}); err != nil {
		t.Fatal(err)
	}
	if want := warmUps*10 + 2*10; c.passes != want {
		t.Errorf("%d passes in all, want %d", c.passes, want)
	}
}

// TestWrongPacketEndsTheRun: an error while warming up, and one in a round, names size and scenario.
func TestWrongPacketEndsTheRun(t *testing.T) {
	for failAt, where := range map[int]string{1: "64 octets, bad", warmUps*10 + 1: "64 octets, bad, round 1"} {
		clock := &fakeClock{}
		good := &fakeCircuit{clock: clock, outNS: 100, inNS: 100, packets: 1}
		bad := &fakeCircuit{clock: clock, outNS: 100, inNS: 100, packets: 1, failAt: failAt}
		_, err := newTestRunner(clock, 2).measure("64 octets", []string{"good", "bad"}, []circuit{good, bad})
		if !errors.Is(err, errFake) || !strings.HasPrefix(err.Error(), where+":") {
			t.Errorf("failure in pass %d: error %v, want one that begins with %q", failAt, err, where)
		}
	}
}

// TestThreadClock: the real clock runs while this thread works and never goes back.
func TestThreadClock(t *testing.T) {
	err := onThread(func(clock func() int64) error {
		first := clock()
		last := first
		for last < first+1e6 { // ends only if the clock counts the work of this loop
			now := clock()
			if now < last {
				t.Fatalf("clock went back from %d to %d", last, now)
			}
			last = now
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
