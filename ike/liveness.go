package ike

import "stillwater/ike/wire"

// probeTask asks the peer whether it lives: an empty INFORMATIONAL exchange (RFC 7296 2.4). When no answer comes the SA is
// given up, as after any request.
type probeTask struct{ s *ikeSA }

func (t *probeTask) exchange() wire.ExchangeType  { return wire.ExchangeInformational }
func (t *probeTask) start(now int64)              { t.s.request(now) }
func (t *probeTask) answer(now int64, _ *message) { t.s.done(now) }
func (t *probeTask) fail(int64, error)            {}

// planLiveness plans the next look at the peer's silence.
func (s *ikeSA) planLiveness(now int64) {
	s.livenessTimer.stop()
	if delay := int64(s.conn.DPDDelay); delay > 0 {
		s.livenessTimer = s.at(max(s.lastHeard()+delay, now+1), s.checkLiveness)
	}
}

// lastHeard is when the peer last proved that it lives: by IKE, or by fresh ESP on any Child SA (IKE-030).
func (s *ikeSA) lastHeard() int64 {
	last := s.lastSeen
	for _, c := range s.children {
		if c.inbound {
			last = max(last, s.e.cfg.LastReceived(c.spiIn))
		}
	}
	return last
}

// checkLiveness probes a peer that has been silent. A request that is out already is as good as a probe.
func (s *ikeSA) checkLiveness(now int64) {
	delay := int64(s.conn.DPDDelay)
	if s.state != stateEstablished {
		return
	}
	if now-s.lastHeard() >= delay {
		if s.current() == nil {
			s.enqueue(now, &probeTask{s})
		}
		s.livenessTimer = s.at(now+delay, s.checkLiveness)
		return
	}
	s.planLiveness(now)
}
