package tsc

import (
	"testing"
	"time"
)

// script is a machine whose readings take the given numbers of cycles, over and over; one cycle is one nanosecond of true
// time, and the raw clock is read in the middle of its reading.
type script struct {
	now    int64
	counts float64 // cycles a nanosecond
	delays []int64
	slept  int
}

func (m *script) source() source {
	return source{
		cycles: func() uint64 { return uint64(float64(m.now) * m.counts) },
		raw: func() int64 {
			d := m.delays[0]
			m.delays = append(m.delays[1:], d)
			m.now += d
			return m.now - d/2
		},
		sleep: func(d time.Duration) { m.now += int64(d); m.slept++ },
	}
}

func TestSampleKeepsTheTightestPair(t *testing.T) {
	m := &script{now: 1e9, counts: 1, delays: []int64{900, 50_000, 300, 70, 4_000_000, 500}}
	s := m.source().sample()
	if s.width != 70 {
		t.Errorf("width %d cycles, expected the tightest pair's 70", s.width)
	}
	if off := int64(s.cycles) - s.raw; off < -1 || off > 1 {
		t.Errorf("cycles and nanoseconds of one moment differ by %d, expected none", off)
	}
}

func TestCalibrate(t *testing.T) {
	for _, c := range []struct {
		name   string
		counts float64
		delays []int64
		ok     bool
		slept  int
	}{
		{"quiet machine", 3, []int64{100}, true, 1},
		{"disturbed machine takes longer", 3, []int64{2000}, true, 4},
		{"no quiet moment at all", 3, []int64{5_000_000}, false, calibrationTries},
		{"counter below 100 MHz", 0.09, []int64{100}, false, calibrationTries},
		{"counter stands still", 0, []int64{100}, false, calibrationTries},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &script{now: 1e9, counts: c.counts, delays: c.delays}
			d, ok := m.source().calibrate()
			if ok != c.ok || m.slept != c.slept {
				t.Fatalf("calibrated %t after %d pauses, expected %t after %d", ok, m.slept, c.ok, c.slept)
			}
			if want := 1 / c.counts; ok && (d.rate < want*0.9999 || d.rate > want*1.0001) {
				t.Errorf("%g ns a cycle, expected %g within 100 ppm", d.rate, want)
			}
		})
	}
}
