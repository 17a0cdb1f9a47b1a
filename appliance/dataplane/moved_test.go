package dataplane

import (
	"fmt"
	"testing"

	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/pmd/mbuf"
)

// sender is a peer that seals by itself and sends from wherever a test wants.
type sender struct {
	*host
	out *esp.Outbound
}

// newSender installs the inbound half of sa on its lcore of plane a and keeps the outbound half.
func newSender(r *rig, sa SA) (*sender, uint32) {
	r.t.Helper()
	s := &sender{r.openPeer(), esp.NewOutbound(aead.NewStd(1), 1)}
	p, err := sa.params()
	must(r.t, err)
	must(r.t, s.out.Install(0, p))
	return s, r.a.installIn(r.a.owner(sa.SPI), sa)
}

// esp returns the next ESP packet of the SA, from the ESP header on; data and Next Header are the payload's.
func (s *sender) esp(nextHeader uint8, data []byte) []byte {
	s.t.Helper()
	m := s.pool.Get(len(data))
	defer s.pool.Put(m)
	copy(m.Append(len(data)), data)
	m.NextHeader = nextHeader
	if s.out.Seal(mbuf.Burst{m}) != 1 {
		s.t.Fatalf("not sealed: %s", m.Verdict)
	}
	return append([]byte(nil), m.Data()[s.out.Overhead(0).Outer:]...)
}

// udpSA is an SA in UDP whose peer is known to send from port 4500.
func udpSA(spi uint32, from, to addresses) SA {
	sa := tunnelSA(spi, from, to)
	sa.Encap, sa.SrcPort, sa.DstPort = esp.EncapUDP, 4500, 4500
	return sa
}

// in4 returns an ESP packet in UDP over IPv4.
func in4(src string, port uint16, packet []byte) []byte {
	return header4(src, addrA.outer, 17, 64, udp(port, 4500, packet))
}

// TestUDP011_Moved is the life of a peer behind a NAT: only a fresh authentic packet from elsewhere is told, once, with the
// new address and port (RFC 7296 2.23).
func TestUDP011_Moved(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	s, slot := newSender(r, udpSA(0x1000, addrB, addrA))
	next := func() []byte { return s.esp(4, numbered(addrB.host, addrA.host, 80, 1)) }
	old, replayed := next(), next()
	forged := next()
	forged[len(forged)-1] ^= 1
	late := next()
	for _, c := range []struct {
		name   string
		packet []byte
		want   string // source told, empty: none
	}{
		{"the known tuple", in4(addrB.outer, 4500, old), ""},
		{"another port", in4(addrB.outer, 31000, replayed), addrB.outer + ":31000"},
		{"a replay from elsewhere", in4("198.51.100.66", 666, replayed), ""},
		{"a forgery from elsewhere", in4("198.51.100.66", 666, forged), ""},
		{"the same tuple again", in4(addrB.outer, 31000, next()), ""},
		{"an older packet that comes late from elsewhere", in4("198.51.100.66", 666, late), ""},
		{"another address", in4("198.51.100.7", 31000, next()), "198.51.100.7:31000"},
		{"back again", in4(addrB.outer, 4500, next()), addrB.outer + ":4500"},
		{"over IPv6", header6("2001:db8:7::7", addrA.outer6, 17, 64, udp(4501, 4500, next())), "[2001:db8:7::7]:4501"},
		{"without UDP", header4("198.51.100.8", addrA.outer, 50, 64, next()), ""},
	} {
		s.send(c.packet)
		r.steps(2, 1e9)
		got := r.a.eventsOf(0, EventMoved)
		switch {
		case c.want == "" && len(got) == 0:
		case len(got) != 1 || got[0].Flow.Source().String() != c.want:
			t.Errorf("%s: events %+v, expected %q", c.name, got, c.want)
		case got[0].Slot != slot || got[0].SPI != 0x1000 || !got[0].Inbound || got[0].Seq == 0 || got[0].Flow.Proto != 17:
			t.Errorf("%s: event %+v", c.name, got[0])
		}
	}
	r.hostA.discard()
}

