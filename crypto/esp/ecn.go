package esp

import "encoding/binary"

// ecnMask selects the ECN field of a DS/ECN octet (RFC 3168 5).
const ecnMask = 0x03

// Flags of an entry of ecnDecap beside the resulting ECN field in its low two bits.
const (
	ecnUnused = 0x04 // a combination RFC 6040 4.2 marks (!) or (!!!): counted
	ecnDrop   = 0x08
)

// ecnDecap is RFC 6040 4.2, figure 4: the ECN field of the packet that goes on, by inner and outer field. The columns are
// in order of the codepoints: Not-ECT 00, ECT(1) 01, ECT(0) 10, CE 11.
var ecnDecap = [16]uint8{
	0b00, 0b00 | ecnUnused, 0b00 | ecnUnused, ecnDrop | ecnUnused, // inner Not-ECT
	0b01, 0b01, 0b01 | ecnUnused, 0b11, // inner ECT(1)
	0b10, 0b01, 0b10, 0b11, // inner ECT(0)
	0b11, 0b11 | ecnUnused, 0b11, 0b11, // inner CE
}

// ecnAction returns the entry of ecnDecap for an inner and an outer DS/ECN octet.
func ecnAction(innerTOS, outerTOS uint8) uint8 {
	return ecnDecap[innerTOS&ecnMask<<2|outerTOS&ecnMask]
}

// setECN4 writes ecn into an IPv4 header and corrects its checksum by RFC 1624, equation 3.
func setECN4(h []byte, ecn uint8) {
	before := binary.BigEndian.Uint16(h)
	h[1] = h[1]&^ecnMask | ecn
	after := binary.BigEndian.Uint16(h)
	sum := uint64(^binary.BigEndian.Uint16(h[10:])) + uint64(^before) + uint64(after)
	binary.BigEndian.PutUint16(h[10:], ^fold(sum))
}

// setECN6 writes ecn into an IPv6 header: the traffic class lies across the first two octets.
func setECN6(h []byte, ecn uint8) { h[1] = h[1]&^(ecnMask<<4) | ecn<<4 }

// tos6 returns the traffic class of an IPv6 header.
func tos6(h []byte) uint8 { return h[0]<<4 | h[1]>>4 }
