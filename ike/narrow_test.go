package ike

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"stillwater/ike/wire"
)

// sel is a selector of a prefix with protocol and ports.
func sel(prefix string, protocol uint8, ports ...uint16) wire.Selector {
	s := network(prefix)
	s.Protocol = protocol
	if len(ports) == 2 {
		s.StartPort, s.EndPort = ports[0], ports[1]
	}
	return s
}

// addresses is a selector of a range.
func addresses(first, last string) wire.Selector {
	return wire.Selector{EndPort: 0xFFFF, First: netip.MustParseAddr(first), Last: netip.MustParseAddr(last)}
}

// TestIKE105_Narrow is RFC 7296 2.9, one side at a time.
func TestIKE105_Narrow(t *testing.T) {
	for _, c := range []struct {
		name                   string
		policy, proposed, want []wire.Selector
	}{
		{"nothing", []wire.Selector{sel("10.1.0.0/16", 0)}, []wire.Selector{sel("10.2.0.0/16", 0)}, nil},
		{"all", []wire.Selector{sel("10.0.0.0/8", 0)}, []wire.Selector{sel("10.2.0.0/16", 0)}, []wire.Selector{sel("10.2.0.0/16", 0)}},
		{"less", []wire.Selector{sel("10.2.3.0/24", 0)}, []wire.Selector{sel("10.2.0.0/16", 0)}, []wire.Selector{sel("10.2.3.0/24", 0)}},
		{"a part", []wire.Selector{addresses("10.0.0.5", "10.0.0.20")}, []wire.Selector{addresses("10.0.0.0", "10.0.0.9")},
			[]wire.Selector{addresses("10.0.0.5", "10.0.0.9")}},
		{"RSC-002 the particular one lies in the wide one", []wire.Selector{sel("0.0.0.0/0", 0)},
			[]wire.Selector{sel("10.2.3.4/32", 6, 80, 80), sel("10.2.0.0/16", 0)}, []wire.Selector{sel("10.2.0.0/16", 0)}},
		{"several", []wire.Selector{sel("10.1.0.0/16", 0), sel("10.3.0.0/16", 0)}, []wire.Selector{sel("10.0.0.0/8", 0)},
			[]wire.Selector{sel("10.1.0.0/16", 0), sel("10.3.0.0/16", 0)}},
		{"protocol of the policy", []wire.Selector{sel("10.0.0.0/8", 17)}, []wire.Selector{sel("10.0.0.0/8", 0)}, []wire.Selector{sel("10.0.0.0/8", 17)}},
		{"protocol of the peer", []wire.Selector{sel("10.0.0.0/8", 0)}, []wire.Selector{sel("10.0.0.0/8", 6, 80, 90)}, []wire.Selector{sel("10.0.0.0/8", 6, 80, 90)}},
		{"other protocols", []wire.Selector{sel("10.0.0.0/8", 17)}, []wire.Selector{sel("10.0.0.0/8", 6)}, nil},
		{"ports", []wire.Selector{sel("10.0.0.0/8", 6, 50, 85)}, []wire.Selector{sel("10.0.0.0/8", 6, 80, 90)}, []wire.Selector{sel("10.0.0.0/8", 6, 80, 85)}},
		{"other ports", []wire.Selector{sel("10.0.0.0/8", 6, 50, 60)}, []wire.Selector{sel("10.0.0.0/8", 6, 80, 90)}, nil},
		{"IKE-108 OPAQUE in any", []wire.Selector{sel("10.0.0.0/8", 0)}, []wire.Selector{sel("10.0.0.0/8", 6, 0xFFFF, 0)}, []wire.Selector{sel("10.0.0.0/8", 6, 0xFFFF, 0)}},
		{"IKE-108 OPAQUE in a range", []wire.Selector{sel("10.0.0.0/8", 6, 1, 0xFFFF)}, []wire.Selector{sel("10.0.0.0/8", 6, 0xFFFF, 0)}, nil},
		{"families", []wire.Selector{sel("::/0", 0)}, []wire.Selector{sel("10.0.0.0/8", 0)}, nil},
		{"IPv6", []wire.Selector{sel("2001:db8::/32", 0)}, []wire.Selector{sel("2001:db8:1::/48", 58)}, []wire.Selector{sel("2001:db8:1::/48", 58)}},
		{"said twice", []wire.Selector{sel("10.0.0.0/8", 0)}, []wire.Selector{sel("10.0.0.0/8", 0), sel("10.0.0.0/8", 0)}, []wire.Selector{sel("10.0.0.0/8", 0)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := narrow(c.policy, c.proposed); !slices.Equal(got, c.want) {
				t.Errorf("narrowed to %v, want %v", got, c.want)
			}
		})
	}
}

