package appliance

import (
	"fmt"
	"net/netip"

	"stillwater/appliance/config"
	"stillwater/appliance/dataplane"
	"stillwater/appliance/spd"
	"stillwater/pmd"
)

// routeTable compiles routes, on-link prefixes, own addresses and static neighbours for the open ports.
func routeTable(cfg *config.Config, ports []pmd.Port) (*spd.Routes, error) {
	var routes []spd.Route
	var egress []spd.Egress
	for i, p := range cfg.Ports {
		info := ports[i].Info()
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
	for _, r := range cfg.Routes {
		routes = append(routes, spd.Route{Prefix: r.To, VRF: uint16(cfg.Ports[r.Port].VRF), Port: uint16(r.Port), NextHop: r.Via})
	}
	var neighbours []spd.Neighbour
	for _, n := range cfg.Neighbours {
		neighbours = append(neighbours, spd.Neighbour{Addr: n.Address, Port: uint16(n.Port), MAC: [6]byte(n.MAC)})
	}
	return spd.NewRoutes(routes, neighbours, egress)
}

// children describes the tunnels to the data plane: selectors and the way to the peer.
func children(cfg *config.Config, routes *spd.Routes) ([]dataplane.Child, error) {
	var out []dataplane.Child
	for i, t := range cfg.Tunnels {
		sel, err := selectorsOf(cfg, i)
		if err != nil {
			return nil, fmt.Errorf("tunnel %q: %w", t.Name, err)
		}
		at, ok := routes.Lookup(uint16(cfg.Ports[t.Port].VRF), t.Remote)
		if !ok {
			return nil, fmt.Errorf("tunnel %q: no route to its remote address %s", t.Name, t.Remote)
		}
		adj := routes.Adjacency(at)
		switch {
		case adj.Local:
			return nil, fmt.Errorf("tunnel %q: remote address %s is this appliance's own", t.Name, t.Remote)
		case !adj.Valid:
			return nil, fmt.Errorf("tunnel %q: the link address of the next hop to %s is unknown: add a [[neighbour]]", t.Name, t.Remote)
		case t.OuterPacketSize > int(adj.MTU):
			return nil, fmt.Errorf("tunnel %q: outer_packet_size %d exceeds the MTU %d of port %q", t.Name, t.OuterPacketSize, adj.MTU, cfg.Ports[adj.Port].Name)
		}
		out = append(out, dataplane.Child{Name: t.Name, Selectors: sel, Egress: *adj, MTU: t.OuterPacketSize, VRF: t.VRF})
	}
	return out, nil
}

// baseGeneration is the first generation: all of policy and routing, no SA yet.
func baseGeneration(cfg *config.Config, ports []pmd.Port) (dataplane.Generation, error) {
	var g dataplane.Generation
	var err error
	if g.Policy, err = policyDB(cfg); err != nil {
		return g, err
	}
	if g.Routes, err = routeTable(cfg, ports); err != nil {
		return g, err
	}
	if g.Children, err = children(cfg, g.Routes); err != nil {
		return g, err
	}
	for _, p := range cfg.Ports {
		for _, a := range p.Addresses {
			g.Local = append(g.Local, a.Addr())
		}
	}
	g.Number = 1
	return g, nil
}
