package dataplane

import (
	"bytes"
	"encoding/binary"
	"testing"

	"stillwater/pmd/mbuf"
)

// loose returns an mbuf outside of any rig that holds data.
func loose(t testing.TB, data []byte) *mbuf.Mbuf {
	t.Helper()
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: "loose", N64K: 1})
	must(t, err)
	m := pool.Get(len(data))
	copy(m.Append(len(data)), data)
	t.Cleanup(func() {
		pool.Put(m)
		must(t, pool.Close())
	})
	return m
}

// patch returns a copy of p with octets written at an offset, its IPv4 checksum made right again.
func patch(p []byte, at int, octets ...byte) []byte {
	p = append([]byte(nil), p...)
	copy(p[at:], octets)
	if h := int(p[0]&15) * 4; p[0]>>4 == 4 && h >= 20 && h <= len(p) {
		checksum4(p)
	}
	return p
}

// espOctets is an ESP packet that is long enough for the parser, with SPI 0x01020304.
var espOctets = append([]byte{1, 2, 3, 4, 0, 0, 0, 9}, make([]byte, 32)...)

func TestCheckIP(t *testing.T) {
	v4, v6 := header4("10.0.0.1", "10.0.0.2", 50, 64, espOctets), header6("fe80::1", "fe80::2", 50, 64, espOctets)
	options := append(patch(v4[:20], 0, 0x46), 7, 4, 4, 0) // IHL 6: record route
	binary.BigEndian.PutUint16(options[2:], 24)
	checksum4(options)
	badSum := append([]byte(nil), v4...)
	badSum[11] ^= 1
	for _, c := range []struct {
		name string
		data []byte
		want mbuf.Verdict
		kept int // octets left
	}{
		{"IPv4", v4, mbuf.Pass, len(v4)},
		{"IPv6", v6, mbuf.Pass, len(v6)},
		{"IPv4 options", options, mbuf.Pass, 24},
		{"IPv4 link padding", append(bytes.Clone(v4), make([]byte, 26)...), mbuf.Pass, len(v4)},
		{"IPv6 link padding", append(bytes.Clone(v6), make([]byte, 3)...), mbuf.Pass, len(v6)},
		{"IPv6 payload length 0", v6[:4:4], mbuf.Malformed, 4},
		{"header only", header4("10.0.0.1", "10.0.0.2", 59, 1, nil), mbuf.Pass, 20},
		{"IPv6 header only", header6("fe80::1", "fe80::2", 59, 1, nil), mbuf.Pass, 40},
		{"IHL 4", patch(v4, 0, 0x44), mbuf.Malformed, len(v4)},
		{"IHL 0", patch(v4, 0, 0x40), mbuf.Malformed, len(v4)},
		{"IHL beyond total length", patch(patch(v4, 2, 0, 40), 0, 0x4f), mbuf.Malformed, len(v4)},
		{"total length below header", patch(v4, 2, 0, 19), mbuf.Malformed, len(v4)},
		{"total length 0", patch(v4, 2, 0, 0), mbuf.Malformed, len(v4)},
		{"total length beyond data", patch(v4, 2, 0, byte(len(v4)+1)), mbuf.Malformed, len(v4)},
		{"payload length beyond data", patch(v6, 4, 0, byte(len(espOctets)+1)), mbuf.Malformed, len(v6)},
		{"checksum", badSum, mbuf.BadChecksum, len(v4)},
		{"version 0", patch(v4, 0, 0x05), mbuf.BadVersion, len(v4)},
		{"version 5", patch(v4, 0, 0x55), mbuf.BadVersion, len(v4)},
		{"version 15", patch(v6, 0, 0xf0), mbuf.BadVersion, len(v6)},
	} {
		m := loose(t, c.data)
		if got := CheckIP(m); got != c.want || m.Len() != c.kept {
			t.Errorf("%s: %s with %d octets left, expected %s with %d", c.name, got, m.Len(), c.want, c.kept)
		}
	}
}

