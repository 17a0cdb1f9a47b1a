package afpacket

import (
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/pmdtest"
)

// TestConformance runs the suite over a veth pair: everything but back-pressure, which the kernel does not pass on.
func TestConformance(t *testing.T) {
	ns := newNetns(t)
	pmdtest.Run(t, pmdtest.Harness{
		Open: func(tb testing.TB, a, b pmd.Config) (pa, pb pmd.Port) {
			return ns.open(tb, "swa", a), ns.open(tb, "swb", b)
		},
		Link: pmd.Ethernet,
		Caps: pmdtest.Live | pmdtest.Bidirectional | pmdtest.MultiQueue | pmdtest.Jumbo | pmdtest.VLAN | pmdtest.RxAllocates,
	})
}

// open opens a port in the namespace, as the appliance would, by its device string.
func (ns *netns) open(tb testing.TB, args string, cfg pmd.Config) (p pmd.Port) {
	tb.Helper()
	ns.in(func() {
		var err error
		if p, err = pmd.Open("afpacket:"+args, cfg); err != nil {
			tb.Error(err)
		}
	})
	if p == nil {
		tb.FailNow()
	}
	return p
}
