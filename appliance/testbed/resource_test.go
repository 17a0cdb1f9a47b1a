package testbed

import (
	"fmt"
	"testing"
)

// seals is how many lcores of an appliance have an SA of their own.
func (k *keying) seals(i int) int {
	lcores := map[int]bool{}
	for _, s := range k.Appliances[i].Core().Pairs() {
		if s.Out {
			lcores[s.Lcore] = true
		}
	}
	return len(lcores)
}

// TestRSC004_UnequalLcores: two gateways with different numbers of lcores carry everything. Each has an SA for every lcore that
// asks and no more than its peer takes, and installs every inbound SA agreed to.
func TestRSC004_UnequalLcores(t *testing.T) {
	for _, c := range []struct{ first, second int }{{4, 2}, {2, 4}, {4, 1}, {1, 4}, {3, 2}} {
		for _, mode := range []string{"aggregate", "tunnel"} {
			if testing.Short() && (mode == "tunnel" || c.first < c.second) {
				continue // the race detector takes minutes for all of them
			}
			t.Run(fmt.Sprintf("%s/%d_%d", mode, c.first, c.second), func(t *testing.T) {
				k := newKeying(t, PairConfig{Mode: mode, Lcores: c.first, PeerLcores: c.second, Mix: mustMix(t, "imix"), Window: 256})
				k.carry(5000)
				before := k.Traffic.Tally() // a flow that moved to a new SA may have overtaken itself
				tally := k.carry(5000)
				if tally.Reordered -= before.Reordered; !tally.Clean() || tally.Received == before.Received {
					t.Errorf("%+v; drops %v", tally, k.drops())
				}
				here, there := map[uint32]uint32{}, k.Appliances[1].Core().Pairs()
				for _, s := range k.Appliances[0].Core().Pairs() {
					here[s.SPIIn] = s.SPIOut
				}
				for _, s := range there {
					if here[s.SPIOut] != s.SPIIn {
						t.Errorf("SA %#x of the second gateway is not the first one's", s.SPIIn)
					}
				}
				if len(here) != len(there) || len(here) < min(c.first, c.second) || len(here) > 2*max(c.first, c.second) { // RSC-008
					t.Errorf("%d pairs at one end, %d at the other", len(here), len(there))
				}
				if c.first > 1 && c.second > 1 && (k.seals(0) < 2 || k.seals(1) < 2) {
					t.Errorf("%d and %d lcores seal", k.seals(0), k.seals(1))
				}
			})
		}
	}
}
