package ike

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"stillwater/ike/wire"
)

// hintPause is the least time between two reactions of an SA to hints: a message about an SPI, a rekey for one (LIM-15).
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
	if _, known := e.children[spi]; known {
		return // about to be installed, or just removed
	}
	var best *ikeSA
	for _, s := range e.sas {
		if s.state == stateEstablished && s.outer.Remote.Addr() == remote.Addr() && (best == nil || s.better(best)) {
			best = s
		}
	}
	if best != nil && best.astray(now, spi) && best.permitHint(now) {
		e.guard(now, best, func() { best.enqueue(now, &invalidSPITask{best, spi}) })
	}
}

// stray is an SPI of ours that ESP came for though it was not installed.
type stray struct {
	spi   uint32
	since int64 // first report; strayGone: the SA was deleted, and there has been none yet
}

const strayGone = -1

// What is still on its way, to an SA that is deleted or not yet installed, is no reason to bother the peer: so long a report
// has to go on. Only the latest SPIs are remembered.
const (
	strayTime = 2 * time.Second
	goneTime  = 10 * time.Second
	strays    = 8
)

// astray says that packets have come for an unknown SPI for so long that the peer has to be told.
func (s *ikeSA) astray(now int64, spi uint32) bool {
	i := slices.IndexFunc(s.strays, func(x stray) bool { return x.spi == spi })
	if i < 0 {
		s.remember(stray{spi, now})
		return false
	}
	if s.strays[i].since == strayGone {
		s.strays[i].since = now + int64(goneTime-strayTime)
	}
	return now-s.strays[i].since >= int64(strayTime)
}

func (s *ikeSA) remember(x stray) {
	if len(s.strays) == strays {
		s.strays = slices.Delete(s.strays, 0, 1)
	}
	s.strays = append(s.strays, x)
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

// missAge is how old an SA has to be for the peer to miss it: before that the peer's own installation may be under way.
const missAge = 10 * time.Second

// peerMisses reacts to the peer's INVALID_SPI, which is a hint: an SA that this end sends on and the peer does not have. A
// rekey makes the peer say so for certain, and puts another one in its place (IKE-144).
func (s *ikeSA) peerMisses(now int64, n *wire.Notify) {
	if len(n.Data) != 4 {
		return
	}
	for _, c := range s.children {
		if c.phase == childUp && c.spiOut == binary.BigEndian.Uint32(n.Data) && now-c.created >= int64(missAge) && s.permitHint(now) {
			s.rekeyOne(now, c)
			return
		}
	}
}
