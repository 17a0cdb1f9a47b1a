package dataplane

import (
	"fmt"
	"net/netip"

	"stillwater/appliance/spd"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

func (r *rig) newNode(addr, peer addresses, inside *softpmd.Wire, end softpmd.End) *node {
	t := r.t
	t.Helper()
	n := &node{t: t, clock: &r.clock, addr: addr, peer: peer}
	for i := range r.cfg.lcores {
		n.pools = append(n.pools, r.newPool(fmt.Sprint("lcore ", i), r.cfg.mbufs))
	}
	for i, w := range []*softpmd.Wire{inside, r.wire} {
		e := softpmd.B
		if i == outsidePort {
			e = end
		}
		p, err := w.Open(e, pmd.Config{RxPools: n.pools, TxPools: n.pools, MTU: 9000, Index: uint16(i), Now: r.clock.Now})
		must(t, err)
		n.ports = append(n.ports, p)
	}
	cfg := Config{
		Ports:  []PortConfig{{Name: "inside", Link: r.cfg.link}, {Name: "outside", Link: r.cfg.link, Outside: true}},
		Slots:  rigSlots,
		Clock:  r.clock.Now,
		Poll:   PollYield,
		Engine: r.cfg.engine,
		Lcores: make([]LcoreConfig, r.cfg.lcores),
	}
	for i := range cfg.Lcores {
		cfg.Lcores[i] = LcoreConfig{CPU: -1, Pool: n.pools[i]}
		for port, p := range n.ports {
			q := p.Rx(i)
			if r.cfg.wrap != nil && end == softpmd.A {
				q = r.cfg.wrap(port, i, q)
			}
			cfg.Lcores[i].Rx = append(cfg.Lcores[i].Rx, RxBinding{port, q})
			cfg.Lcores[i].Tx = append(cfg.Lcores[i].Tx, p.Tx(i))
		}
	}
	var err error
	n.Plane, err = New(cfg)
	must(t, err)
	t.Cleanup(n.release)
	n.gen = n.base(r.cfg.link, r.cfg.lcores)
	n.publish()
	return n
}

// base is a generation with one child towards the peer's network, no SA, and all buckets dealt in turn.
func (n *node) base(link pmd.Link, lcores int) Generation {
	n.t.Helper()
	near := append(ranges(n.addr.net), ranges(n.addr.net6)...)
	far := append(ranges(n.peer.net), ranges(n.peer.net6)...)
	policy, err := spd.New([]spd.Entry{{Action: spd.Protect, Tunnel: 0, Selectors: []spd.Selector{{Remote: far}}}})
	must(n.t, err)
	sel, err := spd.NewSelectors([]spd.Selector{{Local: near, Remote: far}})
	must(n.t, err)
	routes := n.routes(link)
	at, ok := routes.Lookup(0, netip.MustParseAddr(n.peer.outer))
	if !ok {
		n.t.Fatal("no route to the peer")
	}
	g := Generation{
		Policy: policy, Routes: routes, Buckets: EvenBuckets(lcores), Perm: NewPermutation([16]byte{1, 2, 3}),
		Children: []Child{{Name: "peer", Selectors: sel, Egress: *routes.Adjacency(at), MTU: 1500, Acquire: true}},
	}
	for _, a := range []string{n.addr.outer, n.addr.own, n.addr.outer6, n.addr.own6} {
		g.Local = append(g.Local, netip.MustParseAddr(a))
	}
	return g
}

// routes leads to the own network, to the peer and, through the peer, to its network.
func (n *node) routes(link pmd.Link) *spd.Routes {
	n.t.Helper()
	out, out6 := netip.MustParseAddr(n.peer.outer), netip.MustParseAddr(n.peer.outer6)
	list := []spd.Route{
		{Prefix: netip.MustParsePrefix(n.addr.net), Port: insidePort},
		{Prefix: netip.MustParsePrefix(n.addr.net6), Port: insidePort},
		{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Port: outsidePort},
		{Prefix: netip.MustParsePrefix("2001:db8::/64"), Port: outsidePort},
		{Prefix: netip.MustParsePrefix(n.peer.net), Port: outsidePort, NextHop: out},
		{Prefix: netip.MustParsePrefix(n.peer.net6), Port: outsidePort, NextHop: out6},
		{Prefix: netip.MustParsePrefix("203.0.113.0/24"), Port: outsidePort, NextHop: out},
	}
	var near []spd.Neighbour
	for port, addrs := range map[uint16][]string{insidePort: {n.addr.host, n.addr.host6}, outsidePort: {n.peer.outer, n.peer.outer6}} {
		for _, a := range addrs {
			near = append(near, spd.Neighbour{Addr: netip.MustParseAddr(a), Port: port, MAC: [6]byte{2, 0xee, 0, 0, 0, byte(port)}})
		}
	}
	var egress []spd.Egress
	for i := range n.ports {
		egress = append(egress, spd.Egress{Port: uint16(i), Raw: link == pmd.RawIP, MAC: n.ports[i].Info().MAC, MTU: 1500})
	}
	routes, err := spd.NewRoutes(list, near, egress)
	must(n.t, err)
	return routes
}

func ranges(prefix string) []spd.AddrRange {
	return []spd.AddrRange{spd.PrefixRange(netip.MustParsePrefix(prefix))}
}

// publish makes the changed generation the current one.
func (n *node) publish() {
	n.gen.Number++
	g := n.gen
	g.Out = append([]OutRef(nil), n.gen.Out...)
	n.Publish(NewGeneration(g, n.Lcores()))
	n.gen.Out = append([]OutRef(nil), n.Generation().Out...)
}

// point makes every lcore seal for child with one SA, or the one named.
func (n *node) point(child int, ref OutRef, lcores ...int) {
	if len(lcores) == 0 {
		for l := range n.Lcores() {
			lcores = append(lcores, l)
		}
	}
	for _, l := range lcores {
		n.gen.Out[child*n.Lcores()+l] = ref
	}
	n.publish()
}

// do executes a command and fails the test unless it is done.
func (n *node) do(c Command) Ack {
	n.t.Helper()
	a, err := n.try(c)
	if err != nil {
		n.t.Fatal(err)
	}
	return a
}

func (n *node) try(c Command) (Ack, error) {
	n.ticket++
	c.Ticket = n.ticket
	return n.ExecuteStepped(&c, n.clock.Now)
}

// installOut and installIn install an SA and return its slot.
func (n *node) installOut(lcore int, sa SA) uint32 {
	n.t.Helper()
	return n.do(Command{Op: InstallOutbound, Lcore: uint8(lcore), SA: sa}).Slot
}

func (n *node) installIn(lcore int, sa SA) uint32 {
	n.t.Helper()
	return n.do(Command{Op: InstallInbound, Lcore: uint8(lcore), SA: sa}).Slot
}

// release sends home what a plane holds when its test ends.
func (n *node) release() {
	for _, p := range n.ports {
		must(n.t, p.Close())
	}
	for _, w := range n.workers {
		w.sweep()
		for i := range w.out {
			if f := w.out[i].framer; f != nil {
				f.Close(w.pool)
			}
		}
		for i := range w.in {
			if r := w.in[i].reasm; r != nil {
				r.Close(w.pool)
			}
		}
		for i := range w.tx {
			returnAll(w.tx[i].buf)
		}
		for _, r := range append(append([]*packetRing{w.punts, w.injected}, w.sealedFrom...), w.clearFrom...) {
			for m, ok := r.Pop(); ok; m, ok = r.Pop() {
				m.Pool().Return(m)
			}
		}
	}
}

func returnAll(ms mbuf.Burst) {
	for _, m := range ms {
		m.Pool().Return(m)
	}
}
