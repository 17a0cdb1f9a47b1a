package testbed

import (
	"encoding/binary"
	"net/netip"

	"stillwater/appliance/spd"
	"stillwater/pmd/pcappmd"
)

// initialTTL is the TTL of every packet a source sends.
const initialTTL = 64

// ipLen returns the octets of the IP packet that b starts with; false where b is not a whole one.
func ipLen(b []byte) (n int, ok bool) {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		n = int(binary.BigEndian.Uint16(b[2:]))
		header := int(b[0]&15) * 4
		return n, header >= 20 && n >= header && n <= len(b)
	case len(b) >= 40 && b[0]>>4 == 6:
		n = 40 + int(binary.BigEndian.Uint16(b[4:]))
		return n, n <= len(b)
	}
	return 0, false
}

// innerOf returns the IP packet in a captured frame.
func innerOf(frame []byte, link pcappmd.LinkType) ([]byte, bool) {
	frame = pcappmd.NetworkLayer(frame, link)
	n, ok := ipLen(frame)
	if !ok {
		return nil, false
	}
	return frame[:n], true
}

// carried reports whether two gateways would forward the packet: well formed, unicast, and not to themselves.
func carried(ip []byte) bool {
	p, _, code := spd.ParseInner(ip)
	return code == spd.ParseOK && !p.Dst.IsMulticast() && p.Dst != broadcast && !p.Dst.IsLoopback() && !outerNet.Contains(p.Dst)
}

var (
	broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
	outerNet  = netip.MustParsePrefix("198.51.100.0/24") // of the two gateways of a Pair
)

// forwardable copies a packet and gives it the TTL and, over IPv4, the checksum of one that was just sent.
func forwardable(ip []byte) []byte {
	p := append([]byte(nil), ip...)
	if p[0]>>4 == 6 {
		p[7] = initialTTL
		return p
	}
	p[8], p[10], p[11] = initialTTL, 0, 0
	binary.BigEndian.PutUint16(p[10:], ^fold(sum(p[:int(p[0]&15)*4])))
	return p
}
