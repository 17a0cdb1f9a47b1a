package ike

import (
	"crypto/sha256"
	"errors"
	"net/netip"

	"stillwater/ike/wire"
)

// Receive takes one datagram off the network. d.Data, without the non-ESP marker, belongs to the engine afterwards.
//
//  1. the header is read; a higher major version is answered, anything that is no IKEv2 dropped
//  2. the SA is found by this end's SPI and the I flag; an IKE_SA_INIT request without one begins another
//  3. message ID and exchange are compared with what the SA expects, before any cryptography (HAZ-06)
//  4. the message is verified and decrypted; fragments are collected
//  5. its payloads are checked against the table of the exchange
//  6. the task or handler gets it
func (e *Engine) Receive(now int64, d Datagram) {
	if d.Keepalive {
		return // RFC 3948 4: has done its work in the NAT
	}
	d.Local, d.Remote = unmapped(d.Local), unmapped(d.Remote)
	h, err := wire.ParseHeader(d.Data)
	switch {
	case err != nil:
		e.counters.Malformed++
	case h.Major() != wire.Version>>4:
		e.otherVersion(now, d, h)
	default:
		s := e.find(h)
		e.guard(now, s, func() { e.receive(now, s, d, h) })
	}
}

// unmapped takes an IPv4 address out of the form that dual-stack sockets give it.
func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// find is the SA that a header names. The I flag says which SPI is ours; a flipped one finds nothing (IKE-005).
func (e *Engine) find(h wire.Header) *ikeSA {
	own, peer := h.SPIi, h.SPIr
	if h.FromInitiator() {
		own, peer = peer, own
	}
	s := e.sas[own]
	if s == nil || s.initiator == h.FromInitiator() || s.remoteSPI() != 0 && s.remoteSPI() != peer {
		return nil
	}
	return s
}

func (e *Engine) receive(now int64, s *ikeSA, d Datagram, h wire.Header) {
	switch {
	case s == nil && h.Exchange == wire.ExchangeSAInit && opensSA(h):
		e.receiveInit(now, d, h)
	case s == nil:
		e.unknownSA(now, d, h)
	case h.Response():
		s.receiveResponse(now, d, h)
	default:
		s.receiveRequest(now, d, h)
	}
}

// opensSA reports whether an IKE_SA_INIT message may begin an SA: IKE-003, IKE-020.
func opensSA(h wire.Header) bool {
	return h.SPIr == 0 && !h.Response() && h.FromInitiator() && h.MessageID == 0
}

// receiveResponse takes the answer to the request that is out; anything else is dropped.
func (s *ikeSA) receiveResponse(now int64, d Datagram, h wire.Header) {
	r := &s.requests
	if !r.out || h.MessageID != r.next || h.Exchange != r.current.exchange() {
		s.e.counters.Unexpected++
		return
	}
	if h.Exchange == wire.ExchangeSAInit {
		s.receiveInitResponse(now, d, h)
		return
	}
	m, err := s.open(now, d, h, &r.answer)
	if m == nil {
		return
	}
	s.heard(now, d)
	s.answered(now, m, err)
}

// receiveRequest takes the peer's next request, or answers its last one again.
func (s *ikeSA) receiveRequest(now int64, d Datagram, h wire.Header) {
	r := &s.replies
	switch {
	case s.state != stateFailed && h.MessageID == r.next && r.handling == nil && allowed(s.state, h.Exchange):
		s.takeRequest(now, d, h)
	case h.MessageID+1 == r.next && r.sent != nil:
		s.repeated(now, d, h)
	default:
		s.e.counters.Unexpected++
	}
}

func (s *ikeSA) takeRequest(now int64, d Datagram, h wire.Header) {
	r := &s.replies
	m, err := s.open(now, d, h, &r.asm)
	if m == nil {
		return
	}
	s.heard(now, d)
	r.handling = m
	if err != nil {
		s.refuse(now, m, err)
		return
	}
	s.handle(now, m)
}

// handle gives a request to whoever answers its exchange.
func (s *ikeSA) handle(now int64, m *message) {
	switch m.exchange {
	case wire.ExchangeAuth:
		handleAuth(s, now, m)
	case wire.ExchangeCreateChildSA:
		handleCreateChild(s, now, m)
	case wire.ExchangeInformational:
		handleInformational(s, now, m)
	}
}

// allowed is the table of exchanges that a peer may begin in a state (IKE-017). Nothing but IKE_AUTH comes before
// authentication, which is all that keeps a CREATE_CHILD_SA from establishing an SA nobody has proven (HAZ-07).
func allowed(st state, x wire.ExchangeType) bool {
	switch st {
	case stateHalfOpen:
		return x == wire.ExchangeAuth
	case stateEstablished, stateReplaced, stateClosing:
		return x == wire.ExchangeCreateChildSA || x == wire.ExchangeInformational
	}
	return false
}

// refuse answers an authentic request that cannot be used. Broken syntax is the end of the SA on both sides, and during
// IKE_AUTH so is a critical payload that is not known (RFC 7296 2.21.2, 2.21.3; IKE-102).
func (s *ikeSA) refuse(now int64, m *message, err error) {
	s.e.counters.Malformed++
	answer := wire.Notify{Notify: wire.InvalidSyntax}
	if bad := (*wire.Error)(nil); errors.As(err, &bad) && bad.Notify != 0 {
		answer = bad.Answer()
	}
	s.failed(now, Failure{Stage: m.exchange.String(), Notify: answer.Notify, Reason: err.Error()})
	s.reply(now, answer)
	switch {
	case m.exchange == wire.ExchangeAuth:
		s.refused(now)
	case answer.Notify == wire.InvalidSyntax:
		s.close(now, err)
	}
}

// repeated answers a request that was answered before: when it is the same octet by octet or, after fragments, when it is
// an authentic fragment 1 (RFC 7383 2.6.1, FRG-006), so that others cost nothing.
func (s *ikeSA) repeated(now int64, d Datagram, h wire.Header) {
	if sha256.Sum256(d.Data) == s.replies.request || s.authenticFirst(d, h) {
		s.e.counters.Repeated++
		s.resend(now, d)
		return
	}
	s.e.counters.Unexpected++
}

// heard notes an authentic message that is not a repetition. Where the peer is behind a NAT and this end is not, its address
// may have changed (RFC 7296 2.23, IKE-164).
func (s *ikeSA) heard(now int64, d Datagram) {
	s.lastSeen = now
	if s.state >= stateEstablished && s.outer.PeerBehindNAT && !s.outer.BehindNAT && d.Remote != s.outer.Remote {
		s.moved(now, d.Remote)
	}
}
