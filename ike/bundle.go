package ike

import (
	"slices"

	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// bundle is the Child SAs of one peer that stand for each other: the fallback SA, the per-resource SAs beside it (RFC 9611)
// and what replaces them. Selectors and mode are those of the first SA and stay; suites may change when a lone SA is rekeyed.
// Owned by the engine's goroutine.
type bundle struct {
	id            BundleID
	sa            *ikeSA
	child         *Child
	local, remote []wire.Selector // negotiated
	mode          Mode
	peerFlags     byte // of the peer's USE_AGGFRAG
	suite         suite.ESP
	esn           bool
	shared        bool          // both ends said SA_RESOURCE_INFO: more SAs with these selectors are welcome
	ours          bool          // this end asked for its first SA
	full          bool          // the peer said TS_MAX_QUEUE; until one of the SAs is deleted (RSC-003)
	announced     bool          // OpenBundle was sent
	asks          map[int]int64 // by lcore: since when it wants an SA, at the original responder
	holds         int           // negotiations under way for it; it stays while there are any
	resources     uint32        // running number of SAs for resources, which is all that the peer learns of them (RSC-010)
}

// newBundle makes a bundle known, on behalf of its first SA.
func (s *ikeSA) newBundle(c *Child, local, remote []wire.Selector) *bundle {
	s.e.nextBundle++
	b := &bundle{id: s.e.nextBundle, sa: s, child: c, local: local, remote: remote}
	s.e.bundles[b.id] = b
	s.bundles = append(s.bundles, b)
	return b
}

// announce tells the data plane of the bundle, once.
func (s *ikeSA) announce(b *bundle) {
	if b.announced {
		return
	}
	b.announced = true
	s.operate(Operation{Kind: OpenBundle, Bundle: b.id, Child: b.child, Outer: s.outer,
		Local: b.local, Remote: b.remote, Mode: b.mode}, nil)
}

// release withdraws the bundle when nothing needs it any more.
func (s *ikeSA) release(b *bundle) {
	if b.holds > 0 || slices.ContainsFunc(s.children, func(c *childSA) bool { return c.bundle == b }) {
		return
	}
	if _, known := s.e.bundles[b.id]; !known {
		return
	}
	delete(s.e.bundles, b.id)
	s.bundles = slices.DeleteFunc(s.bundles, func(x *bundle) bool { return x == b })
	if b.announced {
		s.operate(Operation{Kind: CloseBundle, Bundle: b.id, Child: b.child}, nil)
	}
}

// members is the bundle's Child SAs that carry traffic or are about to. An SA and its rekey count once.
func (s *ikeSA) members(b *bundle) []*childSA {
	var live []*childSA
	for _, c := range s.children {
		if c.bundle == b && c.live() && (c.replaces == nil || !c.replaces.live()) {
			live = append(live, c)
		}
	}
	return live
}

// hasFallback says that an SA takes the traffic of lcores without one of their own.
func (s *ikeSA) hasFallback(b *bundle) bool {
	return slices.ContainsFunc(s.members(b), func(c *childSA) bool { return c.fallback })
}

// sameBundle is the bundle of that configuration whose selectors are these and that may be shared, nil when there is none.
func (s *ikeSA) sameBundle(c *Child, local, remote []wire.Selector) *bundle {
	for _, b := range s.bundles {
		if b.child == c && b.shared && sameSelectors(b.local, local) && sameSelectors(b.remote, remote) {
			return b
		}
	}
	return nil
}
