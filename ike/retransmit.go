package ike

import (
	"errors"
	"fmt"
	"time"
)

// ErrTimeout is why an IKE SA ends whose peer does not answer. Only that proves it dead: not ICMP, not anything without
// protection (RFC 7296 2.4, IKE-029).
var ErrTimeout = errors.New("the peer does not answer")

// wait is the time between one transmission and the next, the first being number 0 (LIM-16).
func (r Retransmit) wait(n int) time.Duration {
	w := float64(r.First)
	for range n {
		w = min(w*r.Factor, float64(r.Cap))
	}
	return time.Duration(w)
}

// orDefault replaces a zero Retransmit.
func (r Retransmit) orDefault() Retransmit {
	if r == (Retransmit{}) {
		return DefaultRetransmit
	}
	return r
}

// awaitAnswer plans the next retransmission of the request that is out.
func (s *ikeSA) awaitAnswer(now int64) {
	r := &s.requests
	policy := s.conn.Retransmit.orDefault()
	r.timer = s.at(now+int64(policy.wait(r.tries)), s.retransmit)
}

// retransmit sends the request again, bit by bit the same, or gives the peer up.
func (s *ikeSA) retransmit(now int64) {
	r := &s.requests
	policy := s.conn.Retransmit.orDefault()
	tries := policy.Tries
	if s.state == stateInit {
		tries = policy.InitTries
	}
	if r.tries >= tries {
		s.giveUp(now)
		return
	}
	r.tries++
	s.retransmits++
	s.e.counters.Retransmits++
	s.transmit(now, r.sent)
	s.awaitAnswer(now)
}

// giveUp ends an SA whose request was never answered.
func (s *ikeSA) giveUp(now int64) {
	r := &s.requests
	stage := r.current.exchange().String()
	if t, ok := r.current.(*initTask); !ok || !t.refused {
		why := fmt.Sprintf("no answer from %v to %d transmissions", s.outer.Remote, r.tries+1)
		s.failed(now, Failure{Stage: stage, Reason: why, Key: "remote"})
	}
	s.close(now, fmt.Errorf("%s: %w", stage, ErrTimeout))
}
