package bench

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"

	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

var (
	frameFrom = netip.MustParseAddrPort("198.18.0.1:500")
	frameTo   = netip.MustParseAddrPort("192.0.2.1:4500")
)

// TestFrame: another implementation finds addresses, ports, data and both checksums right, whatever the length.
func TestFrame(t *testing.T) {
	for n := range 70 {
		data := bytes.Repeat([]byte{0xfe, byte(n), 0x11}, n)
		b := bytes.Repeat([]byte{0xaa}, allHeaders+len(data)) // what stood there before must not matter
		writeFrame(b, gatewayMAC, routerMAC, frameFrom, frameTo, data)
		ether, ip := header.Ethernet(b), header.IPv4(b[header.EthernetMinimumSize:])
		if string(ether.DestinationAddress()) != string(gatewayMAC[:]) || string(ether.SourceAddress()) != string(routerMAC[:]) || ether.Type() != header.IPv4ProtocolNumber {
			t.Fatalf("%d octets: Ethernet header %x", n, b[:etherHeader])
		}
		if !ip.IsValid(len(ip)) || !ip.IsChecksumValid() || ip.TransportProtocol() != header.UDPProtocolNumber {
			t.Fatalf("%d octets: IP header %x", n, ip[:ipv4Header])
		}
		udp := header.UDP(ip.Payload())
		if udp.SourcePort() != 500 || udp.DestinationPort() != 4500 || !bytes.Equal(udp.Payload(), data) ||
			!udp.IsChecksumValid(ip.SourceAddress(), ip.DestinationAddress(), checksum.Checksum(udp.Payload(), 0)) {
			t.Fatalf("%d octets: UDP %x", n, []byte(udp))
		}
		src, dst, got, ok := readFrame(append(b, 0, 0)) // links pad
		if !ok || src != frameFrom || dst != frameTo || !bytes.Equal(got, data) {
			t.Fatalf("%d octets: read %v to %v, %x, %v", n, src, dst, got, ok)
		}
	}
}

// TestOtherFrames are no datagrams.
func TestOtherFrames(t *testing.T) {
	good := make([]byte, allHeaders+4)
	writeFrame(good, gatewayMAC, routerMAC, frameFrom, frameTo, []byte("data"))
	for name, harm := range map[string]func(b []byte) []byte{
		"empty":          func([]byte) []byte { return nil },
		"short":          func(b []byte) []byte { return b[:allHeaders-1] },
		"cut":            func(b []byte) []byte { return b[:len(b)-1] },
		"ARP":            func(b []byte) []byte { b[13] = 6; return b },
		"options":        func(b []byte) []byte { b[14] = 0x46; return b },
		"TCP":            func(b []byte) []byte { b[23] = 6; return b },
		"first fragment": func(b []byte) []byte { b[20] = 0x20; return b },
		"later fragment": func(b []byte) []byte { b[21] = 1; return b },
		"UDP too short":  func(b []byte) []byte { b[39] = 7; return b },
	} {
		if _, _, data, ok := readFrame(harm(bytes.Clone(good))); ok {
			t.Errorf("%s: %s", name, hex.EncodeToString(data))
		}
	}
}
