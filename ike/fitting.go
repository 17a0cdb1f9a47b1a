package ike

import (
	"net/netip"
	"slices"
)

// nearby finds connections by the peer's address: with thousands of them, most are for one address each, and a spoofed
// request must not cost a walk over all. Immutable after New.
type nearby struct {
	exact map[netip.Addr][]int // positions of connections whose peers are single addresses
	wide  []int                // of all others
}

// newNearby sorts the connections; positions stay in order.
func newNearby(all []*Connection) nearby {
	n := nearby{exact: map[netip.Addr][]int{}}
	for i, c := range all {
		if len(c.Remote) == 0 || slices.ContainsFunc(c.Remote, func(p netip.Prefix) bool { return !p.IsSingleIP() }) {
			n.wide = append(n.wide, i)
			continue
		}
		for _, p := range c.Remote {
			if list := n.exact[p.Addr()]; len(list) == 0 || list[len(list)-1] != i {
				n.exact[p.Addr()] = append(list, i)
			}
		}
	}
	return n
}

// fitting are the connections whose addresses agree, in order, as a slice of its own.
func (e *Engine) fitting(local, remote netip.Addr) (near []*Connection) {
	exact, wide := e.near.exact[remote], e.near.wide
	for len(exact)+len(wide) > 0 {
		list := &wide
		if len(wide) == 0 || len(exact) > 0 && exact[0] < wide[0] {
			list = &exact
		}
		if c := e.cfg.Connections[(*list)[0]]; c.fits(local, remote) {
			near = append(near, c)
		}
		*list = (*list)[1:]
	}
	return near
}

func (c *Connection) fits(local, remote netip.Addr) bool {
	if c.Local.IsValid() && c.Local != local {
		return false
	}
	return len(c.Remote) == 0 || slices.ContainsFunc(c.Remote, func(p netip.Prefix) bool { return p.Contains(remote) })
}
