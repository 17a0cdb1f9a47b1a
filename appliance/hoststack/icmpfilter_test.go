package hoststack

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
)

// newFilterRig collects what Config.ICMP of A is asked, and answers with accept.
func newFilterRig(t testing.TB, accept func(ICMPMessage) bool) *rig {
	var r *rig
	nodes := 0
	r = newRigWith(t, func(c *Config) {
		if nodes++; nodes > 1 {
			return
		}
		c.ICMP = func(m ICMPMessage) bool {
			m.Original = bytes.Clone(m.Original)
			r.a.note(func() { r.a.icmp = append(r.a.icmp, m) })
			return accept(m)
		}
	})
	return r
}

func wantMessages(t *testing.T, n *node, want ...ICMPMessage) {
	t.Helper()
	same := slices.EqualFunc(n.icmp, want, func(a, b ICMPMessage) bool {
		return a.Port == b.Port && a.From == b.From && a.To == b.To && a.Type == b.Type && a.Code == b.Code && a.MTU == b.MTU &&
			bytes.Equal(a.Original, b.Original)
	})
	if !same {
		t.Fatalf("asked about %+v, expected %+v", n.icmp, want)
	}
}

// TestSPD040_ICMPAcceptedOrRejectedByType: outside, unauthenticated messages pass or end by type and code.
func TestSPD040_ICMPAcceptedOrRejectedByType(t *testing.T) {
	for _, c := range [][2]netip.Addr{{b4, a4}, {b6, a6}} {
		for _, accept := range []bool{true, false} {
			r := newFilterRig(t, func(m ICMPMessage) bool { return m.Type != 8 && m.Type != 128 || accept })
			p := ping(c[0], c[1], nil)
			r.a.Receive(outside, onEthernet(macA, macB, p), ethernetLen)
			r.settle()
			wantMessages(t, r.a, ICMPMessage{Port: outside, From: c[0], To: c[1], Type: p[len(p)-8]})
			if answered := len(r.a.sent) > 0; answered != accept {
				t.Errorf("%v: answered %v, expected %v", c, answered, accept)
			}
			if n := r.a.Counters().ICMPRefused; n != 0 == accept {
				t.Errorf("%v: %d refused", c, n)
			}
		}
	}
}

// TestSPD041_ICMPFromTheProtectedSide: the same control, and the port to tell by.
func TestSPD041_ICMPFromTheProtectedSide(t *testing.T) {
	r := newFilterRig(t, func(m ICMPMessage) bool { return m.Port != inside })
	from := addr("10.1.0.77")
	r.a.Receive(inside, onEthernet([6]byte{2, 0, 0, 0, 1, 0xa}, macX, ping(from, in4, nil)), ethernetLen)
	r.settle()
	wantMessages(t, r.a, ICMPMessage{Port: inside, From: from, To: in4, Type: 8})
	wantFrames(t, "inside", r.a.inside)
}

// TestSPD043_EchoForUsIsAnswered: without a filter, every ICMP query for an own address is taken.
func TestSPD043_EchoForUsIsAnswered(t *testing.T) {
	r := newRig(t)
	r.a.Receive(outside, onEthernet(macA, macB, ping(b4, a4, nil)), ethernetLen)
	r.settle()
	if len(r.a.sent) == 0 {
		t.Error("no answer")
	}
}

// TestSPD071_TooBigIsReported: an error tells the MTU and the packet it is about, which names the SA by its SPI.
func TestSPD071_TooBigIsReported(t *testing.T) {
	router4, router6 := addr("198.51.100.1"), addr("2001:db8:5::1")
	esp4, esp6 := packet(a4, b4, 50, make([]byte, 1400)), packet(a6, b6, 50, make([]byte, 1400))
	quote4, quote6 := esp4[:28], esp6[:1232]
	r := newFilterRig(t, func(ICMPMessage) bool { return true })
	for _, p := range [][]byte{
		icmpPacket(router4, a4, 3, 4, 1280, quote4),
		icmpPacket(router4, a4, 3, 1, 1280, quote4), // has no MTU
		icmpPacket(router4, a4, 5, 1, 0xc0000209, quote4),
		icmpPacket(router6, a6, 2, 0, 1300, quote6),
	} {
		r.a.Receive(outside, onEthernet(macA, macX, p), ethernetLen)
	}
	wantMessages(t, r.a,
		ICMPMessage{outside, router4, a4, 3, 4, 1280, quote4},
		ICMPMessage{outside, router4, a4, 3, 1, 0, quote4},
		ICMPMessage{outside, router4, a4, 5, 1, 0, quote4},
		ICMPMessage{outside, router6, a6, 2, 0, 1300, quote6})
}

// TestFilterCannotBePassedBy: damaged messages, errors in fragments and messages behind extension headers.
func TestFilterCannotBePassedBy(t *testing.T) {
	r := newFilterRig(t, func(ICMPMessage) bool { return false })
	damaged := icmpPacket(x4, a4, 3, 4, 1280, make([]byte, 28))
	damaged[20+3] ^= 1
	r.a.Receive(outside, onEthernet(macA, macX, damaged), ethernetLen)
	r.a.Receive(outside, onEthernet(macA, macX, packet(x4, a4, 1, []byte{8, 0, 0xf7, 0xff})), ethernetLen)
	if n := r.a.Counters().Malformed; n != 2 || len(r.a.icmp) != 0 {
		t.Errorf("%d malformed and %d asked about, expected 2 and none", n, len(r.a.icmp))
	}
	for _, f := range cut4(icmpPacket(x4, a4, 3, 4, 1280, make([]byte, 60)), 48) {
		r.a.Receive(outside, onEthernet(macA, macX, f), ethernetLen)
	}
	if n := r.a.Counters().ICMPRefused; n != 1 || len(r.a.icmp) != 0 {
		t.Errorf("%d refused and %d asked about, expected the first fragment refused", n, len(r.a.icmp))
	}
	plain := ping(b6, a6, nil)
	hidden := slices.Concat(plain[:40], []byte{58, 0, 1, 4, 0, 0, 0, 0}, plain[40:])
	hidden[5], hidden[6] = hidden[5]+8, 60
	r.a.Receive(outside, onEthernet(macA, macX, hidden), ethernetLen)
	wantMessages(t, r.a, ICMPMessage{Port: outside, From: b6, To: a6, Type: 128})
	r.settle()
	wantFrames(t, "answers", r.a.sent)
}

// TestFilterLeavesNeighbourDiscovery alone: a filter that refuses all must not take the link away.
func TestFilterLeavesNeighbourDiscovery(t *testing.T) {
	r := newFilterRig(t, func(ICMPMessage) bool { return false })
	r.a.Resolve(outside, b6)
	r.settle()
	wantChanged(t, r.a, Neighbour{outside, b6, macB, true})
	wantMessages(t, r.a)
}
