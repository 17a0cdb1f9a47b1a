package dataplane

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"stillwater/appliance/spd"
	"stillwater/crypto/esp"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// TestEventsDropRate: at most one drop event a millisecond for each verdict, and the counts of all of them, with what is
// not told yet, add up to the packets.
func TestEventsDropRate(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	peer := r.openPeer()
	bad := header4(addrB.outer, addrA.outer, 50, 64, append(be(0x1234567), make([]byte, 40)...))
	fragment := patch(bad, 6, 0x20, 0)
	last := map[mbuf.Verdict]int64{}
	sum := map[mbuf.Verdict]uint64{}
	const steps = 200
	for range steps {
		for range 5 {
			peer.send(bad, fragment)
		}
		r.step(100_000)
		for e, ok := r.a.TakeEvent(0); ok; e, ok = r.a.TakeEvent(0) {
			v := mbuf.Verdict(e.Verdict)
			if at, seen := last[v]; seen && e.Time-at < 1e6 {
				t.Fatalf("%s told at %d and %d", v, at, e.Time)
			}
			last[v] = e.Time
			sum[v] += e.Count
		}
	}
	for _, v := range []mbuf.Verdict{mbuf.UnknownSPI, mbuf.OuterFragment} {
		if got := sum[v] + r.a.workers[0].reports[v].count; got != 5*steps || sum[v] < 5*(steps-10) {
			t.Errorf("%s: %d packets told, %d in all, expected %d", v, sum[v], got, 5*steps)
		}
	}
}

// TestEventsLifetime: a limit that was reached is told once, even while the event ring was full at that moment.
func TestEventsLifetime(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	sa := tunnelSA(0x1000, addrA, addrB)
	sa.Soft.Packets, sa.Hard.Packets = 2, 4
	r.openPeer()
	r.a.point(0, OutRef{0, r.a.installOut(0, sa)})
	w := r.a.workers[0]
	for w.events.Push(Event{Kind: EventAcquire}) {
	}
	for i := range uint32(6) {
		r.hostA.send(numbered(addrA.host, addrB.host, 100, i))
		r.step(1e6)
	}
	var limits []esp.EventKind
	for range 3 {
		for e, ok := r.a.TakeEvent(0); ok; e, ok = r.a.TakeEvent(0) {
			if e.Kind == EventLimit {
				if e.SPI != 0x1000 || e.Limit.SPI != 0x1000 {
					t.Errorf("event %+v", e)
				}
				limits = append(limits, e.Limit.Kind)
			}
		}
		r.step(1e6)
	}
	if !slices.Equal(limits, []esp.EventKind{esp.SoftPackets, esp.HardPackets}) {
		t.Errorf("limits told: %v, expected soft and hard packets", limits)
	}
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.LifetimeExpired: 2})
}

