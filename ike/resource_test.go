package ike

import (
	"slices"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// resourceLadder is two gateways with four lcores that want per-resource SAs.
func resourceLadder(t *testing.T, change func(a, b *Connection)) *ladder {
	t.Helper()
	a, b := pskPair()
	a.Resources, b.Resources = 3, 3
	if change != nil {
		change(a, b)
	}
	return newLadder(t, testSeed(t), Config{Connections: []*Connection{a}, Lcores: 4}, Config{Connections: []*Connection{b}, Lcores: 4})
}

// bundleID is the end's only bundle.
func (x *end) bundleID() BundleID {
	x.l.t.Helper()
	if len(x.e.bundles) != 1 {
		x.l.t.Fatalf("%s has %d bundles, want 1", x.name, len(x.e.bundles))
	}
	for id := range x.e.bundles {
		return id
	}
	return 0
}

// lcores is where the end's outbound SAs are, in order.
func (x *end) lcores() (list []int) {
	for _, p := range x.plane.out {
		list = append(list, p.Lcore)
	}
	slices.Sort(list)
	return list
}

// RFC 9611 3: an empty notification with the first SA, a running number with another one, both ways.
func TestRSC002_OnDemand(t *testing.T) {
	l := resourceLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	trigger := &Trigger{Protocol: 6, Src: netAddrPort("10.1.2.3:1000"), Dst: netAddrPort("10.2.3.4:80")}
	l.a.e.Resource(l.now, l.a.bundleID(), 2, trigger)
	l.settle()
	l.expect(mark,
		"a -> b  CREATE_CHILD_SA request 2: SK{N(USE_AGGFRAG) N(SA_RESOURCE_INFO) SA Nonce TSi TSr}",
		"b -> a  CREATE_CHILD_SA response 2: SK{N(USE_AGGFRAG) N(SA_RESOURCE_INFO) SA Nonce TSi TSr}",
	)
	l.pairs(2)
	if got := l.a.lcores(); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("a's SAs are on lcores %v, want 0 and 2", got)
	}
	// RSC-005: the responder's own choice is the lcore with the fewest.
	if got := l.b.lcores(); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("b's SAs are on lcores %v, want 0 and 1", got)
	}
	if len(l.a.e.bundles) != 1 || len(l.b.e.bundles) != 1 {
		t.Errorf("%d and %d bundles, want one of two SAs", len(l.a.e.bundles), len(l.b.e.bundles))
	}
	l.a.e.Resource(l.now, l.a.bundleID(), 2, trigger)
	l.settle()
	l.pairs(2) // it has one
}

// RSC-009: both ends ask at the same moment; both SAs stay.
func TestRSC009_BothAsk(t *testing.T) {
	l := resourceLadder(t, nil)
	l.connect("net")
	l.fate = func(*flight) fate { return hold }
	l.a.e.Resource(l.now, l.a.bundleID(), 1, nil)
	l.b.e.Resource(l.now, l.b.bundleID(), 3, nil)
	l.settle()
	l.fate = nil
	l.release()
	l.run(time.Hour)
	l.pairs(3)
}

// RSC-003: TS_MAX_QUEUE, never NO_ADDITIONAL_SAS; the asking end stops until one is deleted.
func TestRSC003_MaxQueue(t *testing.T) {
	l := resourceLadder(t, func(a, _ *Connection) { a.Resources = 100 })
	l.connect("net")
	b := l.b.e
	b.cfg.Lcores = 1 // of a's point of view the peer has fewer
	for _, c := range b.cfg.Connections {
		c.Resources = 1
	}
	id := l.a.bundleID()
	for lcore := range 4 {
		l.a.e.Resource(l.now, id, lcore, nil)
		l.settle()
	}
	l.pairs(4) // 2 x (1+1) of them
	l.a.e.cfg.Lcores = 8
	l.a.e.Resource(l.now, id, 5, nil)
	l.settle()
	l.pairs(4)
	if f := l.a.failure(); f.Notify != wire.TSMaxQueue || !f.FromPeer {
		t.Errorf("a's failure is %+v, want TS_MAX_QUEUE", f)
	}
	mark := l.mark()
	l.a.e.Resource(l.now, id, 6, nil)
	l.settle()
	l.expect(mark) // not asked again
	// b deletes one: room for another.
	s := l.b.sa()
	i := slices.IndexFunc(s.children, func(c *childSA) bool { return !c.fallback })
	s.deleteChild(l.now, s.children[i], "idle")
	l.settle()
	l.pairs(3)
	l.run(time.Hour)
	l.pairs(3) // not made again by itself: that would be a loop (RFC 9611 6)
	l.a.e.Resource(l.now, id, 6, nil)
	l.settle()
	l.pairs(4)
}

// LIM-12: a peer that wants such SAs from an end that does not gets an ordinary one.
func TestLIM12_NoResources(t *testing.T) {
	l := resourceLadder(t, func(_, b *Connection) { b.Resources = 0 })
	l.connect("net")
	l.a.e.Resource(l.now, l.a.bundleID(), 2, nil)
	l.settle()
	l.pairs(1)
	ps := append([]wire.Payload{wire.Notify{Notify: wire.SAResourceInfo, Data: []byte{0, 0, 0, 1}}}, askCreateChild(l)...)
	l.refusedWith(l.ask(l.a.sa(), create, ps...), wire.TSMaxQueue)
	if m := l.ask(l.a.sa(), create, askCreateChild(l)...); m == nil || m.sa() == nil {
		t.Error("IKE-143: an ordinary SA with the same selectors is refused")
	}
}

