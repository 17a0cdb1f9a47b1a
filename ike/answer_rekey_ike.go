package ike

import (
	"encoding/binary"
	"errors"

	"stillwater/crypto/ke"
	"stillwater/ike/wire"
)

// candidate is an IKE SA that the peer's rekey made while ours is out: which of the two stays, the nonces say.
type candidate struct {
	sa     *ikeSA
	lowest []byte // of its exchange's nonces
}

// answerRekeyIKE answers the rekey of the IKE SA (RFC 7296 1.3.2) by the tables of 2.25.
func (s *ikeSA) answerRekeyIKE(now int64, m *message) {
	// A second rekey while one of the peer's is undecided cannot be meant.
	if s.ruling(requestRekeyIKE) != proceed || s.candidate != nil {
		s.replyError(now, wire.TemporaryFailure)
		return
	}
	if m.ke() == nil {
		s.refuse(now, m, broken(wire.PayloadKE, "expected a key exchange for an IKE SA", 0))
		return
	}
	peer := *m.ke()
	p, st, err := chooseIKE(m.sa().Proposals, s.conn.Proposals, peer.Method)
	if err != nil {
		s.denyRekeyIKE(now, err)
		return
	}
	if len(p.SPI) != 8 {
		s.refuse(now, m, broken(wire.PayloadSA, "expected an SPI of 8 octets", len(p.SPI)))
		return
	}
	nr, spi := s.e.nonce(st.PRF.Len), s.e.newSPI()
	next, err := s.nextIKE(st, m.nonce().Data, nr, binary.BigEndian.Uint64(p.SPI), spi)
	if err != nil {
		s.denyRekeyIKE(now, err)
		return
	}
	p.SPI = binary.BigEndian.AppendUint64(nil, spi)
	s.work(func() any {
		public, secret, err := ke.Respond(peer.Method, peer.Data)
		r := next.finish(secret, err)
		r.public = public
		return r
	}, func(now int64, result any) { s.giveIKE(now, m, next, p, result.(keyResult)) })
}

func (s *ikeSA) denyRekeyIKE(now int64, err error) {
	f := Failure{Stage: wire.ExchangeCreateChildSA.String(), Notify: wire.NoProposalChosen, Reason: err.Error(), Key: "proposals"}
	var data []byte
	if e := (*negotiationError)(nil); errors.As(err, &e) {
		f.Notify, f.Offered, f.Configured, f.Reason, data = e.Notify, e.Offered, e.Configured, e.Reason, e.data()
	}
	s.failed(now, f)
	s.replyError(now, f.Notify, data...)
}

// giveIKE makes the next IKE SA and answers. It takes over at once, unless our own rekey is out.
func (s *ikeSA) giveIKE(now int64, m *message, next *nextIKE, p wire.Proposal, r keyResult) {
	switch {
	case r.err != nil:
		s.badValue(now, m, r.err)
		return
	case s.ruling(requestRekeyIKE) != proceed:
		r.keys.Wipe()
		s.replyError(now, wire.TemporaryFailure)
		return
	}
	n := s.successor(now, false, next.spiI, next.spiR, next.suite, r.keys)
	s.reply(now, withKeys([]wire.Payload{wire.SA{Proposals: []wire.Proposal{p}}}, next.nr, &wire.KE{Method: next.suite.KE.ID, Data: r.public})...)
	if s.activity() != activityRekeyIKE {
		s.replaceBy(now, n)
		return
	}
	s.candidate = &candidate{n, lowest(next.ni, next.nr)}
	n.undecided, n.quiet = s, true
}

// replaceBy hands everything to the next IKE SA. This one waits for the Delete that ends it, which is the last request on
// it (RFC 7296 2.8, IKE-139).
func (s *ikeSA) replaceBy(now int64, n *ikeSA) {
	if s.candidate != nil && s.candidate.sa == n {
		s.candidate = nil
	}
	s.state, s.quiet = stateReplaced, true
	n.undecided, n.quiet = nil, false
	s.rekeyTimer.stop()
	s.expiryTimer.stop()
	s.livenessTimer.stop()
	s.postponedTimer.stop()
	s.graveTimer = s.at(now+int64(graveTime), func(now int64) { s.close(now, nil) })
	n.rekeys++
	s.e.counters.Rekeys++
	n.inherit(now, s)
	n.event(now, Event{Kind: EventRekeyed, Text: n.suite.String()})
	n.established(now)
}

// inherit takes over Child SAs, bundles and what is still to be done for them (RFC 7296 2.8: all of them move).
func (s *ikeSA) inherit(now int64, from *ikeSA) {
	s.children, from.children = from.children, nil
	s.bundles, from.bundles = from.bundles, nil
	s.wants, from.wants = from.wants, nil
	s.hinted, s.strays = from.hinted, from.strays
	for _, b := range s.bundles {
		b.sa = s
	}
	for _, c := range s.children {
		c.sa = s
		if c.wakeAt != 0 {
			c.wake(c.wakeAt)
		}
	}
	s.inheritTasks(now, from)
}

// mover is a task that follows the Child SAs to the next IKE SA.
type mover interface {
	task
	move(to *ikeSA)
}

// inheritTasks moves the tasks that were not started. Those about the old SA itself end.
func (s *ikeSA) inheritTasks(now int64, from *ikeSA) {
	from.asked = nil
	for _, p := range from.postponed {
		if t, ok := p.t.(mover); ok {
			t.move(s)
			s.later(p.when, t)
		}
	}
	from.postponed = nil
	for _, t := range from.requests.flush() {
		if t, ok := t.(mover); ok {
			t.move(s)
			s.enqueue(now, t)
			continue
		}
		t.fail(now, errClosed)
	}
}

// abandonCandidate leaves an SA that lost to our own rekey to the peer, who is to delete it. It goes without a word if
// the peer has forgotten it.
func (s *ikeSA) abandonCandidate(now int64) {
	s.undecided, s.state = nil, stateReplaced
	s.graveTimer = s.at(now+int64(graveTime), func(now int64) { s.close(now, nil) })
}

// decideFor takes a request of the peer on a candidate for what it is: the peer has decided that this SA stays. Its answer
// to our own rekey may have been lost on the way.
func (s *ikeSA) decideFor(now int64) {
	if old := s.undecided; old != nil && old.state == stateEstablished {
		old.replaceBy(now, s)
	}
}
