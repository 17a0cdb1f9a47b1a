package spd

import (
	"net/netip"
	"testing"
)

// compile returns the selectors of an SA or fails the test.
func compile(t *testing.T, list ...Selector) *Selectors {
	t.Helper()
	s, err := NewSelectors(list)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// prefixes returns the ranges of some prefixes.
func prefixes(list ...string) (out []AddrRange) {
	for _, p := range list {
		out = append(out, PrefixRange(netip.MustParsePrefix(p)))
	}
	return out
}

func TestSPD060_SelectorsEqualOracle(t *testing.T) {
	r := newRand(t)
	for range 300 {
		list := make([]Selector, r.IntN(4))
		for i := range list {
			list[i] = randomSelector(r)
		}
		s := compile(t, list...)
		entries := []Entry{{Selectors: list}}
		for range 200 {
			p := randomPacket(r)
			p.VRF = 0
			for _, inbound := range []bool{false, true} {
				if got, want := s.Match(&p, inbound), oracleFirst(entries, &p, inbound) == 0; got != want {
					t.Fatalf("selectors %+v, inbound %v, packet %+v: got %v, want %v", list, inbound, p, got, want)
				}
			}
		}
	}
}

func TestSPD060_InnerPacketOutsideTheSelectors(t *testing.T) {
	s := compile(t, Selector{Local: prefixes("10.1.0.0/16"), Remote: prefixes("10.2.0.0/16", "10.3.0.0/16")})
	for _, c := range []struct {
		src, dst string
		want     bool
	}{
		{"10.2.0.1", "10.1.0.1", true},
		{"10.3.255.255", "10.1.255.255", true},
		{"10.4.0.0", "10.1.0.1", false},
		{"10.1.255.255", "10.1.0.1", false},
		{"10.2.0.1", "10.2.0.1", false},
		{"::ffff:10.2.0.1", "::ffff:10.1.0.1", false}, // another family, whatever its digits
	} {
		if got := s.Match(packetTo(c.src, c.dst), true); got != c.want {
			t.Errorf("from %s to %s: got %v, want %v", c.src, c.dst, got, c.want)
		}
	}
	if !s.Match(packetTo("10.1.0.1", "10.2.0.1"), false) {
		t.Error("outbound: the source is the local side")
	}
	if (*Selectors)(nil).Match(packetTo("10.2.0.1", "10.1.0.1"), true) || compile(t).Match(packetTo("10.2.0.1", "10.1.0.1"), true) {
		t.Error("no selectors must match nothing")
	}
}

// TestSPD007_ICMPTypeAndCode is SPD-T09: the edges of T1*256+C1 <= t*256+c <= T2*256+C2.
func TestSPD007_ICMPTypeAndCode(t *testing.T) {
	for _, c := range []struct {
		name       string
		ports      Ports
		kind, code uint8
		want       bool
	}{
		{"lower edge", Ports{Ranges: []PortRange{ICMPRange(3, 1, 5, 2)}}, 3, 1, true},
		{"below the code", Ports{Ranges: []PortRange{ICMPRange(3, 1, 5, 2)}}, 3, 0, false},
		{"type between: any code", Ports{Ranges: []PortRange{ICMPRange(3, 1, 5, 2)}}, 4, 255, true},
		{"type between: code below", Ports{Ranges: []PortRange{ICMPRange(3, 1, 5, 2)}}, 4, 0, true},
		{"upper edge", Ports{Ranges: []PortRange{ICMPRange(3, 1, 5, 2)}}, 5, 2, true},
		{"above the code", Ports{Ranges: []PortRange{ICMPRange(3, 1, 5, 2)}}, 5, 3, false},
		{"single type, any code", Ports{Ranges: []PortRange{ICMPRange(8, 0, 8, 255)}}, 8, 255, true},
		{"the type after it", Ports{Ranges: []PortRange{ICMPRange(8, 0, 8, 255)}}, 9, 0, false},
		{"all of them", Ports{Ranges: []PortRange{ICMPRange(0, 0, 255, 255)}}, 255, 255, true},
		{"ANY", Ports{}, 0, 0, true},
		{"OPAQUE only", Ports{Opaque: true}, 8, 0, false},
	} {
		t.Run("SPD-007 "+c.name, func(t *testing.T) {
			s := compile(t, Selector{Protocol: ProtoICMP, LocalPorts: c.ports})
			data := ipv4(ProtoICMP, 0, []byte{c.kind, c.code, 0, 0, 0, 0, 0, 0})
			p := mustParse(t, data)
			for _, inbound := range []bool{false, true} {
				if got := s.Match(&p, inbound); got != c.want {
					t.Errorf("type %d code %d, inbound %v: got %v, want %v", c.kind, c.code, inbound, got, c.want)
				}
			}
		})
	}
}

func TestSPD007_MobilityHeaderType(t *testing.T) {
	s := compile(t, Selector{Protocol: ProtoMobility, LocalPorts: Ports{Ranges: []PortRange{MobilityRange(5, 6)}}})
	for kind, want := range map[byte]bool{4: false, 5: true, 6: true, 7: false} {
		p := mustParse(t, ipv6(ProtoMobility, []byte{59, 0, kind, 0, 0, 0, 0, 0}))
		if got := s.Match(&p, true); got != want {
			t.Errorf("SPD-007 MH type %d: got %v, want %v", kind, got, want)
		}
	}
}

// TestSPD007_ListsOfRanges: addresses are lists of ranges, ports too, and each side is its own.
func TestSPD007_ListsOfRanges(t *testing.T) {
	s := compile(t, Selector{
		Local:       []AddrRange{{netip.MustParseAddr("10.0.0.5"), netip.MustParseAddr("10.0.0.7")}, {netip.MustParseAddr("10.0.0.8"), netip.MustParseAddr("10.0.0.9")}},
		Protocol:    ProtoTCP,
		LocalPorts:  Ports{Ranges: []PortRange{{443, 443}, {80, 90}, {92, 95}}},
		RemotePorts: Ports{Ranges: []PortRange{{1024, 65535}}},
	})
	for _, c := range []struct {
		local                 string
		localPort, remotePort uint16
		want                  bool
	}{
		{"10.0.0.5", 80, 1024, true},
		{"10.0.0.7", 90, 65535, true},
		{"10.0.0.8", 443, 2000, true},
		{"10.0.0.4", 80, 1024, false},
		{"10.0.0.10", 80, 1024, false},
		{"10.0.0.5", 79, 1024, false},
		{"10.0.0.5", 91, 1024, false},
		{"10.0.0.5", 92, 1024, true},
		{"10.0.0.5", 444, 1024, false},
		{"10.0.0.5", 80, 1023, false},
		{"10.0.0.5", 1024, 80, false},
	} {
		p := packetTo("192.0.2.1", c.local)
		p.Proto, p.SrcPort, p.DstPort = ProtoTCP, c.remotePort, c.localPort
		if got := s.Match(p, true); got != c.want {
			t.Errorf("SPD-007 local %s:%d, remote port %d: got %v, want %v", c.local, c.localPort, c.remotePort, got, c.want)
		}
	}
}

// TestFragments is SPD-T06: which fragments which SA carries.
func TestFragments(t *testing.T) {
	web := Ports{Ranges: []PortRange{{80, 80}}}
	webAndLater := Ports{Opaque: true, Ranges: web.Ranges}
	tcp := []byte{0, 80, 0, 80, 0, 0, 0, 0}
	const more = 0x2000
	first4, later4, low4 := ipv4(ProtoTCP, more, tcp), ipv4(ProtoTCP, 2, tcp), ipv4(ProtoTCP, 1, tcp)
	lowUDP := ipv4(ProtoUDP, 1, tcp)
	tiny := ipv4(ProtoTCP, more, tcp[:3])
	later6 := ipv6(extFragment, append([]byte{ProtoTCP, 0, 0, 8, 0, 0, 0, 1}, tcp...))
	hidden6 := ipv6(extFragment, append([]byte{extDestination, 0, 0, 8, 0, 0, 0, 1}, tcp...))
	for _, c := range []struct {
		name   string
		proto  Protocol
		ports  Ports
		packet []byte
		want   bool
	}{
		{"SPD-050 ANY ports carry a first fragment", ProtoTCP, Ports{}, first4, true},
		{"SPD-050 ANY ports carry a later fragment", ProtoTCP, Ports{}, later4, true},
		{"SPD-050 ANY ports carry a low fragment", ProtoTCP, Ports{}, low4, true},
		{"SPD-050 ANY everything carries a hidden protocol", AnyProtocol, Ports{}, hidden6, true},
		{"SPD-051 OPAQUE carries a later fragment", ProtoTCP, Ports{Opaque: true}, later4, true},
		{"SPD-051 OPAQUE carries a later IPv6 fragment", ProtoTCP, Ports{Opaque: true}, later6, true},
		{"SPD-051 OPAQUE refuses a first fragment", ProtoTCP, Ports{Opaque: true}, first4, false},
		{"SPD-051 minimum offset: low TCP fragment", ProtoTCP, Ports{Opaque: true}, low4, false},
		{"SPD-051 minimum offset: UDP has nothing there", ProtoUDP, Ports{Opaque: true}, lowUDP, true},
		{"SPD-051 OPAQUE refuses a first fragment without ports", ProtoTCP, Ports{Opaque: true}, tiny, false},
		{"SPD-052 port-specific carries a first fragment", ProtoTCP, web, first4, true},
		{"SPD-052 port-specific refuses a later fragment", ProtoTCP, web, later4, false},
		{"SPD-052 port-specific refuses a later IPv6 fragment", ProtoTCP, web, later6, false},
		{"SPD-052 port-specific refuses a first fragment without ports", ProtoTCP, web, tiny, false},
		{"SPD-052 NON_FIRST_FRAGMENTS_ALSO: later", ProtoTCP, webAndLater, later4, true},
		{"SPD-052 NON_FIRST_FRAGMENTS_ALSO: first", ProtoTCP, webAndLater, first4, true},
		{"SPD-007 a hidden protocol is no TCP", ProtoTCP, Ports{}, hidden6, false},
		{"SPD-007 OPAQUE protocol", OpaqueProtocol, Ports{}, hidden6, true},
		{"SPD-007 OPAQUE protocol refuses what is known", OpaqueProtocol, Ports{}, later6, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustParse(t, c.packet)
			local := compile(t, Selector{Protocol: c.proto, LocalPorts: c.ports})
			remote := compile(t, Selector{Protocol: c.proto, RemotePorts: c.ports})
			for _, inbound := range []bool{false, true} {
				if l, r := local.Match(&p, inbound), remote.Match(&p, inbound); l != c.want || r != c.want {
					t.Errorf("inbound %v: local %v, remote %v, want %v", inbound, l, r, c.want)
				}
			}
		})
	}
}

// TestSPD053_DiscardFragments: an SPD entry can discard fragments and nothing else.
func TestSPD053_DiscardFragments(t *testing.T) {
	db, err := New([]Entry{
		{Action: Discard, Selectors: []Selector{{Protocol: ProtoUDP, LocalPorts: Ports{Opaque: true}}}},
		{Action: Protect, Tunnel: 1, Selectors: []Selector{{}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	later, whole := mustParse(t, ipv4(ProtoUDP, 2, make([]byte, 8))), mustParse(t, ipv4(ProtoUDP, 0, make([]byte, 8)))
	if got, want := db.Outbound(&later), (Decision{Discard, 0, 0}); got != want {
		t.Errorf("later fragment: got %+v, want %+v", got, want)
	}
	if got, want := db.Outbound(&whole), (Decision{Protect, 1, 1}); got != want {
		t.Errorf("whole packet: got %+v, want %+v", got, want)
	}
}
