package ike

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// LIM-16: the waits of the default schedule, by hand: 2 s, times 1.8, never above 60 s.
func TestLIM16_Schedule(t *testing.T) {
	want := []time.Duration{2 * time.Second, 3600 * time.Millisecond, 6480 * time.Millisecond, 11664 * time.Millisecond,
		20995200 * time.Microsecond, 37791360 * time.Microsecond, time.Minute, time.Minute}
	var all time.Duration
	for i, w := range want {
		got := DefaultRetransmit.wait(i)
		if d := got - w; d < -time.Microsecond || d > time.Microsecond {
			t.Errorf("wait %d is %v, want %v", i, got, w)
		}
		all += got
	}
	if DefaultRetransmit.Tries+1 != len(want) || all < 165*time.Second {
		t.Errorf("%d retransmissions take %v, want 165 s or more", DefaultRetransmit.Tries, all)
	}
}

// RFC 7296 2.1: a request is sent again bit by bit the same, later and later, until it is answered.
func TestIKE023_RetransmissionsAreIdentical(t *testing.T) {
	for _, exchange := range []string{"IKE_SA_INIT", "IKE_AUTH"} {
		t.Run(exchange, func(t *testing.T) {
			l := pskLadder(t, nil)
			var copies [][]byte
			var times []int64
			l.fate = func(f *flight) fate {
				if !f.is(exchange+" request") || len(copies) == 3 {
					return arrive
				}
				copies, times = append(copies, slices.Clone(f.d.Data)), append(times, l.now)
				return lose
			}
			l.start()
			l.run(30 * time.Second)
			l.established()
			l.pairs(1)
			for i := 1; i < len(copies); i++ {
				if !bytes.Equal(copies[i], copies[0]) {
					t.Errorf("transmission %d differs from the first", i)
				}
				if d := time.Duration(times[i] - times[i-1]); d != DefaultRetransmit.wait(i-1) {
					t.Errorf("transmission %d comes %v after the one before, want %v", i, d, DefaultRetransmit.wait(i-1))
				}
			}
			if n := l.a.e.Counters().Retransmits; n != 3 {
				t.Errorf("counts %d retransmissions, want 3", n)
			}
		})
	}
}

// RFC 7296 2.1: an answer that is lost is sent again when, and only when, the request comes again (HAZ-34).
func TestIKE024_AnswersAgain(t *testing.T) {
	for _, exchange := range []string{"IKE_SA_INIT", "IKE_AUTH"} {
		t.Run(exchange, func(t *testing.T) {
			l := pskLadder(t, nil)
			var answers [][]byte
			l.fate = func(f *flight) fate {
				if !f.is(exchange + " response") {
					return arrive
				}
				answers = append(answers, slices.Clone(f.d.Data))
				if len(answers) == 1 {
					return lose
				}
				return arrive
			}
			l.start()
			l.run(time.Second)
			if len(answers) != 1 {
				t.Fatalf("%d answers to one request", len(answers))
			}
			l.run(10 * time.Second)
			l.established()
			l.pairs(1)
			if len(answers) != 2 || !bytes.Equal(answers[0], answers[1]) {
				t.Errorf("the answer to the same request is not the same: %d answers", len(answers))
			}
			if n := l.b.e.Counters().SAs; n != 1 {
				t.Errorf("b has %d SAs, want 1", n)
			}
		})
	}
}

// IKE-024: everything twice makes one of each.
func TestIKE024_EverythingTwice(t *testing.T) {
	l := pskLadder(t, nil)
	l.fate = func(*flight) fate { return twice }
	l.connect("net")
	l.pairs(1)
	if n := len(l.b.plane.done); n != len(l.a.plane.done) || n != 3 {
		t.Errorf("b's data plane did %d things and a's %d, want 3: bundle, in, out", n, len(l.a.plane.done))
	}
}

// IKE-025: another message with the ID of the last request is no retransmission of it, even by the peer itself.
func TestIKE025_OtherMessageWithTheSameID(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	request := l.a.forge(wire.ExchangeInformational, 2, false)[0]
	l.a.inject(request)
	mark := l.mark()
	l.a.inject(l.a.forge(wire.ExchangeInformational, 2, false)...) // with another IV
	flipped := slices.Clone(request)
	flipped[len(flipped)-1] ^= 1
	l.a.inject(flipped)
	l.expect(mark)
	l.a.inject(request)
	l.expect(mark, "b -> a  INFORMATIONAL response 2: SK{}")
}

