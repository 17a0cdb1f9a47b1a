package prf

import (
	"encoding/hex"
	"flag"
	"math/rand/v2"
	"testing"

	"stillwater/crypto/suite"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// newRand returns a generator whose seed is in the log of a failing test.
func newRand(t testing.TB) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed %d", s)
	return rand.New(rand.NewPCG(s, 0))
}

// must takes a result and its error, and ends the test at an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// octets are those that a hexadecimal string of a vector stands for.
func octets(t testing.TB, s string) []byte {
	t.Helper()
	return must(hex.DecodeString(s))(t)
}

// each runs a subtest for every PRF of the table.
func each(t *testing.T, f func(t *testing.T, p PRF)) {
	for _, row := range suite.PRFs() {
		t.Run(row.Name, func(t *testing.T) { f(t, must(New(row.ID))(t)) })
	}
}
