package veth

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"testing"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// marker stands in what hosts send, every markerEvery octets: it must never be seen on the outside link.
var marker = []byte("in the clear")

const markerEvery = 512

// newPayload returns a source of payload; equal seeds make equal payload.
func newPayload(seed uint64) *rand.ChaCha8 {
	var key [32]byte
	binary.NativeEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}

// fill writes the next payload of a source to b.
func fill(r *rand.ChaCha8, b []byte) {
	_, _ = r.Read(b) // never fails
	for at := 0; at+len(marker) <= len(b); at += markerEvery {
		copy(b[at:], marker)
	}
}

// drawSeed returns the seed of a test and logs it.
func drawSeed(t *testing.T) uint64 {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	return s
}
