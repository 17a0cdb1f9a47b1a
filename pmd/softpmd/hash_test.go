package softpmd

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"stillwater/pmd"
)

// ipPacket builds an IP header with the given payload behind it.
func ipPacket(src, dst netip.Addr, protocol byte, payload []byte) []byte {
	if src.Is4() {
		b := make([]byte, 20, 20+len(payload))
		b[0], b[9] = 0x45, protocol
		copy(b[12:], src.AsSlice())
		copy(b[16:], dst.AsSlice())
		return append(b, payload...)
	}
	b := make([]byte, 40, 40+len(payload))
	b[0], b[6] = 0x60, protocol
	copy(b[8:], src.AsSlice())
	copy(b[24:], dst.AsSlice())
	return append(b, payload...)
}

// ports is the start of a TCP or UDP header, followed by rest.
func ports(src, dst uint16, rest ...byte) []byte {
	b := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, src), dst)
	return append(b, rest...)
}

// TestToeplitzVectors are the values of Microsoft's "Verifying the RSS Hash Calculation".
func TestToeplitzVectors(t *testing.T) {
	for _, c := range []struct {
		src, dst    string
		ip, withTCP uint32
	}{
		{"66.9.149.187:2794", "161.142.100.80:1766", 0x323e8fc2, 0x51ccc178},
		{"199.92.111.2:14230", "65.69.140.83:4739", 0xd718262a, 0xc626b0ea},
		{"24.19.198.95:12898", "12.22.207.184:38024", 0xd2d0a5de, 0x5c2b394a},
		{"38.27.205.30:48228", "209.142.163.6:2217", 0x82989176, 0xafc7327f},
		{"153.39.163.191:44251", "202.188.127.2:1303", 0x5d1809c5, 0x10e828a2},
		{"[3ffe:2501:200:1fff::7]:2794", "[3ffe:2501:200:3::1]:1766", 0x2cc18cd5, 0x40207d3d},
		{"[3ffe:501:8::260:97ff:fe40:efab]:14230", "[ff02::1]:4739", 0x0f0c461c, 0xdde51bbf},
		{"[3ffe:1900:4545:3:200:f8ff:fe21:67cf]:44251", "[fe80::200:f8ff:fe21:67cf]:38024", 0x4b61e985, 0x02d1feef},
	} {
		src, dst := netip.MustParseAddrPort(c.src), netip.MustParseAddrPort(c.dst)
		tcp := ipPacket(src.Addr(), dst.Addr(), protoTCP, ports(src.Port(), dst.Port()))
		if h := Toeplitz(tcp, pmd.RawIP); h != c.withTCP {
			t.Errorf("%s to %s: %#08x, expected %#08x", c.src, c.dst, h, c.withTCP)
		}
		icmp := ipPacket(src.Addr(), dst.Addr(), 1, ports(src.Port(), dst.Port()))
		if h := Toeplitz(icmp, pmd.RawIP); h != c.ip {
			t.Errorf("%s to %s without ports: %#08x, expected %#08x", c.src, c.dst, h, c.ip)
		}
		ethertype := []byte{0x08, 0x00}
		if src.Addr().Is6() {
			ethertype = []byte{0x86, 0xdd}
		}
		frame := append(append(make([]byte, 12), ethertype...), tcp...)
		if h := Toeplitz(frame, pmd.Ethernet); h != c.withTCP {
			t.Errorf("%s to %s in Ethernet: %#08x, expected %#08x", c.src, c.dst, h, c.withTCP)
		}
	}
}

var (
	v4a, v4b = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	v6a, v6b = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
)

// TestFragmentsStayTogether: first and later fragments of a datagram hash alike, because later ones have no ports.
func TestFragmentsStayTogether(t *testing.T) {
	first := ipPacket(v4a, v4b, protoUDP, ports(1, 2))
	first[6] = 0x20 // more fragments
	later := ipPacket(v4a, v4b, protoUDP, ports(0xdead, 0xbeef))
	later[7] = 100 // offset
	whole := ipPacket(v4a, v4b, protoUDP, ports(1, 2))
	whole[6] = 0x40 // do not fragment
	if Toeplitz(first, pmd.RawIP) != Toeplitz(later, pmd.RawIP) {
		t.Error("IPv4 fragments differ")
	}
	if Toeplitz(first, pmd.RawIP) == Toeplitz(whole, pmd.RawIP) {
		t.Error("a whole datagram hashes without its ports")
	}
	v6first := ipPacket(v6a, v6b, protoFragment, append([]byte{protoUDP, 0, 0, 1, 0, 0, 0, 9}, ports(1, 2)...))
	v6later := ipPacket(v6a, v6b, protoFragment, append([]byte{protoUDP, 0, 1, 0, 0, 0, 0, 9}, ports(7, 8)...))
	if Toeplitz(v6first, pmd.RawIP) != Toeplitz(v6later, pmd.RawIP) {
		t.Error("IPv6 fragments differ")
	}
}

