package hoststack

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

var broadcast = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// TestARPAnswer: a request for an own address is answered to the asker, one for another address is not (RFC 826).
func TestARPAnswer(t *testing.T) {
	r := newRig(t)
	r.a.Receive(outside, onEthernet(broadcast, macX, arpPacket(1, macX, x4, [6]byte{}, a4)), ethernetLen)
	r.a.Receive(outside, onEthernet(broadcast, macX, arpPacket(1, macX, x4, [6]byte{}, b4)), ethernetLen)
	r.a.Receive(outside, onEthernet(broadcast, macX, arpPacket(1, macX, x4, [6]byte{}, in4)), ethernetLen)
	wantFrames(t, "answers", r.a.sent, onEthernet(macX, macA, arpPacket(2, macA, a4, macX, x4)))
}

// TestResolveARP: one broadcast request, one answer, one call of Changed.
func TestResolveARP(t *testing.T) {
	r := newRig(t)
	r.a.Resolve(outside, b4)
	r.settle()
	wantFrames(t, "request", r.a.sent, onEthernet(broadcast, macA, arpPacket(1, macA, a4, [6]byte{}, b4)))
	want := []Neighbour{{outside, b4, macB, true}}
	wantChanged(t, r.a, want...)
	r.a.Resolve(outside, b4) // known: nothing new to tell
	r.settle()
	wantChanged(t, r.a, want...)
}

// wantChanged compares what Changed was told.
func wantChanged(t testing.TB, n *node, want ...Neighbour) {
	t.Helper()
	if !slices.Equal(n.changed, want) {
		t.Fatalf("changed: %v, expected %v", n.changed, want)
	}
}

// TestResolveND: a solicitation to the solicited-node multicast address with our link address in it (RFC 4861 4.3, 7.2.2,
// RFC 4291 2.7.1, RFC 2464 7), and its answer.
func TestResolveND(t *testing.T) {
	r := newRig(t)
	r.a.Resolve(outside, b6)
	r.settle()
	group := addr("ff02::1:ff00:b")
	body := slices.Concat(b6.AsSlice(), []byte{1, 1}, macA[:])
	want := icmpPacket(ll6a, group, 135, 0, 0, body)
	want[7] = 255
	wantFrames(t, "solicitation", r.a.sent, onEthernet([6]byte{0x33, 0x33, 0xff, 0, 0, 0xb}, macA, want))
	wantChanged(t, r.a, Neighbour{outside, b6, macB, true})

	body = slices.Concat(b6.AsSlice(), []byte{2, 1}, macB[:])
	want = icmpPacket(b6, ll6a, 136, 0, 0x60000000, body) // solicited, override; no router to be learnt from advertisements
	want[7] = 255
	wantFrames(t, "advertisement", r.b.sent, onEthernet(macA, macB, want))
}

// TestResolveNobody: three requests a second apart (RFC 4861 10), then lost; and one may ask again.
func TestResolveNobody(t *testing.T) {
	for _, a := range []netip.Addr{x4, addr("2001:db8::99")} {
		r := newRig(t)
		for range 2 {
			r.a.reset()
			r.a.Resolve(outside, a)
			r.pass(4 * time.Second)
			wantChanged(t, r.a, Neighbour{Port: outside, Addr: a})
			r.pass(time.Minute)
			if len(r.a.sent) != 3 {
				t.Errorf("%v: %d requests, expected 3", a, len(r.a.sent))
			}
		}
		if n := r.a.Counters().Lost; n != 2 {
			t.Errorf("%d lost, expected 2", n)
		}
	}
}

// TestNeighbourKeptAlive: netstack sees no traffic to the neighbour, yet it is confirmed again and again, and its loss is
// noticed.
func TestNeighbourKeptAlive(t *testing.T) {
	for _, a := range []netip.Addr{b4, b6} {
		r := newRig(t)
		r.a.Resolve(outside, a)
		r.pass(10 * time.Minute)
		wantChanged(t, r.a, Neighbour{outside, a, macB, true})
		// RFC 4861 10: reachable for 45 s at most, probed 5 s after use, which is at most a second after that.
		if n := len(r.a.sent); n < 600/(45+5+1) || n > 600/(15+5) {
			t.Errorf("%v: %d requests in ten minutes, expected 11 to 30", a, n)
		}
		r.b.deaf = true
		r.a.reset()
		r.pass(time.Minute)
		wantChanged(t, r.a, Neighbour{Port: outside, Addr: a})
	}
}

