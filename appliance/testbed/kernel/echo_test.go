package kernel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
)

// flow is a sequence of requests that differ in number and size and whose answers come back in order. Owned by the test's
// goroutine.
type flow struct {
	src, dst netip.Addr
	id       uint16 // ICMP identifier, or UDP source port
	protocol byte
	sizes    []int // octets of the packets, in turn
	sent     int
	waiting  []string // canonical answers that are on their way
}

// request makes the next packet.
func (f *flow) request() []byte {
	n := f.sizes[f.sent%len(f.sizes)] - headerLen(f.src) - 8
	body := pattern(uint64(f.sent), n)
	f.sent++
	if f.protocol == protoUDP {
		return udp(netip.AddrPortFrom(f.src, f.id), netip.AddrPortFrom(f.dst, echoPort), body)
	}
	kind := byte(8)
	if f.src.Is6() {
		kind = 128
	}
	return icmp(f.src, f.dst, kind, f.id, uint16(f.sent), body)
}

// flowKey is what the packets of a flow have in common; the address is ours.
type flowKey struct {
	ours     netip.Addr
	protocol byte
	id       uint16
}

func (f *flow) key() flowKey {
	p := f.protocol
	if p == protoICMP && f.src.Is6() {
		p = protoICMPv6
	}
	return flowKey{f.src, p, f.id}
}

// keyOf returns the key of an answer.
func keyOf(p parsed) flowKey {
	at := 2 // destination port
	if p.protocol != protoUDP {
		at = 4
	}
	if len(p.body) < at+2 {
		return flowKey{}
	}
	return flowKey{p.dst, p.protocol, binary.BigEndian.Uint16(p.body[at:])}
}

// flowsByKey is how answers find their flow.
func flowsByKey(flows []*flow) map[flowKey]*flow {
	m := map[flowKey]*flow{}
	for _, f := range flows {
		m[f.key()] = f
	}
	return m
}

// someSizes runs from the least to the largest; IPv6 begins at its minimum with an ICMP or UDP header.
func someSizes(v6 bool, largest int) []int {
	sizes := []int{40, 41, 64, 100, 576, 1280, 1400, 1440, 1441, 1500, 2000, 4000, 9000}
	if v6 {
		sizes[0], sizes[1] = 48, 49
	}
	for i := range sizes {
		sizes[i] = min(sizes[i], largest)
	}
	return sizes
}

// newFlows makes count flows of each kind: ping and UDP echo, over IPv4 and IPv6.
func newFlows(count, largest int) (fs []*flow) {
	for i := range count {
		for f, inner := range ourInner {
			src := inner.Addr()
			for range 2 + i%60 {
				src = src.Next()
			}
			for _, protocol := range []byte{protoICMP, protoUDP} {
				sizes := someSizes(f == 1, largest)
				sizes = append(sizes[i%len(sizes):], sizes[:i%len(sizes)]...)
				fs = append(fs, &flow{src: src, dst: kernelInner[f].Addr(), id: uint16(20000 + i), protocol: protocol, sizes: sizes})
			}
		}
	}
	return fs
}

// window bounds the octets on their way: a full socket would drop.
const window = 200_000

// echo sends count requests of each flow and expects each answer, octet for octet and in the order of its flow. What is on
// its way is bounded, so a slow machine makes it slow and loses nothing.
func (r *rig) echo(flows []*flow, count int) {
	r.Helper()
	byKey := flowsByKey(flows)
	made, answered, onWay, total := 0, 0, 0, count*len(flows)
	first := len(r.ways[toKernel].inners)
	var sent, unsent [][]byte // packets on the wire, and those it has not taken yet
	r.await("echo", func() bool {
		for _, p := range r.arrived() {
			onWay -= len(p)
			answered++
			r.answered(byKey, p)
		}
		for onWay < window && made < total && len(unsent) == 0 {
			f := flows[made%len(flows)]
			p := f.request()
			f.waiting = append(f.waiting, canonical(forwarded(answer(p))))
			unsent = fragment(p, r.setup.innerMTU(), uint32(made))
			made, onWay = made+1, onWay+len(p)
			for len(unsent) > 0 && r.host.send(unsent[0]) {
				sent, unsent = append(sent, unsent[0]), unsent[1:]
			}
		}
		return answered == total
	}, func() int { return answered })
	r.carried(sent, r.ways[toKernel].inners[first:])
}

// answered checks one packet that came, or will come, out of the tunnel.
func (r *rig) answered(byKey map[flowKey]*flow, packet []byte) {
	r.Helper()
	p, err := parse(packet)
	if err != nil {
		r.Fatalf("inner packet %x: %v", packet, err)
	}
	f := byKey[keyOf(p)]
	if f == nil || len(f.waiting) == 0 {
		r.Fatalf("nobody waits for inner packet %x", packet)
	}
	if got, want := canonical(packet), f.waiting[0]; got != want {
		r.Fatalf("answer in flow %v, %d before the last request:\n%x, expected\n%x", f.key(), len(f.waiting)-1, got, want)
	}
	f.waiting = f.waiting[1:]
}

// carried checks that the tunnel carried exactly the packets that were sent, one hop older, in order.
func (r *rig) carried(sent [][]byte, found []inner) {
	r.Helper()
	if len(found) != len(sent) {
		r.Fatalf("%d inner packets on the wire, expected %d", len(found), len(sent))
	}
	for i := range sent {
		if !bytes.Equal(found[i].packet, forwarded(sent[i])) {
			r.Fatalf("inner packet %d on the wire:\n%x, expected\n%x", i, found[i].packet, forwarded(sent[i]))
		}
	}
}

