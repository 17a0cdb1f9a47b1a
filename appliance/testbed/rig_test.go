package testbed

import (
	"flag"
	"log/slog"
	"math/rand/v2"
	"testing"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// newSeed returns the seed of a test and tells it.
func newSeed(t testing.TB) uint64 {
	t.Helper()
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed: -seed=%d", s)
	return s
}

// steppedPair is a pair whose clock the test owns.
type steppedPair struct {
	*Pair
	t   testing.TB
	now int64
}

// step times, ns: while traffic is sent, and while what is missing is waited for.
const (
	sendStep   = 20_000
	settleStep = 50_000_000
)

// newStepped builds a pair with static keys and installs its SAs.
func newStepped(t testing.TB, c PairConfig) *steppedPair {
	t.Helper()
	c.Static = true
	return newSteppedAny(t, c)
}

// newSteppedAny builds a pair and sets it up.
func newSteppedAny(t testing.TB, c PairConfig) *steppedPair {
	t.Helper()
	s := &steppedPair{t: t, now: 1}
	c.Clock, c.Mbufs = s.clock, 4096
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.Pair, err = NewPair(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, a := range s.Appliances {
		if err := a.Setup(s.clock); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *steppedPair) clock() int64 { return s.now }

// step moves hosts and appliances once.
func (s *steppedPair) step(d int64, more bool) (work int) {
	s.now += d
	work = s.Traffic.step(more)
	for _, a := range s.Appliances {
		work += a.Step(s.now)
	}
	return work
}

// carry sends for n steps, then waits until everything has arrived or every timer has run out, and returns the tally.
func (s *steppedPair) carry(n int) Tally {
	for range n {
		s.step(sendStep, true)
	}
	for range 2000 {
		if s.Traffic.outstanding() == 0 {
			break
		}
		s.step(sendStep, false)
	}
	for i := 0; i < 600 && s.Traffic.outstanding() > 0; i++ {
		s.step(settleStep, false)
	}
	for range 100 { // counters and late duplicates
		s.step(settleStep, false)
	}
	s.Traffic.publish(true)
	return s.Traffic.Tally()
}

// drops sums the verdicts of both appliances.
func (s *steppedPair) drops() map[string]uint64 {
	sum := map[string]uint64{}
	for _, a := range s.Appliances {
		for v, n := range a.Status().Drops {
			sum[v] += n
		}
	}
	return sum
}

// mustMix is NewMix for a name that is right.
func mustMix(t testing.TB, name string) *Mix {
	t.Helper()
	x, err := NewMix(name, largestMTU)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