// TestCheckIPShorterPrefixes: what the link has cut short is never a whole packet.
func TestCheckIPShorterPrefixes(t *testing.T) {
	for _, p := range [][]byte{header4("10.0.0.1", "10.0.0.2", 50, 64, espOctets), header6("fe80::1", "fe80::2", 50, 64, espOctets)} {
		for n := range len(p) {
			if got := CheckIP(loose(t, p[:n])); got != mbuf.Malformed {
				t.Errorf("version %d, %d of %d octets: %s, expected malformed", p[0]>>4, n, len(p), got)
			}
		}
	}
}

// TestHeaderSum compares the wide sum with the one of RFC 1071 for headers of all lengths.
func TestHeaderSum(t *testing.T) {
	r := newRand(t)
	for range 20_000 {
		h := make([]byte, 20+4*r.IntN(11))
		for i := range h {
			if h[i] = byte(r.Uint32()); r.IntN(4) == 0 {
				h[i] = 0xff // carries
			}
		}
		if got, want := headerSum(h), uint32(onesSum(h)); got != want {
			t.Fatalf("%x: %#x, expected %#x", h, got, want)
		}
	}
}

// extension is an IPv6 extension header of 8*(extra+1) octets (RFC 8200 4.2).
func extension(next byte, extra int) []byte {
	e := make([]byte, 8*(extra+1))
	e[0], e[1] = next, byte(extra)
	return e
}

// chain returns an IPv6 packet with extension headers of 8 octets in front of ESP.
func chain(headers ...byte) []byte {
	all := append(headers[:len(headers):len(headers)], 50)
	var payload []byte
	for i := range headers {
		payload = append(payload, extension(all[i+1], 0)...)
	}
	return header6("2001:db8::2", "2001:db8::1", all[0], 64, append(payload, espOctets...))
}

// fragment6 is an IPv6 packet with a fragment header in front of protocol next (RFC 8200 4.5).
func fragment6(next byte, offsetAndM uint16, payload []byte) []byte {
	f := []byte{next, 0, byte(offsetAndM >> 8), byte(offsetAndM), 0, 0, 0, 7}
	return header6("2001:db8::2", "2001:db8::1", 44, 64, append(f, payload...))
}

