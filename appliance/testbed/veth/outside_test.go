package veth

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// outside is what may be seen on the outside link in one direction: ESP of one SA, and nothing else.
type outside struct {
	src, dst netip.Addr
	udp      bool // ESP in UDP port 4500 (RFC 3948)
	spi      uint32
	size     int // octets of every outer packet; 0: anything up to the MTU
}

// outsideOf describes what site i sends through a tunnel.
func (c tunnel) outsideOf(n *network, i int) *outside {
	addr := c.outer(n)
	o := &outside{
		src: netip.MustParseAddr(addr[i]), dst: netip.MustParseAddr(addr[1-i]), udp: c.encap == "udp", spi: spiFrom(i),
	}
	if c.mode == "constant" {
		o.size = outsideMTU
	}
	return o
}

// check says what is wrong with a frame.
func (o *outside) check(s sniffed) error {
	const link = 14
	if bytes.Contains(s.frame, marker) {
		return fmt.Errorf("payload of a host in the clear")
	}
	if len(s.frame) < link {
		return fmt.Errorf("frame of %d octets", len(s.frame))
	}
	ip := s.frame[link:]
	if linkLocal(binary.BigEndian.Uint16(s.frame[12:]), ip) {
		return nil
	}
	if len(ip) > outsideMTU || o.size != 0 && len(ip) != o.size {
		return fmt.Errorf("outer packet of %d octets, expected %d (0: any) and at most %d", len(ip), o.size, outsideMTU)
	}
	p, err := outerOf(binary.BigEndian.Uint16(s.frame[12:]), ip)
	switch {
	case err != nil:
		return err
	case p.src != o.src || p.dst != o.dst:
		return fmt.Errorf("from %v to %v, expected %v to %v", p.src, p.dst, o.src, o.dst)
	case !o.udp && p.protocol != unix.IPPROTO_ESP, o.udp && p.protocol != unix.IPPROTO_UDP:
		return fmt.Errorf("protocol %d", p.protocol)
	}
	return o.checkESP(p.rest)
}

// linkLocal reports what a host stack says to its link on its own behalf: ARP, and IPv6 to link-scope multicast groups, as
// neighbour discovery and reports of group membership are (RFC 4861, RFC 3810).
func linkLocal(kind uint16, ip []byte) bool {
	const ip6Len = 40
	return kind == unix.ETH_P_ARP || kind == unix.ETH_P_IPV6 && len(ip) >= ip6Len && ip[24] == 0xff && ip[25]&15 == 2
}

// checkESP looks at what follows the outer IP header.
func (o *outside) checkESP(b []byte) error {
	if o.udp {
		if len(b) < 8 || binary.BigEndian.Uint16(b) != 4500 || binary.BigEndian.Uint16(b[2:]) != 4500 {
			return fmt.Errorf("UDP that is not from port 4500 to 4500")
		}
		b = b[8:]
	}
	if len(b) < 8 || binary.BigEndian.Uint32(b) != o.spi {
		return fmt.Errorf("payload of %d octets that is not ESP with SPI %#x", len(b), o.spi)
	}
	return nil
}

// outerPacket is an IP packet taken apart.
type outerPacket struct {
	src, dst netip.Addr
	protocol byte
	rest     []byte
}

// outerOf reads an outer header. The senders of these tests use no options, extensions or fragments.
func outerOf(kind uint16, ip []byte) (p outerPacket, err error) {
	switch {
	case kind == unix.ETH_P_IP && len(ip) >= 20 && ip[0] == 0x45:
		if binary.BigEndian.Uint16(ip[6:])&0x3fff != 0 {
			return p, fmt.Errorf("outer packet in fragments")
		}
		return outerPacket{netip.AddrFrom4([4]byte(ip[12:])), netip.AddrFrom4([4]byte(ip[16:])), ip[9], ip[20:]}, nil
	case kind == unix.ETH_P_IPV6 && len(ip) >= 40 && ip[0]>>4 == 6:
		return outerPacket{netip.AddrFrom16([16]byte(ip[8:])), netip.AddrFrom16([16]byte(ip[24:])), ip[6], ip[40:]}, nil
	}
	return p, fmt.Errorf("EtherType %#04x, expected plain IPv4 or IPv6", kind)
}

// The check refuses everything that is not ESP of the tunnel; a check that lets all pass would prove nothing.
func TestOutsideCheck(t *testing.T) {
	o := &outside{src: netip.MustParseAddr("192.0.2.1"), dst: netip.MustParseAddr("192.0.2.2"), spi: 0x1001}
	u := &outside{src: o.src, dst: o.dst, spi: 0x1001, udp: true}
	esp, inUDP := "00001001 00000001 aabbccdd", "11941194 00140000 00001001 00000001 aabbccdd"
	for name, c := range map[string]struct {
		o     *outside
		frame []byte
		sound bool
	}{
		"ESP":                {o, frame4(50, 0, esp), true},
		"ESP in UDP":         {u, frame4(17, 0, inUDP), true},
		"ESP without UDP":    {u, frame4(50, 0, esp), false},
		"ESP in UDP instead": {o, frame4(17, 0, inUDP), false},
		"other SPI":          {o, frame4(50, 0, "00001002 00000001 aabbccdd"), false},
		"IKE":                {u, frame4(17, 0, "01f401f4 00140000 00001001 00000001"), false},
		"non-ESP marker":     {u, frame4(17, 0, "11941194 00140000 00000000 00000001"), false},
		"ICMP":               {o, frame4(1, 0, "08000000 00000000"), false},
		"inner UDP":          {u, frame4(17, 0, "80000007 00140000 00001001 00000001"), false},
		"fragment":           {o, frame4(50, 0x2000, esp), false},
		"marker":             {o, append(frame4(50, 0, esp), marker...), false},
		"ARP":                {o, append(make([]byte, 12), 8, 6, 0, 1, 8, 0), true}, // the host stack's
		"LLDP":               {o, append(make([]byte, 12), 0x88, 0xcc, 0, 1, 8, 0), false},
		"short":              {o, make([]byte, 13), false},
		"another size":       {&outside{src: o.src, dst: o.dst, spi: 0x1001, size: 1500}, frame4(50, 0, esp), false},
	} {
		if err := c.o.check(sniffed{frame: c.frame}); (err == nil) != c.sound {
			t.Errorf("%s: %v, expected sound %v", name, err, c.sound)
		}
	}
}
