package control

import (
	"fmt"
	"net/netip"

	"stillwater/appliance/config"
	"stillwater/appliance/dataplane"
	"stillwater/appliance/spd"
	"stillwater/pmd"
)

// batchTime is the least time between two generations: SPD and route changes are batched (DESIGN.md 3), not one
// generation per SA. Building a large one takes longer than that, and then at most a quarter of the time goes there.
const (
	batchTime  = 5e6 // ns
	buildShare = 4
)

// waiter is what waits until every lcore uses a generation.
type waiter struct {
	number uint64
	next   func(now int64)
}

// changed asks for a new generation; next is called when every lcore uses it.
func (c *Core) changed(_ int64, next func(now int64)) {
	c.dirty = true
	c.waiters = append(c.waiters, waiter{c.number + 1, next})
}

// whenSeen calls next when every lcore uses what has been asked for up to now.
func (c *Core) whenSeen(now int64, next func(now int64)) {
	n := c.number
	if c.dirty {
		n++
	}
	c.waiters = append(c.waiters, waiter{n, next})
}

// publish builds the next generation when one is asked for and due.
func (c *Core) publish(now int64) int {
	if !c.dirty || now < c.publishAt {
		return 0
	}
	c.dirty = false
	c.number++
	began := c.clock() // the step that this is part of may have begun long ago
	g, err := c.generation()
	if err != nil {
		c.log.Error("policy not changed", "error", err)
		return 1
	}
	c.plane.Publish(g)
	c.publishAt = began + max(batchTime, buildShare*(c.clock()-began))
	return 1
}

// seen continues what waited for generations that every lcore uses now.
func (c *Core) seen(now int64) int {
	if len(c.waiters) == 0 {
		return 0
	}
	ready := c.number
	if !c.plane.Seen(ready) {
		ready = c.lastSeen
	}
	c.lastSeen = max(c.lastSeen, ready)
	n := 0
	for n < len(c.waiters) && c.waiters[n].number <= c.lastSeen {
		n++
	}
	due := c.waiters[:n:n]
	c.waiters = c.waiters[n:]
	for i := range due {
		due[i].next(now)
	}
	return n
}

// generation builds what the lcores forward by: policy in the order of the file, routes with the neighbours known now,
// children and who seals for them.
func (c *Core) generation() (*dataplane.Generation, error) {
	g := dataplane.Generation{Number: c.number, Perm: c.perm, Buckets: c.buckets, Local: c.own}
	var err error
	if g.Policy, err = spd.New(c.policy()); err != nil {
		return nil, err
	}
	if g.Routes, err = c.routes(); err != nil {
		return nil, err
	}
	c.routed = g.Routes
	lcores := c.plane.Lcores()
	g.Children = make([]dataplane.Child, c.indexes.next)
	g.Out = make([]dataplane.OutRef, len(g.Children)*lcores)
	for i := range g.Out {
		g.Out[i] = dataplane.NoSA
	}
	c.staticChildren(&g)
	for k := range c.traps {
		t := &c.traps[k]
		conn := &c.cfg.Connections[t.conn]
		g.Children[c.trapIndex(k)] = dataplane.Child{Name: conn.Name + "/" + conn.Children[t.child].Name, Acquire: c.trapAsks(t)}
	}
	for _, b := range c.order {
		g.Children[b.index] = c.bundleChild(b, g.Routes)
		b.refs(g.Out[int(b.index)*lcores:][:lcores])
	}
	return dataplane.NewGeneration(g, lcores), nil
}

// trapIndex is the child index of a trap: they follow the static tunnels.
func (c *Core) trapIndex(k int) uint32 { return uint32(len(c.cfg.Tunnels) + k) }

// trapAsks reports whether a packet may bring a child up: never in constant mode (DESIGN.md 8), and not where the operator
// decides.
func (c *Core) trapAsks(t *trap) bool {
	conn := &c.cfg.Connections[t.conn]
	return conn.Children[t.child].Mode != config.ModeConstant && conn.StartAction != config.StartNone
}

// bundleChild describes a bundle to the lcores.
func (c *Core) bundleChild(b *bundle, routes *spd.Routes) dataplane.Child {
	conn, child := &c.cfg.Connections[b.conn], c.childOf(b)
	out := dataplane.Child{
		Name: conn.Name + "/" + child.Name, Selectors: b.match, MTU: child.OuterPacketSize, VRF: child.VRF, Since: b.since,
		PerResource: child.Mode != config.ModeConstant && c.resources(conn) > 0 && len(b.pairs) > 0,
		Acquire:     c.trapAsks(&trap{b.conn, b.child}),
	}
	if at, ok := routes.Lookup(uint16(c.cfg.Ports[conn.Port].VRF), b.outer.Remote.Addr()); ok {
		out.Egress, out.NextHop = *routes.Adjacency(at), routes.NextHop(at, b.outer.Remote.Addr())
	}
	return out
}

