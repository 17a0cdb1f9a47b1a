package ike

import (
	"encoding/binary"
	"net/netip"
	"time"

	"stillwater/ike/wire"
)

// hintPause is the least time between two reactions of an SA to hints (LIM-15).
const hintPause = 30 * time.Second

// permitHint says that a hint may be acted on, and that none may for a while.
func (s *ikeSA) permitHint(now int64) bool {
	if s.hinted != 0 && now-s.hinted < int64(hintPause) {
		return false
	}
	s.hinted = now
	return true
}

// unknownSPI tells a peer that sends ESP which this end does not know, inside an IKE SA with it; without one nobody is told
// (RFC 7296 1.5, IKE-142).
func (e *Engine) unknownSPI(now int64, _, remote netip.AddrPort, spi uint32) {
	if !e.hints.permit(now, prefixOf(remote.Addr()), e.limits.Unprotected) {
		return
	}
	var best *ikeSA
	for _, s := range e.sas {
		if s.state == stateEstablished && s.outer.Remote.Addr() == remote.Addr() && (best == nil || s.better(best)) {
			best = s
		}
	}
	if best != nil && best.permitHint(now) {
		e.guard(now, best, func() { best.enqueue(now, &invalidSPITask{best, spi}) })
	}
}

// invalidSPITask is that message.
type invalidSPITask struct {
	s   *ikeSA
	spi uint32
}

func (t *invalidSPITask) exchange() wire.ExchangeType { return wire.ExchangeInformational }

func (t *invalidSPITask) start(now int64) {
	t.s.request(now, notify(wire.InvalidSPI, binary.BigEndian.AppendUint32(nil, t.spi)))
}

func (t *invalidSPITask) answer(now int64, _ *message) { t.s.done(now) }
func (t *invalidSPITask) fail(int64, error)            {}

// peerMisses reacts to the peer's INVALID_SPI: an SA that this end sends on and the peer does not have. A rekey makes the
// peer say so for certain, and puts another one in its place (IKE-144).
func (s *ikeSA) peerMisses(now int64, n *wire.Notify) {
	if len(n.Data) != 4 {
		return
	}
	for _, c := range s.children {
		if c.phase == childUp && c.spiOut == binary.BigEndian.Uint32(n.Data) && s.permitHint(now) {
			s.rekeyOne(now, c)
			return
		}
	}
}
