package ike

import (
	"fmt"

	"stillwater/crypto/ke"
	"stillwater/ike/wire"
)

// handleCreateChild answers CREATE_CHILD_SA (RFC 7296 1.3): a new Child SA, the rekey of one, or the rekey of the IKE SA.
func handleCreateChild(s *ikeSA, now int64, m *message) {
	s.decideFor(now)
	first, rekey := m.sa().Proposals[0], m.notify(wire.RekeySA)
	switch {
	case first.Number != 1:
		s.refuse(now, m, broken(wire.PayloadSA, "expected proposals numbered in order from 1", int(first.Number)))
	case first.Protocol == wire.ProtoIKE:
		s.answerRekeyIKE(now, m)
	case m.tsi() == nil:
		s.refuse(now, m, broken(wire.PayloadTSi, "expected traffic selectors for a Child SA", 0))
	case rekey != nil:
		s.answerRekey(now, m, rekey)
	case s.ruling(requestCreate) != proceed:
		s.replyError(now, wire.TemporaryFailure)
	default:
		s.answerChildRequest(now, m, childOptions{})
	}
}

// answerRekey answers the rekey of a Child SA by the tables of RFC 7296 2.25.
func (s *ikeSA) answerRekey(now int64, m *message, n *wire.Notify) {
	var old *childSA
	if n.Protocol == wire.ProtoESP {
		old = s.childByPeer(n.SPI)
	}
	if s.refuseRekey(now, n, old) {
		return
	}
	s.answerChildRequest(now, m, childOptions{replaces: old})
}

// refuseRekey answers the rekey of an SA that cannot be rekeyed now or at all.
func (s *ikeSA) refuseRekey(now int64, n *wire.Notify, old *childSA) bool {
	ruling := s.ruling(requestRekey)
	if ruling == proceed {
		ruling = childRuling(requestRekey, old)
	}
	switch ruling {
	case temporaryFailure:
		s.replyError(now, wire.TemporaryFailure)
	case childNotFound:
		s.reply(now, wire.Notify{Protocol: n.Protocol, SPI: n.SPI, Notify: wire.ChildSANotFound})
	}
	return ruling != proceed
}

// answerChildRequest makes the Child SA, by way of a worker where there is a key exchange.
func (s *ikeSA) answerChildRequest(now int64, m *message, o childOptions) {
	s.peerWentOn(now)
	a, no := s.considerChild(m, o)
	if no != nil {
		s.deny(now, m, no)
		s.replyError(now, no.notify, no.data...)
		return
	}
	if !a.keyed() {
		a.give(now, m, nil)
		return
	}
	peer := *m.ke()
	s.work(func() any { return respond(peer) }, func(now int64, result any) {
		r := result.(response)
		if r.err != nil {
			a.drop()
			s.badValue(now, m, r.err)
			return
		}
		a.give(now, m, &r)
	})
}

// response is what a worker makes of a KE payload.
type response struct {
	ke     wire.KE
	secret []byte
	err    error
}

func respond(peer wire.KE) response {
	public, secret, err := ke.Respond(peer.Method, peer.Data)
	return response{wire.KE{Method: peer.Method, Data: public}, secret, err}
}

// badValue ends the IKE SA over a public value that is none (RFC 6989 2.5, IKE-049).
func (s *ikeSA) badValue(now int64, m *message, err error) {
	s.e.counters.BadKE++
	s.failed(now, Failure{Stage: m.exchange.String(), Notify: wire.InvalidSyntax, Reason: err.Error()})
	s.replyError(now, wire.InvalidSyntax)
	s.close(now, fmt.Errorf("the peer's public value: %w", err))
}

// give installs and answers, unless the SA that was to be rekeyed has gone while the worker worked.
func (a *childAnswer) give(now int64, m *message, r *response) {
	s := a.s
	if n := m.notify(wire.RekeySA); n != nil && s.refuseRekey(now, n, a.o.replaces) {
		a.drop()
		return
	}
	nr := s.e.nonce(s.prf.Len())
	var secret []byte
	var k *wire.KE
	if r != nil {
		secret, k = r.secret, &r.ke
	}
	a.install(now, m.nonce().Data, nr, secret, func(now int64, ps []wire.Payload) {
		s.reply(now, withKeys(ps, nr, k)...)
	})
}
