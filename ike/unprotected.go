package ike

import (
	"time"

	"stillwater/ike/wire"
)

// rate bounds answers to what nobody has authenticated (LIM-14): so many per second in all, one per second and peer.
type rate struct {
	second  int64
	sent    int
	perPeer map[prefix]int64
}

// permit reports whether one more may leave to the peer. It remembers no more peers than it permits in a second.
func (r *rate) permit(now int64, to prefix, most int) bool {
	if second := now / int64(time.Second); second != r.second {
		r.second, r.sent = second, 0
		clear(r.perPeer)
	}
	if _, again := r.perPeer[to]; again || r.sent >= most {
		return false
	}
	r.sent++
	r.perPeer[to] = now
	return true
}

// otherVersion answers a message of a higher major version, in version 2, so that its sender can fall back (RFC 7296 2.5).
// IKEv1 gets silence.
func (e *Engine) otherVersion(now int64, d Datagram, h wire.Header) {
	e.counters.OtherVersion++
	if h.Major() > wire.Version>>4 && !h.Response() {
		e.answerUnprotected(now, d, h, wire.InvalidMajorVersion)
	}
}

// unknownSA answers a request that names no SA (RFC 7296 2.21.4). Responses get silence (IKE-006), and so do requests of
// IKE_SA_INIT, which would begin one were they sound.
func (e *Engine) unknownSA(now int64, d Datagram, h wire.Header) {
	e.counters.UnknownSA++
	if !h.Response() && h.Exchange != wire.ExchangeSAInit {
		e.answerUnprotected(now, d, h, wire.InvalidIKESPI)
	}
}

// answerUnprotected sends one notification in the clear, with the SPIs, exchange and message ID of the request.
func (e *Engine) answerUnprotected(now int64, d Datagram, h wire.Header, n wire.NotifyType) {
	if !e.hints.permit(now, prefixOf(d.Remote.Addr()), e.limits.Unprotected) {
		return
	}
	e.answerClear(d, h, notify(n, nil))
}

// answerClear sends an unprotected response to a request for which there is no SA.
func (e *Engine) answerClear(d Datagram, h wire.Header, ps ...wire.Payload) {
	flags := wire.FlagResponse
	if !h.FromInitiator() {
		flags |= wire.FlagInitiator
	}
	m := wire.Message{Header: wire.Header{
		SPIi: h.SPIi, SPIr: h.SPIr, Version: wire.Version, Exchange: h.Exchange, Flags: flags, MessageID: h.MessageID,
	}, Payloads: ps}
	e.send(Datagram{Local: d.Local, Remote: d.Remote, Data: m.Append(nil)})
}
