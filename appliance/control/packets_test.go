package control

import (
	"encoding/binary"
	"net/netip"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// The ports of a rig.
const (
	outsidePort = 0
	insidePort  = 1
)

// onDemand is oneChild in plain tunnel mode: each packet makes one at once.
const onDemand = `
[[connection]]
name = "peers"
local = "192.0.2.1"
remote = "%any"
remote_id = "*.peers.example"
psk_file = "PSK"
start_action = "none"
[[connection.child]]
name = "net"
mode = "tunnel"
local_ts = ["10.1.0.0/16"]
remote_ts = ["10.0.0.0/8"]
[admin]
socket = ""
`

// ipv4 is a packet with a right header checksum.
func ipv4(src, dst string, protocol byte, payload ...byte) []byte {
	p := make([]byte, 20, 20+len(payload))
	p[0], p[8], p[9] = 0x45, 64, protocol
	binary.BigEndian.PutUint16(p[2:], uint16(20+len(payload)))
	s, d := netip.MustParseAddr(src).As4(), netip.MustParseAddr(dst).As4()
	copy(p[12:], s[:])
	copy(p[16:], d[:])
	binary.BigEndian.PutUint16(p[10:], checksum(p))
	return append(p, payload...)
}

// checksum is that of RFC 1071 over an even number of octets.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// udp is a datagram without a checksum, as a payload of ipv4.
func udp(src, dst uint16, data ...byte) []byte {
	h := binary.BigEndian.AppendUint16(nil, src)
	h = binary.BigEndian.AppendUint16(h, dst)
	h = binary.BigEndian.AppendUint16(h, uint16(8+len(data)))
	return append(append(h, 0, 0), data...)
}

// send puts a frame on the wire of a port.
func (r *rig) send(port int, frame []byte) {
	r.t.Helper()
	m := r.farPool.Get(len(frame))
	if m == nil {
		r.t.Fatal("the far end is out of mbufs")
	}
	copy(m.Append(len(frame)), frame)
	if r.far[port].Tx(0).TxBurst(mbuf.Burst{m}) != 1 {
		r.t.Fatal("the wire is full")
	}
}

// sendInside sends a packet of the experimental protocol 253 from an inside host.
func (r *rig) sendInside(src, dst string) { r.send(insidePort, ipv4(src, dst, 253)) }

// receive takes the frames that a port has sent; of bare IP packets those of IPv4 only, because the host stack has a word with
// every link by IPv6.
func (r *rig) receive(port int) (frames [][]byte) {
	burst := make(mbuf.Burst, 32)
	for n := r.far[port].Rx(0).RxBurst(burst); n > 0; n = r.far[port].Rx(0).RxBurst(burst) {
		for _, m := range burst[:n] {
			if m.Data()[0]>>4 == 4 || r.far[port].Info().Link == pmd.Ethernet {
				frames = append(frames, append([]byte(nil), m.Data()...))
			}
		}
		r.farPool.Free(burst[:n])
	}
	return frames
}

// drops are the lcores' counts of what ended, by verdict.
func (r *rig) drops() map[string]uint64 {
	c := r.plane.Total()
	return c.Drops()
}
