package spd

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

var (
	src4, dst4 = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.2")
	src6, dst6 = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
)

// ipv4 returns an IPv4 packet (RFC 791 3.1) whose flags and offset field is frag.
func ipv4(proto uint8, frag uint16, payload []byte) []byte {
	b := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, proto, 0, 0}
	b = append(b, src4.AsSlice()...)
	b = append(b, dst4.AsSlice()...)
	b = append(b, payload...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	binary.BigEndian.PutUint16(b[6:], frag)
	return b
}

// ipv6 returns an IPv6 packet (RFC 8200 3).
func ipv6(next uint8, payload []byte) []byte {
	b := []byte{0x60, 0, 0, 0, 0, 0, next, 64}
	binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
	b = append(b, src6.AsSlice()...)
	b = append(b, dst6.AsSlice()...)
	return append(b, payload...)
}

// chain joins extension headers and a payload.
func chain(parts ...[]byte) (out []byte) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// mustParse returns what policy sees of a good packet.
func mustParse(t *testing.T, data []byte) Packet {
	t.Helper()
	p, _, code := ParseInner(data)
	if code != ParseOK {
		t.Fatalf("packet %x: %v", data, code)
	}
	return p
}

func TestParseInner(t *testing.T) {
	ports := []byte{0x12, 0x34, 0x56, 0x78, 0, 8, 0, 0}
	options := ipv4(ProtoUDP, 0, append([]byte{1, 1, 1, 0}, ports...))
	options[0] = 0x46
	hopByHop, routing := []byte{43, 0, 1, 4, 0, 0, 0, 0}, []byte{60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	atomic, first, later := []byte{17, 0, 0, 0, 0, 0, 0, 9}, []byte{17, 0, 0, 1, 0, 0, 0, 9}, []byte{17, 0, 0, 8, 0, 0, 0, 9}
	destination := []byte{44, 0, 1, 4, 0, 0, 0, 0}
	p4 := Packet{Src: src4, Dst: dst4, Proto: ProtoUDP, SrcPort: 0x1234, DstPort: 0x5678, HasPorts: true}
	p6 := Packet{Src: src6, Dst: dst6, Proto: ProtoUDP, SrcPort: 0x1234, DstPort: 0x5678, HasPorts: true}
	with := func(p Packet, change func(*Packet)) Packet { change(&p); return p }
	noPorts := func(p *Packet) { p.SrcPort, p.DstPort, p.HasPorts = 0, 0, false }
	for _, c := range []struct {
		name string
		data []byte
		want Packet
		info Info
	}{
		{"IPv4", ipv4(ProtoUDP, 0, ports), p4, Info{28, 20, Whole, false}},
		{"IPv4 and link padding", append(ipv4(ProtoUDP, 0, ports), 0xff, 0xff), p4, Info{28, 20, Whole, false}},
		{"IPv4 options", options, p4, Info{32, 24, Whole, false}},
		{"IPv4 DF", ipv4(ProtoUDP, 0x4000, ports), p4, Info{28, 20, Whole, false}},
		{"IPv4 first fragment", ipv4(ProtoUDP, 0x2000, ports), p4, Info{28, 20, FirstFragment, false}},
		{"IPv4 middle fragment", ipv4(ProtoUDP, 0x2001, ports), with(p4, noPorts), Info{28, 20, LaterFragment, false}},
		{"IPv4 last fragment", ipv4(ProtoUDP, 0x1fff, ports), with(p4, noPorts), Info{28, 20, LaterFragment, false}},
		{"IPv4 ESP has no ports", ipv4(50, 0, ports), with(p4, func(p *Packet) { noPorts(p); p.Proto = 50 }), Info{28, 20, Whole, false}},
		{"IPv4 empty UDP", ipv4(ProtoUDP, 0, nil), with(p4, func(p *Packet) { noPorts(p); p.NoOpaque = true }), Info{20, 20, Whole, false}},
		{"ports are not read from link padding", append(ipv4(ProtoUDP, 0, ports[:3]), 1),
			with(p4, func(p *Packet) { noPorts(p); p.NoOpaque = true }), Info{23, 20, Whole, false}},
		{"IPv6", ipv6(ProtoUDP, ports), p6, Info{48, 40, Whole, true}},
		{"IPv6 empty (TFS-030)", ipv6(59, nil), with(p6, func(p *Packet) { noPorts(p); p.Proto = 59 }), Info{40, 40, Whole, true}},
		{"SPD-007 IPv6 headers 0 43 60 44", ipv6(0, chain(hopByHop, routing, destination, atomic, ports)), p6, Info{88, 80, Whole, true}},
		{"IPv6 first fragment", ipv6(44, chain(first, ports)), p6, Info{56, 48, FirstFragment, true}},
		{"IPv6 later fragment", ipv6(44, chain(later, ports)), with(p6, noPorts), Info{56, 48, LaterFragment, true}},
		{"SPD-007 AH is a next layer protocol", ipv6(51, ports), with(p6, func(p *Packet) { noPorts(p); p.Proto = 51 }), Info{48, 40, Whole, true}},
		{"SPD-007 ICMPv6", ipv6(58, []byte{128, 1, 0, 0}),
			with(p6, func(p *Packet) { p.Proto, p.SrcPort, p.DstPort = 58, 0x8001, 0x8001 }), Info{44, 40, Whole, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, info, code := ParseInner(c.data)
			if code != ParseOK || p != c.want || info != c.info {
				t.Errorf("got %+v %+v %v\nwant %+v %+v", p, info, code, c.want, c.info)
			}
		})
	}
}

func TestParseInnerRefuses(t *testing.T) {
	change := func(b []byte, at int, v byte) []byte { b[at] = v; return b }
	udp, fragment := make([]byte, 8), []byte{44, 0, 0, 0, 0, 0, 0, 9}
	mapped := ipv6(ProtoUDP, udp)
	copy(mapped[24:], netip.MustParseAddr("::ffff:10.0.0.1").AsSlice())
	var nine []byte
	for range maxExtensions {
		nine = append(nine, 60, 0, 1, 4, 0, 0, 0, 0)
	}
	for _, c := range []struct {
		name string
		data []byte
		want Code
	}{
		{"nothing", nil, ParseShort},
		{"version 0", []byte{0, 0, 0, 0}, ParseVersion},
		{"version 5", change(ipv4(17, 0, udp), 0, 0x55), ParseVersion},
		{"IPv4 header length 16", change(ipv4(17, 0, udp), 0, 0x44), ParseHeader},
		{"IPv4 header length 0", change(ipv4(17, 0, udp), 0, 0x40), ParseHeader},
		{"IPv4 header beyond the data", change(ipv4(17, 0, udp), 0, 0x4f), ParseHeader},
		{"IPv4 total length 0", change(ipv4(17, 0, udp), 3, 0), ParseLength},
		{"IPv4 total length below the header", change(ipv4(17, 0, udp), 3, 19), ParseLength},
		{"IPv4 total length above the data", change(ipv4(17, 0, udp), 3, 29), ParseLength},
		{"IPv6 payload length above the data", change(ipv6(17, udp), 5, 9), ParseLength},
		{"IPv6 mapped destination", mapped, ParseAddress},
		{"IPv6 extension missing", ipv6(60, nil), ParseExtension},
		{"IPv6 extension cut short", ipv6(60, []byte{17, 1, 0, 0, 0, 0, 0, 0}), ParseExtension},
		{"IPv6 fragment header cut short", ipv6(44, udp[:7]), ParseExtension},
		{"IPv6 hop-by-hop not first", ipv6(60, chain([]byte{0, 0, 1, 4, 0, 0, 0, 0}, udp)), ParseExtension},
		{"IPv6 two fragment headers", ipv6(44, chain(fragment, fragment, udp)), ParseExtension},
		{"IPv6 first fragment without the whole chain", ipv6(44, []byte{60, 0, 0, 1, 0, 0, 0, 9}), ParseExtension},
		{"IPv6 too many extensions", ipv6(60, chain(nine, []byte{17, 0, 1, 4, 0, 0, 0, 0}, udp)), ParseExtension},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, info, code := ParseInner(c.data)
			if code != c.want || p != (Packet{}) || info != (Info{}) {
				t.Errorf("got %v, want %v; %+v %+v, want zero", code, c.want, p, info)
			}
		})
	}
}