// RFC 7296 2.3: nothing outside the window is looked at.
func TestIKE027_OutsideTheWindow(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	for _, id := range []uint32{0, 3, 4, 1 << 31, 1<<32 - 1} {
		l.a.inject(l.a.forge(wire.ExchangeInformational, id, false)...)
	}
	l.expect(mark)
	if c := l.b.e.Counters(); c.Unexpected != 5 {
		t.Errorf("counts %d unexpected messages, want 5", c.Unexpected)
	}
	l.a.inject(l.a.forge(wire.ExchangeInformational, 2, false)...)
	l.expect(mark, "b -> a  INFORMATIONAL response 2: SK{}")
}

// RFC 7296 2.3: requests that cross are both answered.
func TestIKE026_CrossingRequests(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	l.fate = func(f *flight) fate {
		if f.is("INFORMATIONAL request") {
			return hold
		}
		return arrive
	}
	for _, x := range []*end{l.a, l.b} {
		s := x.sa()
		x.e.guard(l.now, s, func() { s.enqueue(l.now, &emptyTask{s: s}) })
	}
	l.settle()
	l.fate = nil
	l.release()
	l.expect(mark, "a -> b  INFORMATIONAL request 2", "b -> a  INFORMATIONAL request 0",
		"b -> a  INFORMATIONAL response 2", "a -> b  INFORMATIONAL response 0")
	l.established()
}

// emptyTask is an INFORMATIONAL exchange without payloads.
type emptyTask struct {
	s        *ikeSA
	answered bool
	failed   error
}

func (t *emptyTask) exchange() wire.ExchangeType  { return wire.ExchangeInformational }
func (t *emptyTask) start(now int64)              { t.s.request(now) }
func (t *emptyTask) answer(now int64, _ *message) { t.answered = true; t.s.done(now) }
func (t *emptyTask) fail(_ int64, err error)      { t.failed = err }

// RFC 7296 2.3: with a window of 1 tasks go one after the other.
func TestIKE026_TasksTakeTurns(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	s := l.a.sa()
	tasks := []*emptyTask{{s: s}, {s: s}, {s: s}}
	for _, task := range tasks {
		s.enqueue(l.now, task)
	}
	l.settle()
	l.expect(mark, "a -> b  INFORMATIONAL request 2", "b -> a  INFORMATIONAL response 2", "a -> b  INFORMATIONAL request 3",
		"b -> a  INFORMATIONAL response 3", "a -> b  INFORMATIONAL request 4", "b -> a  INFORMATIONAL response 4")
}

// A peer that answers nothing is dead after the last retransmission; all tasks hear of it.
func TestIKE029_PeerDead(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	l.fate = func(*flight) fate { return lose }
	s := l.a.sa()
	tasks := []*emptyTask{{s: s}, {s: s}}
	for _, task := range tasks {
		s.enqueue(l.now, task)
	}
	l.run(165 * time.Second)
	if s.state != stateEstablished {
		t.Errorf("the SA is %v after 165 s", s.state)
	}
	l.run(time.Minute)
	for i, task := range tasks {
		if !errors.Is(task.failed, ErrTimeout) || task.answered {
			t.Errorf("task %d failed with %v, want ErrTimeout", i, task.failed)
		}
	}
	l.a.gone()
	if f := l.a.failure(); !strings.Contains(f.Reason, "no answer") || f.Stage != "INFORMATIONAL" {
		t.Errorf("failure %+v", f)
	}
}

// A response is taken once, from the exchange it belongs to, while the request is out.
func TestIKE020_ResponsesNobodyWaitsFor(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	for _, id := range []uint32{0, 1, 2, 3} {
		l.b.inject(l.b.forge(wire.ExchangeInformational, id, true, notify(wire.InvalidSyntax, nil))...)
		l.b.inject(l.b.forge(wire.ExchangeAuth, id, true, notify(wire.AuthenticationFailed, nil))...)
	}
	l.expect(mark)
	l.established()
}
