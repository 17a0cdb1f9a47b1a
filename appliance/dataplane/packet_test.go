package dataplane

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

// onesSum is the ones' complement sum of RFC 1071 over 16-bit words, the slow way: the oracle for header checksums.
func onesSum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// checksum4 writes the checksum of an IPv4 header from scratch (RFC 791 3.1).
func checksum4(h []byte) {
	h[10], h[11] = 0, 0
	binary.BigEndian.PutUint16(h[10:], ^onesSum(h[:int(h[0]&15)*4]))
}

// header4 returns an IPv4 packet of that payload.
func header4(src, dst string, proto, ttl uint8, payload []byte) []byte {
	s, d := netip.MustParseAddr(src).As4(), netip.MustParseAddr(dst).As4()
	p := make([]byte, 20, 20+len(payload))
	p[0], p[8], p[9] = 0x45, ttl, proto
	copy(p[12:], s[:])
	copy(p[16:], d[:])
	p = append(p, payload...)
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	checksum4(p)
	return p
}

// header6 returns an IPv6 packet of that payload.
func header6(src, dst string, next, limit uint8, payload []byte) []byte {
	s, d := netip.MustParseAddr(src).As16(), netip.MustParseAddr(dst).As16()
	p := make([]byte, 40, 40+len(payload))
	p[0], p[6], p[7] = 0x60, next, limit
	binary.BigEndian.PutUint16(p[4:], uint16(len(payload)))
	copy(p[8:], s[:])
	copy(p[24:], d[:])
	return append(p, payload...)
}

// udp returns a UDP datagram without checksum.
func udp(src, dst uint16, payload []byte) []byte {
	u := make([]byte, 8, 8+len(payload))
	binary.BigEndian.PutUint16(u, src)
	binary.BigEndian.PutUint16(u[2:], dst)
	binary.BigEndian.PutUint16(u[4:], uint16(8+len(payload)))
	return append(u, payload...)
}

// numbered returns an inner UDP packet of size octets that carries id, of the family of its addresses.
func numbered(src, dst string, size int, id uint32) []byte {
	v6 := netip.MustParseAddr(src).Is6()
	header := 28
	if v6 {
		header = 48
	}
	payload := make([]byte, max(size-header, 4))
	binary.BigEndian.PutUint32(payload, id)
	for i := range payload[4:] {
		payload[4+i] = byte(id) + byte(i)
	}
	if v6 {
		return header6(src, dst, 17, 64, udp(1000, 2000, payload))
	}
	return header4(src, dst, 17, 64, udp(1000, 2000, payload))
}

// idOf returns the number in a packet of numbered.
func idOf(p []byte) uint32 {
	if p[0]>>4 == 6 {
		return binary.BigEndian.Uint32(p[48:])
	}
	return binary.BigEndian.Uint32(p[28:])
}

func idsOf(ps [][]byte) []uint32 {
	ids := make([]uint32, len(ps))
	for i, p := range ps {
		ids[i] = idOf(p)
	}
	return ids
}

// hop returns what becomes of a packet that one router forwards: TTL one less, checksum from scratch.
func hop(p []byte) []byte {
	p = append([]byte(nil), p...)
	if p[0]>>4 == 6 {
		p[7]--
		return p
	}
	p[8]--
	checksum4(p)
	return p
}

// ethernet puts a link header in front.
func ethernet(dst, src [6]byte, etherType uint16, payload []byte) []byte {
	f := append(append(append([]byte(nil), dst[:]...), src[:]...), byte(etherType>>8), byte(etherType))
	return append(f, payload...)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
