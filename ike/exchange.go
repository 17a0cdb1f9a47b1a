package ike

import (
	"errors"
	"math"

	"stillwater/ike/wire"
)

// task is one exchange that this end starts. A task lives until done, pointless or fail.
type task interface {
	exchange() wire.ExchangeType
	// start runs when the window is open. It ends in request, after work if need be, or in pointless.
	start(now int64)
	// answer gets the authenticated response, whose payloads obey the rules. It ends in done.
	answer(now int64, m *message)
	// fail says that there will be no answer: retransmissions are used up, or the IKE SA closes. The task undoes what it did.
	fail(now int64, err error)
}

// requester is this end's own exchanges: one at a time, since the window is 1 (RFC 7296 2.3).
type requester struct {
	next    uint32 // message ID of the request that is out, or of the next one
	current task
	out     bool // the request was sent and is not answered
	queue   []task
	sent    [][]byte // its datagrams, for bit-identical retransmission (IKE-023)
	tries   int
	timer   timer
	answer  assembly
}

// errMessageIDs ends an SA that has used all its message IDs (RFC 7296 2.2, IKE-022).
var errMessageIDs = errors.New("message IDs are used up")

// enqueue adds a task to those of this SA; it starts when no request is outstanding.
func (s *ikeSA) enqueue(now int64, t task) {
	if s.state == stateClosed {
		t.fail(now, errClosed)
		return
	}
	s.requests.queue = append(s.requests.queue, t)
	s.nextTask(now)
}

// current is the task that was started and is not finished, nil when there is none.
func (s *ikeSA) current() task { return s.requests.current }

// nextTask starts the next task if none is under way.
func (s *ikeSA) nextTask(now int64) {
	r := &s.requests
	if r.current != nil || len(r.queue) == 0 || s.state == stateClosed {
		return
	}
	r.current = r.queue[0]
	r.queue[0] = nil
	r.queue = r.queue[1:]
	if len(r.queue) == 0 {
		r.queue = nil
	}
	r.current.start(now)
}

// done ends the current task and starts the next.
func (s *ikeSA) done(now int64) {
	s.requests.current = nil
	s.nextTask(now)
}

// pointless ends the current task, which has found before sending anything that nothing is left to do.
func (s *ikeSA) pointless(now int64) { s.done(now) }

// request sends the current task's message, protected and in fragments where it must be, and keeps it for retransmission.
func (s *ikeSA) request(now int64, ps ...wire.Payload) {
	r := &s.requests
	if r.next == math.MaxUint32 {
		s.close(now, errMessageIDs)
		return
	}
	s.launch(now, s.protect(s.header(r.current.exchange(), r.next, false), ps))
}

// launch sends the datagrams of a request for the first time.
func (s *ikeSA) launch(now int64, datagrams [][]byte) {
	r := &s.requests
	r.timer.stop()
	r.out, r.sent, r.tries = true, datagrams, 0
	s.transmit(now, r.sent)
	s.awaitAnswer(now)
}

// transmit sends this SA's datagrams to where the peer is now.
func (s *ikeSA) transmit(now int64, datagrams [][]byte) {
	for _, b := range datagrams {
		s.e.send(Datagram{Local: s.outer.Local, Remote: s.outer.Remote, Data: b})
	}
	s.lastSent = now
}

// answered gives the response to the task that waits for it. err is why the response cannot be used; that ends the IKE SA:
// an error in a response is never answered (RFC 7296 2.21.3).
func (s *ikeSA) answered(now int64, m *message, err error) {
	t := s.requests.settle()
	if err != nil {
		t.fail(now, err)
		s.requests.current = nil
		s.close(now, err)
		return
	}
	t.answer(now, m)
}

// settle ends the wait for an answer and opens the window for the next message ID. It returns the task.
func (r *requester) settle() task {
	r.timer.stop()
	r.timer, r.sent, r.out, r.answer = timer{}, nil, false, assembly{}
	r.next++
	return r.current
}

// flush takes away the tasks that have not started.
func (r *requester) flush() []task {
	q := r.queue
	r.queue = nil
	return q
}

// queued is the tasks that have not started, in order.
func (r *requester) queued() []task { return r.queue }

// abandon takes away all unfinished tasks, the current one first.
func (r *requester) abandon() []task {
	q := r.flush()
	if r.current != nil {
		q = append([]task{r.current}, q...)
	}
	*r = requester{next: r.next}
	return q
}
