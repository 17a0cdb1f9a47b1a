package hoststack

import (
	"container/list"
	"encoding/binary"
	"fmt"
	"time"
)

// Bounds of one packet in reassembly.
const (
	// maxPieces: 128 fragments of 552 octets (an IPv4 path of 576) make more than the longest packet. Senders of more send
	// them to cost time and memory.
	maxPieces = 128
	// pieceOverhead is charged for a fragment beside its data.
	pieceOverhead = 64
)

// ReassemblyCounters says what became of fragments and of the packets they were of.
type ReassemblyCounters struct {
	Fragments  uint64 // that came
	Whole      uint64 // packets put together
	Malformed  uint64 // fragments that no packet can have
	Repeated   uint64 // fragments that were there already
	Conflicts  uint64 // packets refused because fragments overlap or contradict each other (RFC 5722 4)
	TooMany    uint64 // packets refused because of the number of their fragments
	Evicted    uint64 // packets that made room for newer ones
	TimedOut   uint64 // packets that did not become whole in time
	Incomplete uint64 // fragments that never became a packet, without those that still wait
}

// Reassembler puts fragments of outer packets together, off the lcores: some peers, and some paths, fragment ESP, and its
// receiver needs whole packets (RFC 4303 3.4.1, RFC 4301 5.2). It is bounded in packets, in octets and in time; the oldest
// packet makes room. It is owned by one goroutine.
type Reassembler struct {
	maxPackets, maxOctets int
	timeout               int64
	packets               map[datagramKey]*list.Element
	byAge                 *list.List // of *datagram, oldest first
	octets                int
	count                 ReassemblyCounters
}

// NewReassembler returns a Reassembler that holds no more than packets packets and octets octets and forgets a packet
// timeout after its first fragment, or never where timeout is 0 (RFC 8200 4.5: 60 s). Limits are constants of the program: it
// panics where one is below 1, or the timeout below 0.
func NewReassembler(packets, octets int, timeout time.Duration) *Reassembler {
	if packets < 1 || octets < 1 || timeout < 0 {
		panic(fmt.Sprintf("hoststack: reassembly of %d packets, %d octets, %v: expected at least 1, 1 and 0", packets, octets, timeout))
	}
	return &Reassembler{maxPackets: packets, maxOctets: octets, timeout: int64(timeout),
		packets: map[datagramKey]*list.Element{}, byAge: list.New()}
}

// Add takes the IP packet in ip; what follows it is ignored. fragment is false where it is none: nothing was done, ordinary
// checks will find what is wrong with it, if anything. Otherwise it was taken and copied, and whole is the packet that it
// completed, or nil. now is in nanoseconds and does not go back.
func (r *Reassembler) Add(now int64, ip []byte) (whole []byte, fragment bool) {
	r.Expire(now)
	p, ok := parseIP(ip)
	if !ok || !p.isFragment() && p.fragment == 0 {
		return nil, false
	}
	r.count.Fragments++
	n := piece{p.offset, dataOf(&p, ip)}
	switch {
	case len(n.data) == 0 || n.end() > 0xffff || p.more && len(n.data)%8 != 0:
		r.count.Malformed++
		r.count.Incomplete++
		return nil, true
	case !p.isFragment(): // RFC 6946: a packet of one fragment has nothing to do with others
		d := datagram{header: headerOf(&p, ip), pieces: []piece{n}, total: len(n.data), have: len(n.data)}
		return r.deliver(&d), true
	}
	d := r.find(now, keyOf(&p, ip))
	d.count++
	if d.dead {
		return nil, true
	}
	return r.join(d, &p, ip, n), true
}

