package dataplane

import (
	"flag"
	"math/rand/v2"
	"testing"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// newRand returns a generator and tells its seed, so that a failure can be repeated with -seed.
func newRand(t testing.TB) *rand.Rand {
	t.Helper()
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed: -seed=%d", s)
	return rand.New(rand.NewPCG(s, s))
}
