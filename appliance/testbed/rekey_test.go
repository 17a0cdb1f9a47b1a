package testbed

import (
	"context"
	"testing"
	"time"

	"stillwater/pmd/softpmd"
)

// isIKE picks IKE messages on a raw IP wire: UDP port 500, and 4500 with the non-ESP marker.
func isIKE(ip []byte) bool { return !isESP(ip) }

// keying is a stepped pair whose gateways agreed on their SAs by IKE.
type keying struct{ *steppedPair }

// newKeying builds a pair, lets the first gateway initiate and steps until the Child SAs that come first are there.
func newKeying(t testing.TB, c PairConfig) *keying {
	t.Helper()
	k := &keying{newSteppedAny(t, c)}
	if err := k.Appliances[0].Core().Initiate(context.Background(), "t", ""); err != nil {
		t.Fatal(err)
	}
	for range 200_000 {
		if k.sending(k.upFront) {
			return k
		}
		k.step(sendStep, false)
	}
	t.Fatal("the gateways have not agreed")
	return nil
}

// rekeys is how many SAs an appliance has seen replaced.
func (k *keying) rekeys(i int) uint64 { return k.Appliances[i].Status().Rekeys }

// TestIKEBringsUpSAs has packets cross by negotiated SAs in every mode, over every kind of outer packet, with one lcore and
// with four: with several, per-resource SAs come on demand and every lcore ends up with one (RFC 9611).
func TestIKEBringsUpSAs(t *testing.T) {
	for _, mode := range modes {
		for name, c := range map[string]PairConfig{"IPv4": {}, "IPv6": {IPv6: true}, "UDP": {Connection: `encap = "udp"`}} {
			for _, lcores := range []int{1, 4} {
				if testing.Short() && (name != "UDP" || lcores == 1) {
					continue // the race detector takes minutes for all of them
				}
				t.Run(mode+"/"+name+"/"+string(rune('0'+lcores)), func(t *testing.T) {
					c.Mode, c.Lcores, c.Mix = mode, lcores, mustMix(t, "imix")
					k := newKeying(t, c)
					k.carry(5000)
					if !k.sending(lcores) {
						t.Errorf("not every lcore seals: %+v and %+v", k.Appliances[0].Core().Pairs(), k.Appliances[1].Core().Pairs())
					}
					before := k.Traffic.Tally() // a flow that moved to a new SA may have overtaken itself
					tally := k.carry(5000)
					if tally.Reordered -= before.Reordered; !tally.Clean() || tally.Received == before.Received {
						t.Errorf("%+v; drops %v", tally, k.drops())
					}
					if n := len(k.Observer.Sizes()); mode == "constant" && n != 1 {
						t.Errorf("%d sizes of outer packets: %v", n, k.Observer.Sizes())
					}
				})
			}
		}
	}
}

// TestRekeyUnderTraffic replaces Child SAs ten thousand times and the IKE SA a hundred times while packets flow, from either
// end and from both at once, with loss, reorder and duplicates on the IKE messages. Not one inner packet may be lost.
func TestRekeyUnderTraffic(t *testing.T) {
	childRekeys, ikeRekeys := 10_000, 100
	if testing.Short() {
		childRekeys, ikeRekeys = 100, 2
	}
	im := softpmd.Impairment{Loss: 0.05, Reorder: 0.1, ReorderDepth: 8, Duplicate: 0.05, Only: isIKE}
	k := newKeying(t, PairConfig{
		Mode: "aggregate", Lcores: 1, Mix: mustMix(t, "imix"), Window: 8, Seed: newSeed(t), Impair: [2]softpmd.Impairment{im, im},
		Connection: "retransmit_timeout = \"100ms\"\nretransmit_tries = 20\ndpd_delay = \"0s\"",
	})
	begun := k.now
	for n := 0; n < childRekeys+ikeRekeys; n++ {
		k.rekey(t, n, n%(childRekeys/ikeRekeys+1) == 7)
	}
	tally := k.carry(1000)
	if !tally.Clean() || tally.Received == 0 {
		t.Errorf("%+v; drops %v", tally, k.drops())
	}
	t.Logf("%d and %d rekeys in %v of virtual time, %d inner packets", k.rekeys(0), k.rekeys(1), time.Duration(k.now-begun), tally.Received)
	if least := uint64(childRekeys + ikeRekeys); k.rekeys(0) < least || k.rekeys(1) < least {
		t.Errorf("%d and %d rekeys, expected at least %d", k.rekeys(0), k.rekeys(1), least)
	}
	for range lingerSteps {
		k.step(settleStep, false)
	}
	for i, a := range k.Appliances {
		if pairs := a.Core().Pairs(); len(pairs) != 1 {
			t.Errorf("appliance %d has %d SA pairs in the end, expected one", i, len(pairs))
		}
	}
}

// lingerSteps is longer than replaced inbound SAs are kept, with retransmissions of their Delete.
const lingerSteps = 600

// rekeyStep is how far the clock moves while rekeys go on, ns; rekeyTime bounds one.
const (
	rekeyStep = 500_000
	rekeyTime = 2 * time.Minute
)

// rekey has SAs replaced by one end, or every third time by both at once, and steps until both ends have seen it.
func (k *keying) rekey(t *testing.T, n int, ikeSA bool) {
	t.Helper()
	before := [2]uint64{k.rekeys(0), k.rekeys(1)}
	for i, a := range k.Appliances {
		if n%3 == 2 || n%2 == i {
			if err := a.Core().Rekey(context.Background(), "t", ikeSA, !ikeSA); err != nil {
				t.Fatalf("rekey %d: %v", n, err)
			}
		}
	}
	for end := k.now + int64(rekeyTime); k.rekeys(0) == before[0] || k.rekeys(1) == before[1]; {
		if k.step(rekeyStep, true); k.now > end {
			t.Fatalf("rekey %d (IKE SA: %v): %d and %d rekeys before, %d and %d after %v", n, ikeSA, before[0], before[1], k.rekeys(0), k.rekeys(1), rekeyTime)
		}
	}
}
