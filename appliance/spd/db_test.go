package spd

import (
	"errors"
	"net/netip"
	"testing"
)

// TestSPD001_LookupEqualsLinearFirstMatch is SPD-T08: the index answers as a linear search over the ordered entries does.
func TestSPD001_LookupEqualsLinearFirstMatch(t *testing.T) {
	r := newRand(t)
	for _, size := range []int{1, smallVRF, 20, 100, 400} {
		entries := randomEntries(r, size)
		db, err := New(entries)
		if err != nil {
			t.Fatal(err)
		}
		matched := 0
		for range 30_000 {
			p := randomPacket(r)
			out, in := db.Outbound(&p), db.Inbound(&p)
			if want := wantDecision(entries, &p, false); out != want {
				t.Fatalf("%d entries, outbound %+v: got %+v, want %+v", size, p, out, want)
			}
			if want := wantDecision(entries, &p, true); in != want {
				t.Fatalf("%d entries, inbound %+v: got %+v, want %+v", size, p, in, want)
			}
			if out.Entry != NoEntry {
				matched++
			}
		}
		if size >= 20 && (matched < 1_000 || matched > 29_000) {
			t.Errorf("%d entries: %d of 30000 packets matched; the test sees too little of one outcome", size, matched)
		}
	}
}

// wantDecision is what the oracle expects of a lookup.
func wantDecision(entries []Entry, p *Packet, inbound bool) Decision {
	i := oracleFirst(entries, p, inbound)
	if i == NoEntry {
		return Decision{Action: Discard, Entry: NoEntry}
	}
	d := Decision{Action: entries[i].Action, Tunnel: entries[i].Tunnel, Entry: i}
	if inbound && d.Action == Protect {
		d.Action = Discard
	}
	return d
}

// anyTo returns an entry for everything that goes to a prefix.
func anyTo(prefix string, a Action, tunnel uint32) Entry {
	return Entry{Action: a, Tunnel: tunnel, Selectors: []Selector{{Remote: []AddrRange{PrefixRange(netip.MustParsePrefix(prefix))}}}}
}

// packetTo returns a UDP packet.
func packetTo(src, dst string) *Packet {
	return &Packet{
		Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr(dst),
		Proto: ProtoUDP, SrcPort: 1, DstPort: 2, HasPorts: true,
	}
}

func TestSPD001_OrderDecidesNotPrefixLength(t *testing.T) {
	entries := []Entry{anyTo("10.0.0.0/8", Protect, 7), anyTo("10.1.0.0/16", Discard, 0)}
	for i := range 10 { // enough that the indexes are used
		entries = append(entries, anyTo(netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, byte(i), 0}), 24).String(), Bypass, 0))
	}
	db, err := New(entries)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := db.Outbound(packetTo("172.16.0.1", "10.1.2.3")), (Decision{Protect, 7, 0}); got != want {
		t.Errorf("got %+v, want %+v: the administrator's order, not the longer prefix", got, want)
	}
}

