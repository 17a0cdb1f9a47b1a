package dataplane

import (
	"encoding/binary"

	"stillwater/crypto/esp"
	"stillwater/pmd/mbuf"
)

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
	etherLen  = 14

	protoIPv4 = 4
	protoIPv6 = 41
	protoUDP  = 17
	protoESP  = 50
	portESP   = 4500 // ESP in UDP, RFC 3948
	ipv4Len   = 20
	ipv6Len   = 40
	udpLen    = 8
	minHopTTL = 1
)

// stripLink takes l2 octets of link header off; false where the frame does not carry IP. L3 remembers the length, so that
// a punted packet can be given back its header and the host stack can tell frames from IP packets.
func stripLink(m *mbuf.Mbuf, l2 uint8) bool {
	m.L3 = 0
	if l2 == 0 {
		return true
	}
	d := m.Data()
	if len(d) < etherLen {
		return false
	}
	m.L3 = l2
	m.Adj(int(l2))
	t := be16(d[12:])
	return t == etherIPv4 || t == etherIPv6
}

// CheckIP validates the fixed IP header at the start of m's data and cuts link padding off behind the packet, so that
// afterwards data is exactly one IP packet. Pass, or the verdict that names the damage.
func CheckIP(m *mbuf.Mbuf) mbuf.Verdict {
	d := m.Data()
	if len(d) < ipv4Len {
		return mbuf.Malformed
	}
	total := 0
	switch d[0] >> 4 {
	case 4:
		header := int(d[0]&15) * 4
		total = int(be16(d[2:]))
		if header < ipv4Len || total < header || total > len(d) {
			return mbuf.Malformed
		}
		if headerSum(d[:header]) != 0xffff {
			return mbuf.BadChecksum
		}
	case 6:
		if len(d) < ipv6Len {
			return mbuf.Malformed
		}
		if total = ipv6Len + int(be16(d[4:])); total > len(d) {
			return mbuf.Malformed
		}
	default:
		return mbuf.BadVersion
	}
	m.Trim(len(d) - total)
	return mbuf.Pass
}

// headerSum is the ones' complement sum of an IPv4 header of 20 to 60 octets; 0xffff when its checksum is right (RFC 791).
func headerSum(h []byte) uint32 {
	var sum uint64
	for len(h) >= 4 {
		sum += uint64(be32(h))
		h = h[4:]
	}
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	return uint32(sum>>16 + sum&0xffff)
}

// ParseOuter finds ESP in an IP packet for the appliance that CheckIP has passed. Pass: data starts at the ESP header, the
// outer one is what Marked returns, and SPI, the 32 bits of sequence number that are sent, TOS, TTL and UDP source port are in
// the metadata. Everything else keeps its data and is told apart by verdict.
func ParseOuter(m *mbuf.Mbuf) mbuf.Verdict {
	d := m.Data()
	header, proto, fragment := ipv4Len, uint8(0), false
	if d[0]>>4 == 4 {
		header, proto = int(d[0]&15)*4, d[9]
		m.TOS, m.TTL = d[1], d[8]
		fragment = be16(d[6:])&0x3fff != 0 // MF or an offset
	} else {
		var ok bool
		m.TOS, m.TTL = uint8(be16(d)>>4), d[7]
		if header, proto, fragment, ok = skipExtensions(d); !ok {
			return mbuf.Malformed
		}
	}
	if fragment {
		// RFC 4303 3.4.1: ESP is not offered fragments. Which of UDP's are of ESP shows when they are whole.
		if proto == protoESP || proto == protoUDP {
			m.NextHeader = proto
			return mbuf.OuterFragment
		}
		return mbuf.Punted
	}
	switch proto {
	case protoESP:
		return startESP(m, header, 0)
	case protoUDP:
		return demuxUDP(m, header)
	}
	return mbuf.Punted
}

// maxExtensions bounds the IPv6 extension headers in front of ESP that are walked.
const maxExtensions = 4

// skipExtensions walks hop-by-hop, routing, destination options and atomic fragment headers of an IPv6 packet (RFC 8200
// 4.1).
func skipExtensions(d []byte) (offset int, proto uint8, fragment, ok bool) {
	offset, proto = ipv6Len, d[6]
	for range maxExtensions + 1 {
		switch proto {
		case 0, 43, 60:
			if offset+8 > len(d) {
				return 0, 0, false, false
			}
			proto, offset = d[offset], offset+8+int(d[offset+1])*8
		case 44:
			if offset+8 > len(d) {
				return 0, 0, false, false
			}
			if be16(d[offset+2:])&0xfff9 != 0 { // an offset or M
				return offset + 8, d[offset], true, true
			}
			proto, offset = d[offset], offset+8 // RFC 6946: an atomic fragment is whole
		default:
			return offset, proto, false, offset <= len(d)
		}
	}
	return 0, 0, false, false
}

// startESP puts data at the ESP header and marks where the outer header begins; SPI 0 and other reserved ones are left to the
// SAD.
func startESP(m *mbuf.Mbuf, header int, srcPort uint16) mbuf.Verdict {
	d := m.Data()[header:]
	spi, ok := esp.ParseSPI(d)
	if !ok {
		return mbuf.TooShort
	}
	m.SPI, m.Seq, m.SrcPort = spi, uint64(be32(d[4:])), srcPort
	m.Mark()
	m.Adj(header)
	return mbuf.Pass
}

// demuxUDP tells ESP, IKE and keepalives on port 4500 apart (RFC 3948 2.2). Any source port is accepted: peers with one
// SA per CPU use a random one for each.
func demuxUDP(m *mbuf.Mbuf, header int) mbuf.Verdict {
	d := m.Data()
	if len(d) < header+udpLen {
		return mbuf.Malformed
	}
	if be16(d[header+2:]) != portESP {
		return mbuf.Punted
	}
	length := int(be16(d[header+4:]))
	if length < udpLen || header+length > len(d) {
		return mbuf.Malformed
	}
	switch esp.DemuxUDP(d[header+udpLen : header+length]) {
	case esp.KindESP:
		m.Trim(len(d) - header - length)
		return startESP(m, header+udpLen, be16(d[header:]))
	case esp.KindIKE:
		return mbuf.Punted
	case esp.KindKeepalive:
		return mbuf.Keepalive
	}
	return mbuf.TooShort
}

// lowerTTL takes one off the TTL or hop limit of a packet that is forwarded and corrects the IPv4 checksum by increment
// (RFC 1624; RFC 4301 5.1.2). A packet that would reach zero is not forwarded.
func lowerTTL(ip []byte) mbuf.Verdict {
	if ip[0]>>4 == 6 {
		if ip[7] <= minHopTTL {
			return mbuf.TTLExceeded
		}
		ip[7]--
		return mbuf.Pass
	}
	if ip[8] <= minHopTTL {
		return mbuf.TTLExceeded
	}
	ip[8]--
	sum := uint32(^be16(ip[10:])) + 0xfeff // RFC 1624, equation 3: the header word fell by 0x100
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	return mbuf.Pass
}

// nextHeader is the ESP Next Header of an inner IP packet in tunnel mode: 4 or 41.
func nextHeader(ip []byte) uint8 {
	if ip[0]>>4 == 4 {
		return protoIPv4
	}
	return protoIPv6
}
