package testbed

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
)

// flowKey names a flow: packets with equal keys must stay in order. Fragments behind the first have no ports.
type flowKey struct {
	src, dst netip.Addr
	proto    uint8
	ports    uint32
}

// keyOf reads the flow of a valid IP packet.
func keyOf(ip []byte) flowKey {
	if ip[0]>>4 == 4 {
		k := flowKey{src: netip.AddrFrom4([4]byte(ip[12:16])), dst: netip.AddrFrom4([4]byte(ip[16:20])), proto: ip[9]}
		header := int(ip[0]&15) * 4
		if binary.BigEndian.Uint16(ip[6:])&0x3fff == 0 && len(ip) >= header+4 {
			k.ports = binary.BigEndian.Uint32(ip[header:])
		}
		return k
	}
	k := flowKey{src: netip.AddrFrom16([16]byte(ip[8:24])), dst: netip.AddrFrom16([16]byte(ip[24:40])), proto: ip[6]}
	if (k.proto == 6 || k.proto == 17) && len(ip) >= 44 {
		k.ports = binary.BigEndian.Uint32(ip[40:])
	}
	return k
}

// mutable takes out of ip, in place, what gateways may change on the way (RFC 4301 5.1.2): TTL or hop limit, ECN, and the
// IPv4 checksum that covers them. It returns the TTL.
func mutable(ip []byte) (ttl uint8) {
	if ip[0]>>4 == 4 {
		ttl = ip[8]
		ip[1] &^= 3
		ip[8], ip[10], ip[11] = 0, 0, 0
		return ttl
	}
	ttl = ip[7]
	ip[1] &^= 0x30
	ip[7] = 0
	return ttl
}

var digestSeed = maphash.MakeSeed()

// digest identifies a packet from which mutable has taken its parts.
func digest(ip []byte) uint64 { return maphash.Bytes(digestSeed, ip) }

// sent is one packet on its way.
type sent struct {
	digest  uint64
	arrived bool
}

// flow is the packets of one flow that are on their way, oldest first, in a ring that grows as needed.
type flow struct {
	ring       []sent
	head, tail uint64
	newest     uint64 // position behind the latest arrival
}

func (f *flow) push(d uint64) {
	if f.tail-f.head == uint64(len(f.ring)) {
		f.grow()
	}
	f.ring[f.tail%uint64(len(f.ring))] = sent{digest: d}
	f.tail++
}

func (f *flow) grow() {
	bigger := make([]sent, max(64, 2*len(f.ring)))
	for i := f.head; i < f.tail; i++ {
		bigger[i%uint64(len(bigger))] = f.ring[i%uint64(len(f.ring))]
	}
	f.ring = bigger
}

// take finds an arriving packet among those on their way. unknown: none of them is it, so it was changed or invented.
// late: one that was sent after it has arrived before.
func (f *flow) take(d uint64) (unknown, late bool) {
	for i := f.head; i < f.tail; i++ {
		s := &f.ring[i%uint64(len(f.ring))]
		if s.arrived || s.digest != d {
			continue
		}
		s.arrived = true
		late = i < f.newest
		f.newest = max(f.newest, i+1)
		for f.head < f.tail && f.ring[f.head%uint64(len(f.ring))].arrived {
			f.head++
		}
		return false, late
	}
	return true, false
}

// missing is how many have not arrived.
func (f *flow) missing() (n uint64) {
	for i := f.head; i < f.tail; i++ {
		if !f.ring[i%uint64(len(f.ring))].arrived {
			n++
		}
	}
	return n
}
