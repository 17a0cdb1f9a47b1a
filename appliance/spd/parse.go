package spd

import (
	"encoding/binary"
	"net/netip"
)

// Code is why ParseInner refused a packet. The caller maps it to a verdict.
type Code uint8

// The codes.
const (
	ParseOK        Code = iota
	ParseShort          // shorter than its fixed header
	ParseVersion        // neither IPv4 nor IPv6
	ParseHeader         // IPv4 header length below 20 octets or beyond the packet
	ParseLength         // the length field exceeds the data, or is below the header
	ParseExtension      // IPv6 extension headers cut short, out of order, or too many
	ParseAddress        // IPv6 with an IPv4-mapped address, which has no place on a wire
	numCodes
)

// codeNames spells Code.
var codeNames = [numCodes]string{"ok", "short", "version", "header", "length", "extension", "address"}

// String returns a word for c.
func (c Code) String() string {
	if c >= numCodes {
		return "unknown"
	}
	return codeNames[c]
}

// Fragment is which part of a datagram a packet is.
type Fragment uint8

// The kinds of fragment.
const (
	Whole         Fragment = iota // also an IPv6 atomic fragment (RFC 6946)
	FirstFragment                 // offset 0, more to come
	LaterFragment                 // any other
)

// Info is what forwarding needs of a header beside the selectors.
type Info struct {
	TotalLen  uint32 // octets of the whole IP packet; data behind it is link padding
	HeaderLen uint16 // octets in front of the next layer protocol; of a LaterFragment, in front of the fragment's payload
	Fragment  Fragment
	V6        bool
}

// The header sizes, octets.
const (
	ip4Len  = 20
	ip6Len  = 40
	portLen = 4 // source and destination port
)

// ParseInner reads an IPv4 or IPv6 header for policy: addresses, next layer protocol, ports or ICMP type and code. The
// caller sets Packet.VRF. With a code other than ParseOK the other results are zero. It copies what it returns, allocates
// nothing, and looks at no octet behind the packet's own length.
func ParseInner(data []byte) (p Packet, info Info, code Code) {
	if info, code = p.Parse(data); code != ParseOK {
		return Packet{}, Info{}, code
	}
	return p, info, code
}

// Parse is ParseInner into p, which spares a copy per packet. With a code other than ParseOK p means nothing.
func (p *Packet) Parse(data []byte) (Info, Code) {
	*p = Packet{}
	if len(data) == 0 {
		return Info{}, ParseShort
	}
	switch data[0] >> 4 {
	case 4:
		return p.parse4(data)
	case 6:
		return p.parse6(data)
	}
	return Info{}, ParseVersion
}

// parse4 reads an IPv4 packet (RFC 791 3.1).
func (p *Packet) parse4(data []byte) (info Info, _ Code) {
	if len(data) < ip4Len {
		return info, ParseShort
	}
	header, total := int(data[0]&0x0f)*4, int(binary.BigEndian.Uint16(data[2:]))
	if header < ip4Len || header > len(data) {
		return info, ParseHeader
	}
	if total < header || total > len(data) {
		return info, ParseLength
	}
	p.Src = netip.AddrFrom4([4]byte(data[12:16]))
	p.Dst = netip.AddrFrom4([4]byte(data[16:20]))
	p.Proto = data[9]
	info = Info{TotalLen: uint32(total), HeaderLen: uint16(header)}
	const moreFragments, offsetMask = 0x2000, 0x1fff
	switch frag := binary.BigEndian.Uint16(data[6:]); {
	case frag&offsetMask != 0:
		info.Fragment = LaterFragment
		// At offset 8 the flags of a TCP header can be overwritten, the one field a selector's owner may rely on
		// (RFC 4301 7.2, RFC 3128).
		p.NoOpaque = frag&offsetMask == 1 && p.Proto == ProtoTCP
		return info, ParseOK
	case frag&moreFragments != 0:
		info.Fragment = FirstFragment
	}
	p.readPorts(data[header:total])
	return info, ParseOK
}

// readPorts takes the ports, or what stands for them, from the next layer header.
func (p *Packet) readPorts(b []byte) {
	switch p.Proto {
	case ProtoTCP, ProtoUDP, ProtoDCCP, ProtoSCTP, ProtoUDPLite:
		if len(b) >= portLen {
			p.SrcPort, p.DstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
			p.HasPorts = true
			return
		}
	case ProtoICMP, ProtoICMPv6:
		if len(b) >= 2 {
			p.setType(binary.BigEndian.Uint16(b))
			return
		}
	case ProtoMobility:
		if len(b) >= 3 {
			p.setType(uint16(b[2]) << 8)
			return
		}
	default:
		return // no such fields: OPAQUE matches (RFC 4301 4.4.1)
	}
	p.NoOpaque = true
}

// setType sets both ports to an ICMP or Mobility Header type.
func (p *Packet) setType(v uint16) { p.SrcPort, p.DstPort, p.HasPorts = v, v, true }