// send makes the kernel send count numbered datagrams by itself, and checks that all come, in order.
func (r *rig) send(family, count int) {
	r.Helper()
	sizes := fmt.Sprintf("64,1400,%d,60,1000", r.setup.largest())
	to := netip.AddrPortFrom(ourInner[family].Addr().Next().Next(), countPort)
	if out := r.command(fmt.Sprintf("send -dst %s -sizes %s -count %d -burst 20 -gap 2ms", to, sizes, count)); len(out) != 1 || out[0] != fmt.Sprintf("sent=%d failed=0 last=<nil>", count) {
		r.Fatalf("the kernel sends: %q", out)
	}
	came := 0
	r.await("datagrams of the kernel", func() bool {
		for _, b := range r.arrived() {
			p, err := parse(b)
			if err != nil || p.protocol != protoUDP || p.dst != to.Addr() || p.ttl != ttl-1 || len(p.body) < 8 {
				r.Fatalf("inner packet %x: %v", b, err)
			}
			want := udp(netip.AddrPortFrom(p.src, 40000), to, pattern(uint64(came), len(p.body)-8))
			if canonical(b) != canonical(forwarded(want)) {
				r.Fatalf("datagram %d: %x, expected %x", came, b, forwarded(want))
			}
			came++
		}
		return came == count
	}, func() int { return came })
}

// count sends count numbered datagrams to the kernel's counter, few enough for its socket, and has it check them.
func (r *rig) count(count int) {
	r.Helper()
	octets := 0
	for i := range count {
		sizes := []int{64, 1400, 9000, 500}
		body := pattern(uint64(i), sizes[i%len(sizes)]-28)
		octets += len(body)
		packets := fragment(udp(netip.AddrPortFrom(ourInner[0].Addr().Next(), 40000), netip.AddrPortFrom(kernelInner[0].Addr(), countPort), body), r.setup.innerMTU(), uint32(i))
		for _, p := range packets {
			r.await("room on the wire", func() bool { return r.host.send(p) }, func() int { return i })
		}
	}
	want := fmt.Sprintf("port %d received=%d bad=0 out_of_order=0 octets=%d", countPort, count, octets)
	last := ""
	r.await("the kernel's counter", func() bool {
		last = r.command("counters")[0]
		return last == want
	}, func() int { return len(r.ways[toKernel].inners) })
}

// Every kind of connection carries ping and UDP of 40 to 9000 octets, of both families, in both directions, without a loss,
// and the kernel finds no fault in any packet. What we send is checked by the tap's decoder; see way.
func TestTraffic(t *testing.T) {
	for _, s := range setups() {
		t.Run(s.name, func(t *testing.T) {
			r := start(t, s)
			r.echo(newFlows(4, r.setup.largest()), 13)
			r.send(0, 60)
			r.send(1, 60)
			r.count(60)
			r.finish()
			r.covered()
		})
	}
}

// covered checks that the traffic was what the test is about: packets that share outer packets, and packets in parts, in
// both directions; padding of both kinds where we send at a constant rate.
func (r *rig) covered() {
	r.Helper()
	for _, w := range r.ways {
		shared, parted := w.packing()
		if r.setup.mode != "tunnel" && shared == 0 || !r.setup.cuts() && parted == 0 {
			r.Errorf("%s: %d outer packets with several inner ones, %d inner packets in parts: expected some", w.direction, shared, parted)
		}
	}
	if s := r.ways[toKernel].stream; r.setup.mode == "constant" && (s.allPad == 0 || s.padded == 0) {
		r.Errorf("%d payloads of padding only, %d padded: expected some of both", s.allPad, s.padded)
	}
}

// setups are the kinds of connection: every mode, with the sizes, algorithms, sequence numbers and outer families it has.
func setups() []setup {
	ss := []setup{
		{name: "aggregate", mode: "aggregate"},
		{name: "aggregate, outer packets of 600", mode: "aggregate", size: 600, esn: true},
		{name: "aggregate, no fragments", mode: "aggregate", whole: true},
		{name: "constant 1500", mode: "constant", esn: true},
		{name: "constant 600", mode: "constant", size: 600},
		{name: "constant 1280 over IPv6", mode: "constant", size: 1280, outer6: true, esn: true},
		{name: "constant, no fragments", mode: "constant", whole: true},
		{name: "tunnel", mode: "tunnel"},
		{name: "tunnel over IPv6", mode: "tunnel", outer6: true, esn: true},
	}
	for _, a := range []suite{aes128gcm, aes256gcm, chacha, gmac, cbc} {
		name := a.encr
		if a.integ != "" {
			name += "-" + a.integ
		}
		ss = append(ss,
			setup{name: name + ", ESN, over IPv6", mode: "aggregate", suite: a, esn: true, outer6: true},
			setup{name: name + ", tunnel", mode: "tunnel", suite: a},
		)
	}
	return ss
}

// Hundreds of inner flows share one tunnel, and each keeps its order.
func TestManyFlows(t *testing.T) {
	r := start(t, setup{mode: "aggregate", esn: true})
	r.echo(newFlows(100, 1500), 5)
	r.finish()
}
