package dataplane

import (
	"net/netip"
	"slices"
	"testing"

	"stillwater/appliance/spd"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// TestTooBig: a packet above the MTU of its egress, or of a plain tunnel, ends with a verdict; AGGFRAG carries it.
func TestTooBig(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.connect(tunnelSA, 0x1000)
	// Outer 20, ESP 8, IV 8, trailer 2, ICV 16, and text in multiples of 4: 1446 octets fit 1500.
	fits, over := numbered(addrA.host, addrB.host, 1446, 1), patch(numbered(addrA.host, addrB.host, 1447, 2), 6, 0x40, 0)
	r.hostA.send(fits, over)
	r.steps(3, 1e6)
	wantPackets(t, r.hostB.receive(), [][]byte{hop(hop(fits))})
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.TooBig: 1})

	r = newRig(t, rigConfig{})
	r.connect(aggregateSA, 0x1000)
	r.hostA.send(numbered(addrA.host, addrB.host, 1500, 1), patch(numbered(addrA.host, addrB.host, 1501, 2), 6, 0x40, 0))
	r.steps(3, 1e6)
	if got := idsOf(r.hostB.receive()); !slices.Equal(got, []uint32{1}) {
		t.Errorf("delivered %v, expected the packet of 1500 octets alone: the other exceeds the MTU inside", got)
	}
	wantVerdicts(t, r.a.total(), nil)
	if got := r.b.total().Verdicts[mbuf.TooBig]; got != 1 {
		t.Errorf("%d too big at b, expected 1", got)
	}
}

// TestForwardCut: a packet above the MTU of the port it leaves by goes in fragments where its sender allows that (RFC 1812
// 4.2.2.7), with the TTL of one hop less.
func TestForwardCut(t *testing.T) {
	r := newHalfRig(t, rigConfig{ethernet: true})
	peer := r.openPeer()
	r.a.setPolicy(entryTo("203.0.113.0/24", spd.Bypass, 0))
	p := numbered(addrA.host, "203.0.113.1", 4000, 1)
	r.hostA.send(onLink(pmd.Ethernet, p))
	r.steps(2, 1e6)
	whole := hop(p)[:20]
	for i, f := range offLink(pmd.Ethernet, peer.receive()) {
		if len(f) > 1500 || f[8] != p[8]-1 || int(be16(f[6:])&offsetMask)*8 != len(whole)-20 || (be16(f[6:])&flagMF != 0) != (i < 2) {
			t.Errorf("fragment %d: %x", i, f[:20])
		}
		whole = append(whole, f[20:]...)
	}
	if !slices.Equal(whole, hop(p)) {
		t.Errorf("%d octets arrived, expected the %d of the packet", len(whole), len(p))
	}
	wantVerdicts(t, r.a.total(), nil)
}

// onlyOutside routes one prefix to the outside port, where no neighbour is known.
func onlyOutside(t testing.TB, prefix string) *spd.Routes {
	t.Helper()
	routes, err := spd.NewRoutes([]spd.Route{{Prefix: netip.MustParsePrefix(prefix), Port: outsidePort}}, nil,
		[]spd.Egress{{Port: insidePort, MTU: 1500}, {Port: outsidePort, MTU: 1500}})
	must(t, err)
	return routes
}

// TestNoNeighbour: nothing is sent to a next hop without link address, neither in the clear nor sealed.
func TestNoNeighbour(t *testing.T) {
	r := newHalfRig(t, rigConfig{ethernet: true})
	peer := r.openPeer()
	slot := r.a.installOut(0, tunnelSA(0x1000, addrA, addrB))
	unresolved := spd.Adjacency{Port: outsidePort, MTU: 1500}
	r.a.gen.Children[0].Egress = unresolved
	r.a.gen.Routes = onlyOutside(t, "203.0.113.0/24")
	r.a.setPolicy(entryTo("203.0.113.0/24", spd.Bypass, 0), entryTo(addrB.net, spd.Protect, 0))
	r.a.point(0, OutRef{0, slot})
	r.hostA.send(onLink(pmd.Ethernet, numbered(addrA.host, "203.0.113.1", 80, 1)), onLink(pmd.Ethernet, numbered(addrA.host, addrB.host, 80, 2)))
	r.steps(2, 1e6)
	if got := peer.receive(); len(got) != 0 {
		t.Errorf("%d frames left without link address: %x", len(got), got)
	}
	c := r.a.total()
	wantVerdicts(t, c, map[mbuf.Verdict]uint64{mbuf.NoNeighbour: 2})
	if c.OutsideTx != 0 {
		t.Errorf("%d packets counted as sent", c.OutsideTx)
	}
}

// TestHeadroom: a packet without room for its link header is not counted as sent.
func TestHeadroom(t *testing.T) {
	r := newHalfRig(t, rigConfig{ethernet: true})
	peer := r.openPeer()
	r.a.setPolicy(entryTo("203.0.113.0/24", spd.Bypass, 0))
	w := r.a.workers[0]
	m := w.pool.Get(100)
	m.SetHeadroom(13)
	p := numbered(addrA.host, "203.0.113.1", 80, 1)
	copy(m.Append(len(p)), p)
	m.Aux = InjectReceive
	_, inject := r.a.Punts(0)
	inject.Push(m)
	r.steps(2, 1e6)
	c := r.a.total()
	wantVerdicts(t, c, map[mbuf.Verdict]uint64{mbuf.TooBig: 1})
	if c.OutsideTx != 0 || len(peer.receive()) != 0 {
		t.Errorf("%d packets counted as sent, expected 0", c.OutsideTx)
	}
}
