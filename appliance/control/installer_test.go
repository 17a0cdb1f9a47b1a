package control

import (
	"errors"
	"fmt"
	"testing"

	"stillwater/appliance/dataplane"
	"stillwater/ike"
)

// TestOrderOfInstallation: the lcore listens before the engine may answer its peer, every lcore knows what the bundle's index
// means before an SA is installed with it, and every lcore seals with an SA before the engine hears that it works
// (DESIGN.md 6).
func TestOrderOfInstallation(t *testing.T) {
	r := newRig(t, rigConfig{lcores: 2})
	p := r.newSA(1, true)
	opened, in := r.open(1, "10.2.0.0/16"), r.on(ike.AddInbound, 1, p)
	b := r.bundles[1]
	if r.pairs[p.SPIIn].in.state != coming || len(r.orders.awaited) != 0 {
		t.Error("the install was ordered before the lcores know the bundle")
	}
	r.waits(opened, "no lcore has seen the bundle")
	r.settle()
	must(t, r.outcome(opened))
	must(t, r.outcome(in))
	if g := r.plane.Generation(); g.Children[b.index].Name != "peers/net" || g.Children[b.index].Since != b.since || b.since > g.Number {
		t.Errorf("child %d is %+v in generation %d", b.index, g.Children[b.index], g.Number)
	}
	if got := r.ref(1, 0); got != dataplane.NoSA {
		t.Errorf("lcore 0 seals with %v before there is an outbound SA", got)
	}
	out := r.on(ike.AddOutbound, 1, p)
	for r.pairs[p.SPIIn].out.state == coming {
		r.step()
	}
	r.waits(out, "no generation names the SA")
	r.settle()
	must(t, r.outcome(out))
	for lcore := range 2 {
		if got := r.ref(1, lcore); got.Lcore != 1 || got == dataplane.NoSA {
			t.Errorf("lcore %d seals with %v, expected the fallback SA of lcore 1", lcore, got)
		}
	}
	wantWiped(t, p.KeymatIn, p.KeymatOut)
	r.takeDown(1, p)
	r.nothingLeft()
}

// takeDown removes a pair and its bundle in the order of a peer's Delete.
func (r *rig) takeDown(id ike.BundleID, ps ...*ike.Pair) {
	r.t.Helper()
	for _, p := range ps {
		r.on(ike.RemoveOutbound, id, p)
		r.on(ike.RemoveInbound, id, p)
	}
	r.on(ike.CloseBundle, id, nil)
	r.settle()
}

// TestRemoveWhileComing: the engine discards SAs that are still on their way to the lcore. They leave as soon as they are
// there, whatever came first, and nothing of them stays.
func TestRemoveWhileComing(t *testing.T) {
	for steps := range 8 {
		for name, kinds := range map[string][]ike.OperationKind{
			"outbound first": {ike.RemoveOutbound, ike.RemoveInbound, ike.CloseBundle},
			"inbound first":  {ike.RemoveInbound, ike.RemoveOutbound, ike.CloseBundle},
			"bundle first":   {ike.CloseBundle, ike.RemoveOutbound, ike.RemoveInbound},
		} {
			t.Run(fmt.Sprint(name, " after ", steps), func(t *testing.T) {
				r := newRig(t, rigConfig{})
				p := r.newSA(0, true)
				r.open(1, "10.2.0.0/16")
				r.on(ike.AddInbound, 1, p)
				r.on(ike.AddOutbound, 1, p)
				for range steps {
					r.step()
				}
				for _, k := range kinds {
					r.on(k, 1, p)
				}
				r.settle()
				r.nothingLeft()
				wantWiped(t, p.KeymatIn, p.KeymatOut)
				if pairs := r.Pairs(); len(pairs) != 0 {
					t.Errorf("%+v", pairs)
				}
			})
		}
	}
}

// TestRandomOperations gives operations of a few bundles in any order and at any distance. Every one of them has one answer,
// and in the end nothing is left.
func TestRandomOperations(t *testing.T) {
	random := newRandom(t)
	for range 30 {
		r := newRig(t, rigConfig{lcores: 2})
		var pairs []*ike.Pair
		for i := range 6 {
			pairs = append(pairs, r.newSA(i%2, i < 2))
		}
		for range 60 {
			id := ike.BundleID(1 + random.IntN(3))
			p := pairs[2*(int(id)-1)+random.IntN(2)]
			switch random.IntN(8) {
			case 0:
				if r.bundles[id] == nil {
					r.open(id, fmt.Sprintf("10.%d.0.0/16", id+1))
				}
			case 1:
				r.do(ike.Operation{Kind: ike.MoveBundle, Bundle: id, Outer: outerTo(byte(2 + random.IntN(5)))})
			case 2:
				r.on(ike.CloseBundle, id, p)
			case 3, 4:
				p.KeymatIn = keysOf(p.SPIIn)
				r.on(ike.AddInbound, id, p)
			case 5:
				p.KeymatOut = keysOf(p.SPIOut)
				r.on(ike.AddOutbound, id, p)
			case 6:
				r.on(ike.RemoveOutbound, id, p)
			case 7:
				r.on(ike.RemoveInbound, id, p)
			}
			for range random.IntN(3) {
				r.step()
			}
		}
		for i, p := range pairs {
			r.on(ike.RemoveOutbound, ike.BundleID(1+i/2), p)
			r.on(ike.RemoveInbound, ike.BundleID(1+i/2), p)
			r.on(ike.CloseBundle, ike.BundleID(1+i/2), p)
		}
		r.settle()
		r.settle()
		r.nothingLeft()
		if t.Failed() {
			return
		}
	}
}