// TestMovedRate: a peer that jumps about is told once a second, and where it came to rest is told in the end.
func TestMovedRate(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	s, _ := newSender(r, udpSA(0x1000, addrB, addrA))
	var got []Event
	for i := range uint16(3000) {
		s.send(in4(addrB.outer, 10000+min(i, 2500), s.esp(4, numbered(addrB.host, addrA.host, 80, 1))))
		r.step(1e6)
		got = append(got, r.a.eventsOf(0, EventMoved)...)
		r.hostA.discard()
	}
	if len(got) != 3 || got[2].Flow.SrcPort < 12000 {
		t.Errorf("%d events in 3 s, expected 3: %+v", len(got), got)
	}
	r.step(1e9)
	s.send(in4(addrB.outer, 12500, s.esp(4, numbered(addrB.host, addrA.host, 80, 1))))
	r.step(1e6)
	if got = r.a.eventsOf(0, EventMoved); len(got) != 1 || got[0].Flow.SrcPort != 12500 {
		t.Errorf("events %+v, expected the last port", got)
	}
	r.hostA.discard()
}

// TestMovedOnlyWhereANATDecides: SAs without UDP, and those without a replay window, do not follow anybody.
func TestMovedOnlyWhereANATDecides(t *testing.T) {
	open := udpSA(0x1000, addrB, addrA)
	open.ReplayWindow, open.ESN = -1, false
	for name, sa := range map[string]SA{"without UDP": tunnelSA(0x1000, addrB, addrA), "without a window": open} {
		r := newHalfRig(t, rigConfig{})
		s, _ := newSender(r, sa)
		s.send(in4("198.51.100.7", 31000, s.esp(4, numbered(addrB.host, addrA.host, 80, 1))))
		r.steps(2, 1e9)
		if got := r.a.eventsOf(0, EventMoved); len(got) != 0 || len(r.hostA.receive()) != 1 {
			t.Errorf("%s: events %+v, expected none and the packet delivered", name, got)
		}
	}
}

// TestIKE162_BothEncapsulations: plain ESP is accepted on an SA installed for UDP and the other way round, from every source
// port, in both modes (IKE-167: peers with an SA per CPU send each from a port of its own).
func TestIKE162_BothEncapsulations(t *testing.T) {
	for name, mode := range modes {
		for _, encap := range []esp.Encap{esp.EncapNone, esp.EncapUDP} {
			t.Run(fmt.Sprint("IKE-167 ", name, " ", encap), func(t *testing.T) {
				sa := mode(0x1000, addrB, addrA)
				sa.Encap, sa.SrcPort, sa.DstPort = encap, 4500, 4500
				r := newHalfRig(t, rigConfig{})
				s, _ := newSender(r, sa)
				nextHeader, prefix := uint8(4), []byte{}
				if sa.Mode == esp.ModeAGGFRAG {
					nextHeader, prefix = 144, []byte{0, 0, 0, 0}
				}
				var want [][]byte
				for i, outer := range []func([]byte) []byte{
					func(e []byte) []byte { return header4(addrB.outer, addrA.outer, 50, 64, e) },
					func(e []byte) []byte { return in4(addrB.outer, 4500, e) },
					func(e []byte) []byte { return in4(addrB.outer, 1, e) },
					func(e []byte) []byte { return in4(addrB.outer, 65535, e) },
					func(e []byte) []byte { return header6(addrB.outer6, addrA.outer6, 50, 64, e) },
				} {
					p := numbered(addrB.host, addrA.host, 80, uint32(i))
					s.send(outer(s.esp(nextHeader, append(prefix, p...))))
					r.step(1e6)
					want = append(want, hop(p))
				}
				r.steps(3, 10e6)
				wantPackets(t, r.hostA.receive(), want)
			})
		}
	}
}
