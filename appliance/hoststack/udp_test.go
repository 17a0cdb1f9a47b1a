package hoststack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// wantDatagrams compares what a handler got.
func wantDatagrams(t testing.TB, n *node, want ...Datagram) {
	t.Helper()
	same := slices.EqualFunc(n.got, want, func(a, b Datagram) bool {
		return a.Local == b.Local && a.Remote == b.Remote && bytes.Equal(a.Data, b.Data)
	})
	if !same {
		t.Fatalf("got %d datagrams %v, expected %d", len(n.got), n.got, len(want))
	}
}

// TestUDPBothWays: there and back, both families; the first datagram waits for the neighbour.
func TestUDPBothWays(t *testing.T) {
	for _, c := range [][2]string{{"192.0.2.1:500", "192.0.2.2:500"}, {"[2001:db8::a]:500", "[2001:db8::b]:500"}} {
		r := newRig(t)
		r.a.listen(500)
		r.b.listen(500)
		a, b := addrPort(c[0]), addrPort(c[1])
		must(t, r.a.SendUDP(Datagram{a, b, []byte("there")}))
		r.settle()
		wantDatagrams(t, r.b, Datagram{b, a, []byte("there")})
		must(t, r.b.SendUDP(Datagram{b, a, []byte("and back")}))
		r.settle()
		wantDatagrams(t, r.a, Datagram{a, b, []byte("and back")})
	}
}

// TestIKE028_ReplyFromWhereItArrived: a handler that answers from Local to Remote answers a peer behind a NAT, whatever its
// port, on the address it asked (RFC 7296 2.11).
func TestIKE028_ReplyFromWhereItArrived(t *testing.T) {
	r := newRig(t)
	must(t, r.a.ListenUDP(500, func(d Datagram) {
		must(t, r.a.SendUDP(Datagram{d.Local, d.Remote, append([]byte("re: "), d.Data...)}))
	}))
	peer, own := addrPort("192.0.2.2:33333"), addrPort("192.0.2.1:500")
	r.a.Receive(outside, onEthernet(macA, macB, udpPacket(peer, own, []byte("who?"))), ethernetLen)
	r.settle()
	got := r.a.sent[len(r.a.sent)-1]
	want := udpPacket(own, peer, []byte("re: who?"))
	copy(want[4:6], got[ethernetLen+4:])
	want[10], want[11] = 0, 0
	binary.BigEndian.PutUint16(want[10:], sum16(want[:20]))
	wantFrames(t, "answer", [][]byte{got}, onEthernet(macB, macA, want)) // DF is clear in it
}

// TestLIM01_LargeDatagrams: IKE messages up to the longest datagram cross a path of small packets, both families, as
// fragments that fit the MTU.
func TestLIM01_LargeDatagrams(t *testing.T) {
	random := newRand(t)
	for _, c := range [][2]string{{"192.0.2.1:500", "192.0.2.2:500"}, {"[2001:db8::a]:500", "[2001:db8::b]:500"}} {
		for _, n := range []int{1473, 9000, 10000, 16384, 65507} {
			r := newRig(t)
			r.a.listen(500)
			r.b.listen(500)
			a, b, data := addrPort(c[0]), addrPort(c[1]), octets(random, n)
			must(t, r.a.SendUDP(Datagram{a, b, data}))
			r.settle()
			wantDatagrams(t, r.b, Datagram{b, a, data})
			for _, f := range r.a.sent {
				if len(f) > ethernetLen+1500 {
					t.Errorf("a frame of %d octets", len(f))
				}
			}
		}
	}
}

// TestFragmentsInAnyOrder: the pieces of a datagram come back to front.
func TestFragmentsInAnyOrder(t *testing.T) {
	r := newRig(t)
	r.a.listen(500)
	data := octets(newRand(t), 9000)
	peer4, own4 := addrPort("192.0.2.2:500"), addrPort("192.0.2.1:500")
	peer6, own6 := addrPort("[2001:db8::b]:500"), addrPort("[2001:db8::a]:500")
	pieces := append(cut4(udpPacket(peer4, own4, data), 1480), cut6(udpPacket(peer6, own6, data), 5, 1448)...)
	slices.Reverse(pieces)
	for _, f := range pieces {
		r.a.Receive(outside, onEthernet(macA, macB, f), ethernetLen)
	}
	wantDatagrams(t, r.a, Datagram{own6, peer6, data}, Datagram{own4, peer4, data})
}

