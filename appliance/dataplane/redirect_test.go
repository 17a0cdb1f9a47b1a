package dataplane

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"stillwater/crypto/esp"
)

// outerOf takes the outer headers of an ESP packet apart.
func outerOf(t *testing.T, p []byte) (src, dst netip.AddrPort, proto uint8, seq uint32) {
	t.Helper()
	s, d, rest := netip.Addr{}, netip.Addr{}, []byte(nil)
	if p[0]>>4 == 4 {
		s, d, proto, rest = netip.AddrFrom4([4]byte(p[12:])), netip.AddrFrom4([4]byte(p[16:])), p[9], p[20:]
	} else {
		s, d, proto, rest = netip.AddrFrom16([16]byte(p[8:])), netip.AddrFrom16([16]byte(p[24:])), p[6], p[40:]
	}
	var ports [2]uint16
	if proto == 17 {
		ports = [2]uint16{binary.BigEndian.Uint16(rest), binary.BigEndian.Uint16(rest[2:])}
		rest = rest[8:]
	}
	return netip.AddrPortFrom(s, ports[0]), netip.AddrPortFrom(d, ports[1]), proto, be32(rest[4:])
}

// TestRedirect: after the ack every packet of the SA goes to the new place in the new encapsulation, sequence numbers go on, no
// packet is lost, and none is larger than before.
func TestRedirect(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			r := newHalfRig(t, rigConfig{})
			peer := r.openPeer()
			sa := mode(0x1000, addrA, addrB)
			slot := r.a.installOut(0, sa)
			r.a.point(0, OutRef{0, slot})
			sa.KeymatLen = 0 // not needed
			size, last := 0, uint32(0)
			check := func(src, dst string, proto uint8) {
				t.Helper()
				for i := range uint32(4) {
					r.hostA.send(numbered(addrA.host, addrB.host, 1300, i))
				}
				r.steps(20, 1e6)
				for _, p := range peer.receive() {
					s, d, pr, seq := outerOf(t, p)
					if s.String() != src || d.String() != dst || pr != proto || seq != last+1 {
						t.Fatalf("%s to %s, protocol %d, sequence number %d after %d; expected %s to %s, %d", s, d, pr, seq, last, src, dst, proto)
					}
					size, last = max(size, len(p)), seq
				}
			}
			check("192.0.2.1:0", "192.0.2.2:0", 50)
			before := size
			move := func(change func(*SA)) {
				change(&sa)
				r.a.do(Command{Op: Redirect, Slot: slot, SA: sa})
			}
			move(func(s *SA) { s.Encap, s.SrcPort, s.DstPort = esp.EncapUDP, 4500, 31000 })
			check("192.0.2.1:4500", "192.0.2.2:31000", 17)
			move(func(s *SA) { s.Src, s.Dst = addrOf("2001:db8::1"), addrOf("2001:db8::99") })
			check("[2001:db8::1]:4500", "[2001:db8::99]:31000", 17)
			move(func(s *SA) { s.Encap, s.Src, s.Dst = esp.EncapNone, addrOf("192.0.2.1"), addrOf("198.51.100.5") })
			check("192.0.2.1:0", "198.51.100.5:0", 50)
			if sa.Mode == esp.ModeAGGFRAG && (size != before || size > int(sa.Framing.OuterSize)) {
				t.Errorf("packets of %d octets, %d at first, expected at most %d throughout", size, before, sa.Framing.OuterSize)
			}
			if last == 0 {
				t.Error("nothing was sent")
			}
		})
	}
}

// TestRedirectInTraffic: packets of all sizes, in the framer, in part sent and to come, cross a redirect to longer headers whole.
func TestRedirectInTraffic(t *testing.T) {
	for name, mode := range modes {
		r := newRig(t, rigConfig{})
		sa := mode(0x1000, addrA, addrB)
		r.b.installIn(0, sa)
		slot := r.a.installOut(0, sa)
		r.a.point(0, OutRef{0, slot})
		const total = 60
		var got []uint32
		for i := range uint32(total) {
			r.hostA.send(numbered(addrA.host, addrB.host, 200+int(i)*20, i))
			if r.step(500_000); i%20 == 10 {
				sa.Encap, sa.SrcPort, sa.DstPort = esp.EncapUDP-sa.Encap, 4500, 4500
				r.a.do(Command{Op: Redirect, Slot: slot, SA: sa})
			}
			got = append(got, idsOf(r.hostB.receive())...)
		}
		r.steps(120, 1e6)
		if got = append(got, idsOf(r.hostB.receive())...); !slices.Equal(got, upTo(total)) {
			t.Errorf("%s: delivered %v", name, got)
		}
	}
}

// TestRedirectRefused: a redirect that cannot be done changes nothing.
func TestRedirectRefused(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	peer := r.openPeer()
	good := aggregateSA(0x1000, addrA, addrB)
	slot := r.a.installOut(0, good)
	r.a.point(0, OutRef{0, slot})
	for name, c := range map[string]struct {
		slot   uint32
		change func(*SA)
		want   Code
	}{
		"empty slot":                      {slot + 1, func(*SA) {}, BadCommand},
		"no such slot":                    {noSlot, func(*SA) {}, BadCommand},
		"address families":                {slot, func(s *SA) { s.Dst = addrOf("2001:db8::1") }, BadSA},
		"no port":                         {slot, func(s *SA) { s.Encap = esp.EncapUDP }, BadSA},
		"algorithm":                       {slot, func(s *SA) { s.Alg = 0 }, BadSA},
		"no room":                         {slot, func(s *SA) { s.Framing.OuterSize = 40 }, BadSA},
		"less room than a fragment needs": {slot, func(s *SA) { s.Framing.OuterSize = 100 }, BadSA},
	} {
		sa := good
		c.change(&sa)
		if a, err := r.a.try(Command{Op: Redirect, Slot: c.slot, SA: sa}); a.Code != c.want || err == nil {
			t.Errorf("%s: ack %+v, expected %s", name, a, c.want)
		}
	}
	p := numbered(addrA.host, addrB.host, 100, 7)
	r.hostA.send(p)
	r.steps(3, 1e6)
	got := peer.receive()
	if len(got) != 1 || !bytes.Equal(got[0][12:20], []byte{192, 0, 2, 1, 192, 0, 2, 2}) {
		t.Errorf("%x, expected a packet to the old place", got)
	}
}
