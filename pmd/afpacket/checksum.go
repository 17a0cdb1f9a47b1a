package afpacket

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
	etherAD   = 0x88a8 // IEEE 802.1ad, the outer of two tags

	ipv4Len = 20
	ipv6Len = 40

	maxTags       = 2
	maxExtensions = 8
)

// complete finishes the TCP or UDP checksum of a frame that was sent with a device to do so in mind: the field holds the
// sum of the pseudo-header, and the sum of the whole segment with it is what the device would have put there. It returns
// false, and changes nothing, where the frame has no such field.
func complete(frame []byte) bool {
	segment, field := transport(frame)
	if field == 0 || len(segment) < field+2 {
		return false
	}
	sum := ^ones(segment)
	if sum == 0 {
		sum = 0xffff // RFC 768: zero would say that there is no checksum
	}
	binary.BigEndian.PutUint16(segment[field:], sum)
	return true
}

// ones is the sum of RFC 1071: 16-bit words in ones' complement, a last odd octet as the upper half of a word.
func ones(b []byte) uint16 {
	sum := uint64(0)
	for ; len(b) >= 2; b = b[2:] {
		sum += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// transport returns the transport segment of a frame and where its checksum stands; 0 where there is none.
func transport(frame []byte) (segment []byte, field int) {
	at := macsLen
	for range maxTags {
		if kind := etherType(frame, at); kind == tpidCustomer || kind == etherAD {
			at += tagLen
		}
	}
	packet, protocol := frame[min(at+2, len(frame)):], 0
	switch etherType(frame, at) {
	case etherIPv4:
		segment, protocol = pastIPv4(packet)
	case etherIPv6:
		segment, protocol = pastIPv6(packet)
	}
	switch protocol {
	case unix.IPPROTO_TCP:
		return segment, 16
	case unix.IPPROTO_UDP:
		return segment, 6
	}
	return nil, 0
}

// etherType returns the EtherType at an offset, 0 behind the end.
func etherType(frame []byte, at int) uint16 {
	if len(frame) < at+2 {
		return 0
	}
	return binary.BigEndian.Uint16(frame[at:])
}

// pastIPv4 returns what follows an IPv4 header and its protocol, 0 for a fragment: the kernel fragments only what has its
// checksum.
func pastIPv4(b []byte) (rest []byte, protocol int) {
	if len(b) < ipv4Len || b[0]>>4 != 4 {
		return nil, 0
	}
	header := int(b[0]&15) * 4
	moreOrOffset := binary.BigEndian.Uint16(b[6:]) & 0x3fff
	if header < ipv4Len || header > len(b) || moreOrOffset != 0 {
		return nil, 0
	}
	return b[header:], int(b[9])
}

// pastIPv6 returns what follows an IPv6 header and its extension headers, and the protocol; 0 for a fragment.
func pastIPv6(b []byte) (rest []byte, protocol int) {
	if len(b) < ipv6Len || b[0]>>4 != 6 {
		return nil, 0
	}
	protocol, rest = int(b[6]), b[ipv6Len:]
	for range maxExtensions {
		switch protocol {
		case unix.IPPROTO_HOPOPTS, unix.IPPROTO_ROUTING, unix.IPPROTO_DSTOPTS:
		default:
			return rest, protocol
		}
		if len(rest) < 2 {
			return nil, 0
		}
		length := 8 + 8*int(rest[1]) // RFC 8200 4.2: in units of 8 octets, the first not counted
		if length > len(rest) {
			return nil, 0
		}
		protocol, rest = int(rest[0]), rest[length:]
	}
	return nil, 0
}
