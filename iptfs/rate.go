package iptfs

import "fmt"

const (
	// EthernetOverhead is what a frame takes beside its IP packet: header and check sequence 18, preamble, start of
	// frame and gap 20. A VLAN tag adds 4.
	EthernetOverhead = 38
	// ethernetLeast is what the shortest frame takes: 64 octets, preamble, start of frame and gap.
	ethernetLeast = 84

	nanosecond     = 1_000_000_000 // in a second
	nanoBitPerByte = 8 * nanosecond
)

// Interval is the time between two send slots as the fraction Num/Den nanoseconds, so that a rate is exact over any
// span. It is immutable.
type Interval struct{ Num, Den int64 }

// PacketRate returns the interval of pps packets a second.
func PacketRate(pps int64) (Interval, error) {
	if pps < 1 || pps > nanosecond {
		return Interval{}, fmt.Errorf("rate: %d packets a second, expected 1 to %d", pps, nanosecond)
	}
	return reduce(nanosecond, pps), nil
}

// L3Rate returns the interval at which IP packets of size octets, outer header included, take bps bits a second
// (RFC 9347 2: packets a second are the bandwidth divided by the size of the encapsulating packet).
func L3Rate(bps int64, size int) (Interval, error) {
	if size < ipv4MinLen || size > maxPayload {
		return Interval{}, fmt.Errorf("rate: outer packet of %d octets, expected %d to %d", size, ipv4MinLen, maxPayload)
	}
	return bitRate(bps, size)
}

// L2Rate is L3Rate with the bits counted on the wire: overhead octets are added to each packet, EthernetOverhead or
// more, and no frame is shorter than Ethernet's shortest.
func L2Rate(bps int64, size, overhead int) (Interval, error) {
	if size < ipv4MinLen || size > maxPayload {
		return Interval{}, fmt.Errorf("rate: outer packet of %d octets, expected %d to %d", size, ipv4MinLen, maxPayload)
	}
	if overhead < 0 || overhead > maxPayload {
		return Interval{}, fmt.Errorf("rate: layer 2 overhead of %d octets, expected 0 to %d", overhead, maxPayload)
	}
	return bitRate(bps, max(size+overhead, ethernetLeast))
}

// bitRate returns the time octets take at bps bits a second, where that is a nanosecond or longer.
func bitRate(bps int64, octets int) (Interval, error) {
	num := int64(octets) * nanoBitPerByte
	if bps < 1 || bps > num {
		return Interval{}, fmt.Errorf("rate: %d bits a second for packets of %d octets, expected 1 to %d", bps, octets, num)
	}
	return reduce(num, bps), nil
}

// reduce brings the fraction num/den to its lowest terms.
func reduce(num, den int64) Interval {
	a, b := num, den
	for b != 0 {
		a, b = b, a%b
	}
	return Interval{num / a, den / a}
}