func TestParseOuter(t *testing.T) {
	v4 := func(proto byte, payload []byte) []byte { return header4("192.0.2.2", "192.0.2.1", proto, 61, payload) }
	withOptions := func() []byte {
		p := append(append(v4(50, nil), 1, 1, 1, 0), espOctets...)
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		return patch(p, 0, 0x46)
	}()
	long := append(extension(43, 0), extension(50, 30)...)
	beyond := append(extension(60, 0), extension(50, 0)...)
	beyond[9] = 200 // the second header claims 1,608 octets
	for _, c := range []struct {
		name string
		data []byte
		want mbuf.Verdict
	}{
		{"ESP over IPv4", v4(50, espOctets), mbuf.Pass},
		{"ESP behind IPv4 options", withOptions, mbuf.Pass},
		{"ESP over IPv6", header6("2001:db8::2", "2001:db8::1", 50, 61, espOctets), mbuf.Pass},
		{"hop-by-hop", chain(0), mbuf.Pass},
		{"hop-by-hop, routing", chain(0, 43), mbuf.Pass},
		{"hop-by-hop, destination, routing", chain(0, 60, 43), mbuf.Pass},
		{"as many extensions as RFC 8200 4.1 orders", chain(0, 60, 43, 60), mbuf.Pass},
		{"five extensions", chain(0, 60, 43, 60, 60), mbuf.Malformed},
		{"a long extension", header6("::2", "::1", 0, 9, append(long, espOctets...)), mbuf.Pass},
		{"extension beyond the packet", header6("::2", "::1", 0, 9, append(beyond, espOctets...)), mbuf.Malformed},
		{"half an extension", header6("::2", "::1", 0, 9, extension(50, 0)[:7]), mbuf.Malformed},
		{"half a fragment header", header6("::2", "::1", 44, 9, extension(50, 0)[:7]), mbuf.Malformed},
		{"ESP cut at 7 octets", v4(50, espOctets[:7]), mbuf.TooShort},
		{"ESP of 8 octets", v4(50, espOctets[:8]), mbuf.Pass},
		{"no ESP at all", v4(50, nil), mbuf.TooShort},
		{"ESP-017 first fragment", patch(v4(50, espOctets), 6, 0x20, 0), mbuf.OuterFragment},
		{"ESP-017 middle fragment", patch(v4(50, espOctets), 6, 0x20, 9), mbuf.OuterFragment},
		{"ESP-017 last fragment", patch(v4(50, espOctets), 6, 0x00, 1), mbuf.OuterFragment},
		{"ESP-017 don't fragment is none", patch(v4(50, espOctets), 6, 0x40, 0), mbuf.Pass},
		{"SPD-053 UDP fragment", patch(v4(17, udp(4500, 4500, espOctets)), 6, 0x20, 0), mbuf.OuterFragment},
		{"ICMP fragment", patch(v4(1, espOctets), 6, 0x20, 0), mbuf.Punted},
		{"ESP-017 IPv6 first fragment", fragment6(50, 1, espOctets), mbuf.OuterFragment},
		{"ESP-017 IPv6 last fragment", fragment6(50, 8, espOctets), mbuf.OuterFragment},
		{"SPD-053 IPv6 UDP fragment", fragment6(17, 1, espOctets), mbuf.OuterFragment},
		{"ESP-017 IPv6 atomic fragment is whole (RFC 6946)", fragment6(50, 0, espOctets), mbuf.Pass},
		{"IPv6 TCP fragment", fragment6(6, 1, espOctets), mbuf.Punted},
		{"TCP", v4(6, espOctets), mbuf.Punted},
		{"ICMPv6", header6("::2", "::1", 58, 255, espOctets), mbuf.Punted},
		{"AH", v4(51, espOctets), mbuf.Punted},
		{"IKE on port 500", v4(17, udp(500, 500, make([]byte, 28))), mbuf.Punted},
		{"ESP is not looked for on port 500", v4(17, udp(4500, 500, espOctets)), mbuf.Punted},
	} {
		m := loose(t, c.data)
		if v := CheckIP(m); v != mbuf.Pass {
			t.Fatalf("%s: the test's packet is %s", c.name, v)
		}
		before := bytes.Clone(m.Data())
		got := ParseOuter(m)
		if got != c.want {
			t.Errorf("%s: %s, expected %s", c.name, got, c.want)
			continue
		}
		if got == mbuf.Pass && (m.SPI != 0x01020304 || !bytes.HasPrefix(espOctets, m.Data())) {
			t.Errorf("%s: SPI %#x and %d octets, expected 0x01020304 at the start of ESP", c.name, m.SPI, m.Len())
		}
		if got == mbuf.Punted && !bytes.Equal(m.Data(), before) {
			t.Errorf("%s: a punted packet was changed", c.name)
		}
	}
}

// TestParseOuterShorterPrefixes cuts packets and makes their length fields agree: no prefix is read beyond its end, and
// none is ESP unless all of the ESP header is there.
func TestParseOuterShorterPrefixes(t *testing.T) {
	for _, p := range [][]byte{
		header4("192.0.2.2", "192.0.2.1", 50, 61, espOctets), header4("192.0.2.2", "192.0.2.1", 17, 61, udp(7, 4500, espOctets)), chain(0, 43, 60),
	} {
		esp := bytes.Index(p, espOctets)
		for n := 20; n < len(p); n++ {
			short := bytes.Clone(p[:n])
			if p[0]>>4 == 4 {
				binary.BigEndian.PutUint16(short[2:], uint16(n))
				checksum4(short)
			} else if n >= 40 {
				binary.BigEndian.PutUint16(short[4:], uint16(n-40))
			}
			m := loose(t, short)
			v := CheckIP(m)
			if v == mbuf.Pass {
				v = ParseOuter(m)
			}
			whole := n >= esp+8 && p[9] != 17 || p[0]>>4 == 6 && n >= esp+8 // UDP's own length says that something is missing
			if (v == mbuf.Pass) != whole {
				t.Errorf("version %d, protocol %d: %d octets: %s", p[0]>>4, p[9], n, v)
			}
		}
	}
}

