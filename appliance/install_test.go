package appliance_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"stillwater/pmd/softpmd"
)

// beforeOutbound adapts a function to Options.BeforeOutbound.
func beforeOutbound(f func() error) func(context.Context) error {
	return func(context.Context) error { return f() }
}

const constantLines = "mode = \"constant\"\npackets_per_second = 5000\npath_is_mine = true"

// TestBeforeOutbound calls it once all inbound SAs are in place and before anything was sent, constant senders included.
func TestBeforeOutbound(t *testing.T) {
	n := newNetwork(t)
	sent := n.tap(softpmd.A)
	calls := 0
	a, err := n.stepped(gate{side: 1, lcores: 2, sas: 2, tunnel: constantLines}, func(s *stepped) error {
		calls++
		if s.step(100); sent.total() != 0 {
			t.Errorf("%d packets were sent before", sent.total())
		}
		if got := len(s.Status().SAs); got != 2 {
			t.Errorf("%d SA pairs are known, expected 2", got)
		}
		return nil
	})
	if err != nil || calls != 1 {
		t.Fatalf("%d calls, %v", calls, err)
	}
	n.host(2, a.clock) // not needed by the gateway: nothing comes from it
	if _, err := n.port("outside,2", hostConfig(t)); err != nil {
		t.Fatal(err)
	}
	if a.step(100); sent.total() == 0 {
		t.Error("nothing was sent afterwards")
	}
}

// TestBeforeOutboundFails sends nothing and hands the error on.
func TestBeforeOutboundFails(t *testing.T) {
	n := newNetwork(t)
	sent, refusal := n.tap(softpmd.A), errors.New("the peer has gone")
	a, err := n.stepped(gate{side: 1, tunnel: constantLines}, func(*stepped) error { return refusal })
	if !errors.Is(err, refusal) {
		t.Errorf("error %v, expected %v", err, refusal)
	}
	if a.step(100); sent.total() != 0 {
		t.Errorf("%d packets were sent", sent.total())
	}
}

// TestSAsAndLcores seals with one SA for each lcore that has one: fewer SAs than lcores share, more than lcores receive only
// (RFC 9611 4).
func TestSAsAndLcores(t *testing.T) {
	for _, c := range []struct{ lcores, sas, senders int }{{1, 1, 1}, {4, 4, 4}, {4, 2, 2}, {4, 1, 1}, {3, 2, 2}, {2, 5, 2}, {1, 3, 1}} {
		n := newNetwork(t)
		sent := n.tap(softpmd.A)
		a, err := n.stepped(gate{side: 1, lcores: c.lcores, sas: c.sas}, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := n.stepped(gate{side: 2, lcores: 1, sas: c.sas}, nil)
		if err != nil {
			t.Fatal(err)
		}
		from, to := n.host(1, a.clock), n.host(2, b.clock)
		const flows = 200
		arrived := 0
		for i := range flows {
			if !from.send(byte(i), 100) {
				t.Fatalf("%+v: packet %d does not fit the wire", c, i)
			}
			a.step(2)
			b.step(2)
			arrived += to.receive()
		}
		for range 50 {
			a.step(2)
			b.step(2)
			arrived += to.receive()
		}
		if arrived != flows {
			t.Errorf("%+v: %d of %d packets arrived; drops %v and %v", c, arrived, flows, a.Status().Drops, b.Status().Drops)
		}
		var want []uint32
		for k := range c.senders {
			want = append(want, uint32(spiOf(k, 1)))
		}
		if got := slices.Sorted(maps.Keys(sent.count)); !slices.Equal(got, want) {
			t.Errorf("%+v: SPIs %x sent, expected %x", c, got, want)
		}
	}
}