// TestRefusals: what the data plane cannot do is an error for the engine, which keeps the SPI, and keys are wiped.
func TestRefusals(t *testing.T) {
	r := newRig(t, rigConfig{slots: 64})
	r.open(1, "10.2.0.0/16")
	r.settle()
	bad := r.newSA(0, true)
	bad.KeymatIn, bad.KeymatOut = bad.KeymatIn[:7], bad.KeymatOut[:7]
	long := r.newSA(0, true)
	long.KeymatIn = make([]byte, 200)
	long.KeymatIn[199] = 1
	stranger := r.newSA(0, true)
	for name, c := range map[string]struct {
		bundle ike.BundleID
		pair   *ike.Pair
	}{"key length": {1, bad}, "too much key": {1, long}, "no bundle": {9, stranger}} {
		t.Run(name, func(t *testing.T) {
			in := r.on(ike.AddInbound, c.bundle, c.pair)
			r.settle()
			if err := r.outcome(in); !errors.Is(err, errRefused) {
				t.Errorf("inbound: %v", err)
			}
			out := r.on(ike.AddOutbound, c.bundle, c.pair)
			r.settle()
			if err := r.outcome(out); !errors.Is(err, errRefused) {
				t.Errorf("outbound: %v", err)
			}
			wantWiped(t, c.pair.KeymatIn, c.pair.KeymatOut)
			if _, used := r.spis[c.pair.SPIIn]; !used {
				t.Error("the SPI may be drawn again, though the engine has not given it back")
			}
			r.on(ike.RemoveInbound, c.bundle, c.pair)
		})
	}
	r.on(ike.CloseBundle, 1, nil)
	r.settle()
	r.nothingLeft()
}

// TestOpenRefused: a child that is not configured, and selectors that cannot be compiled.
func TestOpenRefused(t *testing.T) {
	r := newRig(t, rigConfig{})
	tcp, udp := selectors("10.1.0.0/16"), selectors("10.2.0.0/16")
	tcp[0].Protocol, udp[0].Protocol = 6, 17
	bare := selectors("10.2.0.0/16")
	bare[0].StartPort, bare[0].EndPort = 80, 80 // ports of no protocol mean nothing (RFC 7296 3.13.1)
	child := r.conns[0].Children[0]
	for name, op := range map[string]ike.Operation{
		"child":      {Child: &ike.Child{}, Local: selectors("10.1.0.0/16"), Remote: selectors("10.2.0.0/16")},
		"protocols":  {Child: child, Local: tcp, Remote: udp},
		"ports":      {Child: child, Local: selectors("10.1.0.0/16"), Remote: bare},
		"no network": {Child: child},
	} {
		op.Kind, op.Bundle, op.Outer = ike.OpenBundle, 7, outerTo(2)
		if err := r.outcome(r.do(op)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	r.nothingLeft()
}

// TestIndexOutlivesItsSAs: a child index means one bundle as long as an lcore holds an SA of it, and until every lcore has
// seen that it means nothing.
func TestIndexOutlivesItsSAs(t *testing.T) {
	r := newRig(t, rigConfig{})
	p := r.newSA(0, true)
	r.open(1, "10.2.0.0/16")
	r.settle()
	r.up(1, p)
	index := r.bundles[1].index
	r.on(ike.CloseBundle, 1, nil)
	r.settle()
	if g := r.plane.Generation(); g.Children[index].Name == "" || g.Children[index].Acquire || len(r.indexes.free) != 0 {
		t.Errorf("closed with an SA: %+v, free %v", g.Children[index], r.indexes.free)
	}
	r.on(ike.RemoveOutbound, 1, p)
	r.on(ike.RemoveInbound, 1, p)
	for range 50 {
		r.step()
		if hole := r.plane.Generation().Children[index].Name == ""; len(r.indexes.free) > 0 && (!hole || !r.plane.Seen(r.number)) {
			t.Fatal("the index is free before every lcore has seen the hole")
		}
	}
	r.nothingLeft()
	r.open(2, "10.3.0.0/16")
	r.settle()
	if b := r.bundles[2]; b.index != index || r.plane.Generation().Children[index].Since != b.since {
		t.Errorf("%+v, expected index %d again", b, index)
	}
}
