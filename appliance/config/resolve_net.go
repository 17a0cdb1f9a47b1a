package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// resolvePorts checks the ports against each other.
func (r *reader) resolvePorts(f *fileDraft, c *Config) {
	names, devices := map[string]int{}, map[string]int{}
	for i := range f.ports {
		p := &f.ports[i]
		r.unique(names, p.at, "name", p.Name)
		r.unique(devices, p.at, "device", p.Device)
		r.checkAddresses(p, f.ports[:i])
		c.Ports = append(c.Ports, p.Port)
	}
}

// checkAddresses refuses addresses that the port cannot carry or that another port has.
func (r *reader) checkAddresses(p *portDraft, before []portDraft) {
	if !p.at.ok("address", "vrf", "mtu") {
		return
	}
	for i, a := range p.Addresses {
		if a.Addr().Is6() && p.MTU < minIPv6 {
			r.refuse(p.at, "mtu", fmt.Sprintf("%d", p.MTU), fmt.Sprintf("at least %d: the port has the IPv6 address %v (RFC 8200 5)", minIPv6, a))
			return
		}
		if slices.ContainsFunc(p.Addresses[:i], func(o netip.Prefix) bool { return o.Addr() == a.Addr() }) {
			r.refuse(p.at, "address", fmt.Sprintf("%v twice", a.Addr()), "each address once")
			return
		}
		for j := range before {
			o := &before[j]
			if o.VRF != p.VRF {
				continue
			}
			if k := slices.IndexFunc(o.Addresses, a.Overlaps); k >= 0 {
				r.refuse(p.at, "address", fmt.Sprintf("%q", a), fmt.Sprintf("a prefix that does not overlap %v of %s in VRF %d", o.Addresses[k], o.at.path, p.VRF))
				return
			}
		}
	}
}

// onLink reports whether the address is a neighbour's on this port, and not the port's own.
func (p *Port) onLink(a netip.Addr) bool {
	if slices.ContainsFunc(p.Addresses, func(own netip.Prefix) bool { return own.Addr() == a }) {
		return false
	}
	return a.IsLinkLocalUnicast() && a.Is6() ||
		slices.ContainsFunc(p.Addresses, func(own netip.Prefix) bool { return own.Contains(a) })
}

// ethernet reports whether packets on this port surely have Ethernet headers. Of pcap files and drivers we do not know
// only the open port can tell.
func (p *Port) ethernet() bool {
	driver, args, _ := strings.Cut(p.Device, ":")
	switch driver {
	case "soft", "fd":
		return !slices.Contains(strings.Split(args, ","), "link=raw")
	case "afpacket", "afxdp", "dpdk":
		return true
	}
	return false
}

// resolveNeighbours checks the static link addresses.
func (r *reader) resolveNeighbours(f *fileDraft, c *Config) {
	seen := map[string]int{}
	for i := range f.neighbours {
		n := &f.neighbours[i]
		port, ok := r.portNamed(f, n.at, n.port)
		if !ok || !n.at.ok("address") {
			continue
		}
		n.Port = port
		if f.ports[port].at.sound() && !c.Ports[port].onLink(n.Address) {
			r.refuse(n.at, "address", fmt.Sprintf("%q", n.Address), fmt.Sprintf("another host's address in a prefix of %s", f.ports[port].at.path))
			continue
		}
		key := fmt.Sprintf("%v on %s", n.Address, n.port)
		r.unique(seen, n.at, "address", key)
		c.Neighbours = append(c.Neighbours, n.Neighbour)
	}
}

// resolveRoutes checks the routes. The on-link prefixes of ports are routes already.
func (r *reader) resolveRoutes(f *fileDraft, c *Config) {
	seen := map[string]int{}
	for i := range f.ports {
		for _, a := range f.ports[i].Addresses {
			seen[fmt.Sprintf("%v in VRF %d", a.Masked(), f.ports[i].VRF)] = f.ports[i].at.line("address")
		}
	}
	for i := range f.routes {
		rt := &f.routes[i]
		port, ok := r.portNamed(f, rt.at, rt.port)
		if !ok || !rt.at.ok("to", "via") {
			continue
		}
		rt.Port = port
		r.unique(seen, rt.at, "to", fmt.Sprintf("%v in VRF %d", rt.To, c.Ports[port].VRF))
		if rt.Via.IsValid() && f.ports[port].at.sound() {
			r.checkVia(rt, c, f.neighboursOK() && len(f.connections) == 0)
		}
		c.Routes = append(c.Routes, rt.Route)
	}
}

// checkVia refuses a next hop that cannot be reached. Its link address is asked for with neighbours only: they may have
// problems of their own, and where there are connections there is a host stack that resolves addresses.
func (r *reader) checkVia(rt *routeDraft, c *Config, neighbours bool) {
	port := &c.Ports[rt.Port]
	switch via := fmt.Sprintf("%q", rt.Via); {
	case rt.Via.Is4() != rt.To.Addr().Is4():
		r.refuse(rt.at, "via", via, fmt.Sprintf("an address of the family of %v", rt.To))
	case !port.onLink(rt.Via):
		r.refuse(rt.at, "via", via, fmt.Sprintf("another host's address in a prefix of port.%s", port.Name))
	case neighbours && !c.hasNeighbour(rt.Port, rt.Via):
		r.refuse(rt.at, "via", via, fmt.Sprintf("a [[neighbour]] with this address on port %q: its link address is needed", port.Name))
	}
}

// hasNeighbour reports whether packets can be sent to an on-link address.
func (c *Config) hasNeighbour(port int, a netip.Addr) bool {
	return !c.Ports[port].ethernet() ||
		slices.ContainsFunc(c.Neighbours, func(n Neighbour) bool { return n.Port == port && n.Address == a })
}

// nextHop finds the port and on-link address towards a, by longest prefix over on-link prefixes, which do not overlap
// within a VRF except on one port, and routes.
func (c *Config) nextHop(vrf uint16, a netip.Addr) (port int, hop netip.Addr, ok bool) {
	bits := -1
	for i := range c.Ports {
		for _, own := range c.Ports[i].Addresses {
			if c.Ports[i].VRF == vrf && own.Contains(a) {
				port, hop, bits = i, a, own.Bits()
			}
		}
	}
	for _, rt := range c.Routes {
		if c.Ports[rt.Port].VRF == vrf && rt.To.Contains(a) && rt.To.Bits() > bits {
			port, hop, bits = rt.Port, rt.Via, rt.To.Bits()
			if !hop.IsValid() {
				hop = a
			}
		}
	}
	return port, hop, bits >= 0
}
