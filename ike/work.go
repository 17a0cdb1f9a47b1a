package ike

// await is who waits for a ticket. An SA that has closed meanwhile is not told.
type await struct {
	s   *ikeSA
	job func(now int64, result any)
	ack func(now int64, err error)
}

// newTicket numbers a job or an operation. 64 bits do not wrap.
func (e *Engine) newTicket(a await) uint64 {
	e.ticket++
	e.waits[e.ticket] = a
	return e.ticket
}

// work hands run to the pool of workers and continues with its result. run must be pure: it sees copies, not the SA.
func (s *ikeSA) work(run func() any, then func(now int64, result any)) {
	ticket := s.e.newTicket(await{s: s, job: then})
	s.e.effects.Jobs = append(s.e.effects.Jobs, Job{Ticket: ticket, Run: run})
}

// operate asks the data plane and continues when it has acknowledged; then may be nil. Nothing before authentication may
// reach the data plane (HAZ-07), so that is a programmer's error.
func (s *ikeSA) operate(op Operation, then func(now int64, err error)) {
	if !s.authenticated {
		panic("ike: operation on an SA that is not authenticated")
	}
	op.Ticket = s.e.newTicket(await{s: s, ack: then})
	op.Connection = s.conn
	s.e.effects.Operations = append(s.e.effects.Operations, op)
}

// Finish is the result of a Job. Unknown tickets are ignored.
func (e *Engine) Finish(now int64, ticket uint64, result any) {
	w, ok := e.waits[ticket]
	if !ok || w.job == nil {
		return
	}
	delete(e.waits, ticket)
	if w.s.state == stateClosed {
		return
	}
	e.guard(now, w.s, func() {
		if p, ok := result.(*JobPanic); ok {
			panic(p.Value)
		}
		w.job(now, result)
	})
}

// Acknowledge is the data plane's answer to an Operation, err saying why it refused. Unknown tickets are ignored.
func (e *Engine) Acknowledge(now int64, ticket uint64, err error) {
	w, ok := e.waits[ticket]
	if !ok || w.job != nil {
		return
	}
	delete(e.waits, ticket)
	if w.ack == nil || w.s.state == stateClosed {
		return
	}
	e.guard(now, w.s, func() { w.ack(now, err) })
}
