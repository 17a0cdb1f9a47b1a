package ike

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// natted is a ladder whose a is behind a NAT that shows it at another address, with ports of the NAT's choice.
func natted(t *testing.T, outside netip.Addr, ports map[uint16]uint16) *ladder {
	t.Helper()
	a, b := pskPair()
	b.Remote, b.Peer = nil, netip.Addr{}
	l := newLadder(t, testSeed(t), Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{b}})
	back := map[uint16]uint16{}
	l.route = func(f *flight) {
		if f.from == l.a {
			port := ports[f.d.Remote.Port()]
			back[port] = f.d.Remote.Port()
			f.d.Remote = netip.AddrPortFrom(outside, port)
			return
		}
		f.d.Local = netip.AddrPortFrom(addrA, back[f.d.Local.Port()])
	}
	return l
}

var outside = netip.MustParseAddr("198.51.100.9")

// RFC 7296 2.23: hashes that do not match show the NAT; everything after IKE_SA_INIT goes to port 4500, and ESP in UDP.
func TestIKE161_FloatToPort4500(t *testing.T) {
	l := natted(t, outside, map[uint16]uint16{500: 1500, 4500: 14500})
	var ports []uint16
	l.tamper = func(f *flight) {
		if f.from == l.a {
			ports = append(ports, f.d.Remote.Port(), f.d.Local.Port())
		}
	}
	l.connect("net")
	l.pairs(1)
	if want := []uint16{500, 500, 4500, 4500}; !slices.Equal(ports, want) {
		t.Errorf("a's messages leave from and go to ports %v, want %v", ports, want)
	}
	a, b := l.a.sa().outer, l.b.sa().outer
	if !a.UDP || !a.BehindNAT || a.PeerBehindNAT || a.Remote != l.b.at(portNATT) {
		t.Errorf("a has %+v", a)
	}
	if !b.UDP || b.BehindNAT || !b.PeerBehindNAT || b.Remote != netip.AddrPortFrom(outside, 14500) || b.Local != l.b.at(portNATT) {
		t.Errorf("b has %+v", b)
	}
	for _, x := range []*end{l.a, l.b} {
		for _, bundle := range x.plane.bundles {
			if !bundle.Outer.UDP || bundle.Outer.Remote.Port() == portIKE {
				t.Errorf("%s sends ESP to %+v", x.name, bundle.Outer)
			}
		}
	}
}

// RFC 7296 2.23: without a NAT nothing moves and ESP travels by itself.
func TestIKE160_NoNAT(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	for _, x := range []*end{l.a, l.b} {
		if o := x.sa().outer; o.UDP || o.BehindNAT || o.PeerBehindNAT || o.Remote.Port() != portIKE {
			t.Errorf("%s has %+v", x.name, o)
		}
	}
}

// IKE-160: the value of the hash, computed by a Python program from the text of RFC 7296.
func TestIKE160_Hash(t *testing.T) {
	got := natHash(0xa0a1a2a3a4a5a6a7, 0xb0b1b2b3b4b5b6b7, netip.MustParseAddrPort("192.0.2.1:4500"))
	if want := unhex(t, "906476ec845377d14639d05bf0bb7b2dfb1257d5"); !slices.Equal(got, want) {
		t.Errorf("the hash is %x, want %x", got, want)
	}
	if mapped := natHash(0xa0a1a2a3a4a5a6a7, 0xb0b1b2b3b4b5b6b7, netip.MustParseAddrPort("[::ffff:192.0.2.1]:4500")); !slices.Equal(got, mapped) {
		t.Errorf("the mapped form of the address has another hash: %x", mapped)
	}
}

// RFC 7296 2.23: a peer may send the hashes of several addresses, one of which must match; one without any does not do NATs.
func TestIKE160_SeveralSources(t *testing.T) {
	right := netip.MustParseAddrPort("192.0.2.1:500")
	h := wire.Header{SPIi: 1}
	good, bad := notify(wire.NATDetectionSourceIP, natHash(1, 0, right)), notify(wire.NATDetectionSourceIP, make([]byte, 20))
	for _, c := range []struct {
		inner []wire.Payload
		nat   bool
	}{
		{nil, false}, {[]wire.Payload{good}, false}, {[]wire.Payload{bad}, true}, {[]wire.Payload{bad, good}, false},
		{[]wire.Payload{bad, bad}, true}, {[]wire.Payload{notify(wire.NATDetectionSourceIP, nil)}, true},
	} {
		m := &message{header: h, inner: c.inner, datagram: Datagram{Remote: right}}
		if got, _ := natFound(m); got != c.nat {
			t.Errorf("%d hashes: NAT %v, want %v", len(c.inner), got, c.nat)
		}
	}
}

