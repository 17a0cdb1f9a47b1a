package ike

import "fmt"

// JobPanic is what a worker gives to Finish in place of a result when Run panicked; it costs the SA that the job
// was for. Immutable.
type JobPanic struct{ Value any }

// injected is called at the start of everything that runs for an SA; tests make it panic (HAZ-35).
var injected func(s *ikeSA)

// guard runs what concerns one SA, or none. A panic is a bug of ours that a peer may have found a way to: it costs that SA
// and its Child SAs, never the process and never another peer's SA.
func (e *Engine) guard(now int64, s *ikeSA, what func()) {
	defer func() {
		if r := recover(); r != nil {
			e.counters.Panics++
			e.bury(now, s, fmt.Sprint("internal error: ", r))
		}
	}()
	if injected != nil && s != nil {
		injected(s)
	}
	what()
}

// bury takes away an SA of which nothing may be assumed any more: its tasks are not asked, its Child SAs leave the data
// plane.
func (e *Engine) bury(now int64, s *ikeSA, why string) {
	if s == nil || s.state == stateClosed {
		e.effects.Events = append(e.effects.Events, Event{Kind: EventNote, Time: now, Text: why})
		return
	}
	s.event(now, Event{Kind: EventDown, Text: why})
	s.forget()
	func() {
		defer func() {
			if recover() != nil {
				e.counters.Panics++
			}
		}()
		s.dropChildren(now)
		e.redial(now, s)
	}()
	s.wipe()
}
