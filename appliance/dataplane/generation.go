package dataplane

import (
	"net/netip"
	"slices"

	"stillwater/appliance/spd"
)

// Child is what the data plane knows of a Child SA beside its keys: its selectors and where its outer packets leave.
type Child struct {
	Name      string
	Selectors *spd.Selectors // inbound check of every inner packet (RFC 4301 5.2)
	Egress    spd.Adjacency  // link header and port towards the peer's outer address
	NextHop   netip.Addr     // who to ask control for while Egress is not Valid; zero: nobody
	MTU       int            // largest outer packet, octets
	VRF       uint16         // where inner packets are routed
	// Acquire and PerResource let inner packets ask for SAs: the first one, and one for each lcore (RFC 9611). Of a constant
	// connection neither: what it does must not depend on what it carries (DESIGN.md 8).
	Acquire     bool
	PerResource bool
	// Since is the number of the generation in which this index came to mean this child. A packet that an earlier generation
	// gave to the index is not sealed for another peer.
	Since uint64
}

// OutRef says which lcore seals for a Child SA and in which slot of its table; Slot is noSlot where there is no SA yet.
type OutRef struct {
	Lcore uint8
	Slot  uint32
}

// noSlot marks the absence of an SA.
const noSlot = ^uint32(0)

// NoSA is the OutRef of a child that has none.
var NoSA = OutRef{Slot: noSlot}

// Generation is the read-mostly state that all lcores share: immutable once published, replaced as a whole, loaded once
// per step. A worker publishes the number of the generation it has seen, so that control knows when an old one is unused.
type Generation struct {
	Number   uint64
	Policy   *spd.DB
	Routes   *spd.Routes
	Children []Child
	Local    []netip.Addr // the appliance's own addresses
	Perm     Permutation
	Buckets  Buckets
	// Out has, for child c and lcore l, the SA to seal with at c*lcores+l. An lcore without an SA of its own is pointed at
	// the owner of the fallback SA (RFC 9611 4).
	Out    []OutRef
	lcores int

	local4 []uint32 // Local, in the form the classifier compares
	local6 [][16]byte
}

// NewGeneration completes g for a data plane of lcores lcores: Out grows to its size with NoSA, addresses get their fast
// form. g must not be changed afterwards.
func NewGeneration(g Generation, lcores int) *Generation {
	g.lcores, g.local4, g.local6 = lcores, nil, nil
	refs := len(g.Children) * lcores
	g.Out = slices.Grow(g.Out, max(refs-len(g.Out), 0))
	for len(g.Out) < refs {
		g.Out = append(g.Out, NoSA)
	}
	for _, a := range g.Local {
		if a = a.Unmap(); a.Is4() {
			b := a.As4()
			g.local4 = append(g.local4, be32(b[:]))
		} else {
			g.local6 = append(g.local6, a.As16())
		}
	}
	return &g
}

// Next returns a copy of g with the next number, to be changed and handed to NewGeneration: its Children and Out are its own.
// An index of Children keeps its meaning as long as an SA is installed with it; in between are holes, zero Children, whose
// packets are dropped.
func (g *Generation) Next() Generation {
	n := *g
	n.Number++
	n.Children, n.Out = slices.Clone(g.Children), slices.Clone(g.Out)
	return n
}

// out returns the SA that lcore seals with for child; NoSA for a child that this generation no longer has, because a packet
// may have met an earlier one and waited in a hand-off ring.
func (g *Generation) out(child uint32, lcore int) OutRef {
	i := uint64(child)*uint64(g.lcores) + uint64(lcore)
	if i >= uint64(len(g.Out)) {
		return NoSA
	}
	return g.Out[i]
}

// noChild stands for children that a generation does not have: nothing matches its selectors and it leads nowhere.
var noChild Child

// child returns the description of a child. An SA whose child has gone from the generation before it was removed drops what
// it carries instead of ending its lcore.
func (g *Generation) child(i uint32) *Child {
	if uint64(i) >= uint64(len(g.Children)) {
		return &noChild
	}
	return &g.Children[i]
}

// toUs reports whether an IP packet, its fixed header checked, is for the appliance itself: one of its addresses, or
// multicast or broadcast, which it never forwards. It has a handful of addresses, so a loop over them beats a map.
func (g *Generation) toUs(ip []byte) bool {
	if ip[0]>>4 == 4 {
		dst := be32(ip[16:])
		if dst>>28 >= 0xe {
			return true
		}
		return slices.Contains(g.local4, dst)
	}
	if ip[24] == 0xff {
		return true
	}
	for i := range g.local6 {
		if string(g.local6[i][:]) == string(ip[24:40]) {
			return true
		}
	}
	return false
}

// emptyPolicy and emptyRoutes are what a data plane runs with before its first generation: everything is discarded.
func emptyPolicy() *spd.DB {
	db, err := spd.New(nil)
	if err != nil {
		panic("dataplane: empty policy: " + err.Error())
	}
	return db
}

func emptyRoutes() *spd.Routes {
	r, err := spd.NewRoutes(nil, nil, nil)
	if err != nil {
		panic("dataplane: empty routes: " + err.Error())
	}
	return r
}
