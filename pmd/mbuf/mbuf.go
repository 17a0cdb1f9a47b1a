// Package mbuf holds the packet buffer every stage works on, the pool it comes from, and the table of verdicts that says
// why a packet ended. The words are rte_pktmbuf's: an mbuf is one segment with headroom in front of its data and
// tailroom behind it. There are no chains and no reference counts: an mbuf has exactly one owner, the stage that holds
// the burst it is in, then a driver or a pool.
//
// The package deliberately knows no packet format. What stages tell each other about a packet (SPI, sequence number,
// next header, hash) travels in the exported metadata fields, so that ESP and AGGFRAG never have to see each other.
package mbuf

import "unsafe"

// Headroom and Tailroom are the octets kept free in front of and behind the data of a freshly allocated mbuf.
//
// 128 covers the longest stack we prepend: Ethernet with one tag 18, IPv6 40, UDP 8, ESP 8, IV 16, AGGFRAG 24. 64 covers
// what is appended: ESP padding 15, Pad Length and Next Header 2, ICV 32.
const (
	Headroom = 128
	Tailroom = 64
)

// Flags says which of the optional metadata fields of an Mbuf are set.
type Flags uint8

const (
	// FlagVLAN: the frame carried, or shall carry, the 802.1Q tag control information in Mbuf.VLAN.
	FlagVLAN Flags = 1 << iota
	// FlagHash: Mbuf.Hash holds the port's receive-side-scaling hash.
	FlagHash
)

// Meta is what stages tell each other about a packet. It is copied and cleared as a whole.
type Meta struct {
	// SPI is the ESP Security Parameters Index the packet arrived with (RFC 4303 2.1).
	SPI uint32
	// SA is the slot of the packet's SA in its owner's SA table, outbound or inbound.
	SA uint32
	// Seq is the full 64-bit ESP sequence number, set by esp when it opens or seals.
	Seq uint64
	// Time is when the packet arrived or is due, in nanoseconds of the caller's clock.
	Time int64
	// Hash is the flow hash: the port's, or the one made in software.
	Hash uint32
	// Aux belongs to the stage that holds the burst (an index, a next hop); it means nothing to the next one.
	Aux uint32
	// Port and Queue name where the packet was received or shall leave.
	Port  uint16
	Queue uint16
	// VLAN is the tag control information of the packet's 802.1Q tag, valid with FlagVLAN.
	VLAN uint16
	// SrcPort is the UDP source port the packet arrived from, inside which its data was; 0 where there was no UDP.
	SrcPort uint16
	// L3 is the offset of the network header in the frame as received, so that a punted packet can be restored.
	L3 uint8
	// NextHeader is the protocol of the data: inside ESP it is the Next Header field (RFC 4303 2.6).
	NextHeader uint8
	// TOS is the DS field with the ECN bits of the outer header as received (RFC 6040).
	TOS uint8
	// TTL is the TTL or hop limit of the outer header as received.
	TTL uint8
	// Verdict is why the packet was rejected; Pass while it lives.
	Verdict Verdict
	// Flags tells which optional fields are set.
	Flags Flags
}

// Mbuf is one packet. It is owned by one goroutine at a time and is handed on, never shared.
type Mbuf struct {
	buf []byte // the whole room; never changes after the pool was built
	off uint32 // first octet of the data in buf
	len uint32 // octets of data

	Meta

	class Class
	inUse bool   // out of its pool: a double free is caught at once
	next  uint32 // 1 + index of the next mbuf of a return chain, 0 ends it
	index uint32 // own index in the pool
	mark  uint32 // where data began when Mark was called
	pool  *Pool
}

// Data returns the packet's octets. The slice is valid as long as the caller owns the mbuf.
func (m *Mbuf) Data() []byte { return m.buf[m.off : m.off+m.len : m.off+m.len] }

// Len returns the octets of data.
func (m *Mbuf) Len() int { return int(m.len) }

// HeadroomLen returns the free octets in front of the data.
func (m *Mbuf) HeadroomLen() int { return int(m.off) }

// TailroomLen returns the free octets behind the data.
func (m *Mbuf) TailroomLen() int { return len(m.buf) - int(m.off) - int(m.len) }

// Addr returns the address of the first octet of data, for descriptors that go to assembly or C. It stays valid as long
// as the pool does: buffers live outside the Go heap, or are pinned by the pool where the race detector needs them there.
func (m *Mbuf) Addr() uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(m.buf))) + uintptr(m.off)
}

// Prepend makes n octets of headroom part of the data and returns them, or nil where there are fewer.
func (m *Mbuf) Prepend(n int) []byte {
	if uint(n) > uint(m.off) {
		return nil
	}
	m.off -= uint32(n)
	m.len += uint32(n)
	return m.buf[m.off : m.off+uint32(n)]
}

// Append makes n octets of tailroom part of the data and returns them, or nil where there are fewer.
func (m *Mbuf) Append(n int) []byte {
	end := int(m.off) + int(m.len)
	if uint(n) > uint(len(m.buf)-end) {
		return nil
	}
	m.len += uint32(n)
	return m.buf[end : end+n]
}

// Adj cuts n octets from the front of the data; false, and nothing changed, where there are fewer.
func (m *Mbuf) Adj(n int) bool {
	if uint(n) > uint(m.len) {
		return false
	}
	m.off += uint32(n)
	m.len -= uint32(n)
	return true
}

// Mark remembers where the data begins now, for Marked.
func (m *Mbuf) Mark() { m.mark = m.off }

// Marked returns the octets cut from the front since Mark: headers that are done with, but that a later stage may have a
// question about. Nothing where more was prepended than cut since, or where there was no Mark.
func (m *Mbuf) Marked() []byte {
	if m.mark >= m.off {
		return nil
	}
	return m.buf[m.mark:m.off:m.off]
}

// Trim cuts n octets from the end of the data; false, and nothing changed, where there are fewer.
func (m *Mbuf) Trim(n int) bool {
	if uint(n) > uint(m.len) {
		return false
	}
	m.len -= uint32(n)
	return true
}

// Room returns data and tailroom together, from the first octet of data to the end of the buffer: what a driver or a
// framer fills before it calls SetLen.
func (m *Mbuf) Room() []byte { return m.buf[m.off:] }

// SetLen sets the octets of data; false, and nothing changed, where the buffer has no room for n.
func (m *Mbuf) SetLen(n int) bool {
	if uint(n) > uint(len(m.buf)-int(m.off)) {
		return false
	}
	m.len = uint32(n)
	return true
}

// SetHeadroom empties the mbuf and puts its data start n octets into the buffer; false where the buffer is shorter.
func (m *Mbuf) SetHeadroom(n int) bool {
	if uint(n) > uint(len(m.buf)) {
		return false
	}
	m.off, m.len, m.mark = uint32(n), 0, uint32(n)
	return true
}

// CopyMeta copies the metadata of src, not its data and not its place in a pool.
func (m *Mbuf) CopyMeta(src *Mbuf) { m.Meta = src.Meta }

// Class returns the size class the mbuf was allocated from.
func (m *Mbuf) Class() Class { return m.class }

// Pool returns the pool the mbuf goes home to.
func (m *Mbuf) Pool() *Pool { return m.pool }

// Reject sets the verdict of m and returns m, for the one-line form at the place where a stage gives up a packet.
func (m *Mbuf) Reject(v Verdict) *Mbuf {
	m.Verdict = v
	return m
}
