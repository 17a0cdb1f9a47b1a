package spd

import "encoding/binary"

// The link header, octets.
const (
	ethernetLen = 14
	vlanTagLen  = 4
)

// The EtherTypes in an adjacency.
const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
	etherVLAN = 0x8100
)

// Adjacency is all an lcore needs to send a packet to its next hop: what to prepend and where. It is immutable. Pinned at
// 26 octets by a test, because a burst reads one per packet.
type Adjacency struct {
	Header    [ethernetLen + vlanTagLen]byte // link header; the first HeaderLen octets count
	HeaderLen uint8                          // 0 on a raw port, 14, or 18 with a tag
	Valid     bool                           // false: the next hop's link address is unknown, ask control for it
	Port      uint16                         // where the packet leaves
	MTU       uint16                         // of that port, octets of IP packet
	Local     bool                           // the appliance's own address: punt; nothing else is set
}

// newAdjacency builds the link header towards n, which is nil when unknown.
func newAdjacency(e *Egress, n *Neighbour, is4 bool) Adjacency {
	a := Adjacency{Port: e.Port, MTU: e.MTU, Valid: e.Raw}
	if e.Raw || n == nil {
		return a
	}
	h := append(a.Header[:0], n.MAC[:]...)
	h = append(h, e.MAC[:]...)
	if e.VLAN != 0 {
		h = binary.BigEndian.AppendUint16(h, etherVLAN)
		h = binary.BigEndian.AppendUint16(h, e.VLAN)
	}
	etherType := uint16(etherIPv6)
	if is4 {
		etherType = etherIPv4
	}
	h = binary.BigEndian.AppendUint16(h, etherType)
	a.HeaderLen, a.Valid = uint8(len(h)), true
	return a
}