func TestParseOuterMetadata(t *testing.T) {
	p := patch(header4("192.0.2.2", "192.0.2.1", 50, 61, espOctets), 1, 0xb9)
	m := loose(t, p)
	CheckIP(m)
	ParseOuter(m)
	if m.TOS != 0xb9 || m.TTL != 61 {
		t.Errorf("IPv4: TOS %#x TTL %d, expected 0xb9 and 61", m.TOS, m.TTL)
	}
	q := header6("2001:db8::2", "2001:db8::1", 50, 62, espOctets)
	q[0], q[1] = 0x6b, 0x9f // traffic class 0xb9, flow label 0xf....
	m = loose(t, q)
	CheckIP(m)
	ParseOuter(m)
	if m.TOS != 0xb9 || m.TTL != 62 {
		t.Errorf("IPv6: TOS %#x TTL %d, expected 0xb9 and 62", m.TOS, m.TTL)
	}
}

// TestUDP005_Demux is the table of RFC 3948 2.2 with the product's answers for what is none of it (UDP-T01).
func TestUDP005_Demux(t *testing.T) {
	ike := make([]byte, 4+28)
	for _, c := range []struct {
		name    string
		payload []byte
		want    mbuf.Verdict
	}{
		{"keepalive", []byte{0xff}, mbuf.Keepalive},
		{"one octet, not a keepalive", []byte{0xfe}, mbuf.TooShort},
		{"nothing", nil, mbuf.TooShort},
		{"two octets", []byte{0xff, 0xff}, mbuf.TooShort},
		{"three octets", []byte{0xff, 0xff, 0xff}, mbuf.TooShort},
		{"marker alone", ike[:4], mbuf.TooShort},
		{"marker and 27 octets", ike[:31], mbuf.TooShort},
		{"IKE", ike, mbuf.Punted},
		{"four octets that are not the marker", espOctets[:4], mbuf.TooShort},
		{"ESP of 7 octets", espOctets[:7], mbuf.TooShort},
		{"ESP", espOctets, mbuf.Pass},
	} {
		for _, v6 := range []bool{false, true} {
			u := udp(4500, 4500, c.payload)
			p := header4("192.0.2.2", "192.0.2.1", 17, 61, u)
			if v6 {
				p = header6("2001:db8::2", "2001:db8::1", 17, 61, u)
			}
			m := loose(t, p)
			if v := CheckIP(m); v != mbuf.Pass {
				t.Fatal(v)
			}
			if got := ParseOuter(m); got != c.want {
				t.Errorf("%s, IPv6 %t: %s, expected %s", c.name, v6, got, c.want)
			}
		}
	}
}

// TestUDP005_Length: the datagram ends where its own length says, whatever the IP packet holds.
func TestUDP005_Length(t *testing.T) {
	for _, c := range []struct {
		length uint16
		want   mbuf.Verdict
		kept   int
	}{
		{0, mbuf.Malformed, 0}, {7, mbuf.Malformed, 0}, {uint16(8 + len(espOctets) + 1), mbuf.Malformed, 0},
		{8, mbuf.TooShort, 0}, {9, mbuf.TooShort, 0}, {8 + 8, mbuf.Pass, 8}, {uint16(8 + len(espOctets)), mbuf.Pass, len(espOctets)},
	} {
		u := udp(4500, 4500, espOctets)
		binary.BigEndian.PutUint16(u[4:], c.length)
		m := loose(t, header4("192.0.2.2", "192.0.2.1", 17, 61, u))
		CheckIP(m)
		if got := ParseOuter(m); got != c.want || got == mbuf.Pass && m.Len() != c.kept {
			t.Errorf("UDP length %d: %s with %d octets, expected %s with %d", c.length, got, m.Len(), c.want, c.kept)
		}
	}
	for n := range 8 {
		m := loose(t, header4("192.0.2.2", "192.0.2.1", 17, 61, udp(4500, 4500, nil)[:n]))
		CheckIP(m)
		if got := ParseOuter(m); got != mbuf.Malformed {
			t.Errorf("%d octets of UDP header: %s, expected malformed", n, got)
		}
	}
}

