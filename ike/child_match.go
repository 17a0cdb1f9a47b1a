package ike

import (
	"net/netip"

	"stillwater/ike/wire"
)

// matchChild finds the configured child that fits best: one that takes all that is proposed before one that takes the first
// selectors, before one that takes anything (RFC 7296 2.9); the order of the configuration decides among equals.
func (a *childAnswer) matchChild(ours, theirs []wire.Selector) {
	claimed := a.s.claimable(theirs)
	best := 0
	for _, c := range a.s.conn.Children {
		local, remote := narrow(c.Local, ours), narrow(c.Remote, claimed)
		if len(local) == 0 || len(remote) == 0 {
			continue
		}
		if fit := fitness(local, ours) + fitness(remote, theirs); fit > best {
			best, a.child, a.local, a.remote = fit, c, local, remote
		}
	}
}

// fitness is how much of what was proposed is taken: all, at least the first selector, or some.
func fitness(taken, proposed []wire.Selector) int {
	switch {
	case covered(proposed, taken):
		return 3
	case covered(proposed[:1], taken):
		return 2
	}
	return 1
}

// claimable is the part of the peer's selectors that its identity may claim (RFC 4301 4.4.3.2).
func (s *ikeSA) claimable(theirs []wire.Selector) []wire.Selector {
	allowed := s.conn.Them.Addresses
	if allowed == nil {
		return theirs
	}
	ranges := make([]wire.Selector, len(allowed))
	for i, p := range allowed {
		ranges[i] = wire.Selector{EndPort: 0xFFFF, First: p.Masked().Addr(), Last: lastOf(p)}
	}
	return narrow(ranges, theirs)
}

// lastOf is the highest address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}
