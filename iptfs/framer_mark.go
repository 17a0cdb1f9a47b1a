package iptfs

import "encoding/binary"

// The values of the ECN field that are left alone (RFC 3168 5).
const (
	ecnBits   = 0b11
	ecnNone   = 0b00
	ecnMarked = 0b11
)

// markCE marks an ECN-capable inner packet as having met congestion, which a tunnel ingress may do like any other queue
// (RFC 9347 2.2.5.2); it returns false, and changes nothing, for a packet that is not capable or is marked already. p is
// a whole, valid IP packet.
func markCE(p []byte) bool {
	shift := 0
	if BlockKind(p[0]) == BlockIPv6 {
		shift = 4 // the traffic class lies across octets 0 and 1
	}
	if ecn := p[1] >> shift & ecnBits; ecn == ecnNone || ecn == ecnMarked {
		return false
	}
	before := binary.BigEndian.Uint16(p)
	p[1] |= ecnMarked << shift
	if shift == 0 {
		check := p[10:12]
		binary.BigEndian.PutUint16(check, adjust(binary.BigEndian.Uint16(check), before, binary.BigEndian.Uint16(p)))
	}
	return true
}

// adjust returns the Internet checksum sum after one of the words it covers went from before to after (RFC 1624 3).
func adjust(sum, before, after uint16) uint16 {
	s := uint32(^sum) + uint32(^before) + uint32(after)
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return ^uint16(s)
}
