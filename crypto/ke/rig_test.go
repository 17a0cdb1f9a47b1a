package ke

import (
	"encoding/hex"
	"flag"
	"math/rand/v2"
	"strings"
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

// generate is Generate for a method that must be there.
func generate(t testing.TB, method uint16) *Private {
	t.Helper()
	p, err := Generate(method)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// each runs a subtest for every method of the table.
func each(t *testing.T, f func(t *testing.T, row suite.KE)) {
	for _, row := range suite.KEs() {
		t.Run(row.Name, func(t *testing.T) { f(t, row) })
	}
}

// octets are those that a hexadecimal string of a vector stands for.
func octets(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "-"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// known is a Private made of a given private value.
func known(t testing.TB, name string, private []byte) *Private {
	t.Helper()
	for _, row := range suite.KEs() {
		if row.Name == name {
			p, err := withPrivate(row, private)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
	}
	t.Fatalf("no method %q", name)
	return nil
}

// withPrivate is what Generate makes of a private value that it draws.
func withPrivate(row suite.KE, private []byte) (*Private, error) {
	switch g := groups[row.ID].(type) {
	case curve:
		key, err := g.NewPrivateKey(private)
		if err != nil {
			return nil, err
		}
		h, public := g.half(key)
		return &Private{row, public, h}, nil
	default:
		h, public, err := g.(modp).half(private)
		return &Private{row, public, h}, err
	}
}
