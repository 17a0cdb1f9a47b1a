package cli

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"stillwater/appliance/dataplane"
	"stillwater/appliance/hoststack"
	"stillwater/pmd/mbuf"
)

// outerReader turns the IP packets of a capture into ESP packets: fragments put together, headers checked and taken off.
type outerReader struct {
	fragments *hoststack.Reassembler
	ports     []uint16         // UDP ports of ESP: 4500 and those of the key file
	slots     map[uint32][]int // of the SAs, by SPI
	packets   int              // read
	largest   int              // octets of the largest
}

// The bounds of packets that wait for fragments. A capture has no end of its own to wait until, so the oldest goes first.
const (
	maxPartial       = 64
	maxPartialOctets = 64 << 20
)

// newOuterReader reads the packets of SAs that are known by slots.
func newOuterReader(slots map[uint32][]int) outerReader {
	return outerReader{ports: []uint16{natPort}, slots: slots, fragments: hoststack.NewReassembler(maxPartial, maxPartialOctets, 0)}
}

// fresh reads the same SAs from the first packet on.
func (r *outerReader) fresh() outerReader {
	f := newOuterReader(r.slots)
	f.ports = r.ports
	return f
}

// natPort is the port of ESP in UDP (RFC 3948 2.1).
const natPort = 4500

// maxOuter is the largest IP packet that an mbuf takes, octets.
const maxOuter = 65535

// outer is one IP packet of a capture that was looked at.
type outer struct {
	m       *mbuf.Mbuf   // nil: nothing to handle; the caller owns it
	dst     netip.Addr   // destination of the IP packet
	verdict mbuf.Verdict // Pass: m starts at the ESP header
	waiting bool         // a fragment that others are needed for
}

// read looks at one IP packet. A nil m with the verdict NoBuffer says that pool is empty.
func (r *outerReader) read(ip []byte, pool *mbuf.Pool) (o outer) {
	whole, fragment := r.fragments.Add(0, ip)
	switch {
	case whole != nil:
		ip = whole
	case fragment:
		return outer{waiting: true}
	}
	if len(ip) > maxOuter {
		return outer{verdict: mbuf.Malformed}
	}
	r.packets, r.largest = r.packets+1, max(r.largest, len(ip))
	if o.m = pool.Get(len(ip)); o.m == nil {
		return outer{verdict: mbuf.NoBuffer}
	}
	copy(o.m.Append(len(ip)), ip)
	if o.verdict = dataplane.CheckIP(o.m); o.verdict == mbuf.Pass {
		o.dst = destination(o.m.Data())
		r.unmapPort(o.m.Data())
		o.verdict = dataplane.ParseOuter(o.m)
	}
	return o
}

func destination(ip []byte) netip.Addr {
	if ip[0]>>4 == 4 {
		return netip.AddrFrom4([4]byte(ip[16:20]))
	}
	return netip.AddrFrom16([16]byte(ip[24:40]))
}

// unmapPort gives a datagram from or to a port of ESP that starts with an SPI of ours the destination port 4500: packets to
// a peer behind a NAT go to whatever port the NAT chose (RFC 3948 2.1), and lcores, which see only what is sent to them,
// know 4500 alone.
func (r *outerReader) unmapPort(ip []byte) {
	at, proto := 40, ip[6]
	if ip[0]>>4 == 4 {
		at, proto = int(ip[0]&15)*4, ip[9]
		if binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 {
			return
		}
	}
	if proto != 17 || len(ip) < at+12 || r.slots[binary.BigEndian.Uint32(ip[at+8:])] == nil {
		return
	}
	from, to := binary.BigEndian.Uint16(ip[at:]), binary.BigEndian.Uint16(ip[at+2:])
	if slices.Contains(r.ports, from) || slices.Contains(r.ports, to) {
		binary.BigEndian.PutUint16(ip[at+2:], natPort)
	}
}