// eventsOf takes what an lcore has told of one kind.
func (n *node) eventsOf(lcore int, kind EventKind) (list []Event) {
	for e, ok := n.TakeEvent(lcore); ok; e, ok = n.TakeEvent(lcore) {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}

// TestIKE132_LimitsNameTheSA: a lifetime event says which SA it is about, in both directions: lcore, slot, SPI.
func TestIKE132_LimitsNameTheSA(t *testing.T) {
	r := newRig(t, rigConfig{lcores: 2})
	sa := tunnelSA(r.b.spiOf(1, 0x1000), addrA, addrB)
	sa.Soft.Seq = 3
	r.b.installIn(1, tunnelSA(0x9000, addrA, addrB)) // so that slots differ
	in := r.b.installIn(1, sa)
	out := r.a.installOut(0, sa)
	r.a.point(0, OutRef{0, out})
	for i := range uint32(5) {
		r.hostA.send(numbered(addrA.host, addrB.host, 100, i))
	}
	r.steps(4, 1e6)
	limit := func(slot uint32) esp.Event { return esp.Event{Slot: slot, SPI: sa.SPI, Kind: esp.SoftSeq} }
	for _, c := range []struct {
		n    *node
		want Event
	}{
		{r.a, Event{Kind: EventLimit, Slot: out, SPI: sa.SPI, Limit: limit(out)}},
		{r.b, Event{Kind: EventLimit, Lcore: 1, Inbound: true, Slot: in, SPI: sa.SPI, Limit: limit(in)}},
	} {
		got := c.n.eventsOf(int(c.want.Lcore), EventLimit)
		if len(got) != 1 {
			t.Fatalf("%d events, expected 1", len(got))
		}
		got[0].Time = 0
		if got[0] != c.want {
			t.Errorf("event %+v, expected %+v", got[0], c.want)
		}
	}
}

// TestIKE142_DropsNameTheSource: an ESP packet that no SA takes is told with where it came from and went to, its SPI and its
// sequence number (RFC 4303 3.4.2 asks for all of them), also when another lcore received it.
func TestIKE142_DropsNameTheSource(t *testing.T) {
	r := newHalfRig(t, rigConfig{lcores: 2, ethernet: true})
	peer := r.openPeer()
	spi := r.a.spiOf(1, 0x12345)
	e := slices.Concat(be(spi), be(77), make([]byte, 44))
	for name, c := range map[string]struct {
		packet   []byte
		src, dst string
		proto    uint8
	}{
		"IPv4":         {header4("198.51.100.9", addrA.outer, 50, 64, e), "198.51.100.9:0", addrA.outer + ":0", 50},
		"IPv4 UDP":     {header4("198.51.100.9", addrA.outer, 17, 64, udp(31000, 4500, e)), "198.51.100.9:31000", addrA.outer + ":4500", 17},
		"IPv6":         {header6("2001:db8:9::9", addrA.outer6, 50, 64, e), "[2001:db8:9::9]:0", "[" + addrA.outer6 + "]:0", 50},
		"IPv6 UDP":     {header6("2001:db8:9::9", addrA.outer6, 17, 64, udp(31000, 4500, e)), "[2001:db8:9::9]:31000", "[" + addrA.outer6 + "]:4500", 17},
		"IPv6 options": {header6("2001:db8:9::9", addrA.outer6, 60, 64, append([]byte{50, 0, 1, 4, 0, 0, 0, 0}, e...)), "[2001:db8:9::9]:0", "[" + addrA.outer6 + "]:0", 50},
	} {
		t.Run(name, func(t *testing.T) {
			peer.send(onLink(pmd.Ethernet, c.packet))
			r.steps(3, 1e6)
			got := r.a.eventsOf(1, EventDrop)
			if len(got) != 1 {
				t.Fatalf("%d events, expected 1", len(got))
			}
			f := &got[0].Flow
			if mbuf.Verdict(got[0].Verdict) != mbuf.UnknownSPI || got[0].SPI != spi || got[0].Seq != 77 ||
				f.Source().String() != c.src || f.Destination().String() != c.dst || f.Proto != c.proto || f.HasPorts != (c.proto == 17) {
				t.Errorf("%s to %s, %+v", f.Source(), f.Destination(), got[0])
			}
		})
	}
}

// TestSPD060_MismatchNamesTheFlow: what is said about an inner packet outside its SA's selectors is what INVALID_SELECTORS
// needs, and nothing where inner traffic must not move IKE.
func TestSPD060_MismatchNamesTheFlow(t *testing.T) {
	for _, acquire := range []bool{true, false} {
		for name, mode := range modes {
			r := newRig(t, rigConfig{})
			_, in := r.connect(mode, 0x1000)
			r.b.gen.Children[0].Acquire = acquire
			r.b.publish()
			r.a.setPolicy(spd.Entry{Action: spd.Protect, Selectors: []spd.Selector{{}}})
			r.hostA.send(numbered("10.9.0.1", addrB.host, 100, 2))
			r.steps(4, 1e6)
			got := r.b.eventsOf(0, EventDrop)
			if len(got) != 1 {
				t.Fatalf("%s: %d events, expected 1", name, len(got))
			}
			var want Flow
			if acquire {
				want = Flow{Src: addrOf("10.9.0.1"), Dst: addrOf(addrB.host), SrcPort: 1000, DstPort: 2000, Proto: 17, HasPorts: true}
			}
			if e := got[0]; mbuf.Verdict(e.Verdict) != mbuf.SelectorMismatch || e.SPI != 0x1000 || e.Slot != in || !e.Inbound || e.Flow != want {
				t.Errorf("%s, acquire %t: event %+v", name, acquire, e)
			}
		}
	}
}

func addrOf(s string) Addr { return AddrFrom(netip.MustParseAddr(s)) }

// TestAcquireNamesTheFlow: the event has the selectors of the packet that found no SA, which IKE puts first (RFC 7296 2.9).
func TestAcquireNamesTheFlow(t *testing.T) {
	ping := header6(addrA.host6, addrB.host6, 58, 64, []byte{128, 0, 0, 0, 0, 1, 0, 1})
	for name, c := range map[string]struct {
		packet []byte
		want   Flow
	}{
		"UDP":              {numbered(addrA.host, addrB.host, 60, 1), Flow{Src: addrOf(addrA.host), Dst: addrOf(addrB.host), SrcPort: 1000, DstPort: 2000, Proto: 17, HasPorts: true}},
		"ICMPv6":           {ping, Flow{Src: addrOf(addrA.host6), Dst: addrOf(addrB.host6), SrcPort: 128 << 8, DstPort: 128 << 8, Proto: 58, HasPorts: true}},
		"a later fragment": {patch(numbered(addrA.host, addrB.host, 60, 1), 6, 0, 9), Flow{Src: addrOf(addrA.host), Dst: addrOf(addrB.host), Proto: 17}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newHalfRig(t, rigConfig{})
			r.hostA.send(c.packet)
			r.steps(2, 1e6)
			if got := r.a.eventsOf(0, EventAcquire); len(got) != 1 || got[0].Flow != c.want || got[0].Child != 0 {
				t.Errorf("events %+v, expected one with %+v", got, c.want)
			}
		})
	}
}

