package iptfs

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func newPacerTest(t testing.TB, every Interval, burst int) *Pacer {
	t.Helper()
	p, err := NewPacer(every, burst)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPacerPhase(t *testing.T) {
	p := newPacerTest(t, Interval{1000, 1}, 0)
	if due := p.Due(math.MaxInt64 - 1); due != 0 || p.Next() != math.MaxInt64 {
		t.Errorf("stopped: %d due, next %d, want 0 and the end of time", due, p.Next())
	}
	p.Start(5000)
	for _, c := range []struct {
		now  int64
		due  int
		next int64
	}{{4999, 0, 5000}, {5000, 1, 6000}, {5000, 0, 6000}, {5999, 0, 6000}, {6400, 1, 7000}, {7000, 1, 8000}, {6000, 0, 8000}} {
		if due := p.Due(c.now); due != c.due || p.Next() != c.next {
			t.Errorf("at %d: %d due, next %d, want %d, %d", c.now, due, p.Next(), c.due, c.next)
		}
	}
	if p.Missed() != 0 {
		t.Errorf("%d missed, want 0", p.Missed())
	}
}

// TFS-T63: what a stall made pass is missed for good; after it the slots lie where they always did.
func TestTFST63_MissedSlotsAreNotRepaid(t *testing.T) {
	for _, c := range []struct {
		name       string
		burst      int
		stall, due int
		missed     uint64
	}{
		{"TFS-060 two slots", 1, 2, 1, 1},
		{"TFS-060 a thousand slots", 1, 1000, 1, 999},
		{"a burst of 4 and 3 slots", 4, 3, 3, 0},
		{"a burst of 4 and 9 slots", 4, 9, 4, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPacerTest(t, Interval{3691, 3}, c.burst) // 1230 1/3 ns
			p.Start(0)
			p.Due(0)
			now := int64(c.stall) * 3691 / 3
			if due := p.Due(now); due != c.due || p.Missed() != c.missed {
				t.Errorf("%d due, %d missed, want %d, %d", due, p.Missed(), c.due, c.missed)
			}
			if due := p.Due(now); due != 0 {
				t.Errorf("%d more due at once", due)
			}
			if want := int64(c.stall+1) * 3691 / 3; p.Next() != want {
				t.Errorf("next %d, want %d", p.Next(), want)
			}
		})
	}
}

// Slot k is due at start + floor(k*Num/Den), wherever the caller looks: compared with arithmetic of any size.
func TestTFST62_SlotsAreExact(t *testing.T) {
	rnd := rand.New(rand.NewPCG(testSeed(t), 7))
	for range 300 {
		den := 1 + rnd.Int64N(1<<uint(1+rnd.IntN(40)))
		every := Interval{den + rnd.Int64N(1<<uint(1+rnd.IntN(50))), den}
		start := rnd.Int64N(1 << 60)
		p := newPacerTest(t, every, 1)
		p.Start(start)
		served, slot := uint64(0), int64(0)
		for range 50 {
			if want := pacerSlot(every, start, slot); p.Next() != want {
				t.Fatalf("%v: slot %d at %d, want %d", every, slot, p.Next(), want)
			}
			now := p.Next() + rnd.Int64N(1+every.Num/every.Den*int64(1+rnd.IntN(5)))
			if rnd.IntN(10) == 0 {
				now += rnd.Int64N(1 << 50)
			}
			served += uint64(p.Due(now))
			slot = int64(served + p.Missed())
			if pacerSlot(every, start, slot-1) > now || pacerSlot(every, start, slot) <= now {
				t.Fatalf("%v: at %d slot %d is next", every, now, slot)
			}
		}
	}
}

// pacerSlot returns when slot k is due.
func pacerSlot(every Interval, start, k int64) int64 {
	n := new(big.Int).Mul(big.NewInt(k), big.NewInt(every.Num))
	return start + n.Div(n, big.NewInt(every.Den)).Int64()
}

// The rate is exact over a long run: a second of 812,744 slots, each looked at in time.
func TestPacerLongRun(t *testing.T) {
	every, err := PacketRate(812_744)
	if err != nil {
		t.Fatal(err)
	}
	p := newPacerTest(t, every, 1)
	p.Start(0)
	slots := 0
	for ; p.Next() < 1_000_000_000; slots++ {
		if p.Due(p.Next()) != 1 {
			t.Fatalf("slot %d is not due at its time", slots)
		}
	}
	if slots != 812_744 || p.Next() != 1_000_000_000 {
		t.Errorf("%d slots in a second, then one at %d, want 812744 and one at its end", slots, p.Next())
	}
}

// TFS-T64: a step of the rate keeps the slot that is next and applies behind it.
func TestTFST64_RateStep(t *testing.T) {
	p := newPacerTest(t, Interval{1000, 1}, 1)
	p.Start(0)
	p.Due(0)
	if err := p.SetInterval(Interval{5001, 2}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int64{1000, 3500, 6001, 8501} {
		if p.Next() != want || p.Due(want) != 1 {
			t.Errorf("next %d, want %d", p.Next(), want)
		}
	}
	if err := p.SetInterval(Interval{1, 2}); err == nil || p.Due(p.Next()) != 1 {
		t.Error("half a nanosecond: accepted, or the old interval is lost")
	}
}

func TestNewPacerRefuses(t *testing.T) {
	for _, every := range []Interval{{}, {1, 0}, {0, 1}, {-5, 1}, {5, -1}, {2, 3}} {
		if _, err := NewPacer(every, 1); err == nil {
			t.Errorf("%v: accepted", every)
		}
	}
	if _, err := NewPacer(Interval{5, 1}, -1); err == nil {
		t.Error("burst -1: accepted")
	}
}

func TestPacerAllocations(t *testing.T) {
	p := newPacerTest(t, Interval{12304, 10}, 1)
	p.Start(0)
	now := int64(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += 3000
		p.Due(now)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkPacerDue(b *testing.B) {
	p := newPacerTest(b, Interval{12304, 10}, 1)
	p.Start(0)
	now := int64(0)
	for b.Loop() {
		now += 1231
		p.Due(now)
	}
}

// What follows a Pacer has its slots, to the fraction, and what was followed has none any more; another interval begins in the
// slot that was due.
func TestPacerFollow(t *testing.T) {
	every := Interval{3691, 3}
	old := newPacerTest(t, every, 1)
	old.Start(500)
	for slot := range int64(1000) {
		if want := pacerSlot(every, 500, slot); old.Next() != want {
			t.Fatalf("slot %d at %d, want %d", slot, old.Next(), want)
		}
		old.Due(old.Next())
		next := newPacerTest(t, every, 1)
		next.Follow(old)
		if due := old.Due(math.MaxInt64 - 1); due != 0 {
			t.Fatalf("%d slots due on the Pacer that was followed", due)
		}
		old = next
	}
	slower := newPacerTest(t, Interval{5000, 1}, 1)
	slower.Follow(old)
	first := pacerSlot(every, 500, 1000)
	if slower.Next() != first || slower.Due(first) != 1 || slower.Next() != first+5000 {
		t.Errorf("next %d, want %d and then %d", slower.Next(), first, first+5000)
	}
}
