package veth

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
)

// The MTUs of the links and of the hosts' routes to each other where the tunnel cannot carry a jumbo packet.
const (
	insideMTU  = 9000
	outsideMTU = 1500
	plainMTU   = 1400 // fits any plain tunnel of these tests; hosts learn of a smaller path by ICMP, which is not here yet
)

// site is one end: a host and its gateway.
type site struct {
	host, gateway                *netns
	host4, host6                 netip.Addr
	inside4, inside6             netip.Addr // of the gateway
	outside4, outside6           netip.Addr // of the gateway
	hostMAC, insideMAC, wanMAC   string
	prefix4, prefix6             string // behind the gateway
	insideLength4, insideLength6 int
}

// network is two sites and the link between their gateways.
type network [2]*site

func newSite(t *testing.T, i int) *site {
	addr := func(format string) netip.Addr { return netip.MustParseAddr(fmt.Sprintf(format, i+1)) }
	return &site{
		host: newNetns(t), gateway: newNetns(t),
		host4: addr("10.%d.0.10"), host6: addr("fd00:%d::10"), inside4: addr("10.%d.0.1"), inside6: addr("fd00:%d::1"),
		outside4: addr("192.0.2.%d"), outside6: addr("2001:db8::%d"),
		hostMAC: fmt.Sprintf("52:54:00:00:%02x:10", i+1), insideMAC: fmt.Sprintf("52:54:00:00:%02x:01", i+1),
		wanMAC:  fmt.Sprintf("52:54:00:00:00:%02x", i+1),
		prefix4: fmt.Sprintf("10.%d.0.0/16", i+1), prefix6: fmt.Sprintf("fd00:%d::/64", i+1), insideLength4: 16, insideLength6: 64,
	}
}

// newNetwork makes the four namespaces and the three links. Hosts reach each other by routes with the MTU given.
func newNetwork(t *testing.T, routeMTU int) *network {
	t.Helper()
	needPrivilege(t)
	n := &network{newSite(t, 0), newSite(t, 1)}
	for _, s := range n {
		if err := s.quieten(); err != nil {
			t.Fatal(err)
		}
	}
	wan := fmt.Sprintf("link add wan address %s mtu %d type veth peer name wan address %s mtu %d netns %d",
		n[0].wanMAC, outsideMTU, n[1].wanMAC, outsideMTU, n[1].gateway.tid)
	if err := n[0].gateway.ip(wan); err != nil {
		t.Skipf("SKIP: no veth pair: %v", err)
	}
	for i, s := range n {
		if err := s.connect(n[1-i], routeMTU); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// quieten keeps kernels from sending what no one asked for and from forwarding what an appliance should.
func (s *site) quieten() error {
	return errors.Join(
		s.gateway.sysctl("ipv6/conf/all/disable_ipv6", "1"), s.gateway.sysctl("ipv6/conf/default/disable_ipv6", "1"),
		s.gateway.sysctl("ipv4/ip_forward", "0"), s.host.sysctl("ipv4/ping_group_range", "0 2147483647"))
}

// connect makes the inside link and sets up the host. Super-frames are off, as afpacket needs them; checksums stay with
// the device that veth pretends to be. The host's end comes up last: the end that comes up first learns of its carrier
// later and drops until then what is not sent past its queueing discipline.
func (s *site) connect(other *site, routeMTU int) error {
	pair := fmt.Sprintf("link add eth0 address %s mtu %d type veth peer name lan address %s mtu %d netns %d",
		s.hostMAC, insideMTU, s.insideMAC, insideMTU, s.gateway.tid)
	if err := s.host.ip(pair); err != nil {
		return err
	}
	if err := s.gateway.ip("link set lan up", "link set wan up"); err != nil {
		return err
	}
	return s.host.ip(
		"link set lo up",
		"link set eth0 addrgenmode none gso_max_segs 1 up",
		fmt.Sprintf("addr add %s/%d dev eth0", s.host4, s.insideLength4),
		fmt.Sprintf("addr add %s/%d dev eth0 nodad", s.host6, s.insideLength6),
		fmt.Sprintf("neigh add %s lladdr %s dev eth0 nud permanent", s.inside4, s.insideMAC),
		fmt.Sprintf("neigh add %s lladdr %s dev eth0 nud permanent", s.inside6, s.insideMAC),
		fmt.Sprintf("route add %s via %s mtu %d", other.prefix4, s.inside4, routeMTU),
		fmt.Sprintf("route add %s via %s mtu %d", other.prefix6, s.inside6, routeMTU))
}
