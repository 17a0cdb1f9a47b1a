package dataplane

import (
	"bytes"
	"testing"

	"stillwater/appliance/spd"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// punted pops everything the lcores have for the host stack.
func (n *node) punted() (frames [][]byte, l3 []uint8) {
	for l := range n.Lcores() {
		punts, _ := n.Punts(l)
		for m, ok := punts.Pop(); ok; m, ok = punts.Pop() {
			frames, l3 = append(frames, bytes.Clone(m.Data())), append(l3, m.L3)
			m.Pool().Return(m)
		}
	}
	return frames, l3
}

// TestPuntAsReceived: the host stack gets a frame as it came from the link, link header included, and is told where its
// network header is.
func TestPuntAsReceived(t *testing.T) {
	arp := ethernet([6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, [6]byte{2, 9}, 0x0806, make([]byte, 28))
	ike := header4(addrB.outer, addrA.outer, 17, 64, udp(500, 500, make([]byte, 28)))
	natIKE := header4(addrB.outer, addrA.outer, 17, 64, udp(4500, 4500, make([]byte, 32)))
	solicitation := header6("fe80::9", "ff02::1:ff00:1", 58, 255, make([]byte, 24))
	multicast := header4(addrB.outer, "224.0.0.5", 89, 1, make([]byte, 24))
	ping := header4(addrB.outer, addrA.outer, 1, 64, make([]byte, 24))
	for _, link := range []pmd.Link{pmd.RawIP, pmd.Ethernet} {
		for name, f := range map[string][]byte{
			"ARP": arp, "IKE": ike, "IKE on 4500": natIKE, "ND": solicitation, "multicast": multicast, "ICMP": ping,
		} {
			for _, outside := range []bool{true, false} {
				if name == "ARP" && link == pmd.RawIP || name == "IKE on 4500" && !outside {
					continue
				}
				r := newHalfRig(t, rigConfig{ethernet: link == pmd.Ethernet})
				from := r.hostA
				if outside {
					from = r.openPeer()
				}
				frame, header := f, uint8(0)
				if link == pmd.Ethernet {
					header = 14
				}
				if name != "ARP" {
					frame = onLink(link, f)
				}
				from.send(frame)
				r.steps(2, 1e6)
				got, l3 := r.a.punted()
				if len(got) != 1 || !bytes.Equal(got[0], frame) || l3[0] != header {
					t.Errorf("%s on %v, outside %t: punted %x, L3 %v, expected %x", name, link, outside, got, l3, frame)
				}
				wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.Punted: 1})
			}
		}
	}
}

// TestPuntFromTunnel: an inner packet for the appliance itself reaches the host stack as an IP packet, with nothing of the
// outer packet's link header in front.
func TestPuntFromTunnel(t *testing.T) {
	for name, mode := range modes {
		for _, ethernet := range []bool{false, true} {
			r := newRig(t, rigConfig{ethernet: ethernet})
			r.connect(mode, 0x1000)
			p := numbered(addrA.host, addrB.own, 80, 1)
			r.hostA.send(onLink(r.cfg.link, p))
			r.steps(4, 1e6)
			got, l3 := r.b.punted()
			if len(got) != 1 || !bytes.Equal(got[0], hop(p)) || l3[0] != 0 {
				t.Errorf("%s, Ethernet %t: punted %x, L3 %v, expected %x", name, ethernet, got, l3, hop(p))
			}
		}
	}
}

// TestPuntRingFull: a host stack that does not keep up loses packets with a verdict and holds nobody up.
func TestPuntRingFull(t *testing.T) {
	r := newHalfRig(t, rigConfig{ethernet: true})
	ping := onLink(pmd.Ethernet, header4(addrA.host, addrA.own, 1, 64, make([]byte, 24)))
	for range 40 {
		for range 32 {
			r.hostA.send(ping)
		}
		r.step(1e6)
	}
	r.step(1e6)
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.Punted: punt, mbuf.RingFull: 40*32 - punt})
	if got, _ := r.a.punted(); len(got) != punt || !bytes.Equal(got[punt-1], ping) {
		t.Errorf("%d punted, expected %d whole ones", len(got), punt)
	}
}

