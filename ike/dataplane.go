package ike

import "net/netip"

// Trigger is the packet that asks for a Child SA, local side first. Immutable value.
type Trigger struct {
	Protocol uint8
	Src, Dst netip.AddrPort // local, remote
}

// Acquire brings a Child SA up because a packet needs it; trigger may be nil. Unknown names are ignored: the policy that asked
// may be older than the configuration.
func (e *Engine) Acquire(now int64, connection, child string, trigger *Trigger) {
	c, ws, err := e.lookup(connection, child)
	if err != nil || e.stopping || !c.Peer.IsValid() && e.best(c) == nil {
		return
	}
	for i := range ws {
		ws[i].trigger = trigger
	}
	e.guard(now, nil, func() { e.bringUp(now, c, ws) })
}

// Resource says that an lcore has traffic of a bundle and no SA of its own (RFC 9611).
func (e *Engine) Resource(now int64, b BundleID, lcore int, trigger *Trigger) {
	e.guard(now, nil, func() { e.resource(now, b, lcore, trigger) })
}

// Limit says that an SA of the pair, in either direction, has reached a limit of octets, packets or sequence numbers: a soft
// one, in time for a rekey, or a hard one, after which it is not used.
func (e *Engine) Limit(now int64, spiIn uint32, hard bool) {
	if c := e.children[spiIn]; c != nil {
		s := c.sa
		e.guard(now, s, func() { s.limit(now, c, hard) })
	}
}

// Moved says that a fresh authentic packet of the pair came from another address or port than its bundle sends to. Only where
// the peer alone is behind a NAT does that move anything (RFC 7296 2.23, IKE-164).
func (e *Engine) Moved(now int64, spiIn uint32, from netip.AddrPort) {
	c := e.children[spiIn]
	if c == nil {
		return
	}
	if s := c.sa; s.outer.PeerBehindNAT && !s.outer.BehindNAT && s.follows(from) {
		e.guard(now, s, func() { s.moved(now, from) })
	}
}

// follows reports whether ESP from there says that the peer has moved. A peer that only pretends to be behind a NAT may send
// every SA from a port of its own (IKE-167); what gives it away is that IKE still comes from port 4500.
func (s *ikeSA) follows(from netip.AddrPort) bool {
	now := s.outer.Remote
	return from.Addr() != now.Addr() || from.Port() != now.Port() && now.Port() != portNATT
}

// LcoreDead says that the SAs on an lcore are lost (IKE-031).
func (e *Engine) LcoreDead(now int64, lcore int) {
	e.guard(now, nil, func() { e.lcoreDead(now, lcore) })
}

// UnknownSPI says that ESP came for an SPI that is not installed (IKE-142).
func (e *Engine) UnknownSPI(now int64, local, remote netip.AddrPort, spi uint32) {
	e.guard(now, nil, func() { e.unknownSPI(now, local, remote, spi) })
}
