package spd

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
)

// sites returns n PROTECT entries as a concentrator has them, 10.0.0.0/8 to one /24 each, and packets to all of them.
func sites(tb testing.TB, n int) (*DB, []Packet) {
	tb.Helper()
	entries, packets := make([]Entry, n), make([]Packet, n)
	for i := range entries {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], 0xac000000+uint32(i)<<8)
		entries[i] = Entry{Action: Protect, Tunnel: uint32(i), Selectors: []Selector{{
			Local:  prefixes("10.0.0.0/8"),
			Remote: []AddrRange{PrefixRange(netip.PrefixFrom(netip.AddrFrom4(b), 24))},
		}}}
		b[3] = 9
		packets[i*7919%n] = Packet{
			Src: netip.AddrFrom4([4]byte{10, 1, 2, 3}), Dst: netip.AddrFrom4(b),
			Proto: ProtoTCP, SrcPort: 1000, DstPort: 443, HasPorts: true,
		}
	}
	db, err := New(entries)
	if err != nil {
		tb.Fatal(err)
	}
	return db, packets
}

func BenchmarkOutbound(b *testing.B) {
	for _, n := range []int{1, 4, 16, 10_000} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			db, packets := sites(b, n)
			i := 0
			for b.Loop() {
				if d := db.Outbound(&packets[i]); d.Action != Protect {
					b.Fatal(d)
				}
				if i++; i == len(packets) {
					i = 0
				}
			}
		})
	}
}

func BenchmarkSelectorsMatch(b *testing.B) {
	s, err := NewSelectors([]Selector{{Local: prefixes("10.0.0.0/8"), Remote: prefixes("172.16.0.0/12")}})
	if err != nil {
		b.Fatal(err)
	}
	p := packetTo("172.16.0.1", "10.0.0.1")
	for b.Loop() {
		if !s.Match(p, true) {
			b.Fatal("no match")
		}
	}
}

func BenchmarkParseInner(b *testing.B) {
	for name, data := range map[string][]byte{"v4": ipv4(ProtoUDP, 0, make([]byte, 8)), "v6": ipv6(ProtoUDP, make([]byte, 8))} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, code := ParseInner(data); code != ParseOK {
					b.Fatal(code)
				}
			}
		})
	}
}

func BenchmarkRoutesLookup(b *testing.B) {
	routes := make([]Route, 10_000)
	for i := range routes {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0xac000000+uint32(i)<<8)
		routes[i].Prefix = netip.PrefixFrom(netip.AddrFrom4(a), 24)
	}
	r, err := NewRoutes(routes, nil, []Egress{{}})
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		if _, ok := r.Lookup(0, routes[i].Prefix.Addr()); !ok {
			b.Fatal("no route")
		}
		if i++; i == len(routes) {
			i = 0
		}
	}
}

// TestLookupsDoNotAllocate covers everything an lcore calls.
func TestLookupsDoNotAllocate(t *testing.T) {
	db, packets := sites(t, 100)
	s := compile(t, Selector{Local: prefixes("10.0.0.0/8")})
	r := testRoutes(t)
	data4, data6 := ipv4(ProtoUDP, 0, make([]byte, 8)), ipv6(44, make([]byte, 16))
	sum := 0
	allocs := testing.AllocsPerRun(100, func() {
		for _, data := range [][]byte{data4, data6} {
			p, info, _ := ParseInner(data)
			i, _ := r.Lookup(p.VRF, p.Dst)
			sum += int(info.TotalLen) + int(r.Adjacency(i).Port)
			if s.Match(&p, true) {
				sum++
			}
		}
		sum += int(db.Outbound(&packets[3]).Tunnel + db.Inbound(&packets[4]).Entry)
	})
	if allocs != 0 {
		t.Errorf("%v allocations per run, want 0 (sum %d)", allocs, sum)
	}
}
