package veth

import (
	"bytes"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestCancelDrains cancels an appliance while its framer holds a queue that takes a quarter of a second to send: all of it
// still arrives.
func TestCancelDrains(t *testing.T) {
	const datagrams = 40
	seed := drawSeed(t)
	n := newNetwork(t, insideMTU)
	gateways := startGateways(t, n, tunnel{mode: "constant", encap: "none", rate: "12m"})
	near, _ := openUDP(t, n[0].host, n[0].host4)
	far, at := openUDP(t, n[1].host, n[1].host4)
	before := gateways[0].Plane().Total().InsideRxOctets
	source, d := newPayload(seed), make([]byte, largestDatagram)
	for range datagrams {
		fill(source, d)
		if err := unix.Sendto(near, d, 0, sockaddr(at)); err != nil {
			t.Fatal(err)
		}
	}
	tick, late := time.NewTicker(time.Millisecond), time.After(limit)
	defer tick.Stop()
	for gateways[0].Plane().Total().InsideRxOctets-before < datagrams*largestDatagram {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("the datagrams have not reached the gateway")
		}
	}
	for i, g := range gateways {
		if err := g.stop(); err != nil {
			t.Errorf("gateway %d ended with %v", i, err)
		}
	}
	source = newPayload(seed)
	b := make([]byte, insideMTU)
	for i := range datagrams {
		k, err := unix.Read(far, b)
		if err != nil {
			t.Fatalf("datagram %d of %d has not arrived: %v", i, datagrams, err)
		}
		if fill(source, d); !bytes.Equal(b[:k], d) {
			t.Fatalf("datagram %d of %d arrived as another one of %d octets", i, datagrams, k)
		}
	}
}
