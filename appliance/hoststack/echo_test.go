package hoststack

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
)

// pingBody is an echo's identifier, sequence number and data.
const pingRest = 0x00070001

// reply is the answer to the packet of an echo request; IPv4 answers have an identification of netstack's own.
func reply(request []byte, got []byte) []byte {
	if request[0]>>4 == 6 {
		src, dst := netip.AddrFrom16([16]byte(request[8:])), netip.AddrFrom16([16]byte(request[24:]))
		return icmpPacket(dst, src, 129, 0, pingRest, request[48:])
	}
	src, dst := netip.AddrFrom4([4]byte(request[12:])), netip.AddrFrom4([4]byte(request[16:]))
	p := icmpPacket(dst, src, 0, 0, pingRest, request[28:])
	if len(got) >= 34 {
		copy(p[4:6], got[len(got)-len(p)+4:])
		p[10], p[11] = 0, 0
		binary.BigEndian.PutUint16(p[10:], sum16(p[:20]))
	}
	return p
}

// ping is the packet of an echo request.
func ping(src, dst netip.Addr, body []byte) []byte {
	if src.Is6() {
		return icmpPacket(src, dst, 128, 0, pingRest, body)
	}
	return icmpPacket(src, dst, 8, 0, pingRest, body)
}

// TestPing: an echo request on the link is answered on the link, once the sender's link address is known.
func TestPing(t *testing.T) {
	for _, c := range [][2]netip.Addr{{b4, a4}, {b6, a6}} {
		r := newRig(t)
		p := ping(c[0], c[1], []byte("a ping of odd length!"))
		r.a.Receive(outside, onEthernet(macA, macB, p), ethernetLen)
		r.settle()
		last := r.a.sent[len(r.a.sent)-1]
		wantFrames(t, "answer", [][]byte{last}, onEthernet(macB, macA, reply(p, last)))
		if len(r.a.forwarded) != 0 {
			t.Error("an answer on the link was forwarded")
		}
	}
}

// TestPingFragmented: fragments are put together, and an answer longer than the MTU is cut.
func TestPingFragmented(t *testing.T) {
	r := newRig(t)
	body := octets(newRand(t), 4000)
	p := ping(b4, a4, body)
	for _, f := range cut4(p, 1480) {
		r.a.Receive(outside, onEthernet(macA, macB, f), ethernetLen)
	}
	r.settle()
	var data []byte
	for _, f := range r.a.sent[1:] { // behind the ARP request
		if len(f) > ethernetLen+1500 {
			t.Errorf("a frame of %d octets", len(f))
		}
		data = append(data, f[ethernetLen+20:]...)
	}
	if want := reply(p, nil)[20:]; !bytes.Equal(data, want) {
		t.Errorf("%d octets came back, expected %d, or others", len(data), len(want))
	}
}

// TestTunnelAnswerIsForwarded: what answers a packet out of a tunnel, or one for another port's address, never leaves as a
// frame: policy has to see it.
func TestTunnelAnswerIsForwarded(t *testing.T) {
	host := addr("10.2.0.77")
	tunnelled := ping(host, in4, []byte("ping!"))
	near := addr("10.1.0.77")
	for name, c := range map[string]struct {
		port   int
		frame  []byte
		l3     int
		packet []byte
	}{
		"inside address, from a tunnel":      {outside, tunnelled, 0, tunnelled},
		"outside address, from a tunnel":     {outside, ping(host, a4, nil), 0, ping(host, a4, nil)},
		"IPv6, from a tunnel":                {outside, ping(addr("2001:db8:2::1"), a6, nil), 0, ping(addr("2001:db8:2::1"), a6, nil)},
		"outside address, on the inside":     {inside, onEthernet([6]byte{2, 0, 0, 0, 1, 0xa}, macX, ping(near, a4, nil)), ethernetLen, ping(near, a4, nil)},
		"inside address, in clear, outside":  {outside, onEthernet(macA, macB, tunnelled), ethernetLen, tunnelled},
		"on-link source, out of a tunnel":    {outside, ping(b4, in4, nil), 0, ping(b4, in4, nil)},
		"on-link source, to outside address": {outside, ping(b4, a4, nil), 0, ping(b4, a4, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.a.Receive(c.port, c.frame, c.l3)
			r.settle()
			if len(r.a.forwarded) != 1 {
				t.Fatalf("%d packets forwarded, expected 1", len(r.a.forwarded))
			}
			wantFrames(t, "answer", r.a.forwarded, reply(c.packet, r.a.forwarded[0]))
			wantFrames(t, "outside", r.a.sent)
			wantFrames(t, "inside", r.a.inside)
		})
	}
}

