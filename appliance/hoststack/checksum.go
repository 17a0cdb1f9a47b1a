package hoststack

import (
	"encoding/binary"
	"net/netip"
)

// onesSum adds b to a ones' complement sum in 16-bit words; an odd last octet counts as the high one (RFC 1071).
func onesSum(sum uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

// checksum returns the Internet checksum of what a sum was made of. The sum of 64 KiB of words fits in 32 bits.
func checksum(sum uint32) uint16 {
	sum = sum>>16 + sum&0xffff
	sum += sum >> 16
	return ^uint16(sum)
}

// pseudoSum is the sum of the pseudo header of RFC 8200 8.1.
func pseudoSum(src, dst netip.Addr, protocol byte, length int) uint32 {
	s, d := src.As16(), dst.As16()
	return onesSum(onesSum(uint32(protocol)+uint32(length), s[:]), d[:])
}
