package control

import (
	"net/netip"

	"stillwater/appliance/config"
	"stillwater/pmd/mbuf"
)

// ownAddress is the source of an ICMP error about a packet: the appliance's address of the family on the port that the
// packet came in by, else on any inside port, else on any (RFC 1812 4.3.2.4).
func (c *Core) ownAddress(m *mbuf.Mbuf) (netip.Addr, bool) {
	is4 := m.Len() > 0 && m.Data()[0]>>4 == 4
	if int(m.Port) < len(c.cfg.Ports) {
		if a, ok := addressOf(&c.cfg.Ports[m.Port], is4); ok {
			return a, true
		}
	}
	for _, role := range []config.Role{config.RoleInside, config.RoleOutside} {
		for i := range c.cfg.Ports {
			if c.cfg.Ports[i].Role == role {
				if a, ok := addressOf(&c.cfg.Ports[i], is4); ok {
					return a, true
				}
			}
		}
	}
	return netip.Addr{}, false
}

func addressOf(p *config.Port, is4 bool) (netip.Addr, bool) {
	for _, a := range p.Addresses {
		if a.Addr().Is4() == is4 {
			return a.Addr(), true
		}
	}
	return netip.Addr{}, false
}
