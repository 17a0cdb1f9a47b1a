package ike

import "stillwater/ike/wire"

// handleInformational answers INFORMATIONAL (RFC 7296 1.4), always: an empty request asks whether this end lives.
func handleInformational(s *ikeSA, now int64, m *message) {
	if s.undecided != nil && !deletesIKE(m) {
		s.decideFor(now)
	}
	answer, whole := s.deletedByPeer(now, m)
	s.reply(now, answer...)
	if whole {
		s.closedByPeer(now)
		return
	}
	s.peerWentOn(now)
	for _, n := range m.notifies() {
		switch n.Notify {
		case wire.InvalidSPI:
			s.peerMisses(now, n)
		case wire.AuthenticationFailed:
			// RFC 7296 2.21.2: the initiator did not believe our proof.
			s.failed(now, Failure{Stage: wire.ExchangeAuth.String(), Notify: n.Notify, FromPeer: true, Key: s.conn.blameRefusal(n.Notify),
				Reason: "the peer does not accept this end's proof of identity"})
			s.close(now, errNotBelieved)
			return
		}
	}
}

func deletesIKE(m *message) bool {
	for _, d := range m.deletes() {
		if d.Protocol == wire.ProtoIKE {
			return true
		}
	}
	return false
}

// closedByPeer ends the IKE SA that the peer has deleted. Where our own rekey of it is out and the peer's made another SA, the
// peer has not noticed ours: it is forgotten, and the other SA stays (RFC 7296 2.8.2).
func (s *ikeSA) closedByPeer(now int64) {
	if old := s.undecided; old != nil && old.candidate != nil && old.candidate.sa == s {
		old.candidate = nil // the peer gives its rekey up
		s.state = stateReplaced
	}
	if c := s.candidate; c != nil && s.state == stateEstablished {
		s.replaceBy(now, c.sa)
	}
	if s.state == stateReplaced {
		// Nothing depends on it any more but a peer whom the answer does not reach.
		s.bury(now)
		return
	}
	s.close(now, nil)
}

// bury ends the tasks of a replaced IKE SA. It can answer its Delete again for as long as a peer may ask.
func (s *ikeSA) bury(now int64) {
	s.buried = true
	s.requests.timer.stop()
	for _, t := range s.requests.abandon() {
		t.fail(now, errClosed)
	}
	s.graveTimer.stop()
	s.graveTimer = s.at(now+int64(graveTime), func(now int64) { s.close(now, nil) })
}