// TestBounceNamesTheReason: a packet that cannot go on reaches control as a bare IP packet with the reason, the port it came
// from and, where it is too big, the size that goes.
func TestBounceNamesTheReason(t *testing.T) {
	ttl := patch(numbered(addrA.host, addrB.host, 80, 1), 8, 1)
	ttl6 := numbered(addrA.host6, addrB.host6, 80, 1)
	ttl6[7] = 1
	whole := func(n int) []byte { return patch(numbered(addrA.host, addrB.host, n, 1), 6, 0x40, 0) }
	for name, c := range map[string]struct {
		packet []byte
		want   []byte // as control gets it
		v      mbuf.Verdict
		mtu    uint32
	}{
		"SPD-022 TTL":                  {ttl, ttl, mbuf.TTLExceeded, 0},
		"SPD-022 hop limit":            {ttl6, ttl6, mbuf.TTLExceeded, 0},
		"SPD-071 tunnel, IPv4 with DF": {whole(1447), hop(whole(1447)), mbuf.TooBig, 1446},
		"SPD-071 tunnel, IPv6":         {numbered(addrA.host6, addrB.host6, 1447, 1), hop(numbered(addrA.host6, addrB.host6, 1447, 1)), mbuf.TooBig, 1446},
		"SPD-071 port, IPv4 with DF":   {patch(numbered(addrA.host, "203.0.113.1", 1501, 1), 6, 0x40, 0), hop(patch(numbered(addrA.host, "203.0.113.1", 1501, 1), 6, 0x40, 0)), mbuf.TooBig, 1500},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHalfRig(t, rigConfig{ethernet: true})
			r.openPeer()
			r.a.setPolicy(entryTo("203.0.113.0/24", spd.Bypass, 0), spd.Entry{Action: spd.Protect, Selectors: []spd.Selector{{}}})
			r.a.point(0, OutRef{0, r.a.installOut(0, tunnelSA(0x1000, addrA, addrB))})
			r.hostA.send(onLink(pmd.Ethernet, c.packet))
			r.steps(2, 1e6)
			punts, _ := r.a.Punts(0)
			m, ok := punts.Pop()
			if !ok {
				t.Fatal("nothing was punted")
			}
			if !bytes.Equal(m.Data(), c.want) || m.Verdict != c.v || m.L3 != 0 || m.Port != insidePort || c.mtu != 0 && m.Aux != c.mtu {
				t.Errorf("%s of %x, L3 %d, port %d, MTU %d; expected %s of %x, MTU %d", m.Verdict, m.Data(), m.L3, m.Port, m.Aux, c.v, c.want, c.mtu)
			}
			m.Pool().Return(m)
			wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{c.v: 1})
		})
	}
}

// TestBounceRate: of a flood of packets that cannot go on a hundred a second reach control, ten at once; all are counted, and
// the ring keeps room for what concerns the appliance.
func TestBounceRate(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	ttl := patch(numbered(addrA.host, addrB.host, 80, 1), 8, 1)
	flood := func(steps int) int {
		for range steps {
			for range 5 {
				r.hostA.send(ttl)
			}
			r.step(1e6)
		}
		got, _ := r.a.punted()
		return len(got)
	}
	if got := flood(2); got != 10 {
		t.Errorf("%d at once, expected 10", got)
	}
	if got := flood(998); got < 99 || got > 101 {
		t.Errorf("%d in the second after, expected 100", got)
	}
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.TTLExceeded: 5000})
	w, fill := r.a.workers[0], uint64(0)
	for ; w.punts.Len() < punt/2; fill++ {
		m := w.pool.Get(60)
		w.punts.Push(m)
	}
	r.step(1e9)
	if flood(1); w.punts.Len() != 0 {
		t.Errorf("%d left in the ring", w.punts.Len())
	}
	if got := r.a.total().Verdicts[mbuf.TTLExceeded]; got != 5005 {
		t.Errorf("%d counted, expected 5005", got)
	}
}

// TestESP018_FragmentsArePunted: a fragment of ESP or UDP reaches the reassembler as it came, with the reason, and is counted; it
// leaves half of the ring to others.
func TestESP018_FragmentsArePunted(t *testing.T) {
	fragment := onLink(pmd.Ethernet, patch(header4(addrB.outer, addrA.outer, 50, 64, espOctets), 6, 0x20, 0))
	r := newHalfRig(t, rigConfig{ethernet: true})
	peer := r.openPeer()
	peer.send(fragment)
	r.step(1e6)
	punts, _ := r.a.Punts(0)
	m, ok := punts.Pop()
	if !ok || !bytes.Equal(m.Data(), fragment) || m.Verdict != mbuf.OuterFragment || m.L3 != 14 || m.Port != outsidePort {
		t.Fatalf("punted %t: %s, L3 %d, port %d, %x", ok, m.Verdict, m.L3, m.Port, m.Data())
	}
	m.Pool().Return(m)
	peer.send(onLink(pmd.Ethernet, patch(header4(addrB.outer, addrA.outer, 17, 64, udp(4500, 4500, espOctets)), 6, 0x20, 0)))
	r.step(2e6)
	if m, ok = punts.Pop(); !ok || m.Verdict != mbuf.OuterFragment || m.L3 != 14 {
		t.Fatalf("a fragment of UDP: punted %t", ok)
	}
	m.Pool().Return(m)
	if got := r.a.eventsOf(0, EventDrop); len(got) != 1 {
		t.Errorf("%d events, expected one for the fragment of ESP", len(got))
	}
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.OuterFragment: 1, mbuf.Punted: 1})
	for range punt/32 + 1 {
		for range 32 {
			peer.send(fragment)
		}
		r.step(1e6)
	}
	r.step(1e6)
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.OuterFragment: 1 + punt/2, mbuf.Punted: 1, mbuf.RingFull: 32 + punt/2})
	r.a.punted()
}
