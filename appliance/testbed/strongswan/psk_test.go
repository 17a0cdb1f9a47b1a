package strongswan

import (
	"slices"
	"testing"
)

// ids are the options of a peer that authenticates with the shared secret.
var ids = []string{"-k", secret, "-i", peerID, "-j", ourID}

// pskCharon is strongSwan 5.9.8 that knows our address and shares the secret; args are more of its options.
func pskCharon(n *network, args ...string) *charon {
	return startCharon(n, "", append([]string{"-l", n.theirs(), "-r", n.seen(us)}, slices.Concat(ids, args)...)...)
}

// begins says who sends IKE_SA_INIT.
type begins string

const (
	weBegin   begins = "we begin"
	theyBegin begins = "they begin"
)

var bothBegin = []begins{weBegin, theyBegin}

// up brings the connection up from one side and waits until both sides say that it is.
func up(t testing.TB, g *gateway, p peer, who begins) {
	t.Helper()
	if who == weBegin {
		g.order()
	} else {
		swanctl(t, p, "--initiate", "--child", child, "--timeout", "8")
	}
	if sa := g.awaitUp(1); sa.Initiator != (who == weBegin) || sa.RemoteID == "" {
		t.Errorf("IKE SA with %q that we began: %v, expected an identity and %v", sa.RemoteID, sa.Initiator, who == weBegin)
	}
	awaitSAs(t, p, established, installed)
}

// down closes the connection in good order from the side that began it, and both sides forget it.
func down(t testing.TB, g *gateway, p peer, who begins) {
	t.Helper()
	if who == weBegin {
		g.terminate()
	} else {
		swanctl(t, p, "--terminate", "--ike", connection)
		g.awaitGone()
	}
	awaitSAs(t, p, `!(?m)^t: #`)
}

// A shared secret, both roles; Delete of the IKE SA by either side.
func TestPSK(t *testing.T) {
	for _, who := range bothBegin {
		t.Run(string(who), func(t *testing.T) {
			n := newNetwork(t, nobody, plainMTU)
			p := pskCharon(n)
			g := startGateway(n, settings{})
			up(t, g, p, who)
			newTraffic(n, p, true, smallPackets).both()
			down(t, g, p, who)
		})
	}
}
