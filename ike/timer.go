package ike

import "math"

// timer is one planned call of an SA. The zero timer may be stopped. Owned by the engine's goroutine.
type timer struct {
	s  *ikeSA
	id uint32
}

// plan is a timer's entry in its SA.
type plan struct {
	when int64
	id   uint32
	what func(now int64)
}

// at plans what for the time when. An SA has a handful of timers, so they are a list; only the earliest is in the engine's
// heap. They die with the SA.
func (s *ikeSA) at(when int64, what func(now int64)) timer {
	if s.state == stateClosed {
		return timer{}
	}
	s.lastPlan++
	s.plans = append(s.plans, plan{when, s.lastPlan, what})
	s.replan()
	return timer{s, s.lastPlan}
}

// stop withdraws the timer; one that has fired stays so.
func (t timer) stop() {
	if t.s == nil {
		return
	}
	for i := range t.s.plans {
		if t.s.plans[i].id == t.id {
			t.s.unplan(i)
			t.s.replan()
			return
		}
	}
}

func (s *ikeSA) unplan(i int) {
	last := len(s.plans) - 1
	s.plans[i] = s.plans[last]
	s.plans[last] = plan{}
	s.plans = s.plans[:last]
}

// replan puts the earliest timer into the heap.
func (s *ikeSA) replan() {
	if i := s.earliest(); i >= 0 {
		s.e.alarms.set(&s.alarm, s.plans[i].when)
		return
	}
	s.e.alarms.drop(&s.alarm)
}

// earliest is the index of the timer that is due first, the older of two; -1 when there is none.
func (s *ikeSA) earliest() int {
	best, when, id := -1, int64(math.MaxInt64), uint32(math.MaxUint32)
	for i, p := range s.plans {
		if p.when < when || p.when == when && p.id < id {
			best, when, id = i, p.when, p.id
		}
	}
	return best
}

// tick runs the SA's timers that are due, each under the guard.
func (s *ikeSA) tick(now int64) {
	for s.state != stateClosed {
		i := s.earliest()
		if i < 0 || s.plans[i].when > now {
			break
		}
		what := s.plans[i].what
		s.unplan(i)
		s.e.guard(now, s, func() { what(now) })
	}
	if s.state != stateClosed {
		s.replan()
	}
}
