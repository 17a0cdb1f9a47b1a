package strongswan

import (
	"fmt"
	"testing"
)

// Child SAs come and go under one IKE SA: the peer deletes them, either side makes new ones.
func TestChildDelete(t *testing.T) {
	n := newNetwork(t, nobody, plainMTU)
	p := pskCharon(n)
	g := startGateway(n, settings{})
	up(t, g, p, weBegin)
	tr := newTraffic(n, p, false, smallPackets)
	first := g.awaitUp(1)
	for _, who := range bothBegin {
		swanctl(t, p, "--terminate", "--child", child)
		g.awaitUp(0)
		g.awaitSettled(0)
		awaitSAs(t, p, established, "!"+installed)
		if who == weBegin {
			g.order()
		} else {
			swanctl(t, p, "--initiate", "--child", child)
		}
		if now := g.awaitUp(1); now.SPIi != first.SPIi || now.SPIr != first.SPIr {
			t.Errorf("%s: another IKE SA: %s", who, describe(g.snapshot()))
		}
		g.awaitSettled(1)
		awaitSAs(t, p, established, installed)
		tr.both()
	}
	down(t, g, p, theyBegin)
}

// A packet of the host brings the connection up, and after a Delete the next one does it again.
func TestTrap(t *testing.T) {
	n := newNetwork(t, nobody, plainMTU)
	p := pskCharon(n)
	g := startGateway(n, settings{start: "trap"})
	tr := newTraffic(n, p, true, smallPackets)
	for range 2 {
		tr.both()
		g.awaitUp(1)
		swanctl(t, p, "--terminate", "--ike", connection)
		g.awaitGone()
	}
}

// The appliance ends in good order: the peer has heard of it before it is gone.
func TestShutdown(t *testing.T) {
	n := newNetwork(t, nobody, plainMTU)
	p := pskCharon(n)
	g := startGateway(n, settings{})
	up(t, g, p, theyBegin)
	sa := g.awaitUp(1)
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	awaitLog(t, p, `received DELETE for IKE_SA t`)
	if list := sas(t, p); mismatch(list, []string{fmt.Sprintf("!%016x", sa.SPIi)}) != "" {
		t.Errorf("the peer still has\n%s", list)
	}
}
