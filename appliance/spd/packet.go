package spd

import (
	"encoding/binary"
	"net/netip"
)

// Packet is what policy looks at, in the packet's own direction. Addresses are plain IPv4 or IPv6, never IPv4 in IPv6
// and never with a zone. It is a value; nothing in it refers to the packet's buffer.
type Packet struct {
	Src, Dst netip.Addr
	VRF      uint16
	// SrcPort and DstPort are valid with HasPorts. Of ICMP both are type*256+code, of a Mobility Header both are
	// type*256 (RFC 4301 4.4.1.1).
	SrcPort, DstPort uint16
	// Proto is the next layer protocol: what comes after the IPv6 extension headers 0, 43, 44 and 60.
	Proto uint8
	// HasPorts is false when there are no ports to be read: a non-initial fragment, a protocol without ports, a packet
	// that ends before them.
	HasPorts bool
	// HiddenProto: an IPv6 non-initial fragment that does not tell its next layer protocol. Proto is then the header
	// that its first fragment continues with.
	HiddenProto bool
	// NoOpaque: the packet never matches OPAQUE ports. It is an IPv4 fragment that could overwrite the transport header of
	// its first fragment (the minimum offset check of RFC 4301 7.2), or a packet cut short in front of its ports.
	NoOpaque bool
}

// key is an address as a number. Keys of different families are never compared: each family has its own ranges.
type key struct {
	hi, lo uint64
}

// keyOf returns the key of a, which must be valid.
func keyOf(a netip.Addr) key {
	if a.Is4() { // the common family, without writing and reading back 16 octets
		b := a.As4()
		return key{0, 0xffff<<32 | uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return key{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// addr is the reverse of keyOf.
func (k key) addr(is4 bool) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], k.hi)
	binary.BigEndian.PutUint64(b[8:], k.lo)
	a := netip.AddrFrom16(b)
	if is4 {
		return a.Unmap()
	}
	return a
}

// less orders keys as addresses.
func (k key) less(o key) bool { return k.hi < o.hi || k.hi == o.hi && k.lo < o.lo }

// next returns k+1; the highest key wraps to zero.
func (k key) next() key {
	if k.lo++; k.lo == 0 {
		k.hi++
	}
	return k
}

// onesBelow returns n one bits at the low end, for 0 <= n <= 64.
func onesBelow(n int) uint64 {
	if n >= 64 {
		return ^uint64(0)
	}
	return 1<<n - 1
}
