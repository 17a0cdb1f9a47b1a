package ike

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"

	"stillwater/crypto/prf"
	"stillwater/crypto/suite"
	"stillwater/ike/auth"
	"stillwater/ike/wire"
)

// receiveInit takes an IKE_SA_INIT request that may begin an SA. What costs little comes first (IKE-046):
//
//  1. a retransmission gets the answer that was sent
//  2. a malformed request is dropped
//  3. half-open SAs: a cookie is asked for, or the request dropped, and nothing is remembered
//  4. a connection and a suite are chosen, else the request is refused, and nothing is remembered
//  5. the key exchange becomes a job, and a half-open SA waits for it
func (e *Engine) receiveInit(now int64, d Datagram, h wire.Header) {
	sum := sha256.Sum256(d.Data)
	if s := e.inits[sum]; s != nil {
		s.repeatedInit(d)
		return
	}
	m, err := parseInit(d, h)
	if err != nil {
		e.counters.Malformed++
		e.answerCritical(now, d, h, err)
		return
	}
	m.digest = sum
	switch e.admitInit(d.Remote.Addr(), e.provenInit(now, m)) {
	case admitNone:
		e.counters.InitsDropped++
	case admitWithCookie:
		e.counters.CookiesSent++
		e.answerClear(d, h, notify(wire.Cookie, e.newCookie(now, m.nonce().Data, d.Remote.Addr(), h.SPIi)))
	case admitted:
		e.acceptInit(now, d, m)
	}
}

// parseInit reads an IKE_SA_INIT message, which is in the clear.
func parseInit(d Datagram, h wire.Header) (*message, error) {
	clear, err := wire.Parse(d.Data)
	if err != nil {
		return nil, err
	}
	m := &message{header: h, exchange: h.Exchange, id: h.MessageID, inner: clear.Payloads, raw: d.Data}
	m.datagram = Datagram{Local: d.Local, Remote: d.Remote}
	return m, checkRules(m)
}

// answerCritical tells the sender of a payload we must not ignore that we do not know it (RFC 7296 2.5). All other broken
// requests get silence: there is no SA that could protect an answer.
func (e *Engine) answerCritical(now int64, d Datagram, h wire.Header, err error) {
	bad := (*wire.Error)(nil)
	if !errors.As(err, &bad) || bad.Notify != wire.UnsupportedCriticalPayload {
		return
	}
	if e.hints.permit(now, prefixOf(d.Remote.Addr()), e.limits.Unprotected) {
		e.answerClear(d, h, bad.Answer())
	}
}

// provenInit reports whether the request returns a cookie of ours.
func (e *Engine) provenInit(now int64, m *message) bool {
	n := m.notify(wire.Cookie)
	return n != nil && e.goodCookie(now, n.Data, m.nonce().Data, m.from().Addr(), m.header.SPIi)
}

// repeatedInit answers an IKE_SA_INIT request again while IKE_AUTH has not come.
func (s *ikeSA) repeatedInit(d Datagram) {
	if s.state == stateHalfOpen && s.replies.next == 1 {
		s.e.counters.Repeated++
		s.resend(s.lastSent, d)
	}
}

// acceptInit chooses connection and suite and starts the key exchange.
func (e *Engine) acceptInit(now int64, d Datagram, m *message) {
	offered := slices.DeleteFunc(slices.Clone(m.sa().Proposals), func(p wire.Proposal) bool { return len(p.SPI) != 0 }) // IKE-061
	near := e.fitting(d.Local.Addr(), d.Remote.Addr())
	chosen, st, err := chooseFor(near, offered, m.ke().Method)
	if err != nil {
		e.refuseInit(now, d, m, near, err)
		return
	}
	if len(m.nonce().Data) < st.PRF.Len/2 {
		e.counters.Malformed++ // RFC 7296 2.10: at least half the key of the PRF, which a sound peer knows of
		return
	}
	p, err := prf.New(st.PRF.ID)
	if err != nil {
		e.refuseInit(now, d, m, near, err)
		return
	}
	s := e.newSA(now, near[0], false)
	s.spiI, s.spiR, s.suite, s.prf = m.header.SPIi, e.newSPI(), st, p
	s.outer = Outer{Local: d.Local, Remote: d.Remote}
	s.setup = &setup{
		init1: m.raw, ni: m.nonce().Data, nr: e.nonce(p.Len()), init: m.digest, chosen: []wire.Proposal{chosen},
		candidates: slices.DeleteFunc(near, func(c *Connection) bool { return !takes(c, chosen, st.KE.ID) }),
	}
	s.conn = s.setup.candidates[0]
	s.fragmentSize = s.conn.FragmentSize
	s.announced(m)
	s.setNAT(m)
	e.register(s)
	s.enterHalfOpen(now)
	s.work(respondKE(s.keyInputs(), m.ke()), func(now int64, r any) { s.answerInit(now, m, r.(keyResult)) })
}