// TestRawPort: no link layer, no resolution; bare packets are of the port itself.
func TestRawPort(t *testing.T) {
	r := newRigWith(t, func(c *Config) {
		c.Interfaces[outside].Raw = true
		c.Interfaces[outside].MAC = [6]byte{}
	})
	for _, c := range [][2]netip.Addr{{x4, a4}, {addr("2001:db8::99"), a6}} {
		r.a.reset()
		p := ping(c[0], c[1], nil)
		r.a.Receive(outside, p, 0)
		r.settle()
		if len(r.a.sent) != 1 {
			t.Fatalf("%d packets, expected an answer", len(r.a.sent))
		}
		wantFrames(t, "answer", r.a.sent, reply(p, r.a.sent[0]))
	}
	tunnelled := ping(addr("10.2.0.77"), in4, nil)
	r.a.Receive(outside, tunnelled, 0)
	wantFrames(t, "answer to an inner packet", r.a.forwarded, reply(tunnelled, r.a.forwarded[0]))
}

// TestEchoLimit: a flood of requests is answered up to the limit, which fills up with time.
func TestEchoLimit(t *testing.T) {
	r := newRig(t)
	for range 10 * echoBurst {
		r.a.Receive(outside, ping(addr("10.2.0.77"), in4, nil), 0)
	}
	if n, c := len(r.a.forwarded), r.a.Counters().ICMPLimited; n != echoBurst || c != 9*echoBurst {
		t.Errorf("%d answers and %d refused, expected %d and %d", n, c, echoBurst, 9*echoBurst)
	}
	r.clock.Advance(1e9 / echoRate)
	r.a.Receive(outside, ping(addr("10.2.0.77"), in4, nil), 0)
	if n := len(r.a.forwarded); n != echoBurst+1 {
		t.Errorf("%d answers, expected one more", n)
	}
}

// TestNotForwarded: packets for others end here; the stack is no router.
func TestNotForwarded(t *testing.T) {
	r := newRig(t)
	for _, dst := range []netip.Addr{x4, addr("10.1.0.77"), addr("8.8.8.8")} {
		r.a.Receive(outside, onEthernet(macA, macB, ping(b4, dst, nil)), ethernetLen)
	}
	for _, dst := range []netip.Addr{addr("2001:db8::99"), addr("2001:db8:9::1")} {
		r.a.Receive(outside, onEthernet(macA, macB, ping(b6, dst, nil)), ethernetLen)
	}
	r.settle()
	wantFrames(t, "frames", r.a.sent)
	wantFrames(t, "packets", r.a.forwarded)
}

// TestRouterAdvertisementIgnored: no address and no route is learnt from the link.
func TestRouterAdvertisementIgnored(t *testing.T) {
	r := newRig(t)
	info := append([]byte{3, 4, 64, 0xc0, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, addr("2001:db8:77::").AsSlice()...)
	body := append([]byte{0, 0, 0, 0, 0, 0, 0, 0}, info...)
	p := icmpPacket(addr("fe80::1"), addr("ff02::1"), 134, 0, 0x40000708, body)
	p[7] = 255
	before, routes := r.a.net.AllAddresses(), len(r.a.net.GetRouteTable())
	r.a.Receive(outside, onEthernet([6]byte{0x33, 0x33, 0, 0, 0, 1}, macX, p), ethernetLen)
	r.settle()
	after := r.a.net.AllAddresses()
	if len(after[nicOf(outside)]) != len(before[nicOf(outside)]) || len(r.a.net.GetRouteTable()) != routes {
		t.Errorf("addresses %v, expected %v", after, before)
	}
}