// TestFragmentFlood: first fragments without end are held within netstack's bound of 4 MiB a family, and for a minute.
func TestFragmentFlood(t *testing.T) {
	r := newRig(t)
	r.a.listen(500)
	own, data := addrPort("192.0.2.1:500"), make([]byte, 1600)
	for i := range 20_000 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 8, byte(i >> 8), byte(i)}), 500)
		r.a.Receive(outside, onEthernet(macA, macX, cut4(udpPacket(from, own, data), 1480)[0]), ethernetLen)
	}
	peer := addrPort("192.0.2.2:500")
	for _, f := range cut4(udpPacket(peer, own, data), 1480) {
		r.a.Receive(outside, onEthernet(macA, macB, f), ethernetLen)
	}
	wantDatagrams(t, r.a, Datagram{own, peer, data}) // a newcomer still finds room
	r.pass(2 * time.Minute)
}

// TestUDPFlood: datagrams are handed over as they come; none waits in the stack.
func TestUDPFlood(t *testing.T) {
	r := newRig(t)
	own, peer, n := addrPort("192.0.2.1:500"), addrPort("192.0.2.2:500"), 0
	must(t, r.a.ListenUDP(500, func(Datagram) { n++ }))
	f := onEthernet(macA, macB, udpPacket(peer, own, make([]byte, 1000)))
	for range 5000 {
		r.a.Receive(outside, f, ethernetLen)
	}
	if n != 5000 {
		t.Errorf("%d datagrams, expected all 5000", n)
	}
}

// TestUDPClosedPort: ICMP port unreachable with the datagram in it (RFC 1122 4.1.3.1), and not for one to all.
func TestUDPClosedPort(t *testing.T) {
	r := newRig(t)
	r.b.Resolve(outside, a4)
	r.settle()
	r.a.reset()
	asked := udpPacket(addrPort("192.0.2.2:7"), addrPort("192.0.2.1:9"), []byte("anybody there?"))
	r.a.Receive(outside, onEthernet(macA, macB, asked), ethernetLen)
	r.settle()
	if len(r.a.sent) != 1 {
		t.Fatalf("%d frames, expected 1", len(r.a.sent))
	}
	p := r.a.sent[0][ethernetLen:]
	if p[9] != 1 || p[20] != 3 || p[21] != 3 || sum16(p[20:]) != 0 || !bytes.HasPrefix(p[28:], asked[:28]) {
		t.Errorf("answer %x, expected port unreachable about %x", p, asked)
	}
	r.a.reset()
	toAll := udpPacket(addrPort("192.0.2.2:7"), addrPort("255.255.255.255:9"), nil)
	r.a.Receive(outside, onEthernet(broadcast, macB, toAll), ethernetLen)
	r.settle()
	wantFrames(t, "answers to a broadcast", r.a.sent)
}

// TestDamagedDatagrams: one bit of any octet changed, and nothing is handed over.
func TestDamagedDatagrams(t *testing.T) {
	r := newRig(t)
	r.a.listen(500)
	good := udpPacket(addrPort("192.0.2.2:500"), addrPort("192.0.2.1:500"), []byte("whole"))
	for at := range good {
		bad := slices.Clone(good)
		bad[at] ^= 0x10
		r.a.Receive(outside, onEthernet(macA, macB, bad), ethernetLen)
	}
	wantDatagrams(t, r.a)
}

