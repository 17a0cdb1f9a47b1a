package control

import (
	"slices"

	"stillwater/appliance/config"
	"stillwater/appliance/dataplane"
	"stillwater/appliance/spd"
	"stillwater/ike"
)

// bundle is what the data plane has of one bundle of Child SAs: a child index, selectors, a way to the peer, and which pair
// each lcore seals with.
//
// It is open until the engine closes it; then policy does not lead there any more. It is over when the lcores have seen that
// and hold no SA of it: only then its index may come to mean another bundle.
type bundle struct {
	id        ike.BundleID
	name      string // connection/child
	conn      int    // index into config.Connections
	child     int    // index into its Children
	index     uint32
	outer     ike.Outer
	mode      ike.Mode
	selectors []spd.Selector
	match     *spd.Selectors
	pairs     int     // that the lcores have, or are about to have, a half of
	sealing   []*pair // pairs whose outbound half is there: on each lcore the first seals
	since     uint64  // the generation that gives index its meaning
	closed    bool
	unlinked  bool // every lcore uses a policy that does not lead here
	over      bool
	touched   bool // in draft.bundles
}

// refs writes the row of a bundle: every lcore seals with its own SA, else with the fallback SA's, else with that of the
// lowest lcore which has one (RFC 9611 4). Which one that is does not change by a rekey.
func (b *bundle) refs(row []dataplane.OutRef) {
	other := dataplane.NoSA
	for l := range row {
		row[l] = dataplane.NoSA
	}
	for _, p := range slices.Backward(b.sealing) {
		row[p.lcore] = dataplane.OutRef{Lcore: uint8(p.lcore), Slot: p.out.slot}
		if p.fallback {
			other = row[p.lcore]
		}
	}
	for l := 0; l < len(row) && other == dataplane.NoSA; l++ {
		other = row[l]
	}
	for l := range row {
		if row[l] == dataplane.NoSA {
			row[l] = other
		}
	}
}

// seal puts a pair into use. It takes the place of the one that it replaces, and no other's: where both ends have asked for
// an SA of the same lcore there are two, and a flow that changed between them could overtake itself, since the peer receives
// them on different lcores.
func (b *bundle) seal(p *pair, replaces *pair) {
	i := slices.Index(b.sealing, replaces)
	if replaces == nil || i < 0 {
		i = len(b.sealing)
	}
	b.sealing = slices.Insert(b.sealing, i, p)
}

// unseal takes a pair out of use. What it had replaced seals again, should that still be there.
func (b *bundle) unseal(p *pair) {
	b.sealing = slices.DeleteFunc(b.sealing, func(x *pair) bool { return x == p })
}

// indexes hands out child indexes. A freed one is used again only after every lcore has left the generations that had it.
type indexes struct {
	next uint32
	free []uint32
}

func (x *indexes) take() uint32 {
	if n := len(x.free); n > 0 {
		i := x.free[n-1]
		x.free = x.free[:n-1]
		return i
	}
	x.next++
	return x.next - 1
}

func (x *indexes) give(i uint32) { x.free = append(x.free, i) }

// trap is the child index of a configured child that has no SA yet: its policy entry leads there and the packet asks for one.
type trap struct{ conn, child int }

// childOf returns the configuration of a bundle.
func (c *Core) childOf(b *bundle) *config.ConnectionChild {
	return &c.cfg.Connections[b.conn].Children[b.child]
}