// RSC-006: a rekey stays on its lcore, at both ends.
func TestRSC006_RekeyStays(t *testing.T) {
	l := resourceLadder(t, nil)
	l.connect("net")
	for lcore := 1; lcore < 4; lcore++ {
		l.a.e.Resource(l.now, l.a.bundleID(), lcore, nil)
		l.settle()
	}
	l.pairs(4)
	at := map[*end][]int{l.a: l.a.lcores(), l.b: l.b.lcores()}
	fallback := l.b.fallbackLcore()
	l.a.e.Rekey(l.now, "net", false, true)
	l.run(time.Minute)
	l.b.e.Rekey(l.now, "net", true, true)
	l.run(time.Minute)
	l.pairs(4)
	for x, want := range at {
		if got := x.lcores(); !slices.Equal(got, want) {
			t.Errorf("%s has SAs on lcores %v after the rekeys, before on %v", x.name, got, want)
		}
	}
	if got := l.b.fallbackLcore(); got != fallback {
		t.Errorf("b's fallback SA is on lcore %d, was on %d", got, fallback)
	}
}

func (x *end) fallbackLcore() int {
	x.l.t.Helper()
	found, n := -1, 0
	for _, p := range x.plane.out {
		if p.Fallback {
			found, n = p.Lcore, n+1
		}
	}
	if n != 1 {
		x.l.t.Errorf("%s has %d fallback SAs, want 1", x.name, n)
	}
	return found
}

// RSC-007: another SA of the bundle has the properties of the first.
func TestRSC007_SameProperties(t *testing.T) {
	l := resourceLadder(t, func(a, b *Connection) {
		a.Children[0].Proposals = espProposals("aes128gcm16-aes256gcm16")
		b.Children[0].Proposals = espProposals("aes128gcm16-aes256gcm16")
	})
	l.connect("net")
	info := wire.Notify{Notify: wire.SAResourceInfo, Data: []byte{0, 0, 0, 1}}
	request := func(change func(ps []wire.Payload)) []wire.Payload {
		ps := append([]wire.Payload{info}, askCreateChild(l)...)
		change(ps)
		return ps
	}
	other := request(func(ps []wire.Payload) {
		ps[2] = wire.SA{Proposals: offerESP(espProposals("aes256gcm16"), false, []byte{9, 9, 9, 9})}
	})
	l.refusedWith(l.ask(l.a.sa(), create, other...), wire.NoProposalChosen)
	plain := request(func([]wire.Payload) {})
	l.refusedWith(l.ask(l.a.sa(), create, slices.Delete(plain, 1, 2)...), wire.NoProposalChosen)
	flags := request(func(ps []wire.Payload) { ps[1] = wire.Notify{Notify: wire.UseAggfrag, Data: []byte{1}} })
	l.refusedWith(l.ask(l.a.sa(), create, flags...), wire.NoProposalChosen)
	if m := l.ask(l.a.sa(), create, request(func([]wire.Payload) {})...); m == nil || m.notify(wire.SAResourceInfo) == nil {
		t.Error("an equal one is refused")
	}
}

// TestRSC001_AnyForm: protocol, SPI and data of SA_RESOURCE_INFO mean nothing.
func TestRSC001_AnyForm(t *testing.T) {
	for _, n := range []wire.Notify{
		{Notify: wire.SAResourceInfo}, {Protocol: wire.ProtoESP, Notify: wire.SAResourceInfo},
		{Protocol: 77, SPI: []byte{1, 2, 3}, Notify: wire.SAResourceInfo, Data: make([]byte, 300)},
	} {
		l := resourceLadder(t, nil)
		l.connect("net")
		m := l.ask(l.a.sa(), create, append([]wire.Payload{n}, askCreateChild(l)...)...)
		if m == nil || m.notify(wire.SAResourceInfo) == nil || m.sa() == nil {
			t.Errorf("%+v: no SA", n)
		}
	}
}

// DESIGN.md 8: a constant connection has all its SAs at once.
func TestRSC004_UpFront(t *testing.T) {
	l := resourceLadder(t, func(a, b *Connection) { a.Children[0].UpFront, b.Children[0].UpFront = 4, 4 })
	l.connect("net")
	l.pairs(4)
	for _, x := range []*end{l.a, l.b} {
		if got := x.lcores(); !slices.Equal(got, []int{0, 1, 2, 3}) {
			t.Errorf("%s has SAs on lcores %v", x.name, got)
		}
	}
}

// IKE-031: the SAs of a dead lcore are deleted, and a fallback SA is made elsewhere.
func TestIKE031_LcoreDead(t *testing.T) {
	l := resourceLadder(t, nil)
	l.connect("net")
	l.a.e.Resource(l.now, l.a.bundleID(), 1, nil)
	l.a.e.Resource(l.now, l.a.bundleID(), 2, nil)
	l.settle()
	l.pairs(3)
	l.a.e.LcoreDead(l.now, 1)
	l.run(time.Minute)
	l.pairs(2)
	l.a.e.cfg.Place = func() int { return 3 }
	l.a.e.LcoreDead(l.now, 0)
	l.run(time.Minute)
	l.pairs(2)
	if got := l.a.lcores(); !slices.Equal(got, []int{2, 3}) {
		t.Errorf("a has SAs on lcores %v, want 2 and 3", got)
	}
	if got := l.a.fallbackLcore(); got != 3 {
		t.Errorf("a's fallback SA is on lcore %d, want 3", got)
	}
	l.b.fallbackLcore()
	if len(l.a.e.bundles) != 1 || len(l.b.e.bundles) != 1 {
		t.Errorf("%d and %d bundles, want 1", len(l.a.e.bundles), len(l.b.e.bundles))
	}
}