// TestSendUDPErrors: typed where a caller can act on them.
func TestSendUDPErrors(t *testing.T) {
	r := newRig(t)
	r.a.listen(500)
	own, peer := addrPort("192.0.2.1:500"), addrPort("192.0.2.2:500")
	for name, c := range map[string]struct {
		d    Datagram
		want error
	}{
		"foreign address":  {Datagram{peer, own, nil}, ErrNotListening},
		"other port":       {Datagram{addrPort("192.0.2.1:501"), peer, nil}, ErrNotListening},
		"no address":       {Datagram{}, ErrNotListening},
		"other family":     {Datagram{own, addrPort("[2001:db8::b]:500"), nil}, nil},
		"port 0":           {Datagram{own, addrPort("192.0.2.2:0"), nil}, nil},
		"too long":         {Datagram{own, peer, make([]byte, 65508)}, nil},
		"no route on port": {Datagram{addrPort("10.1.0.1:500"), peer, nil}, nil},
	} {
		err := r.a.SendUDP(c.d)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, expected %v", name, err, c.want)
		}
	}
	wantFrames(t, "frames", r.a.sent)
	if err := r.a.ListenUDP(500, nil); err == nil {
		t.Error("a port has two listeners")
	}
	if err := r.a.ListenUDP(0, nil); err == nil {
		t.Error("port 0 has a listener")
	}
	r.a.Close()
	if err := r.a.SendUDP(Datagram{own, peer, nil}); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v after Close", err)
	}
	if err := r.a.ListenUDP(4500, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v after Close", err)
	}
}

// TestNATPort: the rules of port 4500 (UDP-T01).
func TestNATPort(t *testing.T) {
	ike := append([]byte{0xff}, make([]byte, ikeHeaderLen-1)...)
	for name, c := range map[string]struct {
		sent []byte
		want []byte // handed over
		at   func(Counters) uint64
	}{
		"UDP-003 IKE":               {append([]byte{0, 0, 0, 0}, ike...), ike, nil},
		"UDP-004 keepalive":         {[]byte{0xff}, nil, func(c Counters) uint64 { return c.Keepalives }},
		"UDP-005 other octet":       {[]byte{0xfe}, nil, func(c Counters) uint64 { return c.BadMarker }},
		"UDP-005 nothing":           {nil, nil, func(c Counters) uint64 { return c.BadMarker }},
		"UDP-005 two octets":        {[]byte{0xff, 0xff}, nil, func(c Counters) uint64 { return c.BadMarker }},
		"UDP-005 three zero octets": {make([]byte, 3), nil, func(c Counters) uint64 { return c.BadMarker }},
		"UDP-005 short IKE":         {make([]byte, 4+27), nil, func(c Counters) uint64 { return c.BadMarker }},
		"UDP-005 shortest ESP":      {[]byte{0, 0, 1, 0}, nil, func(c Counters) uint64 { return c.StrayESP }},
		"IKE-163 ESP":               {append([]byte{0, 0, 1, 0}, ike...), nil, func(c Counters) uint64 { return c.StrayESP }},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.a.listen(NATPort)
			peer, own := addrPort("192.0.2.2:61000"), addrPort("192.0.2.1:4500")
			r.a.Receive(outside, onEthernet(macA, macB, udpPacket(peer, own, c.sent)), ethernetLen)
			if c.want != nil {
				wantDatagrams(t, r.a, Datagram{own, peer, c.want})
				return
			}
			wantDatagrams(t, r.a)
			if n := c.at(r.a.Counters()); n != 1 {
				t.Errorf("counted %d times in %+v", n, r.a.Counters())
			}
		})
	}
}

// TestUDP003_MarkerIsSent: IKE from port 4500 has the marker, whatever the peer's port; a keepalive is its one octet; port 500
// has neither.
func TestUDP003_MarkerIsSent(t *testing.T) {
	r := newRig(t)
	r.a.listen(500)
	r.a.listen(NATPort)
	r.a.Resolve(outside, b4)
	r.settle()
	r.a.reset()
	own, peer := addrPort("192.0.2.1:4500"), addrPort("192.0.2.2:61000")
	must(t, r.a.SendUDP(Datagram{own, peer, []byte("IKE")}))
	must(t, r.a.SendKeepalive(own, peer))
	must(t, r.a.SendUDP(Datagram{addrPort("192.0.2.1:500"), peer, []byte("IKE")}))
	var got [][]byte
	for _, f := range r.a.sent {
		got = append(got, f[ethernetLen+28:])
	}
	wantFrames(t, "payloads", got, []byte("\x00\x00\x00\x00IKE"), []byte{0xff}, []byte("IKE"))
}
