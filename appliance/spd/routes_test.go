package spd

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
	"unsafe"
)

var (
	macWAN, macLAN = [6]byte{2, 0, 0, 0, 0, 1}, [6]byte{2, 0, 0, 0, 0, 2}
	macGW, macHost = [6]byte{2, 0, 0, 0, 0, 0xfe}, [6]byte{2, 0, 0, 0, 0, 0x10}
)

// testRoutes is a small appliance: WAN 192.0.2.0/24 and 2001:db8::/64 on port 0 with a gateway, tagged LAN on port 1, a
// raw port 2, and VRF 5 on port 3.
func testRoutes(t *testing.T) *Routes {
	t.Helper()
	pfx, addr := netip.MustParsePrefix, netip.MustParseAddr
	r, err := NewRoutes([]Route{
		{Prefix: pfx("192.0.2.0/24"), Port: 0},
		{Prefix: pfx("2001:db8::/64"), Port: 0},
		{Prefix: pfx("192.0.2.1/32"), Local: true},
		{Prefix: pfx("0.0.0.0/0"), Port: 0, NextHop: addr("192.0.2.254")},
		{Prefix: pfx("::/0"), Port: 0, NextHop: addr("fe80::1")},
		{Prefix: pfx("203.0.113.0/24"), Port: 0, NextHop: addr("192.0.2.253")},
		{Prefix: pfx("10.0.0.0/8"), Port: 1},
		{Prefix: pfx("172.16.0.0/12"), Port: 2},
		{Prefix: pfx("10.0.0.0/8"), VRF: 5, Port: 3},
	}, []Neighbour{
		{addr("192.0.2.254"), 0, macGW},
		{addr("fe80::1"), 0, macGW},
		{addr("fe80::1"), 1, macHost},
		{addr("2001:db8::10"), 0, macHost},
		{addr("10.0.0.16"), 1, macHost},
		{addr("192.0.2.77"), 1, macHost}, // on-link on another port: no host route
		{addr("198.51.100.9"), 0, macHost},
		{addr("192.0.2.1"), 0, macHost}, // our own: stays local
	}, []Egress{
		{Port: 0, MAC: macWAN, MTU: 1500},
		{Port: 1, MAC: macLAN, VLAN: 42, MTU: 9000},
		{Port: 2, Raw: true, MTU: 1400},
		{Port: 3, VRF: 5, MAC: macLAN, MTU: 1500},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRoutes(t *testing.T) {
	r := testRoutes(t)
	gateway := append(append(append([]byte{}, macGW[:]...), macWAN[:]...), 0x08, 0x00)
	gateway6 := append(append(append([]byte{}, macGW[:]...), macWAN[:]...), 0x86, 0xdd)
	host6 := append(append(append([]byte{}, macHost[:]...), macWAN[:]...), 0x86, 0xdd)
	tagged := append(append(append([]byte{}, macHost[:]...), macLAN[:]...), 0x81, 0x00, 0, 42, 0x08, 0x00)
	for _, c := range []struct {
		name, dst string
		vrf       uint16
		port      uint16
		mtu       uint16
		header    []byte
		valid     bool
		hop       string
	}{
		{"default route", "8.8.8.8", 0, 0, 1500, gateway, true, "192.0.2.254"},
		{"IPv6 default route", "2001:db9::1", 0, 0, 1500, gateway6, true, "fe80::1"},
		{"the neighbour itself", "192.0.2.254", 0, 0, 1500, gateway, true, "192.0.2.254"},
		{"IPv6 neighbour", "2001:db8::10", 0, 0, 1500, host6, true, "2001:db8::10"},
		{"on-link without neighbour", "192.0.2.9", 0, 0, 1500, nil, false, "192.0.2.9"},
		{"neighbour of another port", "192.0.2.77", 0, 0, 1500, nil, false, "192.0.2.77"},
		{"gateway without neighbour", "203.0.113.1", 0, 0, 1500, nil, false, "192.0.2.253"},
		{"neighbour that is not on-link", "198.51.100.9", 0, 0, 1500, gateway, true, "192.0.2.254"},
		{"VLAN tag", "10.0.0.16", 0, 1, 9000, tagged, true, "10.0.0.16"},
		{"raw port", "172.16.5.5", 0, 2, 1400, nil, true, "172.16.5.5"},
		{"another VRF", "10.0.0.16", 5, 3, 1500, nil, false, "10.0.0.16"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dst := netip.MustParseAddr(c.dst)
			i, ok := r.Lookup(c.vrf, dst)
			if !ok {
				t.Fatal("no route")
			}
			a := r.Adjacency(i)
			if a.Port != c.port || a.MTU != c.mtu || a.Valid != c.valid || a.Local {
				t.Errorf("got %+v", a)
			}
			if !bytes.Equal(a.Header[:a.HeaderLen], c.header) {
				t.Errorf("header %x, want %x", a.Header[:a.HeaderLen], c.header)
			}
			if hop := r.NextHop(i, dst); hop != netip.MustParseAddr(c.hop) {
				t.Errorf("next hop %v, want %s", hop, c.hop)
			}
		})
	}
}

func TestRoutesLocalAndMissing(t *testing.T) {
	r := testRoutes(t)
	i, ok := r.Lookup(0, netip.MustParseAddr("192.0.2.1"))
	if a := r.Adjacency(i); !ok || !a.Local || a.Valid {
		t.Errorf("own address: %v %+v, expected Local", ok, a)
	}
	for _, c := range []struct {
		vrf uint16
		dst string
	}{{5, "192.0.2.9"}, {4, "10.0.0.1"}, {6, "10.0.0.1"}, {5, "2001:db8::1"}} {
		if i, ok := r.Lookup(c.vrf, netip.MustParseAddr(c.dst)); ok {
			t.Errorf("VRF %d, %s: got %+v, expected no route", c.vrf, c.dst, r.Adjacency(i))
		}
	}
}

func TestNewRoutesRefuses(t *testing.T) {
	pfx, addr := netip.MustParsePrefix, netip.MustParseAddr
	ports := []Egress{{Port: 0}, {Port: 1, VRF: 1}}
	for name, c := range map[string]struct {
		routes     []Route
		neighbours []Neighbour
	}{
		"no prefix":       {routes: []Route{{}}},
		"host bits":       {routes: []Route{{Prefix: pfx("10.0.0.1/8")}}},
		"mapped":          {routes: []Route{{Prefix: pfx("::ffff:10.0.0.0/104")}}},
		"unknown port":    {routes: []Route{{Prefix: pfx("10.0.0.0/8"), Port: 2}}},
		"port of a VRF":   {routes: []Route{{Prefix: pfx("10.0.0.0/8"), Port: 1}}},
		"twice":           {routes: []Route{{Prefix: pfx("10.0.0.0/8")}, {Prefix: pfx("10.0.0.0/8")}}},
		"neighbour nowhe": {neighbours: []Neighbour{{Addr: addr("10.0.0.1"), Port: 9}}},
	} {
		if _, err := NewRoutes(c.routes, c.neighbours, ports); !errors.Is(err, ErrRoute) {
			t.Errorf("%s: got %v, want ErrRoute", name, err)
		}
	}
}

// TestRoutesEqualLinearLongestMatch compares with a search over all routes.
func TestRoutesEqualLinearLongestMatch(t *testing.T) {
	rnd := newRand(t)
	routes := randomRoutes(rnd, 300)
	r, err := NewRoutes(routes, nil, []Egress{{Port: 0, VRF: 0}, {Port: 1, VRF: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for range 50_000 {
		vrf, dst := uint16(rnd.IntN(2)), randomAddr(rnd, rnd.IntN(2) == 0)
		var want *Route
		for i := range routes {
			rt := &routes[i]
			if rt.VRF == vrf && rt.Prefix.Contains(dst) && (want == nil || rt.Prefix.Bits() > want.Prefix.Bits()) {
				want = rt
			}
		}
		i, ok := r.Lookup(vrf, dst)
		if ok != (want != nil) || ok && r.NextHop(i, dst) != want.NextHop {
			t.Fatalf("VRF %d, %v: found %v number %d, want %+v", vrf, dst, ok, i, want)
		}
	}
}

// randomRoutes returns up to n distinct routes, each with a next hop of its own.
func randomRoutes(r *rand.Rand, n int) (out []Route) {
	type at struct {
		vrf    uint16
		prefix netip.Prefix
	}
	seen := map[at]bool{}
	hop := netip.MustParseAddr("192.0.2.0")
	for range n {
		a := randomAddr(r, r.IntN(2) == 0)
		k := at{uint16(r.IntN(2)), netip.PrefixFrom(a, r.IntN(a.BitLen()+1)).Masked()}
		if hop = hop.Next(); seen[k] {
			continue
		}
		seen[k] = true
		out = append(out, Route{Prefix: k.prefix, VRF: k.vrf, Port: k.vrf, NextHop: hop})
	}
	return out
}

func TestHotSizes(t *testing.T) {
	if n := unsafe.Sizeof(Adjacency{}); n != 26 {
		t.Errorf("Adjacency has %d octets, want 26", n)
	}
	if n := unsafe.Sizeof(rule{}); n > 64 {
		t.Errorf("rule has %d octets, want one cache line", n)
	}
}
