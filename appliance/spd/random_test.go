package spd

import (
	"math/rand/v2"
	"net/netip"
)

// The random entries live in two small address spaces, 10.0.0.0/16 and 2001:db8::/112, so that they overlap a lot.

// randomAddr returns an address of one of the spaces, or, seldom, one outside.
func randomAddr(r *rand.Rand, v6 bool) netip.Addr {
	hi, lo := byte(r.Uint32()), byte(r.Uint32())
	outside := r.IntN(20) == 0
	if v6 {
		b := [16]byte{0x20, 0x01, 0x0d, 0xb8, 14: hi, 15: lo}
		if outside {
			b[0] = byte(r.Uint32())
		}
		return netip.AddrFrom16(b)
	}
	if outside {
		return netip.AddrFrom4([4]byte{byte(r.Uint32()), byte(r.Uint32()), hi, lo})
	}
	return netip.AddrFrom4([4]byte{10, 0, hi, lo})
}

// randomRange returns a prefix of random length, a free range, a single address or everything.
func randomRange(r *rand.Rand, v6 bool) AddrRange {
	a := randomAddr(r, v6)
	switch r.IntN(8) {
	case 0:
		return AddrRange{a, a}
	case 1:
		return PrefixRange(netip.PrefixFrom(a, 0))
	case 2, 3:
		b := randomAddr(r, v6)
		if b.Less(a) {
			a, b = b, a
		}
		return AddrRange{a, b}
	}
	return PrefixRange(netip.PrefixFrom(a, a.BitLen()-r.IntN(17)))
}

// randomRanges returns up to three ranges of mixed families; none means any address.
func randomRanges(r *rand.Rand) (out []AddrRange) {
	for range r.IntN(4) {
		out = append(out, randomRange(r, r.IntN(2) == 0))
	}
	return out
}

// randomPorts returns a port selector for a protocol that has ports.
func randomPorts(r *rand.Rand) (p Ports) {
	p.Opaque = r.IntN(4) == 0
	for range r.IntN(3) {
		a, b := uint16(r.IntN(64)), uint16(r.IntN(64))
		p.Ranges = append(p.Ranges, PortRange{min(a, b), max(a, b)})
	}
	return p
}

// randomSelector returns a selector that New accepts.
func randomSelector(r *rand.Rand) Selector {
	s := Selector{Local: randomRanges(r), Remote: randomRanges(r)}
	switch r.IntN(5) {
	case 0:
		s.Protocol = OpaqueProtocol
	case 1:
		s.Protocol = 50
	case 2, 3:
		s.Protocol = []Protocol{ProtoTCP, ProtoUDP, ProtoICMP}[r.IntN(3)]
		s.LocalPorts, s.RemotePorts = randomPorts(r), randomPorts(r)
	}
	return s
}

// randomEntries returns n entries in two VRFs.
func randomEntries(r *rand.Rand, n int) []Entry {
	out := make([]Entry, n)
	for i := range out {
		out[i] = Entry{VRF: uint16(r.IntN(2)), Action: Action(r.IntN(3)), Tunnel: uint32(i) + 1000}
		for range 1 + r.IntN(2) {
			out[i].Selectors = append(out[i].Selectors, randomSelector(r))
		}
	}
	return out
}

// randomPacket returns a packet of any kind that ParseInner can return.
func randomPacket(r *rand.Rand) Packet {
	v6 := r.IntN(2) == 0
	p := Packet{
		VRF: uint16(r.IntN(5)) / 2, Src: randomAddr(r, v6), Dst: randomAddr(r, v6),
		Proto:   []uint8{ProtoTCP, ProtoUDP, ProtoICMP, 50, 0}[r.IntN(5)],
		SrcPort: uint16(r.IntN(64)), DstPort: uint16(r.IntN(64)),
		HasPorts: r.IntN(4) != 0,
	}
	if !p.HasPorts {
		p.SrcPort, p.DstPort = 0, 0
		p.NoOpaque = r.IntN(4) == 0
		p.HiddenProto = v6 && r.IntN(3) == 0
	}
	return p
}