// IKE-166: whichever end is behind it, both encapsulate.
func TestIKE166_BothEncapsulate(t *testing.T) {
	l := pskLadder(t, nil)
	seen := netip.MustParseAddr("203.0.113.7") // b believes to be addrB; a reaches it here
	l.a.e.cfg.Connections[0].Peer = seen
	l.a.e.cfg.Connections[0].Remote = nil
	l.route = func(f *flight) {
		if f.from == l.a {
			f.d.Local = netip.AddrPortFrom(addrB, f.d.Local.Port())
		} else {
			f.d.Remote = netip.AddrPortFrom(seen, f.d.Remote.Port())
		}
	}
	l.connect("net")
	a, b := l.a.sa().outer, l.b.sa().outer
	if !a.UDP || !a.PeerBehindNAT || !b.UDP || !b.BehindNAT || b.PeerBehindNAT {
		t.Errorf("a has %+v, b has %+v", a, b)
	}
}

// IKE-167: encapsulation is forced by a source hash that matches nothing, from either end; the destination hash stays true.
func TestIKE167_ForcedEncapsulation(t *testing.T) {
	for _, forcer := range []string{"a", "b"} {
		l := pskLadder(t, func(a, b *Connection) { a.ForceEncap, b.ForceEncap = forcer == "a", forcer == "b" })
		l.connect("net")
		l.pairs(1)
		a, b := l.a.sa().outer, l.b.sa().outer
		if !a.UDP || !b.UDP || a.Remote.Port() != portNATT || b.Remote.Port() != portNATT {
			t.Errorf("%s forces: a has %+v, b has %+v", forcer, a, b)
		}
		forced := a
		if forcer == "b" {
			forced = b
		}
		if forced.BehindNAT {
			t.Errorf("%s believes itself behind a NAT: %+v", forcer, forced)
		}
	}
}

// IKE-163: whoever is behind the NAT keeps its mapping alive, and only while there is nothing else to say.
func TestIKE163_Keepalives(t *testing.T) {
	l := natted(t, outside, map[uint16]uint16{500: 1500, 4500: 14500})
	l.connect("net")
	mark := l.mark()
	l.run(keepaliveTime - 1)
	l.expect(mark)
	l.run(2)
	l.expect(mark, "a -> b  keepalive")
	l.run(keepaliveTime / 2)
	l.a.sa().enqueue(l.now, &emptyTask{s: l.a.sa()})
	l.settle()
	mark = l.mark()
	l.run(keepaliveTime - time.Second)
	l.expect(mark)
	l.run(2 * time.Second)
	l.expect(mark, "a -> b  keepalive")
	l.run(5 * keepaliveTime)
	l.expect(mark+1, "a -> b  keepalive", "a -> b  keepalive", "a -> b  keepalive", "a -> b  keepalive", "a -> b  keepalive")

	l.b.e.Receive(l.now, Datagram{Keepalive: true, Local: l.b.at(portNATT), Remote: netip.AddrPortFrom(outside, 14500)})
	l.settle()
	l.established()
}

// IKE-164: a fresh authentic message from another address moves everything, a repeated or forged one nothing.
func TestIKE164_PeerMoves(t *testing.T) {
	ports := map[uint16]uint16{500: 1500, 4500: 14500}
	l := natted(t, outside, ports)
	l.connect("net")
	was := netip.AddrPortFrom(outside, 14500)
	elsewhere := netip.MustParseAddrPort("203.0.113.66:666")
	from := func(remote netip.AddrPort, data []byte) {
		l.b.e.Receive(l.now, Datagram{Local: l.b.at(portNATT), Remote: remote, Data: slices.Clone(data)})
		l.settle()
	}
	first := l.a.forge(wire.ExchangeInformational, 2, false)[0]
	from(was, first)
	from(elsewhere, first) // a replay
	forged := slices.Clone(l.a.forge(wire.ExchangeInformational, 3, false)[0])
	forged[len(forged)-1] ^= 1
	from(elsewhere, forged)
	if got := l.b.sa().outer.Remote; got != was {
		t.Fatalf("b follows to %v", got)
	}
	from(elsewhere, l.a.forge(wire.ExchangeInformational, 3, false)[0])
	if got := l.b.sa().outer.Remote; got != elsewhere {
		t.Fatalf("b sends to %v, want %v", got, elsewhere)
	}
	for _, bundle := range l.b.plane.bundles {
		if bundle.Outer.Remote != elsewhere {
			t.Errorf("ESP goes to %v, want %v", bundle.Outer.Remote, elsewhere)
		}
	}
}