func TestSPD001_NominalLastEntryDiscards(t *testing.T) {
	want := Decision{Action: Discard, Entry: NoEntry}
	empty, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	db, err := New([]Entry{anyTo("10.0.0.0/8", Bypass, 0)})
	if err != nil {
		t.Fatal(err)
	}
	other := *packetTo("10.0.0.1", "10.0.0.2")
	other.VRF = 9
	for name, got := range map[string]Decision{
		"no entries":     empty.Outbound(packetTo("10.0.0.1", "10.0.0.2")),
		"outbound":       db.Outbound(packetTo("10.0.0.1", "11.0.0.2")),
		"inbound":        db.Inbound(packetTo("11.0.0.1", "10.0.0.2")),
		"unknown VRF":    db.Outbound(&other),
		"another family": db.Outbound(packetTo("2001:db8::1", "2001:db8::2")),
	} {
		if got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// TestSPD031_InboundClearTraffic: RFC 4301 5.2 lets clear packets in by BYPASS only.
func TestSPD031_InboundClearTraffic(t *testing.T) {
	db, err := New([]Entry{anyTo("10.0.0.0/8", Protect, 3), anyTo("192.0.2.0/24", Bypass, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := db.Inbound(packetTo("10.0.0.1", "172.16.0.1")), (Decision{Discard, 3, 0}); got != want {
		t.Errorf("clear packet of a protected flow: got %+v, want %+v", got, want)
	}
	if got, want := db.Inbound(packetTo("192.0.2.1", "172.16.0.1")), (Decision{Bypass, 0, 1}); got != want {
		t.Errorf("bypass: got %+v, want %+v", got, want)
	}
}

// TestIndexTakesTheShorterSide: with one side the same in all entries, only the other one is searched, whichever it is.
func TestIndexTakesTheShorterSide(t *testing.T) {
	for _, byLocal := range []bool{true, false} {
		var entries []Entry
		for i := range 200 {
			one := []AddrRange{PrefixRange(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 0, 0}), 16))}
			s := Selector{Remote: one}
			if byLocal {
				s = Selector{Local: one}
			}
			entries = append(entries, Entry{Action: Protect, Tunnel: uint32(i), Selectors: []Selector{s}})
		}
		db, err := New(entries)
		if err != nil {
			t.Fatal(err)
		}
		p := packetTo("192.0.2.1", "10.77.0.1")
		long := db.vrfs[0].local
		if byLocal {
			p.Src, p.Dst = p.Dst, p.Src
			long = db.vrfs[0].remote
		}
		long.lists = nil // a search of the long side would panic
		if got, want := db.Outbound(p), (Decision{Protect, 77, 77}); got != want {
			t.Errorf("by local %v: got %+v, want %+v", byLocal, got, want)
		}
	}
}

// TestIndexCountsThePath: the cost of a node is that of all prefixes above it, too.
func TestIndexCountsThePath(t *testing.T) {
	x := newIndex([]attachment{
		{netip.MustParsePrefix("10.1.0.0/16"), 2}, {netip.MustParsePrefix("0.0.0.0/0"), 0},
		{netip.MustParsePrefix("10.0.0.0/8"), 1}, {netip.MustParsePrefix("0.0.0.0/0"), 3},
	})
	for addr, want := range map[string]uint32{"10.1.0.1": 4, "10.2.0.1": 3, "11.0.0.1": 2} {
		n, _ := x.table.Lookup(netip.MustParseAddr(addr))
		if got := x.nodes[n].total; got != want {
			t.Errorf("%s: got a path of %d rules, want %d", addr, got, want)
		}
	}
}

// TestPrefixRangesCoverTheRange checks the decomposition on its own: the prefixes of a range are disjoint, in order, and
// start and end with it.
func TestPrefixRangesCoverTheRange(t *testing.T) {
	r := newRand(t)
	for range 20_000 {
		family := r.IntN(families)
		want := randomRange(r, family == family6)
		k := keyRange{keyOf(want.First), keyOf(want.Last)}
		next := want.First
		for _, p := range k.prefixes(family) {
			if p.Addr() != next || p != p.Masked() {
				t.Fatalf("range %v: prefix %v, expected one that starts at %v", want, p, next)
			}
			last := PrefixRange(p).Last
			if next = last.Next(); want.Last.Less(last) {
				t.Fatalf("range %v: prefix %v goes beyond it", want, p)
			}
		}
		if next != want.Last.Next() {
			t.Fatalf("range %v: the prefixes end before %v", want, next)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	a4, b4 := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.9")
	a6 := netip.MustParseAddr("fe80::1")
	for name, s := range map[string]Selector{
		"no address":            {Local: []AddrRange{{}}},
		"mixed families":        {Local: []AddrRange{{a4, a6}}},
		"upside down":           {Remote: []AddrRange{{b4, a4}}},
		"zone":                  {Remote: []AddrRange{{a6.WithZone("eth0"), a6.WithZone("eth0")}}},
		"mapped":                {Local: []AddrRange{{netip.AddrFrom16(a4.As16()), netip.AddrFrom16(b4.As16())}}},
		"invalid prefix":        {Local: []AddrRange{PrefixRange(netip.Prefix{})}},
		"protocol":              {Protocol: 257},
		"ports without TCP":     {LocalPorts: Ports{Ranges: []PortRange{{1, 2}}}},
		"ports with ESP":        {Protocol: 50, RemotePorts: Ports{Ranges: []PortRange{{1, 2}}}},
		"ports with hidden":     {Protocol: OpaqueProtocol, RemotePorts: Ports{Ranges: []PortRange{{1, 2}}}},
		"ports upside down":     {Protocol: ProtoTCP, RemotePorts: Ports{Ranges: []PortRange{{2, 1}}}},
		"local ports upside do": {Protocol: ProtoTCP, LocalPorts: Ports{Ranges: []PortRange{{2, 1}}}},
	} {
		if _, err := New([]Entry{{Selectors: []Selector{s}}}); !errors.Is(err, ErrSelector) {
			t.Errorf("%s: got %v, want ErrSelector", name, err)
		}
		if _, err := NewSelectors([]Selector{s}); !errors.Is(err, ErrSelector) {
			t.Errorf("%s: NewSelectors got %v, want ErrSelector", name, err)
		}
	}
	if _, err := New([]Entry{{Action: 3}}); err == nil {
		t.Error("action 3 was accepted")
	}
}
