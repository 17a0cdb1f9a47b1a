package dataplane

import (
	"bytes"
	"fmt"
	"testing"

	"stillwater/appliance/spd"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// inject gives a lcore a packet as the host stack does.
func (n *node) inject(lcore int, p []byte, port uint16, kind uint32) {
	n.t.Helper()
	_, ring := n.Punts(lcore)
	m := n.pools[lcore].Get(len(p))
	copy(m.Append(len(p)), p)
	m.Port, m.Aux = port, kind
	if !ring.Push(m) {
		n.t.Fatal("inject ring full")
	}
}

// TestInject: frames of the host stack leave as they are; packets for inner hosts go through policy; the rest ends.
func TestInject(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.connect(tunnelSA, 0x1000)
	frame, inner := numbered("192.0.2.1", addrA.host, 60, 1), numbered(addrA.own, addrB.host, 60, 2)
	r.a.inject(0, frame, insidePort, InjectFrame)
	r.a.inject(0, inner, 0, InjectReceive)
	r.a.inject(0, frame, 9, InjectFrame)
	r.a.inject(0, frame, insidePort, InjectOwn+1)
	for range injectQuota { // more than one step takes
		r.a.inject(0, frame, insidePort, InjectFrame)
	}
	r.step(1e6)
	if got := len(r.hostA.receive()); got != injectQuota-3 {
		t.Errorf("%d frames in the first step, expected the quota", got)
	}
	r.steps(2, 1e6)
	wantPackets(t, r.hostB.receive(), [][]byte{hop(hop(inner))})
	wantPackets(t, r.hostA.receive(), [][]byte{frame, frame, frame, frame})
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.PortDown: 1, mbuf.Malformed: 1})
}

// TestInjectOwn: a packet of the appliance's own goes where its destination is, with its TTL: to a host inside, into the tunnel
// where policy says so and there is no route either, past policy where that says bypass, and nowhere else.
func TestInjectOwn(t *testing.T) {
	for _, link := range []pmd.Link{pmd.RawIP, pmd.Ethernet} {
		r := newRig(t, rigConfig{ethernet: link == pmd.Ethernet})
		r.connect(tunnelSA, 0x1000)
		r.a.setPolicy(entryTo("203.0.113.0/25", spd.Bypass, 0), entryTo("203.0.113.128/25", spd.Discard, 0), entryTo(addrB.net, spd.Protect, 0), entryTo("10.99.0.0/16", spd.Protect, 0))
		inside, across := numbered(addrA.own, addrA.host, 60, 1), numbered(addrA.own, addrB.host, 60, 2)
		inside[8], across[8] = 1, 2 // TTL: it is not lowered here, once at b
		checksum4(inside)
		checksum4(across)
		unrouted, clear := numbered(addrA.own, "10.99.0.1", 60, 3), numbered(addrA.own, "203.0.113.1", 60, 4)
		clear[8] = 1
		checksum4(clear)
		for _, p := range [][]byte{
			inside, across, unrouted, clear,
			numbered(addrA.own, "203.0.113.200", 60, 5), // discard
			numbered(addrA.own, "172.16.0.1", 60, 6),    // no entry
			numbered(addrA.own, addrA.own, 60, 7),       // to itself
			patch(inside, 10, 1, 2)[:19],
			numbered(addrA.own, addrA.host, 1501, 8),
		} {
			r.a.inject(0, p, 0, InjectOwn)
		}
		var outside [][]byte
		r.wire.SetTap(softpmd.A, func(_ softpmd.End, f []byte, _ int64) { outside = append(outside, bytes.Clone(f)) })
		r.steps(4, 1e6)
		wantPackets(t, offLink(link, r.hostA.receive()), [][]byte{inside})
		wantPackets(t, offLink(link, r.hostB.receive()), [][]byte{hop(across)})
		if got := offLink(link, outside); len(got) != 3 || !bytes.Equal(got[0], clear) {
			t.Errorf("%d frames outside, expected %x and two sealed", len(got), clear)
		}
		want := map[mbuf.Verdict]uint64{mbuf.PolicyDiscard: 1, mbuf.NoPolicy: 1, mbuf.Punted: 1, mbuf.Malformed: 1, mbuf.TooBig: 1}
		wantVerdicts(t, r.a.total(), want)
		r.a.punted()
	}
}

