package ike

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// Whatever the index does, the connections found are those that a walk over all finds, in the same order.
func TestFittingEqualsAWalk(t *testing.T) {
	random := rand.New(rand.NewPCG(testSeed(t), 1))
	addr := func() netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(random.IntN(3)), byte(random.IntN(6))}) }
	for range 200 {
		var all []*Connection
		for i := range 1 + random.IntN(20) {
			a, _ := pskPair()
			a.Name, a.Remote, a.Local = fmt.Sprint(i), nil, []netip.Addr{{}, addrA, addrB}[random.IntN(3)]
			for range random.IntN(4) {
				p, _ := addr().Prefix([]int{32, 32, 32, 24, 8}[random.IntN(5)])
				a.Remote = append(a.Remote, p)
			}
			all = append(all, a)
		}
		e, err := New(Config{Connections: all, Lcores: 1, NewSPI: func(int) (uint32, error) { return 256, nil }, Place: func() int { return 0 }})
		if err != nil {
			t.Fatal(err)
		}
		local, remote := []netip.Addr{addrA, addrB}[random.IntN(2)], addr()
		var want []*Connection
		for _, c := range all {
			if c.fits(local, remote) {
				want = append(want, c)
			}
		}
		if got := e.fitting(local, remote); !slices.Equal(got, want) {
			t.Fatalf("%v to %v: found %d connections, want %d", remote, local, len(got), len(want))
		}
	}
}