// join adds fragment p, the packet in ip, to d and returns the whole packet if nothing is missing then.
func (r *Reassembler) join(d *datagram, p *ipPacket, ip []byte, n piece) []byte {
	switch d.insert(n, !p.more) {
	case repeated:
		r.count.Repeated++
		return nil
	case conflicting:
		r.count.Conflicts++
		r.refuse(d)
		return nil
	}
	d.ecn |= 1 << ecnOf(ip)
	if n.offset == 0 {
		d.header = headerOf(p, ip)
	}
	r.charge(d, len(n.data)+pieceOverhead)
	switch {
	case d.complete():
		r.remove(d)
		return r.deliver(d)
	case len(d.pieces) == maxPieces:
		r.count.TooMany++
		r.refuse(d)
	default:
		r.shrink()
	}
	return nil
}

// deliver returns the whole packet of d, or nil where it cannot be one.
func (r *Reassembler) deliver(d *datagram) []byte {
	whole, ok := d.whole()
	if !ok {
		r.count.Conflicts++
		r.count.Incomplete += max(d.count, 1)
		return nil
	}
	r.count.Whole++
	return whole
}

// find returns the packet of a key, a new one if there is none; then the oldest makes room.
func (r *Reassembler) find(now int64, key datagramKey) *datagram {
	if e := r.packets[key]; e != nil {
		return e.Value.(*datagram)
	}
	if len(r.packets) == r.maxPackets {
		r.evict()
	}
	d := &datagram{key: key, since: now}
	r.packets[key] = r.byAge.PushBack(d)
	return d
}

// charge accounts for memory.
func (r *Reassembler) charge(d *datagram, octets int) {
	d.octets += octets
	r.octets += octets
}

// shrink evicts the oldest packets until the octets fit; the one that grew may be among them.
func (r *Reassembler) shrink() {
	for r.octets > r.maxOctets {
		r.evict()
	}
}

// evict forgets the oldest packet.
func (r *Reassembler) evict() {
	d := r.byAge.Front().Value.(*datagram)
	if !d.dead {
		r.count.Evicted++
	}
	r.forget(d)
}

// forget removes a packet that never became whole.
func (r *Reassembler) forget(d *datagram) {
	r.count.Incomplete += d.count
	r.remove(d)
}

// refuse frees what d holds and keeps its name, so that its other fragments are dropped (RFC 5722 4).
func (r *Reassembler) refuse(d *datagram) {
	r.charge(d, -d.octets)
	*d = datagram{key: d.key, since: d.since, count: d.count, dead: true}
}

// remove takes d out of the tables.
func (r *Reassembler) remove(d *datagram) {
	r.charge(d, -d.octets)
	r.byAge.Remove(r.packets[d.key])
	delete(r.packets, d.key)
}

// Expire forgets the packets whose time is over. Add does so, too; a caller with no fragments calls it to free memory.
func (r *Reassembler) Expire(now int64) {
	for e := r.byAge.Front(); r.timeout > 0 && e != nil; e = r.byAge.Front() {
		d := e.Value.(*datagram)
		if now-d.since < r.timeout {
			return
		}
		if !d.dead {
			r.count.TimedOut++
		}
		r.forget(d)
	}
}

// Counters returns what happened so far.
func (r *Reassembler) Counters() ReassemblyCounters { return r.count }

// Incomplete returns how many fragments are of no whole packet, those that still wait included.
func (r *Reassembler) Incomplete() uint64 {
	n := r.count.Incomplete
	for e := r.byAge.Front(); e != nil; e = e.Next() {
		n += e.Value.(*datagram).count
	}
	return n
}

// CarriesESP reports whether the whole packet in ip is for the lcores: ESP, or a datagram to port 4500 that is neither IKE nor
// a keepalive (RFC 3948 2.2, 2.3).
func CarriesESP(ip []byte) bool {
	p, ok := parseIP(ip)
	if !ok || p.isFragment() {
		return false
	}
	data := ip[p.payload:p.end]
	switch {
	case p.protocol == protoESP:
		return true
	case p.protocol != protoUDP || len(data) < udpLen+len(marker):
		return false
	}
	return binary.BigEndian.Uint16(data[2:]) == NATPort && [len(marker)]byte(data[udpLen:]) != marker
}
