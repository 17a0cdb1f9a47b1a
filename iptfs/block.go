package iptfs

import "encoding/binary"

// Kind is the type of a data block, named by the top four bits of its first octet (RFC 9347 6.1.3).
type Kind uint8

// The kinds of data block.
const (
	BlockPad Kind = iota
	BlockIPv4
	BlockIPv6
	BlockUnknown
)

const (
	ipv4MinLen = 20
	ipv6Len    = 40

	ipv4LenNeed = 4 // octets of an IPv4 header that hold its length fields
	ipv6LenNeed = 6
	blockNeed   = 6 // octets that name the length of every kind of block
)

// kinds maps the top nibble of a block's first octet to its Kind.
var kinds = [16]Kind{
	0x0: BlockPad, 0x1: BlockUnknown, 0x2: BlockUnknown, 0x3: BlockUnknown,
	0x4: BlockIPv4, 0x5: BlockUnknown, 0x6: BlockIPv6, 0x7: BlockUnknown,
	0x8: BlockUnknown, 0x9: BlockUnknown, 0xa: BlockUnknown, 0xb: BlockUnknown,
	0xc: BlockUnknown, 0xd: BlockUnknown, 0xe: BlockUnknown, 0xf: BlockUnknown,
}

// BlockKind returns the kind of the data block that starts with the octet first. The low nibble says nothing: in a pad
// block it is padding already.
func BlockKind(first byte) Kind { return kinds[first>>4] }

// BlockLen returns the length in octets of the data block that starts b, which may hold only the beginning of it.
//
//   - ok with need 0: length is known. A pad block runs to the end of its payload (RFC 9347 6.1.3.3), so its length is
//     len(b). IPv6 with Payload Length 0 is a packet of 40 octets, not a jumbogram.
//   - ok with need above 0: b is a runt; at least need octets in all are needed to know the length. For no octets at
//     all need is 1, the octet that names the kind.
//   - not ok: the kind is unknown, or the packet's own length is impossible: an IPv4 header length below 20, or a total
//     length below the header length. length is 0 then, and the rest of the payload cannot be parsed.
func BlockLen(b []byte) (length, need int, ok bool) {
	if len(b) == 0 {
		return 0, 1, true
	}
	switch BlockKind(b[0]) {
	case BlockIPv4:
		return ipv4BlockLen(b)
	case BlockIPv6:
		if len(b) < ipv6LenNeed {
			return 0, ipv6LenNeed, true
		}
		return ipv6Len + int(binary.BigEndian.Uint16(b[4:])), 0, true
	case BlockPad:
		return len(b), 0, true
	default:
		return 0, 0, false
	}
}

// ipv4BlockLen is BlockLen for IPv4. A total length of 0 must end here, or a parser would never move on.
func ipv4BlockLen(b []byte) (length, need int, ok bool) {
	header := int(b[0]&0x0f) * 4
	if header < ipv4MinLen {
		return 0, 0, false
	}
	if len(b) < ipv4LenNeed {
		return 0, ipv4LenNeed, true
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total < header {
		return 0, 0, false
	}
	return total, 0, true
}