// TestNobodyAsksForAConstantChild: inner packets of a child without Acquire and PerResource tell control nothing, whatever
// they lack (DESIGN.md 8).
func TestNobodyAsksForAConstantChild(t *testing.T) {
	r := newHalfRig(t, rigConfig{lcores: 2})
	r.openPeer()
	r.a.gen.Children[0].Acquire = false
	r.a.publish()
	r.hostA.send(numbered(addrA.host, addrB.host, 60, 1))
	r.steps(2, 1e6)
	r.a.point(0, OutRef{1, r.a.installOut(1, constantSA(0x1000, addrA, addrB))})
	r.hostA.send(numbered(addrA.host, addrB.host, 60, 2))
	r.steps(4, 1e6)
	if c := r.a.total(); c.Verdicts[mbuf.NoSA] != 1 || c.ClearOut != 1 {
		t.Fatalf("%d without SA, %d handed over: the test saw too little", c.Verdicts[mbuf.NoSA], c.ClearOut)
	}
	for l := range 2 {
		if e, ok := r.a.TakeEvent(l); ok {
			t.Errorf("event %+v", e)
		}
	}
}

// TestRSC004_AskForOwnSA: an lcore that hands packets to the owner of the fallback SA says so where the child wants an SA for
// every lcore, ten times a second at the most, and no longer once it has its own.
func TestRSC004_AskForOwnSA(t *testing.T) {
	r := newHalfRig(t, rigConfig{lcores: 2})
	r.openPeer()
	r.a.point(0, OutRef{1, r.a.installOut(1, tunnelSA(0x1000, addrA, addrB))})
	send := func(steps int) (got []Event) {
		for i := range steps {
			r.hostA.send(numbered(addrA.host, addrB.host, 60, uint32(i)))
			r.step(1e6)
			got = append(got, r.a.eventsOf(0, EventResource)...)
		}
		return append(got, r.a.eventsOf(1, EventResource)...)
	}
	if got := send(50); len(got) != 0 {
		t.Errorf("%d events although the child has one SA for all", len(got))
	}
	r.a.gen.Children[0].PerResource = true
	r.a.publish()
	got := send(500)
	if len(got) != 5 || got[0].Child != 0 || got[0].Lcore != 0 || got[0].Flow.Destination().String() != addrB.host+":2000" {
		t.Errorf("%d events in half a second, expected 5 of lcore 0: %+v", len(got), got)
	}
	r.a.point(0, OutRef{0, r.a.installOut(0, tunnelSA(0x1001, addrA, addrB))}, 0)
	if got := send(300); len(got) != 0 {
		t.Errorf("%d events from an lcore with an SA of its own", len(got))
	}
}

