package fdpmd

import (
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/pmdtest"
)

// openPair opens a port on each end of a socket pair.
func openPair(tb testing.TB, link pmd.Link, a, b pmd.Config) (pa, pb pmd.Port) {
	tb.Helper()
	fa, fb, err := Pair()
	if err != nil {
		tb.Fatal(err)
	}
	if pa, err = New(fa, a, Options{Link: link}); err != nil {
		tb.Fatal(err)
	}
	if pb, err = New(fb, b, Options{Link: link}); err != nil {
		tb.Fatal(err)
	}
	return pa, pb
}

const caps = pmdtest.Live | pmdtest.Bidirectional | pmdtest.Jumbo | pmdtest.BackPressure | pmdtest.RxAllocates

func TestConformanceEthernet(t *testing.T) {
	pmdtest.Run(t, pmdtest.Harness{
		Open: func(tb testing.TB, a, b pmd.Config) (pmd.Port, pmd.Port) { return openPair(tb, pmd.Ethernet, a, b) },
		Link: pmd.Ethernet, Caps: caps | pmdtest.VLAN,
	})
}

func TestConformanceRawIP(t *testing.T) {
	pmdtest.Run(t, pmdtest.Harness{
		Open: func(tb testing.TB, a, b pmd.Config) (pmd.Port, pmd.Port) { return openPair(tb, pmd.RawIP, a, b) },
		Link: pmd.RawIP, Caps: caps,
	})
}