// errNoConnection refuses peers from addresses that no connection is for.
var errNoConnection = errors.New("no connection is for these addresses")

// chooseFor is the choice of the first connection that has one. Where none has, a request for another key exchange goes
// before a refusal.
func chooseFor(near []*Connection, offered []wire.Proposal, method uint16) (wire.Proposal, suite.IKE, error) {
	why := errNoConnection
	for i, c := range near {
		chosen, st, err := chooseIKE(offered, c.Proposals, method)
		if err == nil {
			return chosen, st, nil
		}
		if i == 0 || wantsMethod(err) && !wantsMethod(why) {
			why = err
		}
	}
	return wire.Proposal{}, suite.IKE{}, why
}

func wantsMethod(err error) bool {
	n := (*negotiationError)(nil)
	return errors.As(err, &n) && n.Notify == wire.InvalidKEPayload
}

// takes reports whether the connection would have made the same choice possible.
func takes(c *Connection, chosen wire.Proposal, method uint16) bool {
	_, _, err := chooseIKE([]wire.Proposal{chosen}, c.Proposals, method)
	return err == nil
}

// refuseInit answers a request for which there is no suite. Nothing is remembered of the peer but the reason.
func (e *Engine) refuseInit(now int64, d Datagram, m *message, near []*Connection, err error) {
	f := Failure{Remote: d.Remote, Stage: wire.ExchangeSAInit.String(), Notify: wire.NoProposalChosen, Reason: err.Error()}
	answer := notify(wire.NoProposalChosen, nil)
	if n := (*negotiationError)(nil); errors.As(err, &n) {
		f.Notify, f.Offered, f.Configured, f.Reason = n.Notify, n.Offered, n.Configured, n.Reason
		answer = notify(n.Notify, n.data())
	}
	f.Key = "remote" // no connection is for these addresses
	if len(near) > 0 {
		f.Connection, f.Key = near[0].Name, "proposals"
	}
	e.answerClear(d, m.header, answer)
	if f.Notify == wire.InvalidKEPayload {
		return // not a failure: the peer comes back with the other method (RFC 7296 1.2)
	}
	e.counters.InitsRefused++
	if !e.told.permit(now, prefixOf(d.Remote.Addr()), e.limits.Unprotected) {
		return // anyone can send such requests: the counter has them all, the log need not
	}
	e.fail(now, f)
	e.effects.Events = append(e.effects.Events, Event{Kind: EventFailed, Time: now, Connection: f.Connection, Text: f.Reason, Failure: &f})
}

// answerInit sends the IKE_SA_INIT response. A public value that is none ends the matter in silence (IKE-049).
func (s *ikeSA) answerInit(now int64, m *message, r keyResult) {
	if r.err != nil {
		s.e.counters.BadKE++
		s.close(now, r.err)
		return
	}
	s.keys = r.keys
	h := s.header(wire.ExchangeSAInit, 0, true)
	ps := []wire.Payload{
		wire.SA{Proposals: s.setup.chosen}, wire.KE{Method: s.suite.KE.ID, Data: r.public}, wire.Nonce{Data: s.setup.nr},
	}
	ps = append(ps, s.e.natNotifies(h, s.outer.Local, s.outer.Remote, s.conn.ForceEncap)...)
	peers := peersOf(s.setup.candidates)
	if request, ok := auth.CertReq(peers...); ok {
		ps = append(ps, request)
	}
	ps = append(ps, s.announcements()...)
	if slices.ContainsFunc(s.setup.candidates, func(c *Connection) bool { return c.Childless != ChildlessNever }) {
		ps = append(ps, notify(wire.ChildlessIKEv2Supported, nil)) // CHL-001: in the response only
	}
	ps = append(ps, announceMethods(peers))
	out := wire.Message{Header: h, Payloads: ps}
	s.setup.init2, s.setup.chosen = out.Append(nil), nil
	s.state = stateHalfOpen
	s.replies.next, s.replies.sent = 1, [][]byte{s.setup.init2}
	s.resend(now, m.datagram)
}

// peersOf are the PAD entries of connections.
func peersOf(cs []*Connection) (peers []*auth.Peer) {
	for _, c := range cs {
		peers = append(peers, c.Them)
	}
	return peers
}

// announceMethods says how any of the peers may prove its identity (RFC 9593 3.2, AUA-002).
func announceMethods(peers []*auth.Peer) wire.Payload {
	var list []auth.Announcement
	for _, p := range peers {
		for _, a := range p.Announce() {
			same := func(b auth.Announcement) bool {
				return a.Method == b.Method && a.CertLink == b.CertLink && bytes.Equal(a.Algorithm, b.Algorithm)
			}
			if !slices.ContainsFunc(list, same) {
				list = append(list, a)
			}
		}
	}
	return notify(wire.SupportedAuthMethods, auth.AppendMethods(nil, list))
}
