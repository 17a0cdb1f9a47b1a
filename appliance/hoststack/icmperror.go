package hoststack

import (
	"encoding/binary"
	"net/netip"
)

// The longest ICMP errors, octets of IP packet: RFC 1812 4.3.2.3 and RFC 4443 2.4 (c).
const (
	maxError4 = 576
	maxError6 = minMTU6
)

// Header fields of the errors we send. RFC 1812 4.3.2.5: errors have precedence INTERNETWORK CONTROL.
const (
	errorTOS = 0xc0
	errorTTL = 64
)

// message is the type and code of an error in both families (the codes are 0 in ICMPv6), and what RFC 4443 2.4 (e.3) lets one
// say about multicast.
type message struct {
	type4, code4, type6 byte
	multicast6          bool
}

var (
	timeExceeded = message{type4: 11, type6: 3}
	tooBig       = message{type4: 3, code4: 4, type6: 2, multicast6: true}
)

// TimeExceeded appends to dst the IP packet that tells the sender of original that its TTL or hop limit ran out in transit
// (RFC 792, RFC 4443 3.3). from is the appliance's own address, of the same family. False, and dst unchanged: original is
// damaged, or no error may be sent about it (RFC 1812 4.3.2.7, RFC 4443 2.4 e). The caller knows two more such cases: frames
// that came as a link-layer broadcast, and destinations that are a subnet's broadcast address.
func TimeExceeded(dst, original []byte, from netip.Addr) ([]byte, bool) {
	return appendError(dst, original, from, &timeExceeded, 0)
}

// TooBig appends the packet that tells the sender of original to send no more than mtu octets (RFC 1191 4, RFC 4443 3.2). The
// rest is as with TimeExceeded.
func TooBig(dst, original []byte, mtu int, from netip.Addr) ([]byte, bool) {
	return appendError(dst, original, from, &tooBig, uint32(min(max(mtu, 0), maxMTU)))
}

// appendError builds an error; rest is the second word of its header.
func appendError(dst, original []byte, from netip.Addr, m *message, rest uint32) ([]byte, bool) {
	p, ok := parseIP(original)
	if !ok || from.Is4() != p.src.Is4() || !mayReport(&p, original, m) {
		return dst, false
	}
	if p.src.Is4() {
		return appendError4(dst, original[:min(p.end, maxError4-ipv4Len-icmpLen)], from, p.src, m, rest), true
	}
	return appendError6(dst, original[:min(p.end, maxError6-ipv6Len-icmpLen)], from, p.src, m, rest), true
}

// mayReport reports whether an error may be sent about p, the packet in b.
func mayReport(p *ipPacket, b []byte, m *message) bool {
	if p.offset != 0 || !unicast(p.src) || p.src.IsLoopback() {
		return false
	}
	if !unicast(p.dst) && !(m.multicast6 && p.dst.Is6() && p.dst.IsMulticast()) {
		return false
	}
	icmp := p.protocol == protoICMP && p.src.Is4() || p.protocol == protoICMPv6 && p.src.Is6()
	return !icmp || p.payload < p.end && !isError(p.src.Is4(), b[p.payload])
}

// isError reports whether an ICMP message of a type is an error, or a redirect, which RFC 4443 2.4 (e.2) treats as one.
func isError(is4 bool, kind byte) bool {
	if is4 {
		return kind >= 3 && kind <= 5 || kind == 11 || kind == 12
	}
	return kind < 128 || kind == redirect6
}

// redirect6 is the type of the ICMPv6 redirect (RFC 4861 4.5).
const redirect6 = 137

// appendError4 writes an ICMPv4 error in an IPv4 packet. ID 0 and DF: it is never fragmented (RFC 6864 4.1).
func appendError4(dst, quote []byte, from, to netip.Addr, m *message, rest uint32) []byte {
	at := len(dst)
	src, peer := from.As4(), to.As4()
	dst = append(dst, 0x45, errorTOS)
	dst = binary.BigEndian.AppendUint16(dst, uint16(ipv4Len+icmpLen+len(quote)))
	dst = append(dst, 0, 0, 0x40, 0, errorTTL, protoICMP, 0, 0)
	dst = append(dst, src[:]...)
	dst = append(dst, peer[:]...)
	binary.BigEndian.PutUint16(dst[at+10:], checksum(onesSum(0, dst[at:])))
	at = len(dst)
	dst = append(dst, m.type4, m.code4, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, rest)
	dst = append(dst, quote...)
	binary.BigEndian.PutUint16(dst[at+2:], checksum(onesSum(0, dst[at:])))
	return dst
}

// appendError6 writes an ICMPv6 error in an IPv6 packet.
func appendError6(dst, quote []byte, from, to netip.Addr, m *message, rest uint32) []byte {
	src, peer, length := from.As16(), to.As16(), icmpLen+len(quote)
	dst = append(dst, 0x60|errorTOS>>4, errorTOS<<4&0xff, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(length))
	dst = append(dst, protoICMPv6, errorTTL)
	dst = append(dst, src[:]...)
	dst = append(dst, peer[:]...)
	at := len(dst)
	dst = append(dst, m.type6, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, rest)
	dst = append(dst, quote...)
	binary.BigEndian.PutUint16(dst[at+2:], checksum(onesSum(pseudoSum(from, to, protoICMPv6, length), dst[at:])))
	return dst
}
