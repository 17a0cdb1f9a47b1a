package cli

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// ip4 makes an IPv4 packet without options.
func ip4(src, dst netip.Addr, proto byte, body []byte) []byte {
	h := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, proto, 0, 0}
	h = slices.Concat(h, src.AsSlice(), dst.AsSlice())
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(body)))
	binary.BigEndian.PutUint16(h[10:], ^ones(h))
	return append(h, body...)
}

// ip6 makes an IPv6 packet without extension headers.
func ip6(src, dst netip.Addr, next byte, body []byte) []byte {
	h := []byte{0x60, 0, 0, 0, 0, 0, next, 64}
	binary.BigEndian.PutUint16(h[4:], uint16(len(body)))
	return slices.Concat(h, src.AsSlice(), dst.AsSlice(), body)
}

// ones is the ones' complement sum of b; 0xffff over a header whose checksum is right.
func ones(b []byte) uint16 {
	var sum uint32
	for i := range b {
		sum += uint32(b[i]) << (8 * (1 - i&1))
	}
	sum = sum>>16 + sum&0xffff
	return uint16(sum>>16 + sum&0xffff)
}

// innerPackets makes n inner packets of the given sizes in turn, every third over IPv6 where it is large enough.
func innerPackets(r *rand.Rand, n int, sizes ...int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		size := sizes[i%len(sizes)]
		if i%3 == 2 && size >= 48 {
			out[i] = ip6(netip.MustParseAddr("fd00:1::1"), netip.MustParseAddr("fd00:2::1"), 59, randomOctets(r, size-40))
			continue
		}
		out[i] = ip4(netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.2.0.1"), 253, randomOctets(r, size-20))
	}
	return out
}

// imixSizes are the sizes of the simple IMIX and some that hit the edges of payloads.
var imixSizes = []int{40, 576, 40, 1500, 40, 40, 576, 40, 40, 576, 40, 1442, 1443}

// forwarded is a packet behind one gateway: TTL one lower, IPv4 checksum as it has to be.
func forwarded(ip []byte) []byte {
	p := slices.Clone(ip)
	if p[0]>>4 == 6 {
		p[7]--
		return p
	}
	p[8]--
	p[10], p[11] = 0, 0
	binary.BigEndian.PutUint16(p[10:], ^ones(p[:int(p[0]&15)*4]))
	return p
}
