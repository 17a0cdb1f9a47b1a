package hoststack

import (
	"encoding/binary"
	"net/netip"
)

// Lengths of headers, octets.
const (
	ethernetLen = 14
	ipv4Len     = 20
	ipv6Len     = 40
	fragmentLen = 8
	udpLen      = 8
	icmpLen     = 8
)

// Protocol and next header numbers.
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoUDP      = 17
	protoRouting  = 43
	protoFragment = 44
	protoESP      = 50
	protoICMPv6   = 58
	protoOptions  = 60
)

// maxExtensions bounds the IPv6 extension headers looked at; RFC 8200 4.1 lists fewer for a whole packet.
const maxExtensions = 8

// ipPacket is where the parts of an IP packet are. Offsets are in octets from the IP header.
type ipPacket struct {
	src, dst netip.Addr
	protocol byte // of the payload; in a fragment that is not the first, what the fragment header says
	payload  int  // where the payload begins, behind IPv6 extension headers
	end      int  // where the packet ends; the frame may be longer

	// Only of fragments.
	offset   int  // of the fragment's data in the packet's, octets
	more     bool // others follow
	fragment int  // IPv6: where the fragment header is, 0 if there is none
	previous int  // IPv6: where the octet is that says a fragment header follows
}

// isFragment reports whether p is but a part of a packet.
func (p *ipPacket) isFragment() bool { return p.offset != 0 || p.more }

// parseIP finds the parts of the packet in b; false where its headers do not fit in it.
func parseIP(b []byte) (p ipPacket, ok bool) {
	if len(b) < ipv4Len {
		return p, false
	}
	switch b[0] >> 4 {
	case 4:
		return parseIPv4(b)
	case 6:
		return parseIPv6(b)
	}
	return p, false
}

// parseIPv4 reads the header of RFC 791 3.1.
func parseIPv4(b []byte) (p ipPacket, ok bool) {
	field := binary.BigEndian.Uint16(b[6:])
	p = ipPacket{
		src: netip.AddrFrom4([4]byte(b[12:])), dst: netip.AddrFrom4([4]byte(b[16:])), protocol: b[9],
		payload: int(b[0]&15) * 4, end: int(binary.BigEndian.Uint16(b[2:])),
		offset: int(field&0x1fff) * 8, more: field&0x2000 != 0,
	}
	return p, p.payload >= ipv4Len && p.end >= p.payload && p.end <= len(b)
}

// parseIPv6 reads the header of RFC 8200 3 and walks the extension headers up to the payload, or up to a fragment's data.
func parseIPv6(b []byte) (p ipPacket, ok bool) {
	if len(b) < ipv6Len {
		return p, false
	}
	p = ipPacket{
		src: netip.AddrFrom16([16]byte(b[8:])), dst: netip.AddrFrom16([16]byte(b[24:])), protocol: b[6],
		payload: ipv6Len, end: ipv6Len + int(binary.BigEndian.Uint16(b[4:])), previous: 6,
	}
	if p.end > len(b) {
		return p, false
	}
	next := 6 // where the octet is that says what begins at p.payload
	for range maxExtensions {
		at := p.payload
		switch p.protocol {
		case protoHopByHop, protoRouting, protoOptions:
			if at+8 > p.end {
				return p, false
			}
			p.payload += 8 + int(b[at+1])*8
		case protoFragment:
			if at+fragmentLen > p.end || p.fragment != 0 {
				return p, false
			}
			field := binary.BigEndian.Uint16(b[at+2:])
			p.offset, p.more, p.fragment, p.previous = int(field&^7), field&1 != 0, at, next
			p.payload += fragmentLen
		default:
			return p, true
		}
		if p.payload > p.end {
			return p, false
		}
		p.protocol, next = b[at], at
		if p.offset != 0 {
			return p, true
		}
	}
	return p, false
}
