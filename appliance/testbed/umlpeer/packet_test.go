package umlpeer

import (
	"encoding/binary"
	"net"
	"net/netip"
)

const (
	protoICMP, protoUDP, protoESP, protoICMPv6 = 1, 17, 50, 58
	nextIPv4, nextIPv6, nextAGGFRAG            = 4, 41, 144
)

// ip is an IPv4 or IPv6 packet.
func ip(src, dst netip.Addr, protocol byte, payload []byte) []byte {
	if src.Is4() {
		b := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0}
		binary.BigEndian.PutUint16(b[2:], uint16(20+len(payload)))
		b = append(append(b, src.AsSlice()...), dst.AsSlice()...)
		binary.BigEndian.PutUint16(b[10:], checksum(b))
		return append(b, payload...)
	}
	b := []byte{0x60, 0, 0, 0, 0, 0, protocol, 64}
	binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
	return append(append(append(b, src.AsSlice()...), dst.AsSlice()...), payload...)
}

// echo is an ICMP or ICMPv6 echo request (RFC 792, RFC 4443 4.1).
func echo(src, dst netip.Addr, id uint16) []byte {
	m := []byte{8, 0, 0, 0, 0, 0, 0, 1, 'p', 'i', 'n', 'g'}
	binary.BigEndian.PutUint16(m[4:], id)
	if src.Is4() {
		binary.BigEndian.PutUint16(m[2:], checksum(m))
		return ip(src, dst, protoICMP, m)
	}
	m[0] = 128
	pseudo := append(append(src.AsSlice(), dst.AsSlice()...), 0, 0, 0, byte(len(m)), 0, 0, 0, protoICMPv6)
	binary.BigEndian.PutUint16(m[2:], checksum(append(pseudo, m...)))
	return ip(src, dst, protoICMPv6, m)
}

// parsed is an IP packet taken apart.
type parsed struct {
	src, dst netip.Addr
	protocol byte
	payload  []byte
}

// parseIP reads a packet without options or extension headers, as the kernel sends it here.
func parseIP(b []byte) (p parsed, ok bool) {
	switch {
	case len(b) >= 20 && b[0] == 0x45:
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < 20 || n > len(b) {
			return p, false
		}
		return parsed{netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:])), b[9], b[20:n]}, true
	case len(b) >= 40 && b[0]>>4 == 6:
		n := 40 + int(binary.BigEndian.Uint16(b[4:]))
		if n > len(b) {
			return p, false
		}
		return parsed{netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:])), b[6], b[40:n]}, true
	}
	return p, false
}

// checksum is RFC 1071's.
func checksum(b []byte) uint16 {
	sum := 0
	for i, c := range b {
		sum += int(c) << (8 * (1 - i%2))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// frame puts the Ethernet header of the wire in front of a packet to the kernel.
func frame(packet []byte) []byte {
	to, _ := net.ParseMAC(KernelMAC)
	from, _ := net.ParseMAC(OurMAC)
	f := append(append([]byte{}, to...), from...)
	if packet[0]>>4 == 4 {
		f = append(f, 0x08, 0x00)
	} else {
		f = append(f, 0x86, 0xdd)
	}
	return append(f, packet...)
}