// TestSPISpreadsSAs: ESP hashes by SPI alone, in UDP or not, IPv4 or IPv6; IKE and the rest as with Toeplitz.
func TestSPISpreadsSAs(t *testing.T) {
	esp := func(spi uint32) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, spi), 1)
	}
	inUDP := func(src, dst uint16, b []byte) []byte { return append(ports(src, dst, 0, 0, 0, 0), b...) }
	raw := SPI(ipPacket(v4a, v4b, protoESP, esp(0x1001)), pmd.RawIP)
	same := map[string][]byte{
		"IPv6":            ipPacket(v6a, v6b, protoESP, esp(0x1001)),
		"UDP":             ipPacket(v4a, v4b, protoUDP, inUDP(4500, 4500, esp(0x1001))),
		"UDP to 4500":     ipPacket(v4b, v4a, protoUDP, inUDP(50000, 4500, esp(0x1001))),
		"UDP from 4500":   ipPacket(v6b, v6a, protoUDP, inUDP(4500, 61000, esp(0x1001))),
		"another address": ipPacket(v4b, v4a, protoESP, esp(0x1001)),
	}
	for name, p := range same {
		if SPI(p, pmd.RawIP) != raw {
			t.Errorf("%s: %#x, expected %#x for the same SPI", name, SPI(p, pmd.RawIP), raw)
		}
	}
	if SPI(ipPacket(v4a, v4b, protoESP, esp(0x1002)), pmd.RawIP) == raw {
		t.Error("another SPI hashes alike")
	}
	for name, p := range map[string][]byte{
		"IKE":              ipPacket(v4a, v4b, protoUDP, inUDP(4500, 4500, esp(0))),
		"keepalive":        ipPacket(v4a, v4b, protoUDP, inUDP(4500, 4500, []byte{0xff})),
		"other UDP":        ipPacket(v4a, v4b, protoUDP, inUDP(53, 53, esp(0x1001))),
		"TCP 4500":         ipPacket(v4a, v4b, protoTCP, inUDP(4500, 4500, esp(0x1001))),
		"truncated ESP":    ipPacket(v4a, v4b, protoESP, esp(0x1001)[:7]),
		"no IP protocol":   {0x10},
		"nothing whatever": {},
	} {
		if SPI(p, pmd.RawIP) != Toeplitz(p, pmd.RawIP) {
			t.Errorf("%s: %#x, expected %#x as with Toeplitz", name, SPI(p, pmd.RawIP), Toeplitz(p, pmd.RawIP))
		}
	}
	counts := [4]int{}
	for spi := range uint32(4000) {
		counts[SPI(ipPacket(v4a, v4b, protoESP, esp(256+spi)), pmd.RawIP)%4]++
	}
	for q, n := range counts {
		if n < 900 || n > 1100 {
			t.Errorf("queue %d gets %d of 4000 neighbouring SPIs: %v", q, n, counts)
		}
	}
}

// TestNonIPHashesToZero: ARP and damaged packets have one place.
func TestNonIPHashesToZero(t *testing.T) {
	arp := make([]byte, 60)
	arp[12], arp[13] = 0x08, 0x06
	badVersion := ipPacket(v4a, v4b, protoUDP, ports(1, 2))
	badVersion[0] = 0x55
	if Toeplitz(arp, pmd.Ethernet) != 0 || Toeplitz(badVersion, pmd.RawIP) != 0 {
		t.Error("not IP, and the hash is not 0")
	}
	options := ipPacket(v4a, v4b, protoUDP, append([]byte{1, 1, 1, 1}, ports(7, 9)...))
	options[0] = 0x46
	if Toeplitz(options, pmd.RawIP) != Toeplitz(ipPacket(v4a, v4b, protoUDP, ports(7, 9)), pmd.RawIP) {
		t.Error("IPv4 options moved the ports")
	}
}

// FuzzHash: no octets make a hash read outside the frame, and it depends on nothing but the frame.
func FuzzHash(f *testing.F) {
	f.Add(ipPacket(v4a, v4b, protoUDP, ports(4500, 4500, 0, 0, 0, 0, 0, 0, 1, 0)), true)
	f.Add(ipPacket(v6a, v6b, protoESP, []byte{0, 0, 1, 0, 0, 0, 0, 1}), true)
	f.Add(append(make([]byte, 12), 0x08, 0x00, 0x4f), false)
	f.Fuzz(func(t *testing.T, frame []byte, raw bool) {
		link := pmd.Ethernet
		if raw {
			link = pmd.RawIP
		}
		exact := append(make([]byte, 0, len(frame)), frame...)
		if Toeplitz(frame, link) != Toeplitz(exact, link) || SPI(frame, link) != SPI(exact, link) {
			t.Error("the hash is no function of the frame")
		}
	})
}

func BenchmarkToeplitz(b *testing.B) {
	frame := ipPacket(v4a, v4b, protoUDP, ports(7, 9))
	for b.Loop() {
		Toeplitz(frame, pmd.RawIP)
	}
}
