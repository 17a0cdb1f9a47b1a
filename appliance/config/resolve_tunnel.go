package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// tunnelRules are the combinations within one tunnel.
var tunnelRules = []rule[tunnelDraft]{
	{"remote", []string{"local"}, func(t *tunnelDraft) bool { return t.Local.Is4() != t.Remote.Is4() },
		func(t *tunnelDraft) string { return fmt.Sprintf("%q", t.Remote) }, "an address of the family of local"},
	{"remote", []string{"local"}, func(t *tunnelDraft) bool { return t.Local == t.Remote },
		func(t *tunnelDraft) string { return fmt.Sprintf("%q", t.Remote) }, "another address than local"},
	{"soft_packets", []string{"life_packets"}, func(t *tunnelDraft) bool { return above(t.Lifetime.SoftPackets, t.Lifetime.Packets) },
		func(t *tunnelDraft) string { return fmt.Sprintf("%d", t.Lifetime.SoftPackets) }, "less than life_packets"},
	{"soft_bytes", []string{"life_bytes"}, func(t *tunnelDraft) bool { return above(t.Lifetime.SoftBytes, t.Lifetime.Bytes) },
		func(t *tunnelDraft) string { return fmt.Sprintf("%d", t.Lifetime.SoftBytes) }, "less than life_bytes"},
}

// above reports whether a soft limit comes no earlier than its hard one.
func above(soft, hard uint64) bool { return soft != 0 && hard != 0 && soft >= hard }

// resolveTunnel checks one tunnel and fills in what depends on the rest of the file. Without network the ports and routes
// have problems of their own, and what depends on them is not checked.
func (r *reader) resolveTunnel(t *tunnelDraft, c *Config, network bool) {
	check(r, t.at, tunnelRules, t)
	var port *Port
	if t.at.ok("local") {
		t.traffic.local = t.Local
		if n, ok := r.findPort(t.at, t.Local, c, network); ok {
			t.Port, port = n, &c.Ports[n]
			r.checkReach(t, c)
		}
	}
	r.resolveTraffic(&t.traffic, port, c, network)
	t.Traffic = t.traffic.Traffic
}

// findPort returns the outside port that owns an address; false, after a problem, where none does. Without network it does
// not look.
func (r *reader) findPort(at *place, local netip.Addr, c *Config, network bool) (int, bool) {
	if !network {
		return 0, false
	}
	for i := range c.Ports {
		owns := func(own netip.Prefix) bool { return own.Addr() == local }
		if c.Ports[i].Role == RoleOutside && slices.ContainsFunc(c.Ports[i].Addresses, owns) {
			return i, true
		}
	}
	r.refuse(at, "local", fmt.Sprintf("%q", local), `an address of a port with role "outside"`)
	return 0, false
}

// checkReach refuses a peer that packets cannot get to.
func (r *reader) checkReach(t *tunnelDraft, c *Config) {
	if !t.at.ok("remote") {
		return
	}
	port, hop, ok := r.checkRoute(t.at, c.Ports[t.Port].VRF, t.Remote, c)
	if ok && !c.hasNeighbour(port, hop) {
		r.refuse(t.at, "remote", fmt.Sprintf("%q", t.Remote), fmt.Sprintf("a [[neighbour]] with address %v on port %q: its link address is needed", hop, c.Ports[port].Name))
	}
}

// checkRoute finds the way to a peer and refuses one that there is no way to, or only through an inside port.
func (r *reader) checkRoute(at *place, vrf uint16, remote netip.Addr, c *Config) (port int, hop netip.Addr, ok bool) {
	got := fmt.Sprintf("%q", remote)
	switch port, hop, ok = c.nextHop(vrf, remote); {
	case !ok:
		r.refuse(at, "remote", got, "an address with a route")
	case c.Ports[port].Role != RoleOutside:
		r.refuse(at, "remote", got, fmt.Sprintf("a route by an outside port, not by port.%s", c.Ports[port].Name))
		ok = false
	}
	return port, hop, ok
}
