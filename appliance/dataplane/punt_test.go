package dataplane

import (
	"bytes"
	"testing"

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

// TestInject: frames of the host stack leave as they are; packets for inner hosts go through policy; the rest ends.
func TestInject(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.connect(tunnelSA, 0x1000)
	_, inject := r.a.Punts(0)
	push := func(p []byte, port uint16, aux uint32) {
		m := r.a.pools[0].Get(len(p))
		copy(m.Append(len(p)), p)
		m.Port, m.Aux = port, aux
		inject.Push(m)
	}
	frame, inner := numbered("192.0.2.1", addrA.host, 60, 1), numbered(addrA.own, addrB.host, 60, 2)
	push(frame, insidePort, 0)
	push(inner, 0, InjectReceive)
	push(frame, 9, 0)
	for range injectQuota { // more than one step takes
		push(frame, insidePort, 0)
	}
	r.step(1e6)
	if got := len(r.hostA.receive()); got != injectQuota-2 {
		t.Errorf("%d frames in the first step, expected the quota", got)
	}
	r.steps(2, 1e6)
	wantPackets(t, r.hostB.receive(), [][]byte{hop(hop(inner))})
	wantPackets(t, r.hostA.receive(), [][]byte{frame, frame, frame})
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.PortDown: 1})
}