// resources is how many per-resource SAs a connection may have beside the fallback SA (RFC 9611). Gateways with several
// lcores use one for each, without being told.
func (c *Core) resources(conn *config.Connection) int {
	if n := conn.PerResourceSAs; n != config.PerResourceAuto {
		return n
	}
	_, fixed := conn.Peer()
	for i := range conn.Children {
		// A constant child uses the fewest lcores that carry its rate, and one carries line rate (DESIGN.md 8).
		fixed = fixed && conn.Children[i].Mode != config.ModeConstant
	}
	if !fixed {
		return 0 // not recommended for remote access either (RFC 9611 7)
	}
	return c.plane.Lcores() - 1
}

// policy is the SPD in the order of the file. The entry of a child stands behind those of its bundles: what a peer narrowed
// goes into its SA, the rest asks for one.
func (c *Core) policy() []spd.Entry {
	open := map[trap][]*bundle{}
	for _, b := range c.order {
		at := trap{b.conn, b.child}
		open[at] = append(open[at], b)
	}
	entries := make([]spd.Entry, 0, len(c.cfg.Policies)+len(c.order))
	for i := range c.cfg.Policies {
		p := &c.cfg.Policies[i]
		e := spd.Entry{VRF: p.VRF, Selectors: []spd.Selector{selector(p)}, Action: actions[p.Action]}
		switch {
		case p.Tunnel >= 0:
			e.Tunnel = uint32(p.Tunnel)
		case p.Connection >= 0:
			at := trap{p.Connection, p.Child}
			for _, b := range open[at] {
				entries = append(entries, spd.Entry{VRF: p.VRF, Selectors: b.selectors, Action: spd.Protect, Tunnel: b.index})
			}
			e.Tunnel = c.trapIndex(c.trapOf[at])
		}
		entries = append(entries, e)
	}
	return entries
}

// routes compiles routes, on-link prefixes, own addresses and neighbours for the open ports.
func (c *Core) routes() (*spd.Routes, error) {
	var routes []spd.Route
	var egress []spd.Egress
	for i, p := range c.cfg.Ports {
		info := c.ports[i].Info()
		egress = append(egress, spd.Egress{
			Port: uint16(i), VRF: uint16(p.VRF), Raw: info.Link == pmd.RawIP, MAC: info.MAC, MTU: uint16(min(p.MTU, info.MTU)),
		})
		for _, a := range p.Addresses {
			own := netip.PrefixFrom(a.Addr(), a.Addr().BitLen())
			routes = append(routes, spd.Route{Prefix: own, VRF: uint16(p.VRF), Local: true})
			if a.Masked() != own {
				routes = append(routes, spd.Route{Prefix: a.Masked(), VRF: uint16(p.VRF), Port: uint16(i)})
			}
		}
	}
	for _, r := range c.cfg.Routes {
		routes = append(routes, spd.Route{Prefix: r.To, VRF: uint16(c.cfg.Ports[r.Port].VRF), Port: uint16(r.Port), NextHop: r.Via})
	}
	return spd.NewRoutes(routes, c.neighbours.list(), egress)
}

// staticChildren describes the static tunnels.
func (c *Core) staticChildren(g *dataplane.Generation) {
	lcores := c.plane.Lcores()
	for i := range c.cfg.Tunnels {
		t := &c.cfg.Tunnels[i]
		child := dataplane.Child{Name: t.Name, Selectors: c.staticMatch[i], MTU: t.OuterPacketSize, VRF: t.VRF}
		if at, ok := g.Routes.Lookup(uint16(c.cfg.Ports[t.Port].VRF), t.Remote); ok {
			child.Egress, child.NextHop = *g.Routes.Adjacency(at), g.Routes.NextHop(at, t.Remote)
		}
		g.Children[i] = child
	}
	for i, ref := range c.staticRefs {
		if i < len(c.cfg.Tunnels)*lcores {
			g.Out[i] = ref
		}
	}
}

// checkStatic refuses static tunnels whose packets could not leave.
func (c *Core) checkStatic() error {
	routes, err := c.routes()
	if err != nil {
		return err
	}
	for _, t := range c.cfg.Tunnels {
		at, ok := routes.Lookup(uint16(c.cfg.Ports[t.Port].VRF), t.Remote)
		if !ok {
			return fmt.Errorf("tunnel %q: no route to its remote address %s", t.Name, t.Remote)
		}
		adj := routes.Adjacency(at)
		switch {
		case adj.Local:
			return fmt.Errorf("tunnel %q: remote address %s is this appliance's own", t.Name, t.Remote)
		case t.OuterPacketSize > int(adj.MTU):
			return fmt.Errorf("tunnel %q: outer_packet_size %d exceeds the MTU %d of port %q", t.Name, t.OuterPacketSize, adj.MTU, c.cfg.Ports[adj.Port].Name)
		}
	}
	return nil
}
