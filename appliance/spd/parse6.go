package spd

import (
	"encoding/binary"
	"net/netip"
)

// The extension headers that are skipped to find the next layer protocol: the default of RFC 4301 4.4.1.1. AH and ESP are
// next layer protocols.
const (
	extHopByHop    = 0
	extRouting     = 43
	extFragment    = 44
	extDestination = 60
)

// maxExtensions bounds the chain: RFC 8200 4.1 recommends an order with at most 7 headers, twice Destination Options
// included.
const maxExtensions = 8

// parse6 reads an IPv6 packet (RFC 8200 3).
func (p *Packet) parse6(data []byte) (info Info, _ Code) {
	if len(data) < ip6Len {
		return info, ParseShort
	}
	total := ip6Len + int(binary.BigEndian.Uint16(data[4:]))
	if total > len(data) {
		return info, ParseLength
	}
	p.Src = netip.AddrFrom16([16]byte(data[8:24]))
	p.Dst = netip.AddrFrom16([16]byte(data[24:40]))
	p.Proto = data[6]
	if p.Src.Is4In6() || p.Dst.Is4In6() {
		return info, ParseAddress
	}
	info = Info{TotalLen: uint32(total), HeaderLen: ip6Len, V6: true}
	if isExtension(p.Proto) && !walk(data[:total], p, &info) {
		return Info{}, ParseExtension
	}
	if info.Fragment != LaterFragment {
		p.readPorts(data[info.HeaderLen:total])
	}
	return info, ParseOK
}

// isExtension reports whether the header is skipped to find the next layer protocol.
func isExtension(nh uint8) bool {
	return nh == extHopByHop || nh == extRouting || nh == extFragment || nh == extDestination
}

// walk follows the extension headers of data from info.HeaderLen on and leaves p.Proto and info at what comes after them.
// It reports false when the chain runs out of the packet (a first fragment has to hold all of it, RFC 7112 5), is out of
// order or too long.
func walk(data []byte, p *Packet, info *Info) bool {
	at, fragmented := int(info.HeaderLen), false
	for n := 0; isExtension(p.Proto); n++ {
		if n == maxExtensions || len(data)-at < 8 {
			return false
		}
		length := 8
		switch {
		case p.Proto == extHopByHop && n > 0: // RFC 8200 4.1: only first
			return false
		case p.Proto == extFragment:
			if fragmented {
				return false
			}
			fragmented = true
			if later := readFragment(data[at:], info); later {
				p.Proto = data[at]
				p.HiddenProto = isExtension(p.Proto)
				info.HeaderLen = uint16(at + length)
				return true
			}
		default:
			length = (int(data[at+1]) + 1) * 8
		}
		if at += length; at > len(data) {
			return false
		}
		p.Proto = data[at-length]
	}
	info.HeaderLen = uint16(at)
	return true
}

// readFragment reads a Fragment header (RFC 8200 4.5) and reports whether what follows is not the start of the datagram.
func readFragment(b []byte, info *Info) (later bool) {
	const more = 1
	switch v := binary.BigEndian.Uint16(b[2:]); {
	case v>>3 != 0:
		info.Fragment = LaterFragment
	case v&more != 0:
		info.Fragment = FirstFragment
	}
	return info.Fragment == LaterFragment
}
