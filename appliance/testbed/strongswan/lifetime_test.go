package strongswan

import (
	"fmt"
	"testing"
)

// Lifetimes of either side end while data flows: by time and by packets, several times, and no packet is lost.
func TestLifetimes(t *testing.T) {
	for _, c := range []struct {
		name  string
		peer  []string
		ours  settings
		least uint64 // rekeys of ours or of the peer
	}{
		{"ours by time", nil, settings{connection: "rekey_time = \"2s\"\nover_time = \"5s\"", child: "rekey_time = \"1s\"\nlife_time = \"9s\""}, 5},
		{"ours by packets", nil, settings{child: "rekey_packets = 150\nlife_packets = 10000"}, 5},
		{"the peer's by time", []string{"-x", "rekey_time = 2s", "-x", "rand_time = 0", "-x", "over_time = 5s", "-y", "rekey_time = 1s", "-y", "rand_time = 0", "-y", "life_time = 9s"}, settings{}, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNetwork(t, nobody, plainMTU)
			p := pskCharon(n, c.peer...)
			g := startGateway(n, c.ours)
			up(t, g, p, weBegin)
			tr := newTraffic(n, p, false, smallPackets)
			tr.both()
			tr.during(0, func() {
				await(t, fmt.Sprintf("%d rekeys", c.least), func() string {
					if _, _, rekeys := g.Core().Counts(); rekeys < c.least {
						return fmt.Sprintf("%d so far", rekeys)
					}
					return ""
				})
			})
			g.awaitUp(1)
			tr.both()
		})
	}
}

// A peer that authenticates again makes a new IKE SA before or after it deletes the old one.
func TestReauthentication(t *testing.T) {
	for _, order := range []string{"no", "yes"} {
		t.Run("make before break: "+order, func(t *testing.T) {
			n := newNetwork(t, nobody, plainMTU)
			p := pskCharon(n, "-g", "make_before_break = "+order)
			g := startGateway(n, settings{connection: `unique = "never"`})
			up(t, g, p, theyBegin)
			tr := newTraffic(n, p, false, smallPackets)
			before := g.awaitUp(1)
			swanctl(t, p, "--rekey", "--ike", connection, "--reauth")
			await(t, "another IKE SA", func() string {
				if after := g.awaitUp(1); after.SPIi == before.SPIi {
					return describe(g.snapshot())
				}
				return ""
			})
			awaitSAs(t, p, established, installed)
			tr.both()
			down(t, g, p, theyBegin)
		})
	}
}

// A peer that hears nothing asks whether we live, and we answer.
func TestLiveness(t *testing.T) {
	n := newNetwork(t, nobody, plainMTU)
	p := pskCharon(n, "-x", "dpd_delay = 1s")
	g := startGateway(n, settings{connection: "dpd_delay = \"1s\""})
	up(t, g, p, weBegin)
	awaitLog(t, p, `sending DPD request`, `parsed INFORMATIONAL response \d+ \[ \]`, `generating INFORMATIONAL response \d+ \[ \]`)
	awaitSAs(t, p, established, installed)
	g.awaitUp(1)
}
