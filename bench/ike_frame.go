package bench

import (
	"encoding/binary"
	"net/netip"
)

// The headers of a frame, octets.
const (
	etherHeader = 14
	ipv4Header  = 20
	udpHeader   = 8
	allHeaders  = etherHeader + ipv4Header + udpHeader
)

const (
	etherIPv4 = 0x0800
	ipUDP     = 17
)

// writeFrame fills b, allHeaders octets longer than data, with an Ethernet frame that carries data in UDP over IPv4, both
// checksums made (RFC 791 3.1, RFC 768).
func writeFrame(b []byte, to, from [6]byte, src, dst netip.AddrPort, data []byte) {
	copy(b, to[:])
	copy(b[6:], from[:])
	binary.BigEndian.PutUint16(b[12:], etherIPv4)
	ip, n := b[etherHeader:], len(data)
	clear(ip[:ipv4Header+udpHeader])
	ip[0], ip[8], ip[9] = 0x45, 64, ipUDP
	binary.BigEndian.PutUint16(ip[2:], uint16(ipv4Header+udpHeader+n))
	s, d := src.Addr().As4(), dst.Addr().As4()
	copy(ip[12:], s[:])
	copy(ip[16:], d[:])
	binary.BigEndian.PutUint16(ip[10:], ^fold(sum16(0, ip[:ipv4Header])))
	udp := ip[ipv4Header:]
	binary.BigEndian.PutUint16(udp, src.Port())
	binary.BigEndian.PutUint16(udp[2:], dst.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(udpHeader+n))
	copy(udp[udpHeader:], data)
	sum := ^fold(sum16(sum16(ipUDP+uint32(udpHeader+n), ip[12:20]), udp[:udpHeader+n]))
	if sum == 0 {
		sum = 0xffff // RFC 768: zero means no checksum
	}
	binary.BigEndian.PutUint16(udp[6:], sum)
}

// sum16 adds the 16-bit words of b, an odd octet padded with zero (RFC 1071).
func sum16(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// readFrame finds the UDP datagram of a frame; false for every other frame, fragments included.
func readFrame(b []byte) (src, dst netip.AddrPort, data []byte, ok bool) {
	if len(b) < allHeaders || binary.BigEndian.Uint16(b[12:]) != etherIPv4 {
		return src, dst, nil, false
	}
	ip := b[etherHeader:]
	if ip[0] != 0x45 || ip[9] != ipUDP || binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 {
		return src, dst, nil, false
	}
	udp := ip[ipv4Header:]
	n := int(binary.BigEndian.Uint16(udp[4:]))
	if n < udpHeader || n > len(udp) {
		return src, dst, nil, false
	}
	src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[12:])), binary.BigEndian.Uint16(udp))
	dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[16:])), binary.BigEndian.Uint16(udp[2:]))
	return src, dst, udp[udpHeader:n], true
}
