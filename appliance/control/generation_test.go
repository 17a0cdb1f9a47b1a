package control

import (
	"fmt"
	"net/netip"
	"testing"

	"stillwater/appliance/dataplane"
	"stillwater/appliance/spd"
	"stillwater/ike"
)

// tunnelOf is where policy leads a packet from the inside.
func (r *rig) tunnelOf(dst string) (spd.Action, string) {
	g := r.plane.Generation()
	d := g.Policy.Outbound(&spd.Packet{Src: netip.MustParseAddr("10.1.0.9"), Dst: netip.MustParseAddr(dst), Proto: 253})
	if d.Action != spd.Protect {
		return d.Action, ""
	}
	for id, b := range r.bundles {
		if b.index == d.Tunnel {
			return d.Action, "bundle " + string('0'+rune(id))
		}
	}
	return d.Action, "trap of " + g.Children[d.Tunnel].Name
}

func (r *rig) leads(dst, want string) {
	r.t.Helper()
	if action, got := r.tunnelOf(dst); action != spd.Protect || got != want {
		r.t.Errorf("%s: %v %q, expected %q", dst, action, got, want)
	}
}

// TestPolicyOrder: what a peer narrowed goes into its bundle, the rest of the child asks for an SA; the bundle opened first
// keeps what it has; a closed one has nothing.
func TestPolicyOrder(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.leads("10.2.0.1", "trap of peers/net")
	r.open(1, "10.2.0.0/16")
	r.open(2, "10.2.0.0/15")
	r.settle()
	r.leads("10.2.0.1", "bundle 1")
	r.leads("10.3.0.1", "bundle 2")
	r.leads("10.4.0.1", "trap of peers/net")
	if action, _ := r.tunnelOf("192.168.0.1"); action != spd.Discard {
		t.Errorf("%v of a packet that no entry names", action)
	}
	r.on(ike.CloseBundle, 1, nil)
	r.settle()
	r.leads("10.2.0.1", "bundle 2")
	r.on(ike.CloseBundle, 2, nil)
	r.settle()
	r.leads("10.2.0.1", "trap of peers/net")
	r.nothingLeft()
}

// TestRekeyCostsARow: a rekey builds neither policy nor routes, and changes the row of its bundle alone.
func TestRekeyCostsARow(t *testing.T) {
	r := newRig(t, rigConfig{lcores: 2})
	old := r.newSA(0, true)
	for id, p := range map[ike.BundleID]*ike.Pair{1: old, 2: r.newSA(0, true)} {
		r.open(id, fmt.Sprintf("10.%d.0.0/16", id+1))
		r.settle()
		r.up(id, p)
	}
	before, other, own := r.plane.Generation(), r.ref(2, 0), r.ref(1, 0)
	r.rekey(1, r.newSA(0, true), old)
	after := r.plane.Generation()
	if after == before || after.Policy != before.Policy || after.Routes != before.Routes {
		t.Error("policy or routes were built for a rekey")
	}
	if r.ref(2, 0) != other || r.ref(1, 0) == own {
		t.Errorf("%v and %v, before %v and %v", r.ref(1, 0), r.ref(2, 0), own, other)
	}
}

// TestRekeyTakesOnePlace: the new SA seals where the one did that it replaces; that one does until the new one can, and again
// should the new one go. Another SA of the lcore, which the peer asked for at the same time, changes nothing.
func TestRekeyTakesOnePlace(t *testing.T) {
	r := newRig(t, rigConfig{lcores: 2})
	first, own, next := r.newSA(0, true), r.newSA(1, false), r.newSA(0, true)
	r.open(1, "10.2.0.0/16")
	r.settle()
	r.up(1, first)
	r.up(1, own)
	fallback := r.ref(1, 0)
	r.on(ike.AddInbound, 1, next)
	r.settle()
	if r.ref(1, 0) != fallback {
		t.Error("the fallback SA is out of use before its successor can send")
	}
	r.up(1, r.newSA(0, false))
	if r.ref(1, 0) != fallback {
		t.Error("a second SA of the lcore took the place of the first")
	}
	r.do(ike.Operation{Kind: ike.AddOutbound, Bundle: 1, Pair: next, Replaces: first.SPIIn})
	r.settle()
	if got := r.ref(1, 0); got == fallback || got.Lcore != 0 || r.ref(1, 1).Lcore != 1 {
		t.Errorf("lcores seal with %v and %v", got, r.ref(1, 1))
	}
	r.on(ike.RemoveOutbound, 1, next) // the loser of two rekeys at once
	r.settle()
	if r.ref(1, 0) != fallback {
		t.Errorf("lcore 0 seals with %v, expected the SA that is left", r.ref(1, 0))
	}
}

