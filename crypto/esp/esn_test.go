package esp_test

import (
	"fmt"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/pmd/mbuf"
)

// RPL-T01: the vectors of the specification for W = 64.
func TestRPL006_HighHalfVectors(t *testing.T) {
	for _, c := range []struct {
		top  uint64
		low  uint32
		high uint64
		want mbuf.Verdict
	}{
		{0x00000000_fffffff0, 0xffffffb1, 0, mbuf.Pass}, // case A: left edge
		{0x00000000_fffffff0, 0xffffffb0, 1, mbuf.Pass}, // just left of it: the future
		{0x00000000_fffffff0, 0x00000000, 1, mbuf.Pass}, // advance to 2^32
		{0x00000001_00000000, 0xffffffc1, 0, mbuf.Pass}, // case B: in the window, before 2^32
		{0x00000001_00000000, 0xffffffc0, 1, mbuf.Pass}, // the future
		{0x00000001_00000000, 0x00000005, 1, mbuf.Pass}, // advance
		{0x00000001_00000000, 0x00000000, 1, mbuf.Replayed},
	} {
		t.Run(fmt.Sprintf("T %#x low %#x", c.top, c.low), func(t *testing.T) {
			w := windowAt(64, true, c.top)
			seq, ok := w.Extend(c.low)
			if !ok || seq != c.high<<32|uint64(c.low) {
				t.Fatalf("%#x, %v; want high half %d", seq, ok, c.high)
			}
			if v := w.Check(seq); v != c.want {
				t.Errorf("%v, want %v", v, c.want)
			}
		})
	}
}

func TestRPL007_NoSequenceNumberBeforeTheFirst(t *testing.T) {
	w := windowAt(64, true, 5)
	if seq, ok := w.Extend(0xffffffd0); ok {
		t.Errorf("%#x: the high half would be -1", seq)
	}
	if seq, ok := w.Extend(0xffffffc5); !ok || seq != 0xffffffc5 {
		t.Errorf("%#x, %v: one left of Bl is in the future, not the past", seq, ok)
	}
}

func TestRPL006_NoSequenceNumberBehindTheLast(t *testing.T) {
	w := windowAt(64, true, 0xffffffff_fffffff0)
	if seq, ok := w.Extend(5); ok {
		t.Errorf("%#x: the high half would be 2^32", seq)
	}
	if seq, ok := w.Extend(0xffffffff); !ok || seq != 1<<64-1 {
		t.Errorf("%#x, %v", seq, ok)
	}
}

func TestRPL006_WithoutESNTheNumberIsItself(t *testing.T) {
	w := windowAt(64, false, 0xfffffff0)
	if seq, ok := w.Extend(3); !ok || seq != 3 {
		t.Errorf("%#x, %v", seq, ok)
	}
}

// Whatever was sent within the window or less than 2^32 - W behind its right edge is recognised.
func TestRPL006_EveryNumberInReachIsInferred(t *testing.T) {
	rng := newRand(t)
	for _, size := range windowSizes {
		for range 20_000 {
			top := 1 + rng.Uint64N(3)<<32 + rng.Uint64N(1<<32)
			if rng.IntN(2) == 0 { // near a change of the high half
				top = (1+rng.Uint64N(3))<<32 + rng.Uint64N(2*uint64(size)) - uint64(size)
			}
			left := max(top+1, uint64(size)) - uint64(size)
			sent := left + rng.Uint64N(1<<32-uint64(size))
			if rng.IntN(2) == 0 {
				sent = left + rng.Uint64N(uint64(size))
			}
			w := windowAt(size, true, top)
			if seq, ok := w.Extend(uint32(sent)); !ok || seq != sent {
				t.Fatalf("W %d, T %#x: %#x is taken for %#x, %v", size, top, sent, seq, ok)
			}
		}
	}
}

// BenchmarkWindow is one packet in order: inference, check and commit.
func BenchmarkWindow(b *testing.B) {
	w := esp.NewWindow(1984, true, 1)
	n := uint32(0)
	for b.Loop() {
		n++
		seq, _ := w.Extend(n)
		if w.Check(seq) == mbuf.Pass {
			w.Commit(seq)
		}
	}
}
