package ike

import (
	"slices"

	"stillwater/ike/auth"
	"stillwater/ike/wire"
)

// handleAuth answers IKE_AUTH (RFC 7296 1.2):
//
//  1. IDi, IDr and the method choose the connection
//  2. a worker checks the peer's proof and makes ours
//  3. the Child SA is negotiated and its inbound half installed
//  4. the answer leaves; the IKE SA is established whatever became of the Child SA (IKE-101)
//
// A peer that fails learns that it failed and nothing else: the work and the answer are the same for an unknown identity
// and a wrong secret (IKE-100).
func handleAuth(s *ikeSA, now int64, m *message) {
	if m.auth() == nil {
		s.rejectAuth(now, Failure{Reason: "the peer wants EAP, which this end does not do"}) // RFC 7296 2.16
		return
	}
	s.outer.Local, s.outer.Remote = m.to(), m.from() // the initiator may have moved to port 4500
	if n := m.notify(wire.SupportedAuthMethods); n != nil {
		s.setup.methods = auth.ParseMethods(n.Data)
	}
	chosen := s.chooseConnection(m)
	if chosen != nil {
		s.conn = chosen
	}
	s.work(s.checkPeer(m, chosen), func(now int64, r any) { s.peerChecked(now, m, r.(verified)) })
}

// chooseConnection is the first that the peer's identity and method fit and that has the identity the peer hints at; a hint
// that none has is ignored (RFC 7296 1.2). Nil: no connection knows this peer.
func (s *ikeSA) chooseConnection(m *message) *Connection {
	id, err := auth.FromWire(*m.idi())
	if err != nil {
		return nil
	}
	known := slices.DeleteFunc(slices.Clone(s.setup.candidates), func(c *Connection) bool { return !c.Them.Accepts(id) })
	psk := m.auth().Method == wire.AuthPSK
	method := func(c *Connection) bool { return (c.Them.Method == auth.PSK) == psk }
	hinted := func(c *Connection) bool { return method(c) && m.hints(c.Self.ID) }
	for _, fits := range []func(*Connection) bool{hinted, method, func(*Connection) bool { return true }} {
		if i := slices.IndexFunc(known, fits); i >= 0 {
			return known[i]
		}
	}
	return nil
}

// hints reports whether the peer's IDr, if there is one, is the identity.
func (m *message) hints(id auth.Identity) bool {
	hint := m.idr()
	if hint == nil {
		return true
	}
	wanted, err := auth.FromWire(*hint)
	return err == nil && wanted.Equal(id)
}

// checkPeer is the job of the responder's IKE_AUTH. Our own proof is made only for a peer that has given its.
func (s *ikeSA) checkPeer(m *message, chosen *Connection) func() any {
	id := *m.idi()
	c := auth.Claim{Exchange: s.authExchange(), ID: id, Auth: *m.auth(), Certs: m.certs(), Octets: s.peerOctets(id), Now: s.e.cfg.Wall()}
	var them *auth.Peer
	if chosen != nil {
		them = chosen.Them
	}
	own, x, octets := s.conn.Self, s.authExchange(), s.ownOctets(s.conn.Self.Wire(true))
	return func() any {
		info, err := auth.VerifyAuth(them, c)
		if err != nil {
			return verified{err: err}
		}
		a, err := own.Auth(x, octets)
		return verified{info: info, own: proof{a, err}}
	}
}

// peerChecked goes on with a peer that has proven its identity.
func (s *ikeSA) peerChecked(now int64, m *message, v verified) {
	switch {
	case v.err != nil:
		s.rejectAuth(now, Failure{Reason: v.err.Error(), Key: s.conn.blamePeer(v.err)})
		return
	case v.own.err != nil:
		s.rejectAuth(now, Failure{Reason: v.own.err.Error(), Key: s.conn.blameSelf(v.own.err)})
		return
	case m.sa() == nil && s.conn.Childless == ChildlessNever:
		s.refuse(now, m, broken(wire.PayloadSA, "expected a Child SA, childless IKE SAs are off", 0)) // RFC 6023 3
		return
	}
	s.authenticated, s.localID, s.remoteID = true, s.conn.Self.ID, v.info.Identity
	if !s.admit(now, m.notify(wire.InitialContact) != nil) {
		s.authenticated = false
		s.rejectAuth(now, Failure{Reason: "the peer has an older IKE SA, which stays", Key: "unique"})
		return
	}
	if m.sa() == nil {
		s.answerAuth(now, v.own.auth, nil)
		return
	}
	s.answerChild(now, m, childOptions{first: true}, s.setup.ni, s.setup.nr, nil, func(now int64, ps []wire.Payload) {
		s.answerAuth(now, v.own.auth, ps)
	})
}

// answerAuth sends the answer, in the order of RFC 7296 appendix C. child is what became of the Child SA.
func (s *ikeSA) answerAuth(now int64, a wire.Auth, child []wire.Payload) {
	ps := []wire.Payload{s.conn.Self.Wire(true)}
	for _, c := range s.conn.Self.Certs() {
		ps = append(ps, c)
	}
	ps = append(append(ps, a), child...)
	s.leaveHalfOpen()
	s.setup = nil
	s.reply(now, ps...)
	s.becomeEstablished(now)
	s.established(now)
}

// rejectAuth answers AUTHENTICATION_FAILED and nothing more.
func (s *ikeSA) rejectAuth(now int64, f Failure) {
	s.e.counters.AuthFailed++
	f.Stage, f.Notify = wire.ExchangeAuth.String(), wire.AuthenticationFailed
	s.failed(now, f)
	s.replyError(now, wire.AuthenticationFailed)
	s.refused(now)
}
