package strongswan

import (
	"testing"

	"stillwater/appliance/testbed/umlpeer"
)

// A NAT hides us, and the peer knows only where the NAT is.
func TestBehindNAT(t *testing.T) {
	n := newNetwork(t, us, plainMTU)
	p := pskCharon(n)
	g := startGateway(n, settings{})
	up(t, g, p, weBegin)
	if o := g.snapshot()[0].Outer; !o.UDP || !o.BehindNAT || o.Remote.Port() != 4500 {
		t.Errorf("outer addresses %+v, expected UDP to port 4500 from behind a NAT", o)
	}
	awaitLog(t, p, `remote host is behind NAT`)
	tr := newTraffic(n, p, true, smallPackets)
	tr.both()
	replaceAll(t, g, p, tr, 0)
	tr.both()
	down(t, g, p, weBegin)
}

// A NAT hides the peer, and it comes from anywhere.
func TestPeerBehindNAT(t *testing.T) {
	n := newNetwork(t, them, plainMTU)
	p := pskCharon(n)
	g := startGateway(n, settings{anyone: true})
	up(t, g, p, theyBegin)
	if o := g.snapshot()[0].Outer; !o.UDP || !o.PeerBehindNAT || o.Remote.Addr().String() != natPublic || o.Remote.Port() == 4500 {
		t.Errorf("outer addresses %+v, expected UDP and the peer at %s with a port other than 4500", o, natPublic)
	}
	awaitLog(t, p, `local host is behind NAT`)
	tr := newTraffic(n, p, true, smallPackets)
	tr.both()
	replaceAll(t, g, p, tr, 0)
	tr.both()
	down(t, g, p, theyBegin)
}

// IP-TFS in UDP through a NAT.
func TestIPTFSBehindNAT(t *testing.T) {
	n := newNetwork(t, us, insideMTU)
	p := startDaemon(n, umlpeer.StrongSwan)
	g := startGateway(n, settings{connection: `iptfs = "require"`})
	up(t, g, p, weBegin)
	awaitSAs(t, p, `INSTALLED, IPTFS-in-UDP`)
	newTraffic(n, p, true, allPackets).both()
	down(t, g, p, weBegin)
}
