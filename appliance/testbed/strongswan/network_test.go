package strongswan

import (
	"fmt"
	"testing"
)

// The addresses. Inside ours is the host, inside the peer's is an address of its loopback interface.
const (
	hostInner4, hostInner6 = "10.1.0.10", "fd00:1::10"
	lanInner4, lanInner6   = "10.1.0.1", "fd00:1::1"
	ourNet4, ourNet6       = "10.1.0.0/16", "fd00:1::/64"
	peerInner4, peerInner6 = "10.2.0.1", "fd00:2::1"
	peerNet4, peerNet6     = "10.2.0.1/32", "fd00:2::1/128"

	ours4, ours6     = "192.0.2.1", "2001:db8::1"
	peers4, peers6   = "192.0.2.2", "2001:db8::2"
	natPublic        = "192.0.2.254"
	natInside        = "198.51.100.254"
	behindNAT        = "198.51.100.1" // whoever is behind the NAT
	behindNATNetwork = "198.51.100.0/24"
)

// The MTUs of the links, and of the host's route to the peer where the tunnel carries no jumbo packet.
const (
	insideMTU  = 9000
	outsideMTU = 1500
	plainMTU   = 1300 // the device of strongSwan 5.9.8 takes 1400
)

// place says who is behind a NAT.
type place uint8

const (
	nobody place = iota
	us
	them
)

// network is the host, the gateway's namespace and the peer's, connected.
type network struct {
	testing.TB
	host, gateway, outside *netns
	behind                 place
}

// newNetwork makes the namespaces and links. The peer's end of the outside link has no addresses yet. routeMTU is what the
// host sends to the peer's inside.
func newNetwork(t testing.TB, behind place, routeMTU int) *network {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIP: -short: foreign daemons take minutes")
	}
	needPrograms(t, "ip", "ping", "perl")
	n := &network{TB: t, host: newNetns(t), gateway: newNetns(t), outside: newNetns(t), behind: behind}
	for _, name := range []string{"ipv6/conf/all/disable_ipv6", "ipv6/conf/default/disable_ipv6"} {
		n.must(n.gateway.sysctl(name, "1"))
	}
	wan := fmt.Sprintf("link add wan mtu %d type veth peer name ", outsideMTU)
	if behind == nobody {
		if err := n.gateway.ip(fmt.Sprintf("%sout mtu %d netns %d", wan, outsideMTU, n.outside.tid)); err != nil {
			t.Skipf("SKIP: no veth pair: %v", err)
		}
	} else {
		n.addNAT(wan)
	}
	n.must(n.gateway.ip(fmt.Sprintf("link add lan mtu %d type veth peer name eth0 mtu %d netns %d", insideMTU, insideMTU, n.host.tid)))
	n.must(n.gateway.ip("link set lan up", "link set wan up"))
	n.must(n.outside.ip("link set lo up", "link set out addrgenmode none up"))
	n.must(n.host.ip(
		"link set lo up", "link set eth0 addrgenmode none gso_max_segs 1 up",
		"addr add "+hostInner4+"/16 dev eth0", "addr add "+hostInner6+"/64 dev eth0 nodad",
		fmt.Sprintf("route add %s via %s mtu %d", peerNet4, lanInner4, routeMTU),
		fmt.Sprintf("route add %s via %s mtu %d", peerNet6, lanInner6, routeMTU)))
	return n
}

// addNAT puts a gateway between the two ends that masquerades one of them.
func (n *network) addNAT(wan string) {
	n.Helper()
	needPrograms(n, "nft")
	nat := newNetns(n)
	if err := n.gateway.ip(fmt.Sprintf("%sours mtu %d netns %d", wan, outsideMTU, nat.tid)); err != nil {
		n.Skipf("SKIP: no veth pair: %v", err)
	}
	n.must(n.outside.ip(fmt.Sprintf("link add out mtu %d type veth peer name theirs netns %d", outsideMTU, nat.tid)))
	in, out := "ours", "theirs"
	if n.behind == them {
		in, out = out, in
	}
	n.must(nat.ip("link set lo up", "link set ours up", "link set theirs up",
		"addr add "+natInside+"/24 dev "+in, "addr add "+natPublic+"/24 dev "+out))
	n.must(nat.sysctl("ipv4/ip_forward", "1"))
	// "random" gives port 4500 another one, as a NAT with several hosts behind it would.
	rules := "add table ip n\nadd chain ip n p { type nat hook postrouting priority 100; }\nadd rule ip n p oifname " + out + " masquerade random\n"
	if out, err := nat.run(rules, "nft", "-f", "-"); err != nil {
		n.Skipf("SKIP: no NAT: %v: %s", err, out)
	}
}

// must ends the test with an error.
func (n *network) must(err error) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
}

// ours is our outer address.
func (n *network) ours() string {
	if n.behind == us {
		return behindNAT
	}
	return ours4
}

// theirs is the peer's own outer address.
func (n *network) theirs() string {
	if n.behind == them {
		return behindNAT
	}
	return peers4
}

// seen is the address that the other end sees.
func (n *network) seen(who place) string {
	switch {
	case n.behind == who:
		return natPublic
	case who == us:
		return n.ours()
	}
	return n.theirs()
}
