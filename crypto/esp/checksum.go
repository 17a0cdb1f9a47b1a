package esp

import (
	"encoding/binary"
	"math/bits"
)

// fold brings a sum of 16-bit words down to 16 bits with end-around carry (RFC 1071).
func fold(sum uint64) uint16 {
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>32 + sum&0xffffffff
	sum = sum>>16 + sum&0xffff
	sum = sum>>16 + sum&0xffff
	return uint16(sum>>16 + sum&0xffff)
}

// sumOctets adds the 16-bit words of b to a ones'-complement sum; an odd last octet is padded with zero. It takes eight
// octets at a time with end-around carry, which folds to the same 16 bits (RFC 1071 2(C)).
func sumOctets(b []byte, sum uint64) uint64 {
	var c uint64
	for len(b) >= 32 {
		sum, c = bits.Add64(sum, binary.BigEndian.Uint64(b), c)
		sum, c = bits.Add64(sum, binary.BigEndian.Uint64(b[8:]), c)
		sum, c = bits.Add64(sum, binary.BigEndian.Uint64(b[16:]), c)
		sum, c = bits.Add64(sum, binary.BigEndian.Uint64(b[24:]), c)
		b = b[32:]
	}
	for len(b) >= 8 {
		sum, c = bits.Add64(sum, binary.BigEndian.Uint64(b), c)
		b = b[8:]
	}
	var last [8]byte
	copy(last[:], b)
	sum, c = bits.Add64(sum, binary.BigEndian.Uint64(last[:]), c)
	sum, c = bits.Add64(sum, 0, c)
	return sum + c
}

// udpChecksum6 returns the checksum of a UDP datagram over IPv6, whose header starts at ip and whose UDP header with a
// zero checksum field follows it. 0 is sent as 0xffff (RFC 8200 8.1).
func udpChecksum6(ip []byte) uint16 {
	const udpProtocol = 17
	udp := ip[ipv6Len:]
	sum := sumOctets(ip[8:ipv6Len], uint64(len(udp))+udpProtocol) // the pseudo-header: addresses, length, next header
	c := ^fold(sumOctets(udp, sum))
	if c == 0 {
		return 0xffff
	}
	return c
}
