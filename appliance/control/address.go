package control

import (
	"net/netip"

	"stillwater/appliance/config"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// ownAddresses are those whose packets lcores give to the host stack: the configured ones, and the link-local one of every port
// with a link layer (RFC 4291 2.8), which the host stack asks its neighbours from.
func (c *Core) ownAddresses() (own []netip.Addr) {
	for i, p := range c.cfg.Ports {
		for _, a := range p.Addresses {
			own = append(own, a.Addr())
		}
		if info := c.ports[i].Info(); info.Link != pmd.RawIP {
			own = append(own, linkLocal(info.MAC))
		}
	}
	return own
}

// linkLocal is the address that a MAC gives (RFC 4291 2.5.6 and appendix A).
func linkLocal(mac [6]byte) netip.Addr {
	return netip.AddrFrom16([16]byte{0xfe, 0x80, 8: mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]})
}

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