// TestInjectOwnToAHostBehindATunnel: the answer to a packet that came out of a tunnel and went no further goes back into it.
func TestInjectOwnToAHostBehindATunnel(t *testing.T) {
	r := newRig(t, rigConfig{ethernet: true})
	r.connect(tunnelSA, 0x1000)
	back := tunnelSA(0x2000, addrB, addrA)
	r.a.installIn(0, back)
	r.b.point(0, OutRef{0, r.b.installOut(0, back)})
	r.hostA.send(onLink(pmd.Ethernet, patch(numbered(addrA.host, addrB.host, 80, 1), 8, 2)))
	r.steps(3, 1e6)
	punts, _ := r.b.Punts(0)
	m, ok := punts.Pop()
	if !ok || m.Verdict != mbuf.TTLExceeded || m.L3 != 0 || m.Data()[8] != 1 {
		t.Fatalf("punted %t: expected the packet with TTL 1", ok)
	}
	m.Pool().Return(m)
	answer := header4(addrB.own, addrA.host, 1, 64, append([]byte{11, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 28)...))
	r.b.inject(0, answer, 0, InjectOwn)
	r.steps(3, 1e6)
	wantPackets(t, offLink(pmd.Ethernet, r.hostA.receive()), [][]byte{hop(answer)})
}

// TestInjectOwnAsksForNeighbour: an own packet to a host inside that nobody has resolved is dropped, and control is asked.
func TestInjectOwnAsksForNeighbour(t *testing.T) {
	r := newHalfRig(t, rigConfig{ethernet: true})
	r.a.inject(0, numbered(addrA.own, "10.1.0.77", 60, 1), 0, InjectOwn)
	r.steps(2, 1e6)
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.NoNeighbour: 1})
	if got := r.a.eventsOf(0, EventMiss); len(got) != 1 || got[0].Port != insidePort || got[0].NextHop != addrOf("10.1.0.77") {
		t.Errorf("events %+v, expected a miss of 10.1.0.77", got)
	}
}

// TestESP018_InjectOutside: ESP put together from its fragments is opened by the owner of its SA, also where another lcore is
// given it; IKE that came the same way is punted; clear packets meet the inbound policy.
func TestESP018_InjectOutside(t *testing.T) {
	for _, owner := range []int{0, 1} {
		t.Run(fmt.Sprint(owner), func(t *testing.T) {
			r := newHalfRig(t, rigConfig{lcores: 2, ethernet: true})
			spi := r.a.spiOf(owner, 0x1000)
			s, _ := newSender(r, tunnelSA(spi, addrB, addrA))
			inner := numbered(addrB.host, addrA.host, 3000, 1)
			whole := header4(addrB.outer, addrA.outer, 50, 64, s.esp(4, inner))
			ike := header4(addrB.outer, addrA.outer, 17, 64, udp(4500, 4500, make([]byte, 2000)))
			r.a.inject(0, whole, 0, InjectOutside)
			r.a.inject(0, ike, 0, InjectOutside)
			r.a.inject(0, numbered(addrB.host, addrA.host, 60, 1), 0, InjectOutside)
			r.a.inject(0, whole[:30], 0, InjectOutside)
			r.steps(3, 1e6)
			got, l3 := r.a.punted()
			if len(got) != 1 || !bytes.Equal(got[0], ike) || l3[0] != 0 {
				t.Errorf("%d punted, expected IKE alone", len(got))
			}
			frames := offLink(pmd.Ethernet, r.hostA.receive())
			if len(frames) != 3 || be32(frames[0][28:]) != 1 {
				t.Errorf("%d frames inside, expected the packet in three fragments", len(frames))
			}
			wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.Punted: 1, mbuf.PolicyDiscard: 1, mbuf.Malformed: 1})
		})
	}
}
