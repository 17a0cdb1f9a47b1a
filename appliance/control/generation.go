package control

import (
	"slices"

	"stillwater/appliance/config"
	"stillwater/appliance/dataplane"
	"stillwater/appliance/spd"
)

// generation builds what the lcores forward by from the last one and the draft: policy in the order of the file, routes with
// the neighbours known now, children and who seals for them. What has not changed is shared, so that a rekey costs a copy of
// the two tables and a row.
func (c *Core) generation() (*dataplane.Generation, error) {
	g := c.plane.Generation().Next()
	g.Number, g.Perm, g.Buckets, g.Local = c.number+1, c.perm, c.buckets, c.own
	policy, routes := c.compiled, c.routed
	var err error
	if policy == nil || c.draft.policy {
		if policy, err = spd.New(c.policy()); err != nil {
			return nil, err
		}
	}
	if routes == nil || c.draft.routes {
		if routes, err = c.routes(); err != nil {
			return nil, err
		}
	}
	all := routes != c.routed
	c.compiled, c.routed, g.Policy, g.Routes = policy, routes, policy, routes
	c.size(&g)
	if all {
		c.writeFixed(&g)
		c.writeRows(&g, c.order)
	}
	c.writeRows(&g, c.draft.bundles)
	return dataplane.NewGeneration(g, c.plane.Lcores()), nil
}

// size makes room for every child index in use.
func (c *Core) size(g *dataplane.Generation) {
	more := int(c.indexes.next) - len(g.Children)
	g.Children = append(g.Children, make([]dataplane.Child, max(more, 0))...)
	for len(g.Out) < len(g.Children)*c.plane.Lcores() {
		g.Out = append(g.Out, dataplane.NoSA)
	}
}

// writeFixed describes the children that are there from start to end: static tunnels and traps.
func (c *Core) writeFixed(g *dataplane.Generation) {
	for i := range c.cfg.Tunnels {
		t := &c.cfg.Tunnels[i]
		child := dataplane.Child{Name: t.Name, Selectors: c.staticMatch[i], MTU: t.OuterPacketSize, VRF: t.VRF}
		if at, ok := g.Routes.Lookup(uint16(c.cfg.Ports[t.Port].VRF), t.Remote); ok {
			child.Egress, child.NextHop = *g.Routes.Adjacency(at), g.Routes.NextHop(at, t.Remote)
		}
		g.Children[i] = child
	}
	copy(g.Out, c.staticRefs)
	for k := range c.traps {
		t := &c.traps[k]
		conn := &c.cfg.Connections[t.conn]
		g.Children[c.trapIndex(k)] = dataplane.Child{Name: conn.Name + "/" + conn.Children[t.child].Name, Acquire: c.trapAsks(t)}
	}
}

// writeRows describes bundles and who seals for them.
func (c *Core) writeRows(g *dataplane.Generation, list []*bundle) {
	lcores := c.plane.Lcores()
	for _, b := range list {
		if b.over {
			g.Children[b.index] = dataplane.Child{}
		} else {
			c.writeChild(&g.Children[b.index], b, g.Routes)
		}
		b.refs(g.Out[int(b.index)*lcores:][:lcores])
	}
}

// writeChild describes a bundle to the lcores. A closed one asks for nothing any more.
func (c *Core) writeChild(out *dataplane.Child, b *bundle, routes *spd.Routes) {
	conn, child := &c.cfg.Connections[b.conn], c.childOf(b)
	*out = dataplane.Child{
		Name: b.name, Selectors: b.match, MTU: child.OuterPacketSize, VRF: child.VRF, Since: b.since,
		PerResource: !b.closed && child.Mode != config.ModeConstant && c.resources(conn) > 0 && len(b.sealing) > 0,
		Acquire:     !b.closed && c.trapAsks(&trap{b.conn, b.child}),
	}
	if at, ok := routes.Lookup(uint16(c.cfg.Ports[conn.Port].VRF), b.outer.Remote.Addr()); ok {
		out.Egress, out.NextHop = *routes.Adjacency(at), routes.NextHop(at, b.outer.Remote.Addr())
	}
}

// trapIndex is the child index of a trap: they follow the static tunnels.
func (c *Core) trapIndex(k int) uint32 { return uint32(len(c.cfg.Tunnels) + k) }

// trapAsks reports whether a packet may bring a child up: never in constant mode (DESIGN.md 8), and not where the operator
// decides.
func (c *Core) trapAsks(t *trap) bool {
	conn := &c.cfg.Connections[t.conn]
	return conn.Children[t.child].Mode != config.ModeConstant && conn.StartAction != config.StartNone
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
	c.order = slices.DeleteFunc(c.order, func(b *bundle) bool { return b.over })
	open := map[trap][]*bundle{}
	for _, b := range c.order {
		if at := (trap{b.conn, b.child}); !b.closed {
			open[at] = append(open[at], b)
		}
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
