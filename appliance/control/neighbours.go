package control

import (
	"net/netip"

	"stillwater/appliance/config"
	"stillwater/appliance/hoststack"
	"stillwater/appliance/spd"
	"stillwater/pmd"
)

// hop is a next hop: link-local addresses repeat from port to port.
type hop struct {
	port int
	addr netip.Addr
}

// neighbours is the link addresses that lcores can send to: static ones, and those the host stack has resolved.
type neighbours struct {
	known map[hop][6]byte
	fixed map[hop]bool
}

func newNeighbours(cfg *config.Config) neighbours {
	n := neighbours{known: map[hop][6]byte{}, fixed: map[hop]bool{}}
	for _, s := range cfg.Neighbours {
		h := hop{s.Port, s.Address}
		n.known[h], n.fixed[h] = [6]byte(s.MAC), true
	}
	return n
}

// update takes an answer of the host stack and reports whether anything changed.
func (n *neighbours) update(a hoststack.Neighbour) bool {
	h := hop{a.Port, a.Addr}
	if n.fixed[h] {
		return false
	}
	old, had := n.known[h]
	if !a.Valid {
		delete(n.known, h)
		return had
	}
	n.known[h] = a.MAC
	return !had || old != a.MAC
}

// list is what a forwarding table is made with.
func (n *neighbours) list() []spd.Neighbour {
	out := make([]spd.Neighbour, 0, len(n.known))
	for h, mac := range n.known {
		out = append(out, spd.Neighbour{Addr: h.addr, Port: uint16(h.port), MAC: mac})
	}
	return out
}

// wantNeighbour asks the host stack for the link address on the way to an outer address, if lcores do not know it yet.
func (c *Core) wantNeighbour(remote netip.Addr, port int) {
	if c.routed == nil {
		return
	}
	at, ok := c.routed.Lookup(uint16(c.cfg.Ports[port].VRF), remote)
	if !ok || c.routed.Adjacency(at).Valid || c.routed.Adjacency(at).Local {
		return
	}
	c.resolve(int(c.routed.Adjacency(at).Port), c.routed.NextHop(at, remote))
}

// resolve asks the host stack for a link address; the answer comes by mail.
func (c *Core) resolve(port int, next netip.Addr) {
	if port < len(c.ports) && c.ports[port].Info().Link != pmd.RawIP {
		c.stack.Resolve(port, next)
	}
}

// outerPort is the port that the outer packets of a bundle belong to.
func (c *Core) outerPort(b *bundle) int { return c.cfg.Connections[b.conn].Port }