// IKE-164: the end behind the NAT follows nobody, and neither does one that sees no NAT.
func TestIKE164_NobodyElseMoves(t *testing.T) {
	l := natted(t, outside, map[uint16]uint16{500: 1500, 4500: 14500})
	l.connect("net")
	l.a.e.Receive(l.now, Datagram{Local: l.a.at(portNATT), Remote: spoofed(1), Data: l.b.forge(wire.ExchangeInformational, 0, false)[0]})
	l.settle()
	if got := l.a.sa().outer.Remote; got != l.b.at(portNATT) {
		t.Errorf("a, behind the NAT, follows to %v", got)
	}
	l = pskLadder(t, nil)
	l.connect("net")
	l.b.e.Receive(l.now, Datagram{Local: l.b.at(portIKE), Remote: spoofed(1), Data: l.a.forge(wire.ExchangeInformational, 2, false)[0]})
	l.settle()
	if got := l.b.sa().outer.Remote; got != l.a.at(portIKE) {
		t.Errorf("b, without a NAT, follows to %v", got)
	}
}

// IKE-164, IKE-167: ESP from another address moves the peer; ESP from another port alone does so only behind a NAT that
// changes ports, because a peer may send each SA from a port of its own.
func TestIKE167_ESPFromOtherPorts(t *testing.T) {
	spi := func(l *ladder) uint32 {
		for spi := range l.b.plane.in {
			return spi
		}
		return 0
	}
	l := pskLadder(t, func(a, _ *Connection) { a.ForceEncap = true })
	l.connect("net")
	l.b.e.Moved(l.now, spi(l), netip.AddrPortFrom(addrA, 33333))
	l.settle()
	if got := l.b.sa().outer.Remote; got != l.a.at(portNATT) {
		t.Errorf("ESP from a port of its own moves IKE to %v", got)
	}
	l.b.e.Moved(l.now, spi(l), netip.AddrPortFrom(outside, 4500))
	l.settle()
	if got := l.b.sa().outer.Remote; got != netip.AddrPortFrom(outside, 4500) {
		t.Errorf("ESP from another address leaves IKE at %v", got)
	}
	l = natted(t, outside, map[uint16]uint16{500: 1500, 4500: 14500})
	l.connect("net")
	l.b.e.Moved(l.now, spi(l), netip.AddrPortFrom(outside, 14501))
	l.settle()
	if got := l.b.sa().outer.Remote; got != netip.AddrPortFrom(outside, 14501) {
		t.Errorf("a NAT with another port leaves IKE at %v", got)
	}
	l.b.e.Moved(l.now, 12345, netip.AddrPortFrom(outside, 1)) // an SPI nobody knows
}

// RFC 7296 2.11: an answer goes back to where the request came from, whatever port that is.
func TestIKE028_AnyPort(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	from, to := netip.AddrPortFrom(addrA, 33333), netip.AddrPortFrom(addrB, 4500)
	l.b.e.Receive(l.now, Datagram{Local: to, Remote: from, Data: l.a.forge(wire.ExchangeInformational, 2, false)[0]})
	var fx Effects
	l.b.e.Take(&fx)
	if len(fx.Datagrams) != 1 || fx.Datagrams[0].Remote != from || fx.Datagrams[0].Local != to {
		t.Errorf("the answer goes %+v, want from %v to %v", fx.Datagrams, to, from)
	}
}

// NAT detection comes right after the nonces (IKE-166).
func TestIKE166_PlaceOfNATDetection(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	for _, line := range l.log[:2] {
		if !strings.Contains(line, "Nonce N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP)") {
			t.Errorf("the order is %q", line)
		}
	}
}
