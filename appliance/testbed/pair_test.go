package testbed

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"stillwater/pmd/softpmd"
)

var modes = []string{"constant", "aggregate", "tunnel"}

// outersides are the ways ESP leaves.
var outersides = map[string]PairConfig{
	"IPv4": {}, "IPv6": {IPv6: true}, "UDP": {Extra: `encap = "udp"`}, "IPv6 UDP": {IPv6: true, Extra: `encap = "udp"`},
}

// TestPairCarries has both appliances carry everything, unchanged and in order, in every mode, over every kind of outer
// packet, with one lcore and with four.
func TestPairCarries(t *testing.T) {
	for _, mode := range modes {
		for name, c := range outersides {
			for _, lcores := range []int{1, 4} {
				t.Run(fmt.Sprintf("%s/%s/%d", mode, name, lcores), func(t *testing.T) {
					c.Mode, c.Lcores, c.Mix = mode, lcores, mustMix(t, "imix")
					p := newStepped(t, c)
					tally := p.carry(1000)
					if !tally.Clean() || tally.Received == 0 {
						t.Errorf("%+v; drops %v", tally, p.drops())
					}
					if n := len(p.Observer.Sizes()); (n == 1) != (mode == "constant") {
						t.Errorf("%d sizes of outer packets: %v", n, p.Observer.Sizes())
					}
					p.checkShares(t, lcores)
				})
			}
		}
	}
}

// checkShares fails unless every lcore seals and opens, and packets that arrive on the wrong one are handed over.
func (s *steppedPair) checkShares(t *testing.T, lcores int) {
	t.Helper()
	handed := uint64(0)
	for i, a := range s.Appliances {
		for _, l := range a.Status().Lcores {
			if l.Sealed == 0 || l.Opened == 0 {
				t.Errorf("appliance %d, lcore %d: sealed %d and opened %d packets", i, l.Lcore, l.Sealed, l.Opened)
			}
			handed += l.HandedOver
		}
	}
	if (handed > 0) != (lcores > 1) {
		t.Errorf("%d packets were handed to other lcores of %d", handed, lcores)
	}
}

// TestPairDeterministic gives the same result for the same seed, and another one for another.
func TestPairDeterministic(t *testing.T) {
	first := newSeed(t)
	result := func(mode string, seed uint64) (Tally, map[int]uint64, map[string]uint64) {
		p := newStepped(t, PairConfig{Mode: mode, Lcores: 1, Mix: mustMix(t, "imix"), Seed: seed,
			Impair: [2]softpmd.Impairment{{Loss: 0.02, Reorder: 0.1, Duplicate: 0.05}, {Loss: 0.01, Delay: time.Millisecond}}})
		tally := p.carry(600)
		return tally, p.Observer.Sizes(), p.drops()
	}
	for _, mode := range modes {
		a, sizesA, dropsA := result(mode, first)
		b, sizesB, dropsB := result(mode, first)
		if a != b || !reflect.DeepEqual(sizesA, sizesB) || !reflect.DeepEqual(dropsA, dropsB) {
			t.Errorf("%s: one seed, two results: %+v %v %v and %+v %v %v", mode, a, sizesA, dropsA, b, sizesB, dropsB)
		}
		if c, _, dropsC := result(mode, first+1); a == c && reflect.DeepEqual(dropsA, dropsC) {
			t.Errorf("%s: two seeds, one result: %+v", mode, a)
		}
	}
}

// TestPairImpaired loses what the wire lost and no more, and keeps what it delivers whole and in order.
func TestPairImpaired(t *testing.T) {
	for name, c := range map[string]struct {
		impair         softpmd.Impairment
		losses         bool
		disordersPlain bool
	}{
		"loss":      {impair: softpmd.Impairment{Loss: 0.02}, losses: true},
		"reorder":   {impair: softpmd.Impairment{Reorder: 0.1, ReorderDepth: 48}, disordersPlain: true},
		"duplicate": {impair: softpmd.Impairment{Duplicate: 0.1}},
		"delay":     {impair: softpmd.Impairment{Delay: 3 * time.Millisecond, Jitter: time.Millisecond}},
	} {
		for _, mode := range modes {
			for _, lcores := range []int{1, 4} {
				t.Run(fmt.Sprintf("%s/%s/%d", name, mode, lcores), func(t *testing.T) {
					extra := "window_size = 64"
					if mode == "tunnel" {
						extra = ""
					}
					p := newStepped(t, PairConfig{Mode: mode, Lcores: lcores, Mix: mustMix(t, "imix"), Extra: extra, Seed: newSeed(t),
						Impair: [2]softpmd.Impairment{c.impair, c.impair}})
					tally := p.carry(1000)
					if tally.Corrupt != 0 || tally.Received == 0 || tally.Sent != tally.Received+tally.Lost {
						t.Errorf("%+v; drops %v", tally, p.drops())
					}
					if (tally.Lost > 0) != c.losses {
						t.Errorf("%d lost; drops %v", tally.Lost, p.drops())
					}
					if (tally.Reordered > 0) != (c.disordersPlain && mode == "tunnel") {
						t.Errorf("%d out of order", tally.Reordered)
					}
				})
			}
		}
	}
}

// TestPairRefused names what is wrong with a pair that cannot be, and can be asked again.
func TestPairRefused(t *testing.T) {
	imix := mustMix(t, "imix")
	for _, c := range []struct {
		config PairConfig
		names  string
	}{
		{PairConfig{Mode: "fast", Lcores: 1, Mix: imix}, "fast"},
		{PairConfig{Mode: "aggregate", Lcores: 1, Mix: imix, Encr: "rot13"}, "rot13"},
		{PairConfig{Mode: "aggregate", Lcores: 1, Mix: imix, Extra: "colour = 1"}, "colour"},
		{PairConfig{Mode: "tunnel", Lcores: 1, Mix: mustMix(t, "9216")}, "9216"},
		{PairConfig{Mode: "tunnel", Lcores: 1, Mix: imix, Impair: [2]softpmd.Impairment{{Loss: 2}}}, "loss"},
	} {
		p, err := NewPair(c.config)
		if err == nil || p != nil || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%v, %v; expected an error that names %q", p, err, c.names)
		}
	}
}

// TestPairRun carries traffic on goroutines and ends by itself; a cancelled context ends it early.
func TestPairRun(t *testing.T) {
	p, err := NewPair(PairConfig{Mode: "aggregate", Lcores: 2, Mix: mustMix(t, "imix"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(context.Background(), 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	tally := p.Traffic.Tally()
	if tally.Reordered -= p.WarmUp.Reordered; !tally.Clean() || tally.Received == p.WarmUp.Received {
		t.Errorf("%+v, %+v of it before its time", tally, p.WarmUp)
	}
	if p, err = NewPair(PairConfig{Mode: "aggregate", Lcores: 1, Mix: mustMix(t, "imix"), Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Run(ctx, time.Hour); err == nil {
		t.Error("a run that could not come up reports no error")
	}
}
