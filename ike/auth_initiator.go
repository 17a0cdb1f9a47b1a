package ike

import (
	"errors"
	"fmt"

	"stillwater/ike/auth"
	"stillwater/ike/wire"
)

// authTask is IKE_AUTH as initiator, with the first Child SA in it (RFC 7296 1.2).
type authTask struct {
	s     *ikeSA
	offer *childOffer // nil: childless
}

func (t *authTask) exchange() wire.ExchangeType { return wire.ExchangeAuth }

// start makes our proof, which may be a signature.
func (t *authTask) start(now int64) {
	s := t.s
	s.work(s.proof(false), func(now int64, r any) { t.send(now, r.(proof)) })
}

// proof is this end's AUTH payload, or why there is none.
type proof struct {
	auth wire.Auth
	err  error
}

// proof is the job that makes this end's AUTH payload (RFC 7296 2.15).
func (s *ikeSA) proof(responder bool) func() any {
	own, x, octets := s.conn.Self, s.authExchange(), s.ownOctets(s.conn.Self.Wire(responder))
	return func() any {
		a, err := own.Auth(x, octets)
		return proof{a, err}
	}
}

// ownOctets are what this end's AUTH covers, peerOctets what the peer's does: own first message, nonce of the other side,
// MACed identity (RFC 7296 2.15, IKE-083). An IntAuth of RFC 9242 would be one more chunk at the end of both.
func (s *ikeSA) ownOctets(id wire.ID) []byte {
	u := s.setup
	if s.initiator {
		return auth.SignedOctets(s.prf, u.init1, u.nr, s.keys.Pi, id.Body())
	}
	return auth.SignedOctets(s.prf, u.init2, u.ni, s.keys.Pr, id.Body())
}

func (s *ikeSA) peerOctets(id wire.ID) []byte {
	u := s.setup
	if s.initiator {
		return auth.SignedOctets(s.prf, u.init2, u.ni, s.keys.Pr, id.Body())
	}
	return auth.SignedOctets(s.prf, u.init1, u.nr, s.keys.Pi, id.Body())
}

// send sends IKE_AUTH in the order of RFC 7296 appendix C.
func (t *authTask) send(now int64, p proof) {
	s := t.s
	if p.err != nil {
		t.stop(now, Failure{Reason: p.err.Error(), Key: s.conn.blameSelf(p.err)}, p.err)
		return
	}
	s.localID = s.conn.Self.ID
	ps := []wire.Payload{s.conn.Self.Wire(false)}
	for _, c := range s.conn.Self.Certs() {
		ps = append(ps, c)
	}
	if s.conn.Unique != UniqueNever && !s.e.hasOther(s) {
		ps = append(ps, notify(wire.InitialContact, nil)) // IKE-114
	}
	if request, ok := auth.CertReq(s.conn.Them); ok {
		ps = append(ps, request)
	}
	if id, ok := s.conn.Them.ID.Exact(); ok {
		ps = append(ps, id.Wire(true)) // a hint which of its identities we mean (RFC 7296 1.2)
	}
	ps = append(ps, p.auth, announceMethods([]*auth.Peer{s.conn.Them}))
	offered, err := t.offerFirst(now)
	if err != nil {
		t.stop(now, Failure{Reason: err.Error()}, err)
		return
	}
	s.request(now, append(ps, offered...)...)
}

// offerFirst takes the first Child SA that is wanted into the exchange, none where the SA is to be childless.
func (t *authTask) offerFirst(now int64) ([]wire.Payload, error) {
	s := t.s
	if s.conn.Childless == ChildlessForce && s.peerChildless || len(s.wants) == 0 {
		if !s.peerChildless {
			return nil, errors.New("no Child SA is wanted, and the peer does not take an IKE SA without (RFC 6023)")
		}
		return nil, nil
	}
	w := s.wants[0]
	s.wants = s.wants[1:]
	var ps []wire.Payload
	var err error
	t.offer, ps, err = s.offerChild(now, w.child, childOptions{first: true, trigger: w.trigger})
	return ps, err
}

// answer starts the check of the peer's proof.
func (t *authTask) answer(now int64, m *message) {
	s := t.s
	id, proof := m.idr(), m.auth()
	if id == nil || proof == nil {
		n := m.errorNotify()
		err := fmt.Errorf("the peer refused: %v", n.Notify)
		t.stop(now, Failure{Notify: n.Notify, FromPeer: true, Reason: err.Error(), Key: s.conn.blameRefusal(n.Notify)}, err)
		return
	}
	if n := m.notify(wire.SupportedAuthMethods); n != nil {
		s.setup.methods = auth.ParseMethods(n.Data)
	}
	c := auth.Claim{Exchange: s.authExchange(), ID: *id, Auth: *proof, Certs: m.certs(), Octets: s.peerOctets(*id), Now: s.e.cfg.Wall()}
	them := s.conn.Them
	run := func() any {
		info, err := auth.VerifyAuth(them, c)
		return verified{info: info, err: err}
	}
	s.work(run, func(now int64, r any) { t.finish(now, m, r.(verified)) })
}

// verified is what became of the peer's proof and, for a responder, our own.
type verified struct {
	info *auth.Info
	err  error
	own  proof
}

// finish makes the SA established, or tells the peer that it is not who it should be.
func (t *authTask) finish(now int64, m *message, v verified) {
	s := t.s
	if v.err != nil {
		s.e.counters.AuthFailed++
		s.tellFailure(now)
		t.stop(now, Failure{Notify: wire.AuthenticationFailed, Reason: v.err.Error(), Key: s.conn.blamePeer(v.err)}, v.err)
		return
	}
	s.authenticated, s.remoteID = true, v.info.Identity
	if !s.admit(now, m.notify(wire.InitialContact) != nil) {
		t.fail(now, errClosed)
		s.quiet = true
		s.shut(now, "the peer has an older IKE SA, which stays")
		s.done(now)
		return
	}
	ni, nr := s.setup.ni, s.setup.nr
	s.setup.wipe()
	s.setup = nil
	s.becomeEstablished(now)
	if t.offer != nil {
		offer := t.offer
		t.offer = nil
		offer.accepted(now, m, ni, nr, nil, func(int64, error) {})
	}
	s.established(now)
	s.done(now)
}

// becomeEstablished is the moment both ends are authenticated.
func (s *ikeSA) becomeEstablished(now int64) {
	s.state = stateEstablished
	s.e.join(s)
	s.e.counters.Established++
	s.event(now, Event{Kind: EventEstablished, Text: fmt.Sprintf("%v with %v, %v", s.localID, s.remoteID, s.suite)})
	s.keepalive(now)
}

// tellFailure says that the peer's proof did not hold. It has an IKE SA that this end has not, so it may be told in an
// INFORMATIONAL exchange of its own (RFC 7296 2.21.2); nobody waits for the answer.
func (s *ikeSA) tellFailure(now int64) {
	h := s.header(wire.ExchangeInformational, s.requests.next, false)
	s.transmit(now, s.protect(h, []wire.Payload{notify(wire.AuthenticationFailed, nil)}))
}

// stop ends the IKE SA with a reason.
func (t *authTask) stop(now int64, f Failure, err error) {
	f.Stage = wire.ExchangeAuth.String()
	t.s.failed(now, f)
	t.s.close(now, err)
}

// fail undoes the offer.
func (t *authTask) fail(now int64, err error) {
	if t.offer != nil {
		t.offer.abandon(now)
		t.offer = nil
	}
}
