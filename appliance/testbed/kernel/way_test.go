package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
)

// way follows the frames of one direction: it opens every ESP packet and takes it apart, whether or not the tap let it
// go on. For what we send ourselves it checks everything that can be checked; see RFC 9347 and DESIGN.md section 8.
type way struct {
	direction direction
	setup     setup
	decoder   *decoder
	from, to  netip.Addr
	mtu       int

	dropped []bool // by number of outer packet: the tap dropped it
	inners  []inner
	sizes   map[int]int // how many outer packets of each size
	stream  stream
	noise   int             // frames that are not ESP
	seen    map[uint32]bool // sequence numbers
	highest uint32
}

func newWay(d direction, s setup, dec *decoder) *way {
	w := &way{direction: d, setup: s, decoder: dec, from: ourOuter[s.family()], to: kernelOuter[s.family()], mtu: s.size, sizes: map[int]int{}, seen: map[uint32]bool{}}
	w.stream.rules = rules{minTail: 40, zeroPad: true, whole: s.whole}
	if d == fromKernel {
		w.from, w.to, w.mtu = w.to, w.from, wireMTU
		w.stream.rules = rules{whole: s.whole}
	}
	return w
}

// String tells how far the direction has come.
func (w *way) String() string {
	unfinished := 0
	if w.stream.pending != nil {
		unfinished = 1
	}
	return fmt.Sprintf("%d outer packets (%d dropped) of sizes %v, %d inner packets and %d unfinished, %d other frames",
		len(w.dropped), w.lost(), w.sizeRange(), len(w.inners), unfinished, w.noise)
}

// sizeRange is the least and the largest size of an outer packet, and how many sizes there were.
func (w *way) sizeRange() (r struct{ Least, Most, Count int }) {
	sizes := slices.Sorted(maps.Keys(w.sizes))
	if len(sizes) > 0 {
		r.Least, r.Most, r.Count = sizes[0], sizes[len(sizes)-1], len(sizes)
	}
	return r
}

// lost counts the outer packets that the tap dropped.
func (w *way) lost() (n int) {
	for _, d := range w.dropped {
		if d {
			n++
		}
	}
	return n
}

// packing counts the outer packets in which several inner packets begin, and the inner packets that span outer ones.
func (w *way) packing() (shared, parted int) {
	begun := map[int]int{}
	for _, in := range w.inners {
		if begun[in.parts[0]]++; begun[in.parts[0]] == 2 {
			shared++
		}
		if len(in.parts) > 1 {
			parted++
		}
	}
	return shared, parted
}

// add takes the next frame.
func (w *way) add(r record) error {
	esp, err := w.outer(r.frame)
	if err != nil || esp == nil {
		return err
	}
	p, err := w.decoder.decode(esp)
	if err != nil {
		return err
	}
	n := len(w.dropped)
	w.dropped = append(w.dropped, r.dropped)
	if err := w.count(p.seq); err != nil {
		return err
	}
	return w.inside(n, p)
}

// count checks a sequence number: from 1 on, in steps of 1 (RFC 4303 3.3.3), for the tap sees the frames in the order they
// were sent. Only in tunnel mode the kernel sends from two contexts, programs and softirq, which may overtake each other.
func (w *way) count(seq uint32) error {
	if w.seen[seq] {
		return fmt.Errorf("sequence number %d for the second time", seq)
	}
	w.seen[seq] = true
	if w.highest = max(w.highest, seq); w.direction == fromKernel && w.setup.mode == "tunnel" {
		return nil
	}
	if seq != uint32(len(w.seen)) {
		return fmt.Errorf("sequence number %d, expected %d", seq, len(w.seen))
	}
	return nil
}

// inside takes the payload apart.
func (w *way) inside(n int, p payload) error {
	if w.setup.mode == "tunnel" {
		want := byte(nextIPv4)
		if len(p.data) > 0 && p.data[0]>>4 == 6 {
			want = nextIPv6
		}
		if p.next != want {
			return fmt.Errorf("next header %d, expected %d", p.next, want)
		}
		w.inners = append(w.inners, inner{p.data, []int{n}})
		return nil
	}
	if p.next != nextAGGFRAG {
		return fmt.Errorf("next header %d, expected %d", p.next, nextAGGFRAG)
	}
	if err := w.stream.add(n, p.data); err != nil {
		return err
	}
	w.inners = append(w.inners, w.stream.found...)
	w.stream.found = nil
	return nil
}

// errLink is a frame that could not have come over this wire.
var errLink = errors.New("not an Ethernet frame of this wire")

// outer returns the ESP packet in a frame; nil for those that are none of IPsec's, such as neighbour discovery. We send no
// others.
func (w *way) outer(frame []byte) (esp []byte, err error) {
	if len(frame) < 14 {
		return nil, errLink
	}
	packet := frame[14:]
	if linkLocal(frame) {
		w.noise++
		return nil, nil
	}
	if kind := binary.BigEndian.Uint16(frame[12:]); kind != 0x0800 && kind != 0x86dd {
		return nil, w.other(fmt.Errorf("%w: type %#x", errLink, kind))
	}
	p, err := parse(packet)
	switch {
	case err != nil:
		return nil, w.other(err)
	case p.protocol != protoESP:
		return nil, w.other(fmt.Errorf("protocol %d", p.protocol))
	case p.src != w.from || p.dst != w.to || p.ttl != ttl:
		return nil, fmt.Errorf("outer packet from %s to %s, TTL %d", p.src, p.dst, p.ttl)
	}
	w.sizes[len(packet)]++
	return p.body, w.header(packet)
}

// linkLocal reports what a host stack says to its link on its own behalf: ARP, and IPv6 to link-scope multicast groups, as
// neighbour discovery and reports of group membership are (RFC 4861, RFC 3810).
func linkLocal(frame []byte) bool {
	const arp, ip6, ip6Len = 0x0806, 0x86dd, 40
	kind := binary.BigEndian.Uint16(frame[12:])
	return kind == arp || kind == ip6 && len(frame) >= 14+ip6Len && frame[14+24] == 0xff && frame[14+25]&15 == 2
}

// other counts a frame that is not ESP. None of those is ours.
func (w *way) other(why error) error {
	w.noise++
	if w.direction == toKernel {
		return fmt.Errorf("we sent what is not ESP: %w", why)
	}
	return nil
}

// header checks what an observer sees: no bit of it may depend on what is inside (RFC 9347 2.2.5, 2.2.6).
func (w *way) header(packet []byte) error {
	if len(packet) > w.mtu {
		return fmt.Errorf("outer packet of %d octets, expected %d at the most", len(packet), w.mtu)
	}
	if w.direction == fromKernel {
		return nil
	}
	if w.setup.mode == "constant" && len(packet) != w.setup.size {
		return fmt.Errorf("outer packet of %d octets, expected %d", len(packet), w.setup.size)
	}
	if packet[0]>>4 == 6 {
		if binary.BigEndian.Uint32(packet) != 6<<28 {
			return fmt.Errorf("traffic class or flow label in %x, expected none", packet[:4])
		}
		return nil
	}
	if packet[1] != 0 || packet[6] != 0x40 {
		return fmt.Errorf("outer DS field %#x, flags %#x: expected 0 and DF", packet[1], packet[6])
	}
	return nil
}