// TestIKE105_Covered: adjacent ranges are as good as one.
func TestIKE105_Covered(t *testing.T) {
	for _, c := range []struct {
		name         string
		narrow, wide []wire.Selector
		want         bool
	}{
		{"itself", []wire.Selector{sel("10.0.0.0/8", 0)}, []wire.Selector{sel("10.0.0.0/8", 0)}, true},
		{"two halves", []wire.Selector{sel("10.0.0.0/8", 6)}, []wire.Selector{sel("10.128.0.0/9", 0), sel("10.0.0.0/9", 0)}, true},
		{"a gap", []wire.Selector{addresses("10.0.0.0", "10.0.0.9")}, []wire.Selector{addresses("10.0.0.0", "10.0.0.3"), addresses("10.0.0.5", "10.0.0.9")}, false},
		{"half a protocol", []wire.Selector{sel("10.0.0.0/8", 0)}, []wire.Selector{sel("10.0.0.0/8", 6)}, false},
		{"wider", []wire.Selector{sel("10.0.0.0/7", 0)}, []wire.Selector{sel("10.0.0.0/8", 0)}, false},
		{"nothing in something", nil, []wire.Selector{sel("10.0.0.0/8", 0)}, true},
		{"something in nothing", []wire.Selector{sel("10.0.0.0/8", 0)}, nil, false},
		{"the end of the addresses", []wire.Selector{sel("::/0", 0)}, []wire.Selector{sel("::/1", 0), sel("8000::/1", 0)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := covered(c.narrow, c.wide); got != c.want {
				t.Errorf("covered: %v, want %v", got, c.want)
			}
		})
	}
}

// randomSelector is one of few addresses and ports, so that selectors meet.
func randomSelector(r *rand.Rand) wire.Selector {
	first, last := byte(r.IntN(16)), byte(r.IntN(16))
	s := wire.Selector{First: netip.AddrFrom4([4]byte{10, 0, 0, min(first, last)}), Last: netip.AddrFrom4([4]byte{10, 0, 0, max(first, last)}), EndPort: 0xFFFF}
	if s.Protocol = uint8(r.IntN(3)); s.Protocol != 0 && r.IntN(2) == 0 {
		a, b := uint16(r.IntN(6)), uint16(r.IntN(6))
		s.StartPort, s.EndPort = min(a, b), max(a, b)
	}
	return s
}

// packetIn says whether one packet is in one of the selectors: the definition.
func packetIn(list []wire.Selector, a netip.Addr, protocol uint8, port uint16) bool {
	return slices.ContainsFunc(list, func(s wire.Selector) bool {
		return s.First.Compare(a) <= 0 && a.Compare(s.Last) <= 0 && (s.Protocol == 0 || s.Protocol == protocol) &&
			s.StartPort <= port && port <= s.EndPort
	})
}

// TestIKE105_NarrowIsIntersection holds narrow and covered against single packets.
func TestIKE105_NarrowIsIntersection(t *testing.T) {
	r := rand.New(rand.NewPCG(testSeed(t), 0))
	for range 2000 {
		var policy, proposed []wire.Selector
		for range 1 + r.IntN(4) {
			policy, proposed = append(policy, randomSelector(r)), append(proposed, randomSelector(r))
		}
		got := narrow(policy, proposed)
		all := true
		for i := range 16 * 3 * 7 {
			a, protocol, port := netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 16)}), uint8(i/16%3)+1, uint16(i/48)
			both := packetIn(policy, a, protocol, port) && packetIn(proposed, a, protocol, port)
			if packetIn(got, a, protocol, port) != both {
				t.Fatalf("policy %v, proposed %v: narrowed to %v, wrong about %v protocol %d port %d", policy, proposed, got, a, protocol, port)
			}
			all = all && (!packetIn(proposed, a, protocol, port) || both)
		}
		if covered(proposed, policy) && !all {
			t.Fatalf("%v is not covered by %v", proposed, policy)
		}
		if !covered(got, policy) || !covered(got, proposed) {
			t.Fatalf("policy %v, proposed %v: %v is not within both", policy, proposed, got)
		}
	}
}

// LIM-04: however many selectors meet, the answer has a bounded number, the first choice among them.
func TestLIM04_NarrowIsBounded(t *testing.T) {
	var policy, proposed []wire.Selector
	for i := range 30 {
		policy = append(policy, addresses(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}).String(), netip.AddrFrom4([4]byte{10, 0, byte(i), 9}).String()))
		proposed = append(proposed, addresses("10.0.0.0", netip.AddrFrom4([4]byte{10, 0, byte(i), 5}).String()))
	}
	got := narrow(policy, proposed)
	if len(got) > maxSelectors || !covered([]wire.Selector{addresses("10.0.0.0", "10.0.0.5")}, got) {
		t.Errorf("%d selectors: %v", len(got), got)
	}
}

func netAddrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func prefixes(list ...string) (ps []netip.Prefix) {
	for _, s := range list {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}
