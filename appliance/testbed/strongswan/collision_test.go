package strongswan

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// collisions is how often both sides begin at the same time; which message crosses which is luck.
const collisions = 5

// collide has both sides replace the same SA at once: in the end both have one and the same. The daemon is held while it gets
// its order and our request, and then works on both at a time.
func (r rekey) collide(g *gateway, p *charon) {
	g.Helper()
	before := g.awaitUp(1)
	release := p.hold()
	said := make(chan error, 1)
	go func() {
		out, err := p.swanctl(r.order...)
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		said <- err
	}()
	await(g, "the order", p.unheard)
	g.rekey(r.ike, !r.ike)
	release()
	// Our request may have been first: then there is nothing left that the order could mean.
	if err := <-said; err != nil && !strings.Contains(err.Error(), "no matching SAs to rekey") {
		g.Error(err)
	}
	await(g, "new SAs", func() string { return r.old(before, g.awaitUp(1)) })
	r.agree(g, p)
}

// unheard says that nobody waits for the held daemon to accept a connection of swanctl.
func (c *charon) unheard() string {
	list, err := c.ns.run("", "ss", "-Hxl")
	if err != nil {
		c.Fatal(err)
	}
	for line := range strings.Lines(list) {
		if f := strings.Fields(line); len(f) > 4 && f[4] == filepath.Join(c.folder, "vici.sock") && f[2] != "0" {
			return ""
		}
	}
	return "no connection waits:\n" + list
}

// Both sides rekey at the same moment (RFC 7296 2.8.1, 2.8.2): one SA is left, and it carries data.
func TestCollision(t *testing.T) {
	needPrograms(t, "ss")
	n := newNetwork(t, nobody, plainMTU)
	p := pskCharon(n)
	g := startGateway(n, settings{})
	up(t, g, p, weBegin)
	tr := newTraffic(n, p, false, smallPackets)
	for _, r := range rekeys[2:] {
		t.Run(r.name+" and by us", func(t *testing.T) {
			g, tr := g.in(t), tr.in(t)
			for range collisions {
				r.collide(g, p)
				tr.both()
			}
			t.Logf("the peer has seen %d collisions", count(p.log(), `_REKEY collision with`))
		})
	}
	down(t, g, p, theyBegin)
}
