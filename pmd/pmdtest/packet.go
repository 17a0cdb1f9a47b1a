package pmdtest

import (
	"encoding/binary"
	"math/rand/v2"

	"stillwater/pmd"
)

const (
	ethernetLen = 14
	ipv4Len     = 20
	minPacket   = ipv4Len // network layer: a bare IPv4 header carries flow and sequence number
	udpLen      = 8
)

// addresses of RFC 2544 (198.18.0.0/15), which no other traffic on a test medium uses.
var (
	sourceNet   = [2]byte{198, 18}
	destination = [4]byte{198, 19, 0, 1}
	ethernet    = [ethernetLen]byte{0x02, 0x53, 0x57, 0, 0, 2, 0x02, 0x53, 0x57, 0, 0, 1, 0x08, 0x00}
)

// packet is one test packet. Everything in its octets follows from these fields, so that a receiver can rebuild and
// compare it: flow is in the source address and port, seq in the IPv4 identification, size in the total length.
type packet struct {
	flow, seq uint16
	size      int    // network-layer octets, 20 to 65,535
	tci       uint16 // 802.1Q tag control information; 0: untagged
}

// packets returns n packets of one flow, numbered from 0.
func packets(flow uint16, n, size int) []packet {
	ps := make([]packet, n)
	for i := range ps {
		ps[i] = packet{flow: flow, seq: uint16(i), size: size}
	}
	return ps
}

// linkLen is the octets in front of the network header.
func linkLen(l pmd.Link) int {
	if l == pmd.Ethernet {
		return ethernetLen
	}
	return 0
}

// frame builds the packet's octets.
func (p packet) frame(l pmd.Link) []byte {
	b := make([]byte, linkLen(l)+p.size)
	ip := b[linkLen(l):]
	if l == pmd.Ethernet {
		copy(b, ethernet[:])
	}
	ip[0], ip[8], ip[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(ip[2:], uint16(p.size))
	binary.BigEndian.PutUint16(ip[4:], p.seq)
	copy(ip[12:], sourceNet[:])
	binary.BigEndian.PutUint16(ip[14:], p.flow)
	copy(ip[16:], destination[:])
	if p.size < ipv4Len+udpLen {
		ip[9] = 253 // RFC 3692: for experiments; too short for UDP
	} else {
		p.fillUDP(ip[ipv4Len:])
	}
	binary.BigEndian.PutUint16(ip[10:], checksum(ip[:ipv4Len]))
	return b
}

// fillUDP writes a UDP header without checksum (RFC 768 allows 0 over IPv4) and octets that look like noise.
func (p packet) fillUDP(u []byte) {
	binary.BigEndian.PutUint16(u, 1024+p.flow)
	binary.BigEndian.PutUint16(u[2:], 9)
	binary.BigEndian.PutUint16(u[4:], uint16(len(u)))
	noise := rand.NewPCG(uint64(p.flow)<<16|uint64(p.seq), uint64(p.size))
	for i := udpLen; i < len(u); i++ {
		u[i] = byte(noise.Uint64())
	}
}

// identify reads flow, seq and size back from received octets; ok is false for a packet that is not the suite's.
func identify(b []byte, l pmd.Link) (p packet, ok bool) {
	n := linkLen(l)
	if len(b) < n+minPacket || l == pmd.Ethernet && [ethernetLen]byte(b[:ethernetLen]) != ethernet {
		return p, false
	}
	ip := b[n:]
	if ip[0] != 0x45 || [2]byte(ip[12:14]) != sourceNet || [4]byte(ip[16:20]) != destination {
		return p, false
	}
	p.seq, p.flow = binary.BigEndian.Uint16(ip[4:]), binary.BigEndian.Uint16(ip[14:])
	p.size = int(binary.BigEndian.Uint16(ip[2:]))
	return p, true
}

// checksum is the Internet checksum of RFC 1071 over an even number of octets.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
