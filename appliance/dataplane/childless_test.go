package dataplane

import (
	"testing"

	"stillwater/pmd/mbuf"
)

// TestChildGoneBeforeItsSAs: a generation that no longer has the child of live SAs ends their packets with verdicts, in both
// directions and for waiting ones too, and no lcore.
func TestChildGoneBeforeItsSAs(t *testing.T) {
	for name, make := range map[string]func(spi uint32, from, to addresses) SA{
		"tunnel": tunnelSA, "aggregate": aggregateSA, "constant": constantSA,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigConfig{lcores: 1})
			r.connect(make, 0x1000)
			r.hostA.send(numbered(addrA.host, addrB.host, 100, 1))
			r.a.workers[0].Step(r.clock.Advance(1e6)) // sealed or in the framer
			for _, n := range []*node{r.a, r.b} {
				n.gen.Children, n.gen.Out = nil, nil
				n.publish()
			}
			r.hostA.send(numbered(addrA.host, addrB.host, 100, 2))
			r.steps(20, 1e6)
			if r.a.Dead(0) || r.b.Dead(0) {
				t.Fatal("an lcore ended")
			}
			c := r.a.total()
			if c.Verdicts[mbuf.NoSA] != 1 {
				t.Errorf("%d packets without an SA, expected the second one alone", c.Verdicts[mbuf.NoSA])
			}
			if name == "constant" && c.Verdicts[mbuf.NoNeighbour] == 0 {
				t.Error("constant payloads that lead nowhere were not counted")
			}
		})
	}
}