// TestMACChange: however another link address is announced, it is in use soon, and only after it was asked for or told by
// Neighbour Discovery's own rules.
func TestMACChange(t *testing.T) {
	macN := [6]byte{2, 0, 0, 0, 0, 0xbb}
	advert := icmpPacket(b6, addr("ff02::1"), 136, 0, 0x20000000, slices.Concat(b6.AsSlice(), []byte{2, 1}, macN[:]))
	advert[7] = 255
	for name, announce := range map[string][]byte{
		"ARP request":      onEthernet(broadcast, macN, arpPacket(1, macN, b4, [6]byte{}, a4)),
		"ARP announcement": onEthernet(broadcast, macN, arpPacket(1, macN, b4, [6]byte{}, b4)),
		"ARP reply to all": onEthernet(broadcast, macN, arpPacket(2, macN, b4, broadcast, b4)),
		"advertisement":    onEthernet([6]byte{0x33, 0x33, 0, 0, 0, 1}, macN, advert),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			a := b4
			if announce[12] == 0x86 {
				a = b6
			}
			r.a.Resolve(outside, a)
			r.pass(2 * time.Second)
			r.b.Close()
			r.b.Stack = r.newNode(macN, []netip.Prefix{prefix("192.0.2.2/24"), prefix("2001:db8::b/64")}, prefix("10.2.0.1/24"), a4, a6,
				func(c *Config) { c.Send = r.b.send }).Stack
			r.a.Receive(outside, announce, ethernetLen)
			r.pass(time.Second)
			wantChanged(t, r.a, Neighbour{outside, a, macB, true}, Neighbour{outside, a, macN, true})
		})
	}
}

// TestForgedAnnouncement: somebody else's claim makes us ask; the neighbour's own answer stands.
func TestForgedAnnouncement(t *testing.T) {
	r := newRig(t)
	r.a.Resolve(outside, b4)
	r.settle()
	r.a.sent = nil
	for range 1000 {
		r.a.Receive(outside, onEthernet(broadcast, macX, arpPacket(1, macX, b4, [6]byte{}, b4)), ethernetLen)
		r.settle()
	}
	wantChanged(t, r.a, Neighbour{outside, b4, macB, true})
	if n := len(r.a.sent); n == 0 || n > claimBurst {
		t.Errorf("%d requests because of forged claims, expected 1 to %d", n, claimBurst)
	}
}

// TestARPFlood: stations that do not exist fill netstack's table; the neighbour in use stays.
func TestARPFlood(t *testing.T) {
	r := newRig(t)
	r.a.Resolve(outside, b4)
	r.settle()
	for i := range 5000 {
		from := netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)})
		mac := [6]byte{2, 9, 0, 0, byte(i >> 8), byte(i)}
		r.a.Receive(outside, onEthernet(broadcast, mac, arpPacket(1, mac, from, [6]byte{}, a4)), ethernetLen)
	}
	if held, err := r.a.net.Neighbors(nicOf(outside), protocolOf(b4)); err != nil || len(held) > 512 {
		t.Errorf("%d entries, error %v, expected at most 512", len(held), err)
	}
	r.mu.Lock()
	r.queue = nil
	r.mu.Unlock()
	r.pass(2 * time.Minute)
	wantChanged(t, r.a, Neighbour{outside, b4, macB, true})
}

// TestResolveFlood: the list of neighbours is bounded, the oldest goes with a word; and so is the rate of requests.
func TestResolveFlood(t *testing.T) {
	r := newRig(t)
	n := &r.a.neighbours
	for i := range maxWatched + 10 {
		n.watch(neighbourKey{outside, netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)})})
	}
	var want []Neighbour
	for i := range 10 {
		want = append(want, Neighbour{Port: outside, Addr: netip.AddrFrom4([4]byte{10, 9, 0, byte(i)})})
	}
	wantChanged(t, r.a, want...)
	if len(n.table) != maxWatched || len(n.order) != maxWatched {
		t.Errorf("%d and %d neighbours, expected %d", len(n.table), len(n.order), maxWatched)
	}
	seen := map[neighbourKey]int{}
	for range maxWatched / refreshBatch {
		batch := n.turn()
		if len(batch) != refreshBatch {
			t.Fatalf("%d in a turn, expected %d", len(batch), refreshBatch)
		}
		for _, k := range batch {
			seen[k]++
		}
	}
	if len(seen) != maxWatched {
		t.Errorf("%d neighbours had their turn, expected each once", len(seen))
	}
}

// TestStaticNeighbour is told at once and never asked for.
func TestStaticNeighbour(t *testing.T) {
	r := newRigWith(t, func(c *Config) { c.Static = []Neighbour{{Port: outside, Addr: x4, MAC: macX}} })
	r.a.Resolve(outside, x4)
	r.pass(2 * time.Minute)
	wantChanged(t, r.a, Neighbour{outside, x4, macX, true})
	wantFrames(t, "requests", r.a.sent)
}

// TestResolveNothing: what cannot be resolved is no event.
func TestResolveNothing(t *testing.T) {
	r := newRigWith(t, func(c *Config) { c.Interfaces = append(c.Interfaces, Interface{Name: "raw", Raw: true, MTU: 1500}) })
	for _, c := range []struct {
		port int
		next netip.Addr
	}{{-1, b4}, {3, b4}, {2, b4}, {outside, netip.Addr{}}, {outside, addr("224.0.0.1")}, {outside, addr("255.255.255.255")}, {outside, addr("ff02::1")}} {
		t.Run(fmt.Sprint(c.port, c.next), func(t *testing.T) {
			r.a.Resolve(c.port, c.next)
			r.pass(5 * time.Second)
			wantChanged(t, r.a)
		})
	}
	r.a.Resolve(inside, b6) // the port has no IPv6 address to ask from but a link-local one: that serves
	r.pass(5 * time.Second)
	wantChanged(t, r.a, Neighbour{Port: inside, Addr: b6})
}
