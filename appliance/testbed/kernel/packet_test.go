package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

const (
	protoICMP, protoUDP, protoESP, protoICMPv6 = 1, 17, 50, 58
	nextIPv4, nextIPv6, nextAGGFRAG            = 4, 41, 144
)

// ttl is what sources send with. Each packet passes one gateway, ours, which lowers it by one.
const ttl = 64

// ip makes an IPv4 or IPv6 packet.
func ip(src, dst netip.Addr, protocol byte, body []byte) []byte {
	if src.Is4() {
		b := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, ttl, protocol, 0, 0}
		binary.BigEndian.PutUint16(b[2:], uint16(20+len(body)))
		b = append(append(b, src.AsSlice()...), dst.AsSlice()...)
		binary.BigEndian.PutUint16(b[10:], checksum(b))
		return append(b, body...)
	}
	b := []byte{0x60, 0, 0, 0, 0, 0, protocol, ttl}
	binary.BigEndian.PutUint16(b[4:], uint16(len(body)))
	return append(append(append(b, src.AsSlice()...), dst.AsSlice()...), body...)
}

// checksum is RFC 1071's.
func checksum(parts ...[]byte) uint16 {
	sum := 0
	for _, b := range parts { // every part but the last has an even length
		for i, c := range b {
			sum += int(c) << (8 * (1 - i%2))
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// pseudo is the pseudo-header of both families (RFC 768, RFC 8200 8.1); the shorter one is padded to the longer one's
// fields, which adds nothing.
func pseudo(src, dst netip.Addr, protocol byte, n int) []byte {
	b := append(src.AsSlice(), dst.AsSlice()...)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	return append(b, 0, 0, 0, protocol)
}

// headerLen is the octets of IP header; the packets here have neither options nor extension headers.
func headerLen(a netip.Addr) int {
	if a.Is4() {
		return 20
	}
	return 40
}

// icmp makes an ICMP or ICMPv6 echo message.
func icmp(src, dst netip.Addr, kind byte, id, seq uint16, body []byte) []byte {
	m := append([]byte{kind, 0, 0, 0, byte(id >> 8), byte(id), byte(seq >> 8), byte(seq)}, body...)
	if src.Is4() {
		binary.BigEndian.PutUint16(m[2:], checksum(m))
		return ip(src, dst, protoICMP, m)
	}
	binary.BigEndian.PutUint16(m[2:], checksum(pseudo(src, dst, protoICMPv6, len(m)), m))
	return ip(src, dst, protoICMPv6, m)
}

// udp makes a UDP datagram with its checksum.
func udp(src, dst netip.AddrPort, body []byte) []byte {
	m := binary.BigEndian.AppendUint16(nil, src.Port())
	m = binary.BigEndian.AppendUint16(m, dst.Port())
	m = binary.BigEndian.AppendUint16(m, uint16(8+len(body)))
	m = append(append(m, 0, 0), body...)
	sum := checksum(pseudo(src.Addr(), dst.Addr(), protoUDP, len(m)), m)
	if sum == 0 {
		sum = 0xffff // RFC 768: zero means none
	}
	binary.BigEndian.PutUint16(m[6:], sum)
	return ip(src.Addr(), dst.Addr(), protoUDP, m)
}

// pattern is the body of datagram seq as the guest's "send" makes it and its "count" checks it.
func pattern(seq uint64, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(uint64(i)*7 + seq*13)
	}
	if n >= 8 {
		binary.BigEndian.PutUint64(b, seq)
	}
	return b
}

// parsed is an IP packet taken apart.
type parsed struct {
	src, dst netip.Addr
	protocol byte
	ttl      byte
	body     []byte
}

// parse reads a packet and checks its lengths and the IPv4 header checksum.
func parse(b []byte) (p parsed, err error) {
	switch {
	case len(b) >= 20 && b[0] == 0x45:
		if n := int(binary.BigEndian.Uint16(b[2:])); n != len(b) {
			return p, fmt.Errorf("IPv4 packet of %d octets says %d", len(b), n)
		}
		if checksum(b[:20]) != 0 || b[6]&^0x40 != 0 || b[7] != 0 {
			return p, fmt.Errorf("IPv4 header %x: wrong checksum, or a fragment", b[:20])
		}
		return parsed{netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:])), b[9], b[8], b[20:]}, nil
	case len(b) >= 40 && b[0]>>4 == 6:
		if n := 40 + int(binary.BigEndian.Uint16(b[4:])); n != len(b) {
			return p, fmt.Errorf("IPv6 packet of %d octets says %d", len(b), n)
		}
		return parsed{netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:])), b[6], b[7], b[40:]}, nil
	}
	return p, errors.New("not an IP packet")
}

// forwarded is the packet behind one gateway.
func forwarded(p []byte) []byte {
	p = bytes.Clone(p)
	if p[0]>>4 == 6 {
		p[7]--
		return p
	}
	p[8]--
	p[10], p[11] = 0, 0
	binary.BigEndian.PutUint16(p[10:], checksum(p[:20]))
	return p
}

// answer is what the kernel sends back to an echo request or to a datagram for its echo service.
func answer(request []byte) []byte {
	p, err := parse(request)
	if err != nil {
		panic(err)
	}
	if p.protocol == protoUDP {
		port := func(i int) uint16 { return binary.BigEndian.Uint16(p.body[i:]) }
		return udp(netip.AddrPortFrom(p.dst, port(2)), netip.AddrPortFrom(p.src, port(0)), p.body[8:])
	}
	kind := byte(0)
	if p.protocol == protoICMPv6 {
		kind = 129
	}
	return icmp(p.dst, p.src, kind, binary.BigEndian.Uint16(p.body[4:]), binary.BigEndian.Uint16(p.body[6:]), p.body[8:])
}

// canonical is a packet without what its sender is free to choose: IPv4 identification and DF, IPv6 flow label. The IPv4
// header checksum goes with them; parse has checked it.
func canonical(p []byte) string {
	b := bytes.Clone(p)
	if b[0]>>4 == 6 {
		b[1], b[2], b[3] = b[1]&0xf0, 0, 0
		return string(b)
	}
	b[4], b[5], b[6], b[10], b[11] = 0, 0, b[6]&^0x40, 0, 0
	return string(b)
}
