package tsc

import (
	"math/big"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func TestLineIsExactOverYears(t *testing.T) {
	for _, c := range []struct{ mult, cycles uint64 }{
		{1 << 32, 1},
		{1431655765, 3_000_000_000},         // 3 GHz, a second
		{1431655765, 3_000_000_000 * 86400}, // a day
		{858993459, 5_000_000_000 * 86400 * 365 * 10},
		{10 << 32, 1 << 40},
	} {
		product := new(big.Int).Mul(new(big.Int).SetUint64(c.mult), new(big.Int).SetUint64(c.cycles))
		want := new(big.Int).Rsh(product, 32).Int64() + 1000
		l := line{cycles: 77, ns: 1000, mult: c.mult}
		if got := l.at(77 + c.cycles); got != want {
			t.Errorf("%d cycles at %d/2^32 ns: got %d, expected %d", c.cycles, c.mult, got, want)
		}
	}
}

func TestLineStandsStillBeforeItsPoint(t *testing.T) {
	l := line{cycles: 1000, ns: 5000, mult: 1 << 32}
	if got := l.at(990); got != 5000 {
		t.Errorf("10 cycles before the point: got %d, expected 5000", got)
	}
	wrapped := line{cycles: 1<<64 - 10, ns: 5000, mult: 1 << 32}
	if got := wrapped.at(10); got != 5020 {
		t.Errorf("20 cycles on, across the counter's end: got %d, expected 5020", got)
	}
}

func TestPlanHandsOver(t *testing.T) {
	first := line{cycles: 0, ns: 0, mult: 1 << 32}
	for _, c := range []struct {
		name      string
		confirmAt uint64 // 0: never
		readAt    uint64
		want      int64
	}{
		{"before the hand-over the first line holds", 50, 99, 99},
		{"both lines meet at the hand-over", 50, 100, 100},
		{"confirmed in time, the second line holds", 50, 300, 200},
		{"confirmed late, the first line holds", 101, 300, 300},
		{"confirmed at the hand-over is late", 100, 300, 300},
		{"read past the hand-over before it is confirmed", 0, 300, 300},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := handOver(first, 100, 1<<31) // half as steep from 100 on
			if c.confirmAt != 0 {
				p.confirm(c.confirmAt)
			}
			if got := p.at(c.readAt); got != c.want {
				t.Errorf("time at %d is %d, expected %d", c.readAt, got, c.want)
			}
			if settled := p.settled(); c.readAt >= 100 && settled.at(c.readAt) != c.want {
				t.Errorf("settled line gives %d at %d, expected %d", settled.at(c.readAt), c.readAt, c.want)
			}
		})
	}
}

func TestPlanVoidedByAReaderStaysVoid(t *testing.T) {
	p := handOver(line{mult: 1 << 32}, 100, 1<<31)
	p.at(150)
	if p.confirm(50) {
		t.Error("confirmed after a reader had gone past the hand-over")
	}
	if got := p.at(300); got != 300 {
		t.Errorf("time at 300 is %d, expected 300: the first line", got)
	}
}

// Time never runs back for a reader while plans change under it, although slopes jump by 10 % where a check bends them by
// 0.05 %, and hand-overs are so close that many come too late.
func TestClockIsMonotoneWhilePlansChange(t *testing.T) {
	const changes, rate = 2_000, uint64(1 << 32)
	r := newRand(t)
	c := &Clock{}
	c.plan.Store(straight(line{cycles: Cycles(), mult: rate}))
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for last := c.Now(); !done.Load(); {
				now := c.Now()
				if now < last {
					t.Errorf("time stepped back by %d ns", last-now)
					return
				}
				last = now
			}
		})
	}
	inTime := 0
	for i := range changes {
		next := handOver(c.plan.Load().settled(), Cycles()+r.Uint64N(4000), rate+r.Uint64N(rate/20)-rate/40)
		c.plan.Store(next)
		if next.confirm(Cycles()) {
			inTime++
		}
		if i%64 == 0 {
			runtime.Gosched()
		}
	}
	done.Store(true)
	readers.Wait()
	if inTime == 0 || inTime == changes {
		t.Errorf("%d of %d plans confirmed: expected both outcomes", inTime, changes)
	}
}
