package hoststack

import (
	"bytes"
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/faketime"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// newRand returns a source whose seed is in the log.
func newRand(t testing.TB) *rand.Rand {
	t.Helper()
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed %d", s)
	return rand.New(rand.NewPCG(s, 0))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func addr(s string) netip.Addr         { return netip.MustParseAddr(s) }
func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
func prefix(s string) netip.Prefix     { return netip.MustParsePrefix(s) }

// Two appliances on one Ethernet: their outside ports. Each has an inside port with nobody on it.
var (
	macA = [6]byte{2, 0, 0, 0, 0, 0xa}
	macB = [6]byte{2, 0, 0, 0, 0, 0xb}
	macX = [6]byte{2, 0, 0, 0, 0, 0xcc} // somebody else
	a4   = addr("192.0.2.1")
	b4   = addr("192.0.2.2")
	x4   = addr("192.0.2.99")
	a6   = addr("2001:db8::a")
	b6   = addr("2001:db8::b")
	in4  = addr("10.1.0.1")        // the inside address of A
	ll6a = addr("fe80::ff:fe00:a") // of the MAC address (RFC 4291 A)
)

const outside, inside = 0, 1

// frame is on its way.
type frame struct {
	to *node
	b  []byte
}

// node is a Stack with everything it said.
type node struct {
	*Stack
	rig  *rig
	peer *node

	mu        sync.Mutex
	sent      [][]byte // frames by the outside port, its neighbour's deafness notwithstanding
	inside    [][]byte // frames by the inside port
	forwarded [][]byte
	changed   []Neighbour
	icmp      []ICMPMessage
	got       []Datagram
	deaf      bool
}

// rig is the wire between two nodes and their clock. Nothing moves but in settle and pass.
type rig struct {
	t     testing.TB
	clock *faketime.ManualClock
	a, b  *node
	mu    sync.Mutex
	queue []frame
}

func newRig(t testing.TB) *rig {
	return newRigWith(t, func(*Config) {})
}

// newRigWith makes both nodes with a changed configuration.
func newRigWith(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, clock: faketime.NewManualClock()}
	r.a = r.newNode(macA, []netip.Prefix{prefix("192.0.2.1/24"), prefix("2001:db8::a/64")}, prefix("10.1.0.1/24"), b4, b6, change)
	r.b = r.newNode(macB, []netip.Prefix{prefix("192.0.2.2/24"), prefix("2001:db8::b/64")}, prefix("10.2.0.1/24"), a4, a6, change)
	r.a.peer, r.b.peer = r.b, r.a
	t.Cleanup(func() { r.a.Close(); r.b.Close(); r.clock.Advance(0) })
	r.pass(15 * time.Second) // listener reports are repeated within 10 s (RFC 3810 9.11)
	r.a.reset()
	r.b.reset()
	return r
}

func (r *rig) newNode(mac [6]byte, outer []netip.Prefix, inner netip.Prefix, via4, via6 netip.Addr, change func(*Config)) *node {
	r.t.Helper()
	n := &node{rig: r}
	cfg := Config{
		Interfaces: []Interface{
			{Name: "outside", MAC: mac, MTU: 1500, Addresses: outer},
			{Name: "inside", MAC: [6]byte{2, 0, 0, 0, 1, mac[5]}, MTU: 1500, Addresses: []netip.Prefix{inner}},
		},
		Routes:  []Route{{To: prefix("0.0.0.0/0"), Via: via4}, {To: prefix("::/0"), Via: via6}},
		Send:    n.send,
		Forward: func(p []byte) bool { return n.note(func() { n.forwarded = append(n.forwarded, bytes.Clone(p)) }) },
		Changed: func(c Neighbour) { n.note(func() { n.changed = append(n.changed, c) }) },
		Clock:   r.clock,
	}
	change(&cfg)
	var err error
	n.Stack, err = New(cfg)
	must(r.t, err)
	return n
}

// note changes what the node remembers.
func (n *node) note(f func()) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	return true
}

// reset forgets it.
func (n *node) reset() {
	n.note(func() { n.sent, n.inside, n.forwarded, n.changed, n.icmp, n.got = nil, nil, nil, nil, nil, nil })
}

// send is Config.Send: the frame is queued for the neighbour.
func (n *node) send(port int, b []byte) bool {
	b = bytes.Clone(b)
	if port != outside {
		return n.note(func() { n.inside = append(n.inside, b) })
	}
	n.note(func() { n.sent = append(n.sent, b) })
	n.rig.mu.Lock()
	defer n.rig.mu.Unlock()
	n.rig.queue = append(n.rig.queue, frame{n.peer, b})
	return true
}

// listen collects the datagrams of a port.
func (n *node) listen(port uint16) {
	n.rig.t.Helper()
	must(n.rig.t, n.ListenUDP(port, func(d Datagram) { n.note(func() { n.got = append(n.got, d) }) }))
}

// settle carries frames until none is left and nothing is due.
func (r *rig) settle() {
	for {
		r.clock.RunImmediatelyScheduledJobs()
		r.mu.Lock()
		q := r.queue
		r.queue = nil
		r.mu.Unlock()
		if len(q) == 0 {
			return
		}
		for _, f := range q {
			if f.to != nil && !f.to.deaf {
				f.to.Receive(outside, f.b, ethernetLen)
			}
		}
	}
}