// TestMiss: a next hop without link address is asked for, at both ends of the way through the appliance, ten times a second at
// the most; a scan of a whole network does not become a flood.
func TestMiss(t *testing.T) {
	r := newHalfRig(t, rigConfig{ethernet: true})
	r.openPeer()
	r.a.gen.Children[0].Egress = spd.Adjacency{Port: outsidePort, MTU: 1500}
	r.a.gen.Children[0].NextHop = netip.MustParseAddr("192.0.2.77")
	r.a.gen.Routes = onlyOutside(t, "203.0.113.0/24")
	r.a.setPolicy(entryTo("203.0.113.0/24", spd.Bypass, 0), entryTo(addrB.net, spd.Protect, 0))
	r.a.point(0, OutRef{0, r.a.installOut(0, tunnelSA(0x1000, addrA, addrB))})
	asked := map[string][]int64{}
	send := func(dst string) {
		r.hostA.send(onLink(pmd.Ethernet, numbered(addrA.host, dst, 80, 1)))
	}
	take := func() {
		for _, e := range r.a.eventsOf(0, EventMiss) {
			if e.Port != outsidePort {
				t.Errorf("event %+v, expected port %d", e, outsidePort)
			}
			asked[e.NextHop.IP().String()] = append(asked[e.NextHop.IP().String()], e.Time)
		}
	}
	for range 350 {
		send("203.0.113.1")
		send(addrB.host)
		r.step(1e6)
		take()
	}
	for _, hop := range []string{"203.0.113.1", "192.0.2.77"} {
		if n := len(asked[hop]); n != 4 {
			t.Errorf("%s was asked for %d times in 350 ms, expected 4", hop, n)
		}
	}
	clear(asked)
	for i := range 1000 {
		send(fmt.Sprintf("203.0.113.%d", i%250+2))
		r.step(100_000)
		take()
	}
	if n := len(asked); n == 0 || n > 16*11 {
		t.Errorf("a scan asked for %d next hops in 100 ms, expected 1 to 176", n)
	}
	wantVerdicts(t, r.a.total(), map[mbuf.Verdict]uint64{mbuf.NoNeighbour: 1700})
}

// TestAcquireOfEveryChild: a busy child without an SA does not keep another one from asking for its own.
func TestAcquireOfEveryChild(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	r.a.gen.Children = append(slices.Clone(r.a.gen.Children), r.a.gen.Children[0])
	r.a.setPolicy(entryTo(addrB.net, spd.Protect, 0), entryTo("203.0.113.0/24", spd.Protect, 1))
	asked := map[uint32]int{}
	for i := range uint32(50) {
		r.hostA.send(numbered(addrA.host, addrB.host, 60, i), numbered(addrA.host, "203.0.113.1", 60, i))
		r.step(1e6)
		for e, ok := r.a.TakeEvent(0); ok; e, ok = r.a.TakeEvent(0) {
			asked[e.Child]++
		}
	}
	if asked[0] == 0 || asked[1] == 0 {
		t.Errorf("acquire events by child: %v, expected both", asked)
	}
}
