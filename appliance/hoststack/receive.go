package hoststack

import (
	"encoding/binary"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// Receive takes a punted packet; it is copied. l3 is where the network header begins, as Mbuf.L3 says: 0 is a bare IP packet,
// which on a port with a link layer came out of a tunnel. Handlers of ListenUDP run before it returns.
func (s *Stack) Receive(port int, frame []byte, l3 int) {
	s.count.received.Add(1)
	if s.closed.Load() {
		return
	}
	if port < 0 || port >= len(s.links) || l3 < 0 || l3 >= len(frame) || l3 != 0 && (l3 < ethernetLen || s.cfg.Interfaces[port].Raw) {
		s.count.malformed.Add(1)
		return
	}
	if protocol := protocolAt(frame, l3); protocol == header.ARPProtocolNumber {
		s.heardARP(port, frame[l3:])
		s.deliverResolution(s.links[port], protocol, frame, l3)
	} else {
		s.receiveIP(port, protocol, frame, l3)
	}
}

// protocolAt returns the protocol of the packet at l3: what the link header in front of it says, else what its version says.
func protocolAt(frame []byte, l3 int) tcpip.NetworkProtocolNumber {
	switch {
	case l3 > 0:
		return tcpip.NetworkProtocolNumber(binary.BigEndian.Uint16(frame[l3-2:]))
	case frame[0]>>4 == 4:
		return header.IPv4ProtocolNumber
	}
	return header.IPv6ProtocolNumber
}

// receiveIP gives an IP packet to the NIC of its port, or to the inner one.
func (s *Stack) receiveIP(port int, protocol tcpip.NetworkProtocolNumber, frame []byte, l3 int) {
	p, ok := parseIP(frame[l3:])
	if !ok || protocolOf(p.src) != protocol {
		s.count.malformed.Add(1)
		return
	}
	if !s.admitICMP(port, &p, frame[l3:]) {
		return
	}
	switch l := s.links[port]; {
	case s.isInner(port, p.dst, l3):
		s.inner.deliver(protocol, frame[l3:], 0)
	case isResolution(&p, frame[l3:]):
		s.deliverResolution(l, protocol, frame, l3)
	default:
		l.deliver(protocol, frame, l3)
	}
}

// isInner reports whether an answer has to leave by Config.Forward: the packet is for the address of another port, or has no
// link header where others have one.
func (s *Stack) isInner(port int, dst netip.Addr, l3 int) bool {
	owner, own := s.owners[dst]
	return own && owner != port || l3 == 0 && !s.cfg.Interfaces[port].Raw
}
