package hoststack

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// datagramKey names the packet a fragment is of: RFC 791 3.2 counts the protocol in, RFC 8200 4.5 does not.
type datagramKey struct {
	src, dst netip.Addr
	id       uint32
	protocol byte
}

// piece is the data of one fragment.
type piece struct {
	offset int
	data   []byte
}

// end is where the data ends in the packet's.
func (p *piece) end() int { return p.offset + len(p.data) }

// datagram is a packet of which fragments are missing.
type datagram struct {
	key    datagramKey
	since  int64   // when the first fragment came, ns
	header []byte  // of the first fragment, as a whole packet has it but for lengths
	pieces []piece // by offset; they neither overlap nor touch anything that is not theirs
	total  int     // octets of data, 0 while the last fragment is missing
	have   int     // octets of data that are here
	octets int     // of memory, for the limit
	count  uint64  // fragments that came
	ecn    byte    // set of the ECN codepoints seen, bit by codepoint
	dead   bool    // refused: fragments still to come are dropped, too (RFC 5722 4)
}

// keyOf returns the key of fragment p in b.
func keyOf(p *ipPacket, b []byte) datagramKey {
	if p.src.Is4() {
		return datagramKey{p.src, p.dst, uint32(binary.BigEndian.Uint16(b[4:])), p.protocol}
	}
	return datagramKey{p.src, p.dst, binary.BigEndian.Uint32(b[p.fragment+4:]), 0}
}

// dataOf returns the data of fragment p in b: what follows the IPv4 header or the fragment header.
func dataOf(p *ipPacket, b []byte) []byte {
	if p.src.Is4() {
		return b[p.payload:p.end]
	}
	return b[p.fragment+fragmentLen : p.end]
}

// headerOf returns a copy of what stands in front of a whole packet's data: for IPv6 the part that is not fragmented, whose
// last header names what the fragment header named (RFC 8200 4.5).
func headerOf(p *ipPacket, b []byte) []byte {
	if p.src.Is4() {
		return slices.Clone(b[:p.payload])
	}
	h := slices.Clone(b[:p.fragment])
	h[p.previous] = b[p.fragment]
	return h
}

// The answers of insert.
type fate int

const (
	taken fate = iota
	repeated
	conflicting
)

// insert puts a piece in its place. An exact repetition changes nothing (RFC 8200 4.5 allows that); every other overlap, and a
// second end of the packet in another place, is a conflict.
func (d *datagram) insert(n piece, last bool) fate {
	i, found := slices.BinarySearchFunc(d.pieces, n.offset, func(p piece, offset int) int { return p.offset - offset })
	if found {
		if p := &d.pieces[i]; slices.Equal(p.data, n.data) && last == (d.total == p.end()) {
			return repeated
		}
		return conflicting
	}
	before := i > 0 && d.pieces[i-1].end() > n.offset
	behind := i < len(d.pieces) && n.end() > d.pieces[i].offset
	beyond := d.total != 0 && (n.end() > d.total || last)
	short := last && len(d.pieces) > 0 && d.pieces[len(d.pieces)-1].end() > n.end()
	if before || behind || beyond || short {
		return conflicting
	}
	if last {
		d.total = n.end()
	}
	n.data = slices.Clone(n.data)
	d.pieces = slices.Insert(d.pieces, i, n)
	d.have += len(n.data)
	return taken
}

// complete reports whether nothing is missing: pieces do not overlap, so octets can be counted.
func (d *datagram) complete() bool { return d.header != nil && d.total != 0 && d.have == d.total }

// ecnOf returns the ECN field of a packet.
func ecnOf(b []byte) byte {
	if b[0]>>4 == 4 {
		return b[1] & 3
	}
	return b[1] >> 4 & 3
}

// The ECN codepoints (RFC 3168 5), as a set.
const (
	setNotECT = 1 << 0
	setCE     = 1 << 3
)

// whole puts the packet together. False: it is too long for one, or its fragments contradict each other about ECN: Congestion
// Experienced on one and Not-ECT on another (RFC 3168 5.3).
func (d *datagram) whole() (ip []byte, ok bool) {
	length := len(d.header) + d.total
	is4 := d.header[0]>>4 == 4
	if is4 && length > 0xffff || length-ipv6Len > 0xffff || d.ecn&setCE != 0 && d.ecn&setNotECT != 0 {
		return nil, false
	}
	ip = append(make([]byte, 0, length), d.header...)
	for i := range d.pieces {
		ip = append(ip, d.pieces[i].data...)
	}
	if is4 {
		finish4(ip, len(d.header), d.ecn)
	} else {
		finish6(ip, d.ecn)
	}
	return ip, true
}

// finish4 writes the length, the fragment fields and the checksum of a whole IPv4 packet. One marked fragment marks it.
func finish4(ip []byte, header int, ecn byte) {
	if ecn&setCE != 0 {
		ip[1] |= 3
	}
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	ip[6], ip[7], ip[10], ip[11] = 0, 0, 0, 0
	binary.BigEndian.PutUint16(ip[10:], checksum(onesSum(0, ip[:header])))
}

// finish6 writes the length of a whole IPv6 packet. One marked fragment marks it.
func finish6(ip []byte, ecn byte) {
	if ecn&setCE != 0 {
		ip[1] |= 3 << 4
	}
	binary.BigEndian.PutUint16(ip[4:], uint16(len(ip)-ipv6Len))
}
