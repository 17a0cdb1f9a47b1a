package strongswan

import (
	"testing"

	"stillwater/appliance/testbed/umlpeer"
	"stillwater/ike"
)

// strongSwan 6.1 on Linux 7.2 with IP-TFS, both roles: packets of every size and both families, in both directions.
func TestIPTFS(t *testing.T) {
	for _, who := range bothBegin {
		t.Run(string(who), func(t *testing.T) {
			n := newNetwork(t, nobody, insideMTU)
			p := startDaemon(n, umlpeer.StrongSwan)
			g := startGateway(n, settings{connection: `iptfs = "require"`})
			up(t, g, p, who)
			awaitSAs(t, p, `INSTALLED, IPTFS, ESP:AES_GCM_16-128/ESN`)
			if c := g.snapshot()[0].Children[0]; c.Mode != ike.ModeAggfrag || !c.ESN {
				t.Errorf("Child SA in mode %v, ESN %v; expected AGGFRAG with ESN", c.Mode, c.ESN)
			}
			newTraffic(n, p, true, allPackets).both()
			down(t, g, p, who)
		})
	}
}

// The outer packets are IPv6.
func TestOuterIPv6(t *testing.T) {
	for _, who := range bothBegin {
		t.Run(string(who), func(t *testing.T) {
			n := newNetwork(t, nobody, insideMTU)
			p := startDaemon(n, umlpeer.StrongSwan, "-l", peers6+"/64", "-r", ours6)
			g := startGateway(n, settings{connection: `iptfs = "require"`, outer6: true})
			up(t, g, p, who)
			awaitSAs(t, p, `INSTALLED, IPTFS, ESP:AES_GCM_16-128/ESN`, `@ `+ours6)
			newTraffic(n, p, true, allPackets).both()
			down(t, g, p, who)
		})
	}
}