// pass lets time go by.
func (r *rig) pass(d time.Duration) {
	for ; d > 0; d -= 250 * time.Millisecond {
		r.clock.Advance(250 * time.Millisecond)
		r.settle()
	}
}

// What follows makes and reads packets, with nothing of the package or of netstack in it.

// sum16 is the Internet checksum of the parts, each of even length but the last.
func sum16(parts ...[]byte) uint16 {
	var n uint64
	for _, p := range parts {
		if len(p)%2 != 0 {
			p = append(slices.Clone(p), 0)
		}
		for i := 0; i < len(p); i += 2 {
			n += uint64(p[i])*256 + uint64(p[i+1])
		}
	}
	if n != 0 && n%0xffff == 0 {
		return 0 // ones' complement has two zeros; a sum of something is the other one
	}
	return ^uint16(n % 0xffff)
}

// pseudo is the pseudo header of IPv4 or IPv6.
func pseudo(src, dst netip.Addr, protocol byte, length int) []byte {
	b := append(src.AsSlice(), dst.AsSlice()...)
	return append(b, 0, 0, byte(length>>8), byte(length), 0, 0, 0, protocol)
}

// onEthernet puts a link header in front; the type is that of the packet.
func onEthernet(dst, src [6]byte, packet []byte) []byte {
	kind := uint16(0x0806)
	switch packet[0] >> 4 {
	case 4:
		kind = 0x0800
	case 6:
		kind = 0x86dd
	}
	return append(binary.BigEndian.AppendUint16(append(dst[:len(dst):len(dst)], src[:]...), kind), packet...)
}

// arpPacket is RFC 826 for Ethernet and IPv4. op 1 asks, 2 answers.
func arpPacket(op byte, fromMAC [6]byte, from netip.Addr, toMAC [6]byte, to netip.Addr) []byte {
	b := append([]byte{0, 1, 8, 0, 6, 4, 0, op}, fromMAC[:]...)
	b = append(append(b, from.AsSlice()...), toMAC[:]...)
	return append(b, to.AsSlice()...)
}

// packet is an IP packet with a TTL of 64.
func packet(src, dst netip.Addr, protocol byte, payload []byte) []byte {
	if src.Is6() {
		b := []byte{0x60, 0, 0, 0, byte(len(payload) >> 8), byte(len(payload)), protocol, 64}
		return slices.Concat(b, src.AsSlice(), dst.AsSlice(), payload)
	}
	n := 20 + len(payload)
	b := slices.Concat([]byte{0x45, 0, byte(n >> 8), byte(n), 0x12, 0x34, 0, 0, 64, protocol, 0, 0}, src.AsSlice(), dst.AsSlice(), payload)
	binary.BigEndian.PutUint16(b[10:], sum16(b[:20]))
	return b
}

// icmpPacket is an ICMP message with a right checksum; rest is the second word.
func icmpPacket(src, dst netip.Addr, kind, code byte, rest uint32, body []byte) []byte {
	b := append(binary.BigEndian.AppendUint32([]byte{kind, code, 0, 0}, rest), body...)
	protocol := byte(1)
	if src.Is6() {
		protocol = 58
		binary.BigEndian.PutUint16(b[2:], sum16(pseudo(src, dst, 58, len(b)), b))
	} else {
		binary.BigEndian.PutUint16(b[2:], sum16(b))
	}
	return packet(src, dst, protocol, b)
}

// udpPacket is a UDP datagram.
func udpPacket(from, to netip.AddrPort, body []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, from.Port())
	b = binary.BigEndian.AppendUint16(b, to.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(body)))
	b = append(append(b, 0, 0), body...)
	binary.BigEndian.PutUint16(b[6:], sum16(pseudo(from.Addr(), to.Addr(), 17, len(b)), b))
	return packet(from.Addr(), to.Addr(), 17, b)
}

// cut4 cuts an IPv4 packet without options into fragments of at most size octets of data.
func cut4(p []byte, size int) (fragments [][]byte) {
	for at := 20; at < len(p); at += size {
		end := min(at+size, len(p))
		f := append(slices.Clone(p[:20]), p[at:end]...)
		field := uint16((at - 20) / 8)
		if end < len(p) {
			field |= 0x2000
		}
		binary.BigEndian.PutUint16(f[2:], uint16(len(f)))
		binary.BigEndian.PutUint16(f[6:], field)
		f[10], f[11] = 0, 0
		binary.BigEndian.PutUint16(f[10:], sum16(f[:20]))
		fragments = append(fragments, f)
	}
	return fragments
}

// cut6 cuts an IPv6 packet without extension headers.
func cut6(p []byte, id uint32, size int) (fragments [][]byte) {
	for at := 40; at < len(p); at += size {
		end := min(at+size, len(p))
		field := uint16(at - 40)
		if end < len(p) {
			field |= 1
		}
		h := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16([]byte{p[6], 0}, field), id)
		f := slices.Concat(p[:40], h, p[at:end])
		f[6] = 44
		binary.BigEndian.PutUint16(f[4:], uint16(len(f)-40))
		fragments = append(fragments, f)
	}
	return fragments
}

// octets returns n random octets.
func octets(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// wantFrames compares frames one by one.
func wantFrames(t testing.TB, what string, got [][]byte, want ...[]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d frames, expected %d: %x", what, len(got), len(want), got)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("%s: frame %d is\n%x, expected\n%x", what, i, got[i], want[i])
		}
	}
}
