package control

import (
	"stillwater/appliance/config"
	"stillwater/appliance/dataplane"
	"stillwater/appliance/spd"
	"stillwater/ike"
)

// bundle is what the data plane has of one bundle of Child SAs: a child index, selectors, a way to the peer, and which pair
// each lcore seals with.
type bundle struct {
	id        ike.BundleID
	conn      int // index into config.Connections
	child     int // index into its Children
	index     uint32
	outer     ike.Outer
	mode      ike.Mode
	selectors []spd.Selector
	match     *spd.Selectors
	pairs     map[uint32]*pair // by inbound SPI
	out       []uint32         // by lcore: inbound SPI of the pair that seals there, 0: none
	fallback  uint32           // inbound SPI of the pair that seals for the other lcores
	since     uint64           // the generation that gave index its meaning
}

// pair is one installed SA pair.
type pair struct {
	bundle        *bundle
	spiIn, spiOut uint32
	lcore         int
	suite         string
	inSlot        uint32
	outSlot       uint32
	hasIn, hasOut bool
	sends         bool // every lcore knows that its outbound half is there
	out           dataplane.SA // the outbound half without its keys, for Redirect
}

// refs writes the row of a bundle: every lcore seals with its own SA, else with the fallback SA's, else with any
// (RFC 9611 4).
func (b *bundle) refs(row []dataplane.OutRef) {
	other := dataplane.NoSA
	for _, spi := range b.out {
		if p := b.pairs[spi]; p != nil && p.hasOut {
			other = dataplane.OutRef{Lcore: uint8(p.lcore), Slot: p.outSlot}
			break
		}
	}
	if p := b.pairs[b.fallback]; p != nil && p.hasOut {
		other = dataplane.OutRef{Lcore: uint8(p.lcore), Slot: p.outSlot}
	}
	for l := range row {
		row[l] = other
		if p := b.pairs[b.out[l]]; p != nil && p.hasOut {
			row[l] = dataplane.OutRef{Lcore: uint8(p.lcore), Slot: p.outSlot}
		}
	}
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
