package ike

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Alarms go off in the order of their times, whatever was set, moved and dropped before.
func TestAlarmsInOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(testSeed(t), 1))
	for range 50 {
		var heap alarms
		all := make([]alarm, 200)
		for i := range all {
			all[i] = newAlarm(nil)
		}
		for range 1000 {
			a := &all[random.IntN(len(all))]
			if random.IntN(3) == 0 {
				heap.drop(a)
				continue
			}
			heap.set(a, random.Int64N(100))
		}
		var want []int64
		for i := range all {
			if all[i].at >= 0 {
				want = append(want, all[i].when)
			}
		}
		slices.Sort(want)
		if a := heap.due(-1); a != nil {
			t.Fatalf("an alarm for %d is due at -1", a.when)
		}
		var got []int64
		for a := heap.due(100); a != nil; a = heap.due(100) {
			got = append(got, a.when)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("went off at %v, want %v", got, want)
		}
	}
}

// Timers of an SA: in order of time and, at the same time, of planning; stopped ones not; those planned by a timer for this
// moment in the same tick.
func TestTimers(t *testing.T) {
	l := pskLadder(t, nil)
	e := l.a.e
	s := e.newSA(l.now, e.cfg.Connections[0], true)
	s.spiI = e.newSPI()
	e.register(s)
	var log []string
	note := func(text string) func(int64) { return func(int64) { log = append(log, text) } }
	base := l.now
	s.at(base+30, note("third"))
	first := s.at(base+10, note("first"))
	s.at(base+20, func(now int64) {
		log = append(log, "second")
		s.at(now, note("at once"))
	})
	gone := s.at(base+15, note("stopped"))
	s.at(base+30, note("fourth"))
	gone.stop()
	gone.stop()
	if d := e.Deadline(); d != base+10 {
		t.Errorf("the deadline is %d ahead, want 10", d-base)
	}
	e.Tick(base + 9)
	if len(log) != 0 {
		t.Errorf("early: %v", log)
	}
	e.Tick(base + 100)
	first.stop()
	if want := []string{"first", "second", "third", "fourth", "at once"}; !slices.Equal(log, want) {
		t.Errorf("went off %v, want %v", log, want)
	}
	s.at(base+200, note("never"))
	s.close(base+150, nil)
	e.Tick(base + 1000)
	if len(log) != 5 || !e.Idle() {
		t.Errorf("a timer of a closed SA goes off: %v", log)
	}
	timer{}.stop()
}

// Closing an SA from one of its timers ends its others.
func TestTimerClosesItsSA(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	s := l.a.sa()
	fired := 0
	s.at(l.now+int64(time.Second), func(now int64) { fired++; s.close(now, nil) })
	s.at(l.now+int64(time.Second), func(int64) { fired++ })
	l.run(2 * time.Second)
	if fired != 1 {
		t.Errorf("%d timers went off, want 1", fired)
	}
	l.a.gone()
}
