package testbed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"

	"stillwater/pmd/mbuf"
	"stillwater/pmd/pcappmd"
)

// Template is one packet of a mix: a whole IP packet. Generated ones carry a counter that makes each copy different.
type Template struct {
	Packet  []byte
	Flow    int // packets of one flow must arrive in order
	counter int // offset of the 8 octets that count, 0: the packet is sent as it is
}

// Mix is a repeating sequence of packets. Immutable after it was made.
type Mix struct {
	Name      string
	Templates []Template
	Flows     int
	MaxSize   int // octets of the largest packet
}

// imix is the simple IMIX: seven small, four medium, one large, in octets of IP packet.
var imix = []int{40, 40, 576, 40, 40, 576, 40, 576, 40, 40, 576, 1500}

// flowsPerFamily is how many flows a generated mix has over IPv4, and as many over IPv6.
const flowsPerFamily = 8

// smallest6 is the smallest IPv6 packet that holds UDP and the counter; smaller sizes of a mix are raised to it.
const smallest6 = 40 + 8 + 8

// NewMix makes the mix that name describes: "imix", a size in octets, or the name of a pcap file.
func NewMix(name string, maxInner int) (*Mix, error) {
	if name == "imix" {
		return generate(name, imix), nil
	}
	if size, err := strconv.Atoi(name); err == nil {
		if size < 40 || size > maxInner {
			return nil, fmt.Errorf("inner packets of %d octets, expected 40 to %d", size, maxInner)
		}
		return generate(name, []int{size}), nil
	}
	return fromFile(name, maxInner)
}

// generate makes UDP flows over both families that run through sizes.
func generate(name string, sizes []int) *Mix {
	x := &Mix{Name: name, Flows: 2 * flowsPerFamily}
	for i := range sizes {
		for f := range x.Flows {
			p := udp6(f, max(sizes[i], smallest6))
			if f%2 == 0 {
				p = udp4(f, sizes[i])
			}
			x.Templates = append(x.Templates, p)
			x.MaxSize = max(x.MaxSize, len(p.Packet))
		}
	}
	return x
}

// udp4 makes an IPv4 packet of n octets of flow f; its UDP checksum is 0, which IPv4 allows.
func udp4(f, n int) Template {
	p := make([]byte, n)
	p[0], p[8], p[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(p[2:], uint16(n))
	copy(p[12:], []byte{10, 1, 0, byte(f + 1), 10, 2, 0, byte(f + 1)})
	binary.BigEndian.PutUint16(p[10:], ^fold(sum(p[:20])))
	fillUDP(p[20:], f)
	return Template{Packet: p, Flow: f, counter: 28}
}

// udp6 makes an IPv6 packet of n octets of flow f.
func udp6(f, n int) Template {
	p := make([]byte, n)
	p[0], p[6], p[7] = 0x60, 17, 64
	binary.BigEndian.PutUint16(p[4:], uint16(n-40))
	p[8], p[9], p[11], p[23] = 0xfd, 0, 1, byte(f+1)
	p[24], p[25], p[27], p[39] = 0xfd, 0, 2, byte(f+1)
	fillUDP(p[40:], f)
	pseudo := sum(p[8:40]) + uint64(n-40) + 17
	binary.BigEndian.PutUint16(p[46:], ^fold(pseudo+sum(p[40:])))
	return Template{Packet: p, Flow: f, counter: 48}
}

// fillUDP writes ports, length and a pattern that differs by flow and position.
func fillUDP(u []byte, f int) {
	binary.BigEndian.PutUint16(u, uint16(20000+f))
	binary.BigEndian.PutUint16(u[2:], 5001)
	binary.BigEndian.PutUint16(u[4:], uint16(len(u)))
	for i := 16; i < len(u); i++ {
		u[i] = byte(i*7 + f*13)
	}
}

// fromFile takes the IP packets of a capture. Their TTL is set to 64, since two gateways are on the way.
func fromFile(name string, maxInner int) (*Mix, error) {
	r, err := pcappmd.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	x, flows := &Mix{Name: name}, map[flowKey]int{}
	for {
		pkt, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		ip, ok := innerOf(pkt.Data, r.Link())
		if !ok || pkt.Truncated || len(ip) > maxInner || !carried(ip) {
			continue
		}
		t := Template{Packet: forwardable(ip)}
		key := keyOf(t.Packet)
		f, seen := flows[key]
		if !seen {
			f = len(flows)
			flows[key] = f
		}
		t.Flow = f
		x.Templates, x.MaxSize = append(x.Templates, t), max(x.MaxSize, len(ip))
	}
	if x.Flows = len(flows); x.Flows == 0 {
		return nil, fmt.Errorf("capture %s: no IP packet of at most %d octets in it", name, maxInner)
	}
	return x, nil
}

// fill writes copy number n of a template to m.
func (t *Template) fill(m *mbuf.Mbuf, n uint64) bool {
	b := m.Append(len(t.Packet))
	if b == nil {
		return false
	}
	copy(b, t.Packet)
	if t.counter == 0 {
		return true
	}
	binary.BigEndian.PutUint64(b[t.counter:], n)
	if b[0]>>4 == 6 { // the checksum covers the counter, which was zero when it was made
		have := uint64(^binary.BigEndian.Uint16(b[46:]))
		binary.BigEndian.PutUint16(b[46:], ^fold(have+sum(b[t.counter:t.counter+8])))
	}
	return true
}

// sum is the ones' complement sum of b, not yet folded.
func sum(b []byte) (s uint64) {
	for ; len(b) >= 2; b = b[2:] {
		s += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
