package esp_test

import (
	"fmt"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/pmd/mbuf"
)

// windowSizes are the sizes RPL-011 offers, and the ends of what is configurable.
var windowSizes = []int{64, 192, 448, 960, 1984, 4032, esp.MaxWindow}

// windowAt returns a window whose right edge is top and in which nothing else was received.
func windowAt(size int, esn bool, top uint64) *esp.Window {
	w := esp.NewWindow(size, esn, 1)
	if !w.Commit(top) {
		panic("fresh window refused its first sequence number")
	}
	return &w
}

func TestRPL011_SizesAreRoundedUp(t *testing.T) {
	for ask, want := range map[int]int{
		-1: 0, 0: 0, 1: 64, 32: 64, 64: 64, 65: 192, 961: 1984, 1984: 1984, 1985: 4032, 65472: 65472, 1 << 20: 65472,
	} {
		w := esp.NewWindow(ask, false, 1)
		if w.Size() != want {
			t.Errorf("window of %d: %d sequence numbers, want %d", ask, w.Size(), want)
		}
	}
}

func TestRPL005_SequenceNumberZeroIsNeverValid(t *testing.T) { // RPL-T07
	for _, size := range []int{-1, 64} {
		w := esp.NewWindow(size, false, 1)
		if v := w.Check(0); v != mbuf.SeqInvalid {
			t.Errorf("window %d: %v, want %v", size, v, mbuf.SeqInvalid)
		}
		if w.Commit(0) {
			t.Errorf("window %d: sequence number 0 was committed", size)
		}
	}
}

// RPL-T02; RPL-010: the code printed in RFC 6479 has both edges wrong.
func TestRPL003_WindowEdges(t *testing.T) {
	for _, size := range windowSizes {
		for _, top := range []uint64{uint64(size), uint64(size) + 1, 100_000, 0xffffffff, 0x1_0000_0000, 1 << 40} {
			w := windowAt(size, true, top)
			for back, want := range map[uint64]mbuf.Verdict{
				0: mbuf.Replayed, 1: mbuf.Pass, uint64(size) - 1: mbuf.Pass, uint64(size): mbuf.TooOld, uint64(size) + 1: mbuf.TooOld,
			} {
				if back >= top {
					continue
				}
				if v := w.Check(top - back); v != want {
					t.Errorf("W %d, T %#x: T-%d is %v, want %v", size, top, back, v, want)
				}
			}
		}
	}
}

func TestRPL010_SixtyFourBitArithmetic(t *testing.T) {
	w := windowAt(992, false, 0xffffffff)
	if v := w.Check(0xfffffff0); v != mbuf.Pass {
		t.Errorf("%v: the 32-bit sum of the RFC's code wraps here", v)
	}
}

// RPL-T03: what a jump leaves in the bitmap must not answer for the numbers that take its place.
func TestRPL009_JumpsClearWhatTheWindowEnters(t *testing.T) {
	for _, size := range windowSizes {
		words := uint64(size)/64 + 1
		for _, jump := range []uint64{1, 63, 64, 65, 64 * (words - 1), 64 * words, 64*words + 1, 1 << 31, 1<<32 - 1} {
			w := esp.NewWindow(size, true, 1)
			for s := uint64(1); s <= 2*uint64(size); s++ {
				w.Commit(s)
			}
			top := 2*uint64(size) + jump
			if !w.Commit(top) {
				t.Fatalf("W %d: jump by %d refused", size, jump)
			}
			for s := top - uint64(size) + 1; s < top; s++ {
				want := mbuf.Pass
				if s <= 2*uint64(size) {
					want = mbuf.Replayed
				}
				if v := w.Check(s); v != want {
					t.Fatalf("W %d, jump %d: T-%d is %v, want %v", size, jump, top-s, v, want)
				}
			}
		}
	}
}

func TestRPL004_CheckChangesNothing(t *testing.T) {
	w := windowAt(64, false, 100)
	for range 2 {
		if v := w.Check(1 << 30); v != mbuf.Pass {
			t.Fatal(v)
		}
	}
	if w.Top() != 100 || w.Check(99) != mbuf.Pass {
		t.Error("the pre-check moved the window")
	}
}

func TestWindowOpenedInMidStreamTakesNothingEarlier(t *testing.T) {
	for _, first := range []uint64{2, 64, 65, 1000, 1 << 33} {
		w := esp.NewWindow(128, true, first)
		for s := first - 1; s > 0 && s+300 > first; s-- {
			if w.Check(s) == mbuf.Pass {
				t.Fatalf("first %d: %d is acceptable", first, s)
			}
		}
		for s := first; s < first+300; s++ {
			if !w.Commit(s) {
				t.Fatalf("first %d: %d refused", first, s)
			}
		}
	}
}

func TestWindowOffAcceptsRepeats(t *testing.T) {
	w := esp.NewWindow(-1, false, 1)
	for _, s := range []uint64{5, 5, 1, 9, 2} {
		if !w.Commit(s) {
			t.Errorf("%d refused", s)
		}
	}
	if w.Top() != 9 {
		t.Errorf("top %d, want 9", w.Top())
	}
}

// RPL-T08: the window against a bitmap of everything ever received.
func TestRPL003_AgainstBigBitmap(t *testing.T) {
	steps := 2_500_000 // 10^7 over the four sizes
	if testing.Short() {
		steps = 200_000
	}
	for _, size := range []int{64, 960, 1984, 4032} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			rng := newRand(t)
			seen := make([]uint64, 1<<22)
			w := esp.NewWindow(size, false, 1)
			top := uint64(0)
			for range steps {
				s := top + 1
				switch rng.IntN(16) {
				case 0, 1, 2, 3: // behind the right edge, some too far
					s = top - min(top, rng.Uint64N(uint64(size)+70))
				case 4:
					s = top + rng.Uint64N(70)
				case 5:
					if rng.IntN(64) == 0 {
						s = top + rng.Uint64N(3*uint64(size))
					}
				}
				if s >= uint64(len(seen))*64 {
					return
				}
				dup := seen[s/64]>>(s%64)&1 != 0
				want := s != 0 && s+uint64(size) > top && !dup
				if got := w.Check(s) == mbuf.Pass; got != want {
					t.Fatalf("T %d: check of %d is %v, want %v", top, s, got, want)
				}
				if got := w.Commit(s); got != want {
					t.Fatalf("T %d: commit of %d is %v, want %v", top, s, got, want)
				}
				if want {
					seen[s/64] |= 1 << (s % 64)
					top = max(top, s)
				}
			}
		})
	}
}
