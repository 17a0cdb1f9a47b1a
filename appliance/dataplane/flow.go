package dataplane

import (
	"net/netip"

	"stillwater/appliance/spd"
	"stillwater/pmd/mbuf"
)

// Flow is the addresses and ports of one packet by value, as events carry them. The zero value is unknown.
type Flow struct {
	Src, Dst Addr
	// SrcPort and DstPort are valid with HasPorts. Of ICMP both are type*256+code, as in traffic selectors (RFC 7296 3.13.1).
	SrcPort, DstPort uint16
	Proto            uint8
	HasPorts         bool
}

// Source returns where the packet came from; port 0 where it has none.
func (f *Flow) Source() netip.AddrPort { return netip.AddrPortFrom(f.Src.IP(), f.SrcPort) }

// Destination returns where the packet was to go; port 0 where it has none.
func (f *Flow) Destination() netip.AddrPort { return netip.AddrPortFrom(f.Dst.IP(), f.DstPort) }

// clearFlow reads the flow of an IP packet that lies in the clear.
func clearFlow(m *mbuf.Mbuf) Flow {
	var p spd.Packet
	if _, code := p.Parse(m.Data()); code != spd.ParseOK {
		return Flow{}
	}
	return Flow{Src: AddrFrom(p.Src), Dst: AddrFrom(p.Dst), SrcPort: p.SrcPort, DstPort: p.DstPort, Proto: p.Proto, HasPorts: p.HasPorts}
}

// outerFlow reads the flow of the outer headers that ParseOuter took off.
func outerFlow(m *mbuf.Mbuf) Flow {
	src, dst, ok := outerAddrs(m)
	if !ok {
		return Flow{}
	}
	if m.SrcPort == 0 {
		return Flow{Src: src, Dst: dst, Proto: protoESP}
	}
	return Flow{Src: src, Dst: dst, SrcPort: m.SrcPort, DstPort: portESP, Proto: protoUDP, HasPorts: true}
}

// outerAddrs reads the addresses of the outer header; false where there is none, as on packets out of AGGFRAG payloads.
func outerAddrs(m *mbuf.Mbuf) (src, dst Addr, ok bool) {
	h := m.Marked()
	switch {
	case len(h) >= ipv6Len && h[0]>>4 == 6:
		return Addr(h[8:24]), Addr(h[24:40]), true
	case len(h) >= ipv4Len && h[0]>>4 == 4:
		return mapped(h[12:16]), mapped(h[16:20]), true
	}
	return src, dst, false
}

// mapped returns an IPv4 address in its IPv6-mapped form.
func mapped(v4 []byte) Addr {
	a := Addr{10: 0xff, 11: 0xff}
	copy(a[12:], v4)
	return a
}
