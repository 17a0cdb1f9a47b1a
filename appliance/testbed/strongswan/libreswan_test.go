package strongswan

import (
	"fmt"
	"testing"

	"stillwater/appliance/testbed/umlpeer"
	"stillwater/ike"
)

// ipsec runs a command of libreswan that must succeed.
func ipsec(t testing.TB, p *daemon, command string) string {
	t.Helper()
	out, err := p.run("ipsec " + command)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return out
}

// awaitKernel waits until the peer's kernel has the SA pair of a Child SA of ours and so many SAs in all.
func awaitKernel(t testing.TB, p *daemon, c *ike.ChildStatus, sas int) {
	t.Helper()
	await(t, "the SAs in the peer's kernel", func() string {
		list, err := p.run("ip xfrm state")
		if err != nil {
			t.Fatal(err)
		}
		if n := count(list, `(?m)^src `); n != sas {
			return list
		}
		if c == nil {
			return ""
		}
		return mismatch(list, []string{fmt.Sprintf("spi 0x%08x", c.SPIIn), fmt.Sprintf("spi 0x%08x", c.SPIOut)})
	})
}

// libreswanLoses is what a rekey may cost. As responder libreswan sends with the new SA at once, as it may (RFC 7296 2.8), when
// the initiator cannot know the key yet; and it takes kernel policies away before it puts others in their place.
const libreswanLoses = 2

// libreswanRekeys are the orders of libreswan.
var libreswanRekeys = []rekey{
	{"Child SA by us", false, false, func(g *gateway) { g.rekey(false, true) }, nil},
	{"Child SA by the peer", false, true, nil, []string{"whack --rekey-child --name " + connection}},
	{"IKE SA by us", true, false, func(g *gateway) { g.rekey(true, false) }, nil},
	{"IKE SA by the peer", true, true, nil, []string{"whack --rekey-ike --name " + connection}},
}

// libreswan 5.2 in tunnel mode, both roles, with rekeys by either side and Delete from either. It demands a new key exchange
// for each Child SA but the first (pfs=yes), which our defaults allow.
func TestLibreswan(t *testing.T) {
	for _, who := range bothBegin {
		t.Run(string(who), func(t *testing.T) {
			n := newNetwork(t, nobody, plainMTU)
			p := startDaemon(n, umlpeer.Libreswan, "-m", "tunnel")
			g := startGateway(n, settings{})
			if who == weBegin {
				g.order()
			} else {
				ipsec(t, p, "up "+connection)
			}
			sa := g.awaitUp(1)
			awaitKernel(t, p, &sa.Children[0], 2)
			tr := newTraffic(n, p, false, smallPackets)
			tr.both()
			for _, r := range libreswanRekeys {
				t.Run(r.name, func(t *testing.T) {
					g, tr := g.in(t), tr.in(t)
					tr.during(libreswanLoses, func() { r.performLibreswan(g, p) })
				})
			}
			tr.both()
			if who == weBegin {
				g.terminate()
			} else {
				ipsec(t, p, "down "+connection)
				g.awaitGone()
			}
			awaitKernel(t, p, nil, 0)
		})
	}
}

// performLibreswan is perform with libreswan.
func (r rekey) performLibreswan(g *gateway, p *daemon) {
	g.Helper()
	before := g.awaitUp(1)
	if r.byPeer {
		ipsec(g, p, r.order[0])
	} else {
		r.ourOrder(g)
	}
	after := before
	await(g, "new SAs", func() string {
		after = g.awaitUp(1)
		return r.old(before, after)
	})
	awaitKernel(g, p, &after.Children[0], 2)
}
