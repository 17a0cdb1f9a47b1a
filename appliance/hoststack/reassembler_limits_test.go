package hoststack

import (
	"testing"
	"time"
)

// TestReassemblyIsBounded: in packets, octets and fragments of one packet; the oldest makes room, and everything is counted.
func TestReassemblyIsBounded(t *testing.T) {
	fragment := func(i, size int) []byte {
		return cut6(packet(b6, a6, 50, make([]byte, size+8)), uint32(i), size)[0]
	}
	r := NewReassembler(10, 1<<20, time.Minute)
	for i := range 25 {
		r.Add(0, fragment(i, 64))
	}
	wantCounters(t, r, ReassemblyCounters{Fragments: 25, Evicted: 15, Incomplete: 15})
	if len(r.packets) != 10 || r.Incomplete() != 25 {
		t.Errorf("%d packets wait and %d fragments are incomplete, expected 10 and 25", len(r.packets), r.Incomplete())
	}
	r = NewReassembler(1000, 10_000, time.Minute)
	for i := range 100 {
		if r.Add(0, fragment(i, 1000)); r.octets > 10_000 {
			t.Fatalf("%d octets", r.octets)
		}
	}
	wantCounters(t, r, ReassemblyCounters{Fragments: 100, Evicted: 91, Incomplete: 91})
	r = NewReassembler(1000, 1<<20, time.Minute)
	for _, f := range cut6(packet(b6, a6, 50, make([]byte, 8*200)), 1, 8) {
		r.Add(0, f)
	}
	wantCounters(t, r, ReassemblyCounters{Fragments: 200, TooMany: 1})
	if r.octets != 0 {
		t.Errorf("%d octets of a refused packet", r.octets)
	}
}

// TestReassemblyTimeout: a packet is forgotten on time, counted from its first fragment, or never.
func TestReassemblyTimeout(t *testing.T) {
	p := packet(b6, a6, 50, make([]byte, 64))
	pieces := cut6(p, 1, 24)
	for _, c := range []struct {
		timeout time.Duration
		at      int64
		whole   bool
	}{{time.Minute, int64(time.Minute) - 1, true}, {time.Minute, int64(time.Minute), false}, {0, 1 << 62, true}} {
		r := NewReassembler(10, 1<<20, c.timeout)
		r.Add(0, pieces[0])
		r.Add(int64(time.Minute)-1, pieces[1])
		whole, _ := r.Add(c.at, pieces[2])
		if (whole != nil) != c.whole {
			t.Errorf("timeout %v at %d: packet %x", c.timeout, c.at, whole)
		}
		if n := r.Counters().TimedOut; (n == 0) != c.whole {
			t.Errorf("timeout %v at %d: %d timed out", c.timeout, c.at, n)
		}
	}
	for _, c := range []func(){
		func() { NewReassembler(0, 1, 0) }, func() { NewReassembler(1, 0, 0) }, func() { NewReassembler(1, 1, -1) },
	} {
		wantPanic(t, c)
	}
}
