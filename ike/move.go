package ike

import "net/netip"

// moved follows a peer behind a NAT to where an authentic packet of it came from (RFC 7296 2.23, IKE-164): messages and all
// ESP go there from now on.
func (s *ikeSA) moved(now int64, from netip.AddrPort) {
	s.outer.Remote = from
	for _, b := range s.bundles {
		if b.announced {
			s.operate(Operation{Kind: MoveBundle, Bundle: b.id, Child: b.child, Outer: s.outer}, nil)
		}
	}
	s.event(now, Event{Kind: EventNote, Text: "the peer moved to " + from.String()})
}
