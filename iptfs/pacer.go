package iptfs

import (
	"fmt"
	"math"
	"math/bits"
)

// Pacer counts the send slots of a constant-rate SA (RFC 9347 2.1). Slot k is due at start + k*Num/Den nanoseconds,
// rounded down; fractions accumulate, so the long-run rate is exact. A slot that could not be served in time is counted
// and skipped, never made up for: a burst after a stall would tell an observer about it. A Pacer is owned by one lcore.
type Pacer struct {
	whole    int64 // nanoseconds of the interval
	part     int64 // and what is left of it, in 1/den nanoseconds
	interval Interval
	burst    uint64 // slots that may be served at once

	next   int64 // when the next slot is due
	frac   int64 // what next was rounded down by, in 1/den nanoseconds
	missed uint64
}

// NewPacer returns a stopped Pacer; Start sets its phase. The interval is at least one nanosecond. At most burst slots
// are due at once: 1, the default for 0, unless the caller cannot look as often as slots pass.
func NewPacer(every Interval, burst int) (*Pacer, error) {
	if burst < 0 {
		return nil, fmt.Errorf("pacer: burst of %d slots, expected 1 or more, or 0 for 1", burst)
	}
	p := &Pacer{burst: uint64(max(burst, 1)), next: math.MaxInt64}
	if err := p.SetInterval(every); err != nil {
		return nil, err
	}
	return p, nil
}

// SetInterval changes the rate from the next slot on, which stays where it is: a step of congestion control moves no
// slot that is already fixed.
func (p *Pacer) SetInterval(every Interval) error {
	if every.Den < 1 || every.Num < every.Den {
		return fmt.Errorf("pacer: interval of %d/%d nanoseconds, expected 1 or more", every.Num, every.Den)
	}
	p.interval = every
	p.whole, p.part = every.Num/every.Den, every.Num%every.Den
	p.frac = 0
	return nil
}

// Start fixes the phase: the first slot is due at the time given, in nanoseconds of the caller's clock.
func (p *Pacer) Start(first int64) { p.next, p.frac = first, 0 }

// Follow takes over the slots of old, which stops: the next one is due when old's would have been, so that an observer does
// not see where one SA ends and the other begins. With the same interval that holds to the fraction of a nanosecond.
func (p *Pacer) Follow(old *Pacer) {
	p.Start(old.next)
	if p.interval == old.interval {
		p.frac = old.frac
	}
	old.Start(math.MaxInt64)
}

// Next returns when the next slot is due, in nanoseconds of the caller's clock; the end of time while stopped.
func (p *Pacer) Next() int64 { return p.next }

// Missed returns how many slots passed unserved.
func (p *Pacer) Missed() uint64 { return p.missed }

// Due returns how many slots are to be served now, and moves on behind them. Of the slots that have passed it is the
// latest, as many as may be served at once; the others are counted as missed.
func (p *Pacer) Due(now int64) int {
	if now < p.next {
		return 0
	}
	p.step()
	if now < p.next {
		return 1
	}
	passed := 1 + p.skip(now)
	due := min(passed, p.burst)
	p.missed += passed - due
	return int(due)
}

// step moves on by one slot without a division.
func (p *Pacer) step() {
	p.next += p.whole
	p.frac += p.part
	if p.frac >= p.interval.Den {
		p.frac -= p.interval.Den
		p.next++
	}
}

// skip moves behind every slot that is due by now, of which there is at least one, and returns how many there were. It
// takes the same few steps after a stall of any length. Slot k from the next on is due while
// k*Num < (now-next+1)*Den - frac; the products take 128 bits, the quotients always fit 64 since Num >= Den.
func (p *Pacer) skip(now int64) uint64 {
	num, den := uint64(p.interval.Num), uint64(p.interval.Den)
	hi, lo := bits.Mul64(uint64(now-p.next)+1, den)
	lo, borrow := bits.Sub64(lo, uint64(p.frac)+1, 0)
	last, _ := bits.Div64(hi-borrow, lo, num)

	hi, lo = bits.Mul64(last+1, num)
	lo, carry := bits.Add64(lo, uint64(p.frac), 0)
	whole, frac := bits.Div64(hi+carry, lo, den)
	p.next += int64(whole)
	p.frac = int64(frac)
	return last + 1
}
