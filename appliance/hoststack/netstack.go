package hoststack

import (
	"fmt"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// newNetstack returns a stack without NICs. The options left at zero are decisions: Router Advertisements are not handled,
// addresses are not checked for duplicates, and nothing is forwarded.
func newNetstack(s *Stack) *stack.Stack {
	return stack.New(stack.Options{
		NetworkProtocols: []stack.NetworkProtocolFactory{
			arp.NewProtocol,
			ipv4.NewProtocol,
			ipv6.NewProtocolWithOptions(ipv6.Options{
				// RFC 4291 2.8: every interface has a link-local address. It is the source of listener reports, without which
				// switches that snoop keep solicitations from us (RFC 4861 7.2.1).
				AutoGenLinkLocal: true,
				MLD:              ipv6.MLDOptions{Enabled: true},
			}),
		},
		TransportProtocols: []stack.TransportProtocolFactory{udp.NewProtocol, tcp.NewProtocol},
		Clock:              &resolutionClock{s.clock, &s.resolving},
		NUDDisp:            &s.neighbours,
	})
}

// addInterfaces makes the NICs with their addresses and static neighbours, and the routes.
func (s *Stack) addInterfaces() error {
	mtu := minMTU6
	for port := range s.cfg.Interfaces {
		n := &s.cfg.Interfaces[port]
		l := &link{mtu: uint32(n.MTU), write: func(frame []byte) bool { return s.send(port, frame) }}
		if !n.Raw {
			l.address = tcpip.LinkAddress(n.MAC[:])
		}
		s.links = append(s.links, l)
		if err := s.addNIC(port, n.Name, l, n.Addresses); err != nil {
			return err
		}
		for _, p := range n.Addresses {
			s.owners[p.Addr()] = port
		}
		mtu = max(mtu, n.MTU)
	}
	s.inner = &link{mtu: uint32(mtu), write: s.forward}
	var own []netip.Prefix
	for a := range s.owners {
		own = append(own, netip.PrefixFrom(a, a.BitLen()))
	}
	if err := s.addNIC(s.innerPort(), "tunnels", s.inner, own); err != nil {
		return err
	}
	s.addRoutes()
	return s.addStatic()
}

// innerPort is the number of the inner NIC, the one behind the ports.
func (s *Stack) innerPort() int { return len(s.cfg.Interfaces) }

// addNIC makes one NIC with its addresses.
func (s *Stack) addNIC(port int, name string, l *link, addresses []netip.Prefix) error {
	if err := s.net.CreateNIC(nicOf(port), l); err != nil {
		return fmt.Errorf("%w: interface %q: %s", ErrConfig, name, err)
	}
	for _, p := range addresses {
		a := tcpip.ProtocolAddress{Protocol: protocolOf(p.Addr()), AddressWithPrefix: toPrefix(p)}
		if err := s.net.AddProtocolAddress(nicOf(port), a, stack.AddressProperties{}); err != nil {
			return fmt.Errorf("%w: interface %q: address %v: %s", ErrConfig, name, p, err)
		}
	}
	return nil
}

// addRoutes writes the routing table. The inner NIC's default routes come last: they serve what arrived there.
func (s *Stack) addRoutes() {
	for port := range s.cfg.Interfaces {
		for _, p := range s.cfg.Interfaces[port].Addresses {
			s.net.AddRoute(tcpip.Route{Destination: toPrefix(p).Subnet(), NIC: nicOf(port)})
		}
	}
	for _, r := range s.cfg.Routes {
		s.net.AddRoute(tcpip.Route{Destination: toPrefix(r.To).Subnet(), Gateway: toAddress(r.Via), NIC: nicOf(r.Interface)})
	}
	for _, all := range []tcpip.Subnet{header.IPv4EmptySubnet, header.IPv6EmptySubnet} {
		s.net.AddRoute(tcpip.Route{Destination: all, NIC: nicOf(s.innerPort())})
	}
}

// addStatic adds the neighbours that are known beforehand.
func (s *Stack) addStatic() error {
	for _, n := range s.cfg.Static {
		mac := tcpip.LinkAddress(n.MAC[:])
		if err := s.net.AddStaticNeighbor(nicOf(n.Port), protocolOf(n.Addr), toAddress(n.Addr), mac); err != nil {
			return fmt.Errorf("%w: neighbour %v on port %d: %s", ErrConfig, n.Addr, n.Port, err)
		}
	}
	return nil
}
