package strongswan

import (
	"testing"
)

// quick finds out within seconds that nobody answers.
const quick = "dpd_delay = \"1s\"\nretransmit_timeout = \"200ms\"\nretransmit_tries = 3\n"

// The peer is killed and comes back: we notice, and bring the connection up again by ourselves.
func TestPeerDies(t *testing.T) {
	n := newNetwork(t, nobody, plainMTU)
	p := pskCharon(n)
	g := startGateway(n, settings{start: "start", connection: quick})
	g.awaitUp(1)
	tr := newTraffic(n, p, false, smallPackets)
	tr.both()
	first := g.snapshot()[0]
	p.kill()
	await(t, "the dead peer's SAs gone", func() string {
		for _, s := range g.snapshot() {
			if s.SPIi == first.SPIi {
				return describe(g.snapshot())
			}
		}
		return ""
	})
	g.awaitSettled(0)
	p.start()
	g.awaitUp(1)
	tr.both()
}

// The peer starts again before we notice and tells by INITIAL_CONTACT: the old SAs go at once.
func TestPeerRestarts(t *testing.T) {
	n := newNetwork(t, nobody, plainMTU)
	p := pskCharon(n)
	g := startGateway(n, settings{})
	up(t, g, p, theyBegin)
	p.kill()
	p.start()
	up(t, g, p, theyBegin)
	g.awaitSettled(1)
	newTraffic(n, p, false, smallPackets).both()
	down(t, g, p, theyBegin)
}

// Nothing passes any more: both ends notice, and each forgets the other.
func TestSilence(t *testing.T) {
	needPrograms(t, "nft")
	n := newNetwork(t, nobody, plainMTU)
	p := pskCharon(n, "-x", "dpd_delay = 1s", "-g", "retransmit_timeout = 0.3", "-g", "retransmit_tries = 2")
	g := startGateway(n, settings{connection: quick})
	up(t, g, p, weBegin)
	const rules = "add table inet f\nadd chain inet f i { type filter hook input priority 0; policy drop; }\n" +
		"add chain inet f o { type filter hook output priority 0; policy drop; }\n"
	if out, err := n.outside.run(rules, "nft", "-f", "-"); err != nil {
		t.Skipf("SKIP: no packet filter: %v: %s", err, out)
	}
	g.awaitGone()
	awaitLog(t, p, `giving up after 2 retransmits`)
	awaitSAs(t, p, `!(?m)^t: #`)
}
