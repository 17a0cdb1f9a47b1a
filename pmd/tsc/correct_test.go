package tsc

import (
	"errors"
	"testing"
	"time"
)

// oscillator is a simulated counter beside a perfect raw clock.
type oscillator struct {
	ns     float64 // true time
	cycles float64
	hz     float64
}

// run lets true time pass.
func (o *oscillator) run(d time.Duration) {
	o.ns += float64(d)
	o.cycles += o.hz * d.Seconds()
}

// sample reads both clocks with the counter's side off by some cycles.
func (o *oscillator) sample(off int64) sample {
	return sample{cycles: uint64(o.cycles) + uint64(off), raw: int64(o.ns)}
}

// A clock that starts 50 us off and up to 100 ppm wrong is within 2 us after 30 checks, whatever the jitter of the
// samples and of the intervals; and no hand-over moves the time.
func TestCorrectConverges(t *testing.T) {
	r := newRand(t)
	for range 200 {
		o := &oscillator{ns: 1e12, cycles: 7e12, hz: 1e9 + 4e9*r.Float64()}
		calibrated := 1e9 / o.hz * (1 + (r.Float64()-0.5)*200e-6)
		d := discipline{last: o.sample(0), rate: calibrated}
		l := line{cycles: d.last.cycles, ns: d.last.raw + r.Int64N(100_000) - 50_000, mult: uint64(calibrated * (1 << 32))}
		for range 30 {
			o.run(time.Second/2 + time.Duration(r.Int64N(int64(time.Second))))
			s := o.sample(r.Int64N(200) - 100)
			p, _, err := d.correct(l, s)
			if err != nil {
				t.Fatal(err)
			}
			if !p.confirm(s.cycles) {
				t.Fatal("a plan confirmed at its own sample was late")
			}
			if before, after := l.at(p.from), p.at(p.from); before != after {
				t.Fatalf("hand-over moved the time by %d ns", after-before)
			}
			l = p.second
		}
		o.run(2 * lead)
		now := o.sample(0)
		if off := l.at(now.cycles) - now.raw; off < -2000 || off > 2000 {
			t.Fatalf("%.3g Hz: %d ns off after 30 checks, expected at most 2000", o.hz, off)
		}
	}
}

func TestCorrectReportsDrift(t *testing.T) {
	o := &oscillator{cycles: 1e9, ns: 1e9, hz: 2e9}
	d := discipline{last: o.sample(0), rate: 0.5}
	o.hz *= 1 + 40e-6
	o.run(time.Second)
	_, ppm, err := d.correct(line{cycles: d.last.cycles, ns: d.last.raw, mult: 1 << 31}, o.sample(0))
	if err != nil || ppm < 39.9 || ppm > 40.1 {
		t.Errorf("got %.3f ppm, error %v; expected 40 ppm", ppm, err)
	}
}

// Five minutes without a check leave 30 ms of error: the bend that takes it away stays under 500 ppm.
func TestCorrectBendsNoFurtherThanItsLimit(t *testing.T) {
	o := &oscillator{cycles: 1e9, ns: 1e9, hz: 1e9}
	for _, off := range []int64{-30e6, 30e6} {
		d := discipline{last: o.sample(0), rate: 1}
		l := line{cycles: d.last.cycles, ns: d.last.raw + off, mult: 1 << 32}
		o.run(time.Second)
		p, _, err := d.correct(l, o.sample(0))
		if err != nil {
			t.Fatal(err)
		}
		bend := (float64(p.second.mult)/(1<<32) - 1) * 1e6
		if off > 0 && (bend < -500.01 || bend > -499.9) || off < 0 && (bend > 500.01 || bend < 499.9) {
			t.Errorf("offset %d ns: bent by %.2f ppm, expected 500 against it", off, bend)
		}
	}
}

func TestCorrectGivesUpOnAnUnstableCounter(t *testing.T) {
	for _, c := range []struct {
		name   string
		cycles int64 // in a second, where 1e9 would be right
	}{
		{"600 ppm fast", 1_000_600_000},
		{"600 ppm slow", 999_400_000},
		{"twice as fast", 2_000_000_000},
		{"stopped", 0},
		{"went back", -5_000_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := discipline{last: sample{cycles: 1e12, raw: 1e12}, rate: 1}
			l := line{cycles: 1e12, ns: 1e12, mult: 1 << 32}
			p, _, err := d.correct(l, sample{cycles: uint64(1e12 + c.cycles), raw: 1e12 + 1e9})
			var unstable *UnstableError
			if !errors.As(err, &unstable) || p != nil {
				t.Fatalf("got plan %v, error %v; expected an UnstableError", p, err)
			}
			if want := max(c.cycles, 0) - 1e9; unstable.Offset != want {
				t.Errorf("offset %d ns, expected %d", unstable.Offset, want)
			}
		})
	}
}

// A check that is late must not turn an offset into a larger one on the other side.
func TestCorrectDoesNotOvershootWhenTheNextCheckIsLate(t *testing.T) {
	o := &oscillator{cycles: 1e9, ns: 1e9, hz: 1e9}
	d := discipline{last: o.sample(0), rate: 1}
	l := line{cycles: d.last.cycles, ns: d.last.raw + 40_000, mult: 1 << 32}
	o.run(time.Second)
	p, _, err := d.correct(l, o.sample(0))
	if err != nil {
		t.Fatal(err)
	}
	o.run(7 * time.Second / 2)
	late := o.sample(0)
	if off := p.second.at(late.cycles) - late.raw; off < -40_000 || off > 40_000 {
		t.Errorf("offset went from 40000 ns to %d in 3.5 intervals", off)
	}
}