// TestParseInnerEveryShorterPrefix: a packet cut anywhere is refused, never read beyond its end.
func TestParseInnerEveryShorterPrefix(t *testing.T) {
	for name, whole := range map[string][]byte{
		"IPv4": ipv4(ProtoTCP, 0, make([]byte, 20)),
		"IPv6": ipv6(0, chain([]byte{60, 0, 1, 4, 0, 0, 0, 0}, []byte{6, 0, 1, 4, 0, 0, 0, 0}, make([]byte, 20))),
	} {
		for n := range whole {
			if _, _, code := ParseInner(whole[:n:n]); code == ParseOK {
				t.Errorf("%s cut to %d of %d octets was accepted", name, n, len(whole))
			}
		}
	}
}

func TestCodeString(t *testing.T) {
	for c := range numCodes {
		if c.String() == "" || c.String() == "unknown" {
			t.Errorf("code %d has no name", c)
		}
	}
	if numCodes.String() != "unknown" || Action(9).String() != "action 9" {
		t.Error("values out of range need a name too")
	}
}

// FuzzParseInner: no bytes make it panic, and what it accepts lies within the data.
func FuzzParseInner(f *testing.F) {
	ports := []byte{0x12, 0x34, 0x56, 0x78, 0, 8, 0, 0}
	f.Add([]byte{})
	f.Add(ipv4(ProtoUDP, 0, ports))
	f.Add(ipv4(ProtoTCP, 0x2001, ports))
	f.Add(ipv4(ProtoICMP, 0, ports))
	f.Add(ipv6(ProtoUDP, ports))
	f.Add(ipv6(0, chain([]byte{43, 0, 1, 4, 0, 0, 0, 0}, []byte{44, 0, 0, 0, 0, 0, 0, 0}, []byte{17, 0, 0, 1, 0, 0, 0, 9}, ports)))
	f.Add(ipv6(44, chain([]byte{60, 0, 0, 8, 0, 0, 0, 9}, ports)))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, info, code := ParseInner(data)
		if code != ParseOK {
			if code >= numCodes || p != (Packet{}) || info != (Info{}) {
				t.Fatalf("refused with code %d, %+v %+v", code, p, info)
			}
			return
		}
		if int(info.TotalLen) > len(data) || uint32(info.HeaderLen) > info.TotalLen {
			t.Fatalf("header %d, total %d, data %d", info.HeaderLen, info.TotalLen, len(data))
		}
		if p.Src.Is4() != p.Dst.Is4() || p.Src.Is4() == info.V6 || p.Src.Is4In6() || p.Dst.Is4In6() {
			t.Fatalf("addresses %v %v, IPv6 %v", p.Src, p.Dst, info.V6)
		}
		if p.HasPorts && (info.Fragment == LaterFragment || p.HiddenProto || !carriesPorts(p.Proto)) {
			t.Fatalf("ports in %+v %+v", p, info)
		}
	})
}