func TestUDP013_AnySourcePort(t *testing.T) {
	for _, port := range []uint16{0, 1, 500, 4500, 49152, 65535} {
		m := loose(t, header4("192.0.2.2", "192.0.2.1", 17, 61, udp(port, 4500, espOctets)))
		CheckIP(m)
		if got := ParseOuter(m); got != mbuf.Pass || m.SPI != 0x01020304 {
			t.Errorf("source port %d: %s, SPI %#x", port, got, m.SPI)
		}
	}
}

// TestSPD022_LowerTTL compares the incremental checksum with one made from scratch, for every TTL and headers with options
// (RFC 1624; SPD-T02).
func TestSPD022_LowerTTL(t *testing.T) {
	r := newRand(t)
	for ttl := range 256 {
		for range 400 {
			h := make([]byte, 20+4*r.IntN(11))
			for i := range h {
				h[i] = byte(r.Uint32())
			}
			h[0], h[8] = 0x40|byte(len(h)/4), byte(ttl)
			checksum4(h)
			checkLowered(t, h)
		}
	}
}

// TestSPD022_ChecksumCorner is the header of RFC 1624 3: the sum of the rest is such that the new checksum is zero, which
// the older formula of RFC 1141 turns into 0xffff.
func TestSPD022_ChecksumCorner(t *testing.T) {
	for _, rest := range []uint16{0x0000, 0xfeff, 0xff00, 0x00ff, 0x0100, 0xfffe} {
		h := header4("10.0.0.1", "10.0.0.2", 17, 64, nil)
		for id := range 1 << 16 { // the identification that gives this checksum
			binary.BigEndian.PutUint16(h[4:], uint16(id))
			if checksum4(h); be16(h[10:]) == rest {
				break
			}
		}
		if be16(h[10:]) != rest {
			t.Fatalf("no identification gives checksum %#04x", rest)
		}
		checkLowered(t, h)
	}
}

func checkLowered(t *testing.T, h []byte) {
	t.Helper()
	got := bytes.Clone(h)
	v := lowerTTL(got)
	if h[8] < 2 {
		if v != mbuf.TTLExceeded || !bytes.Equal(got, h) {
			t.Fatalf("TTL %d: %s, expected ttl_exceeded and the packet as it was, for the ICMP error", h[8], v)
		}
		return
	}
	if want := hop(h); v != mbuf.Pass || !bytes.Equal(got, want) {
		t.Fatalf("%x: %s %x, expected %x", h, v, got, want)
	}
}

func TestSPD022_HopLimit(t *testing.T) {
	for limit := range 256 {
		p := header6("2001:db8:1::9", "2001:db8:2::9", 59, byte(limit), nil)
		got := bytes.Clone(p)
		v := lowerTTL(got)
		if limit < 2 {
			if v != mbuf.TTLExceeded || !bytes.Equal(got, p) {
				t.Errorf("hop limit %d: %s", limit, v)
			}
		} else if v != mbuf.Pass || !bytes.Equal(got, hop(p)) {
			t.Errorf("hop limit %d: %s %x", limit, v, got)
		}
	}
}

func TestStripLink(t *testing.T) {
	frame := func(etherType uint16, n int) []byte {
		return ethernet([6]byte{1}, [6]byte{2}, etherType, make([]byte, n))
	}
	for _, c := range []struct {
		name string
		l2   uint8
		data []byte
		ok   bool
		left int
	}{
		{"raw", 0, make([]byte, 3), true, 3},
		{"IPv4", 14, frame(0x0800, 20), true, 20},
		{"IPv6", 14, frame(0x86dd, 40), true, 40},
		{"header only", 14, frame(0x0800, 0), true, 0},
	} {
		m := loose(t, c.data)
		if ok := stripLink(m, c.l2); ok != c.ok || m.Len() != c.left || m.L3 != c.l2 {
			t.Errorf("%s: %t with %d octets, L3 %d", c.name, ok, m.Len(), m.L3)
		}
	}
	for _, etherType := range []uint16{0x0806, 0x8100, 0x88cc, 60} {
		if m := loose(t, frame(etherType, 46)); stripLink(m, 14) {
			t.Errorf("EtherType %#04x passed for IP", etherType)
		}
	}
	for n := range 14 {
		if m := loose(t, frame(0x0800, 0)[:n]); stripLink(m, 14) {
			t.Errorf("%d octets of link header passed", n)
		}
	}
}
