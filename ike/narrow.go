package ike

import (
	"net/netip"
	"slices"

	"stillwater/ike/wire"
)

// maxSelectors bounds the selectors of one payload (LIM-04).
const maxSelectors = 32

// narrow is the responder's choice of one side's traffic selectors (RFC 7296 2.9): all of what was proposed that the policy
// allows, in the order proposed, so that the initiator's first choice is in it when it can be; nil: nothing is acceptable.
// What lies within another selector of the result is left out: the wide one says it all.
func narrow(policy, proposed []wire.Selector) []wire.Selector {
	var common []wire.Selector
	for _, p := range proposed {
		for _, own := range policy {
			if s, ok := intersect(own, p); ok {
				common = append(common, s)
			}
		}
	}
	common = minimal(common)
	return common[:min(len(common), maxSelectors)]
}

// minimal is the selectors without those that lie within another one; of equal ones the first stays.
func minimal(all []wire.Selector) []wire.Selector {
	var kept []wire.Selector
	for i, s := range all {
		within := func(j int) bool { return contains(all[j], s) && (j < i || !contains(s, all[j])) }
		redundant := false
		for j := range all {
			redundant = redundant || j != i && within(j)
		}
		if !redundant {
			kept = append(kept, s)
		}
	}
	return kept
}

// intersect is what two selectors have in common.
func intersect(a, b wire.Selector) (s wire.Selector, ok bool) {
	if a.First.Is4() != b.First.Is4() || a.Protocol != b.Protocol && a.Protocol != 0 && b.Protocol != 0 {
		return s, false
	}
	s.Protocol = max(a.Protocol, b.Protocol)
	s.First, s.Last = later(a.First, b.First), earlier(a.Last, b.Last)
	s.StartPort, s.EndPort, ok = commonPorts(a, b)
	return s, ok && s.First.Compare(s.Last) <= 0
}

// commonPorts intersects port ranges. OPAQUE, 65535 to 0, is the packets whose ports cannot be seen: any port covers it, no
// narrower range does (RFC 4301 4.4.1.1).
func commonPorts(a, b wire.Selector) (first, last uint16, ok bool) {
	switch {
	case anyPort(a):
		return b.StartPort, b.EndPort, true
	case anyPort(b):
		return a.StartPort, a.EndPort, true
	case opaque(a) || opaque(b):
		return a.StartPort, a.EndPort, opaque(a) && opaque(b)
	}
	first, last = max(a.StartPort, b.StartPort), min(a.EndPort, b.EndPort)
	return first, last, first <= last
}

func anyPort(s wire.Selector) bool { return s.StartPort == 0 && s.EndPort == 0xFFFF }
func opaque(s wire.Selector) bool  { return s.StartPort > s.EndPort }

// contains says that all of narrow lies within wide.
func contains(wide, narrow wire.Selector) bool {
	s, ok := intersect(wide, narrow)
	return ok && s == narrow
}

// covered says that every packet of narrow is one of wide, several adjacent ranges of wide taken together.
func covered(narrow, wide []wire.Selector) bool {
	return !slices.ContainsFunc(narrow, func(s wire.Selector) bool { return !coveredOne(s, wide) })
}

// coveredOne walks the addresses of s from range to range; each step passes a whole range, so it ends.
func coveredOne(s wire.Selector, wide []wire.Selector) bool {
	for {
		rest := s
		rest.Last = rest.First
		i := slices.IndexFunc(wide, func(w wire.Selector) bool { return contains(w, rest) })
		if i < 0 {
			return false
		}
		if wide[i].Last.Compare(s.Last) >= 0 {
			return true
		}
		s.First = wide[i].Last.Next()
	}
}

// sameSelectors says that two sets of selectors are about the same packets.
func sameSelectors(a, b []wire.Selector) bool { return covered(a, b) && covered(b, a) }

// particular is the selectors of the packet that asks for an SA, this end's and the peer's: they stand first in TSi and TSr
// (RFC 7296 2.9).
func (t *Trigger) particular() (local, remote wire.Selector) {
	one := func(p netip.AddrPort) wire.Selector {
		return wire.Selector{Protocol: t.Protocol, StartPort: p.Port(), EndPort: p.Port(), First: p.Addr().Unmap(), Last: p.Addr().Unmap()}
	}
	local, remote = one(t.Src), one(t.Dst)
	if t.Protocol == 0 || t.Src.Port() == 0 && t.Dst.Port() == 0 {
		// RFC 7296 3.13.1: without a protocol, or with one that has no ports, there are none to tell.
		local.StartPort, local.EndPort, remote.StartPort, remote.EndPort = 0, 0xFFFF, 0, 0xFFFF
	}
	return local, remote
}

func earlier(a, b netip.Addr) netip.Addr {
	if a.Compare(b) <= 0 {
		return a
	}
	return b
}

func later(a, b netip.Addr) netip.Addr {
	if a.Compare(b) >= 0 {
		return a
	}
	return b
}
