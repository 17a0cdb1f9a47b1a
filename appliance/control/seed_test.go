package control

import (
	"flag"
	"math/rand/v2"
	"os"
	"testing"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// newRandom returns the source of a random test and tells its seed.
func newRandom(t testing.TB) *rand.Rand {
	t.Helper()
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed: -seed=%d", s)
	return rand.New(rand.NewPCG(s, 0))
}

func writeFile(name, text string) error { return os.WriteFile(name, []byte(text), 0o600) }