// TestRefs: an lcore seals with its own SA, else with the fallback SA, else with that of the lowest lcore (RFC 9611 4).
func TestRefs(t *testing.T) {
	sa := func(lcore int, slot uint32, fallback bool) *pair {
		return &pair{lcore: lcore, fallback: fallback, out: half{state: there, slot: slot}}
	}
	ref := func(lcore uint8, slot uint32) dataplane.OutRef { return dataplane.OutRef{Lcore: lcore, Slot: slot} }
	for name, c := range map[string]struct {
		sealing []*pair
		want    [4]dataplane.OutRef
	}{
		"none":                       {nil, [4]dataplane.OutRef{dataplane.NoSA, dataplane.NoSA, dataplane.NoSA, dataplane.NoSA}},
		"fallback":                   {[]*pair{sa(2, 7, true)}, [4]dataplane.OutRef{ref(2, 7), ref(2, 7), ref(2, 7), ref(2, 7)}},
		"own and fallback":           {[]*pair{sa(2, 7, true), sa(0, 1, false)}, [4]dataplane.OutRef{ref(0, 1), ref(2, 7), ref(2, 7), ref(2, 7)}},
		"no fallback":                {[]*pair{sa(3, 9, false), sa(1, 5, false)}, [4]dataplane.OutRef{ref(1, 5), ref(1, 5), ref(1, 5), ref(3, 9)}},
		"rekeyed":                    {[]*pair{sa(0, 2, true), sa(0, 1, true), sa(1, 5, false)}, [4]dataplane.OutRef{ref(0, 2), ref(1, 5), ref(0, 2), ref(0, 2)}},
		"rekeyed without a fallback": {[]*pair{sa(3, 9, false), sa(1, 6, false)}, [4]dataplane.OutRef{ref(1, 6), ref(1, 6), ref(1, 6), ref(3, 9)}},
	} {
		row := [4]dataplane.OutRef{}
		if (&bundle{sealing: c.sealing}).refs(row[:]); row != c.want {
			t.Errorf("%s: got %v, expected %v", name, row, c.want)
		}
	}
}

// TestGenerationThatFails: nobody is told of what the lcores do not have; it is tried again.
func TestGenerationThatFails(t *testing.T) {
	r := newRig(t, rigConfig{})
	nowhere := hop{port: 9, addr: netip.MustParseAddr("192.0.2.9")}
	r.neighbours.known[nowhere] = [6]byte{2}
	r.draft.routes = true
	number := r.number
	opened := r.open(1, "10.2.0.0/16")
	r.settle()
	r.waits(opened, "there is no generation with it")
	if r.number != number || r.plane.Generation().Number != number {
		t.Errorf("generation %d, expected %d still", r.plane.Generation().Number, number)
	}
	delete(r.neighbours.known, nowhere)
	r.time.Add(retryTime)
	r.settle()
	must(t, r.outcome(opened))
}

// TestGenerationsAreBatched: many changes are one generation.
func TestGenerationsAreBatched(t *testing.T) {
	r := newRig(t, rigConfig{})
	number := r.number
	r.openCrowd(100)
	r.step()
	if r.number != number+1 {
		t.Errorf("%d generations for 100 bundles, expected one", r.number-number)
	}
	r.open(200, "10.200.0.0/16")
	r.time.Add(1)
	r.Step(r.time.Load()) // a nanosecond later
	if r.number != number+1 {
		t.Error("the next generation came at once")
	}
	r.settle()
	if r.number != number+2 {
		t.Errorf("%d generations, expected two", r.number-number)
	}
}
