package hoststack

import (
	"slices"
	"testing"
)

// maxFuzz bounds the input of the fuzz targets: the longest frame.
const maxFuzz = 65535 + ethernetLen

// FuzzReceive: whatever the wire brings, the stack answers for nobody but itself and lives.
func FuzzReceive(f *testing.F) {
	advert := icmpPacket(b6, a6, 136, 0, 0x60000000, slices.Concat(b6.AsSlice(), []byte{2, 1}, macB[:]))
	advert[7] = 255
	for _, p := range [][]byte{
		arpPacket(1, macB, b4, [6]byte{}, a4), arpPacket(2, macB, b4, macA, a4), ping(b4, a4, []byte("ping")), ping(b6, a6, nil), advert,
		udpPacket(addrPort("192.0.2.2:4500"), addrPort("192.0.2.1:4500"), make([]byte, 40)),
		icmpPacket(b4, a4, 3, 4, 1280, packet(a4, b4, 50, make([]byte, 8))),
		cut4(ping(b4, a4, make([]byte, 100)), 48)[0], cut6(ping(b6, a6, make([]byte, 100)), 1, 48)[1],
		packet(b4, a4, 6, append([]byte{0, 80, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 4, 0}, make([]byte, 4)...)),
	} {
		f.Add(uint8(outside), uint8(ethernetLen), onEthernet(macA, macB, p))
		f.Add(uint8(inside), uint8(0), p)
	}
	f.Fuzz(func(t *testing.T, port, l3 uint8, b []byte) {
		if len(b) > maxFuzz {
			return
		}
		r := newRig(t)
		r.a.listen(500)
		r.a.listen(NATPort)
		r.a.Resolve(outside, b4)
		r.settle()
		r.a.reset()
		before := slices.Clone(b)
		r.a.Receive(int(port)-1, b, int(l3))
		r.settle()
		if !slices.Equal(b, before) {
			t.Fatal("the frame was written to")
		}
		for _, frame := range r.a.sent {
			if len(frame) < ethernetLen || [6]byte(frame[6:]) != macA || len(frame) > ethernetLen+1500 {
				t.Fatalf("frame %x", frame)
			}
		}
		for _, p := range r.a.forwarded {
			if h, ok := parseIP(p); !ok || r.a.owners[h.src] < 0 || !slices.Contains([]string{"192.0.2.1", "2001:db8::a", "10.1.0.1"}, h.src.String()) {
				t.Fatalf("packet %x from an address that is not ours", p)
			}
		}
	})
}

// FuzzReassembler: fragments of any shape give only packets of a right length, within the bounds.
func FuzzReassembler(f *testing.F) {
	p4, p6 := packet(b4, a4, 50, make([]byte, 64)), packet(b6, a6, 50, make([]byte, 64))
	f.Add(slices.Concat(cut4(p4, 32)...), uint16(52))
	f.Add(slices.Concat(cut6(p6, 1, 32)...), uint16(80))
	f.Add(cut6(p6, 1, 64)[0], uint16(112))
	f.Fuzz(func(t *testing.T, b []byte, step uint16) {
		if len(b) > maxFuzz || step == 0 {
			return
		}
		r := NewReassembler(4, 4096, 10)
		for now := int64(0); len(b) > 0 && now < 1000; now++ {
			n := min(len(b), int(step))
			whole, fragment := r.Add(now, b[:n])
			b = b[n:]
			if whole != nil {
				p, ok := parseIP(whole)
				if !ok || !fragment || p.end != len(whole) || p.isFragment() {
					t.Fatalf("packet %x", whole)
				}
			}
			if len(r.packets) > 4 || r.octets > 4096 || r.byAge.Len() != len(r.packets) {
				t.Fatalf("%d packets of %d octets", len(r.packets), r.octets)
			}
		}
	})
}

// FuzzErrors: no error is longer than it may be, or about what none may be sent about, or damaged.
func FuzzErrors(f *testing.F) {
	f.Add(packet(b4, a4, 17, make([]byte, 600)), uint16(1400))
	f.Add(packet(b6, a6, 17, make([]byte, 1300)), uint16(1400))
	f.Add(icmpPacket(b6, a6, 1, 0, 0, nil), uint16(0))
	f.Fuzz(func(t *testing.T, o []byte, mtu uint16) {
		if len(o) > maxFuzz {
			return
		}
		if p, ok := TooBig(nil, o, int(mtu), router4); ok && (len(p) > 576 || sum16(p[:20]) != 0 || sum16(p[20:]) != 0) {
			t.Fatalf("error %x", p)
		}
		if p, ok := TooBig(nil, o, int(mtu), router6); ok {
			h, ok := parseIP(p)
			if !ok || len(p) > 1280 || sum16(pseudo(h.src, h.dst, 58, len(p)-40), p[40:]) != 0 {
				t.Fatalf("error %x", p)
			}
		}
		CarriesESP(o)
	})
}
