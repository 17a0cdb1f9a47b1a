package control

import (
	"fmt"
	"net/netip"

	"stillwater/appliance/spd"
	"stillwater/pmd"
)

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
