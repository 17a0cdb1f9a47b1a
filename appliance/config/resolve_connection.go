package config

import (
	"fmt"
	"net/netip"
	"slices"

	"stillwater/crypto/suite"
)

// connectionRules are the combinations within one connection, once its addresses are known.
var connectionRules = []rule[connectionDraft]{
	{"remote", []string{"local"}, func(n *connectionDraft) bool { return n.Remote[0] != anyRemote && !n.oneFamily() },
		says[connectionDraft]("addresses of more than one family"), "addresses of the family of local"},
	{"remote", []string{"local"}, func(n *connectionDraft) bool { p, ok := n.Peer(); return ok && p == n.Local },
		func(n *connectionDraft) string { return fmt.Sprintf("%q", n.Local) }, "another address than local"},
	{"remote_id", []string{"remote"}, func(n *connectionDraft) bool { return n.RemoteID == "" },
		says[connectionDraft]("no value"), "this key: remote is not one address that could stand for the peer"},
	{"local_id", nil, func(n *connectionDraft) bool { return isPattern(n.LocalID) },
		func(n *connectionDraft) string { return describe(n.LocalID, false) }, "one identity, no pattern"},
	{"start_action", []string{"remote"}, func(n *connectionDraft) bool { return n.StartAction != StartNone && !n.canBegin() },
		func(n *connectionDraft) string { return fmt.Sprintf("%q", n.StartAction) }, `"none": remote is not one address, so that only the peer can begin`},
	{"close_action", []string{"remote"}, func(n *connectionDraft) bool { return n.CloseAction != StartNone && !n.canBegin() },
		func(n *connectionDraft) string { return fmt.Sprintf("%q", n.CloseAction) }, `"none": remote is not one address, so that only the peer can begin`},
	{"over_time", []string{"rekey_time"}, func(n *connectionDraft) bool { return n.at.has("over_time") && n.RekeyTime == 0 },
		func(n *connectionDraft) string { return fmt.Sprintf("%q", n.OverTime) }, `no such key with rekey_time = "0"`},
}

// oneFamily reports whether all addresses of the peer are of the family of the own address.
func (n *connectionDraft) oneFamily() bool {
	return !n.Local.IsValid() || !slices.ContainsFunc(n.Remote, func(a AddrRange) bool { return a.First.Is4() != n.Local.Is4() })
}

// canBegin reports whether we know where to send the first message.
func (n *connectionDraft) canBegin() bool {
	_, ok := n.Peer()
	return ok && n.Remote[0] != anyRemote
}

// resolveConnections checks the connections and fills in what depends on the rest of the file. Connections and tunnels share
// their names.
func (r *reader) resolveConnections(f *fileDraft, c *Config, names map[string]int, network bool) {
	for i := range f.connections {
		n := &f.connections[i]
		r.unique(names, n.at, "name", n.Name)
		r.setLocal(n, c, network)
		n.setDefaults(&f.system)
		check(r, n.at, connectionRules, n)
		r.resolveAuth(n)
		port := r.setPort(n, c, network)
		r.resolveChildren(n, port, c, network)
		n.setRemote()
		c.Connections = append(c.Connections, n.Connection)
	}
	r.checkTwins(f)
	r.checkHalfOpen(&f.ike)
}

// setLocal takes the only outside address of the right family where the file does not name one.
func (r *reader) setLocal(n *connectionDraft, c *Config, network bool) {
	switch own := n.ownAddresses(c); {
	case n.at.has("local"):
	case !network || !n.at.ok("remote"):
		n.at.breaks("local") // the rules that need it are silent
	case len(own) == 1:
		n.Local = own[0]
	default:
		r.refuse(n.at, "local", "no value", fmt.Sprintf("this key: the outside ports have %d addresses of the family of remote", len(own)))
	}
}

// ownAddresses returns the addresses of outside ports from which the peer can be reached.
func (n *connectionDraft) ownAddresses(c *Config) (own []netip.Addr) {
	if len(n.Remote) == 0 {
		return nil
	}
	for i := range c.Ports {
		for _, a := range c.Ports[i].Addresses {
			family := n.Remote[0] == anyRemote || a.Addr().Is4() == n.Remote[0].First.Is4()
			if c.Ports[i].Role == RoleOutside && family && !a.Addr().IsLinkLocalUnicast() {
				own = append(own, a.Addr())
			}
		}
	}
	return own
}

// setPort finds the port of the own address and the way to the peer; nil where there is a problem.
func (r *reader) setPort(n *connectionDraft, c *Config, network bool) *Port {
	if !n.at.ok("local") {
		return nil
	}
	port, ok := r.findPort(n.at, n.Local, c, network)
	if !ok {
		return nil
	}
	n.Port = port
	if peer, one := n.Peer(); one && n.canBegin() && n.at.ok("remote") {
		r.checkRoute(n.at, c.Ports[port].VRF, peer, c)
	}
	return &c.Ports[port]
}

// setDefaults fills in what follows from other keys.
func (n *connectionDraft) setDefaults(s *systemDraft) {
	peer, one := n.Peer()
	one = one && n.canBegin()
	if !n.at.has("local_id") && n.at.ok("local") {
		n.LocalID = n.Local.String()
	}
	if !n.at.has("remote_id") && one {
		n.RemoteID = peer.String()
	}
	if !n.at.has("start_action") && one {
		n.StartAction = StartNow
	}
	// RFC 9611 7: not the default for remote access.
	if !n.at.has("per_resource_sas") && one && s.Lcores != 1 {
		n.PerResourceSAs = PerResourceAuto
	}
	if !n.at.has("over_time") {
		n.OverTime = n.RekeyTime / graceShare
	}
	if !n.at.has("proposals") {
		n.Proposals = suite.DefaultIKE()
	}
}

// graceShare is the part of a soft limit that comes on top before the hard one, as in strongSwan: a tenth.
const graceShare = 10

// setRemote puts all addresses of the family in the place of "%any".
func (n *connectionDraft) setRemote() {
	if !n.Local.IsValid() || len(n.Remote) != 1 || n.Remote[0] != anyRemote {
		return
	}
	all := netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	if n.Local.Is4() {
		all = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	n.Remote = []AddrRange{{all.Addr(), lastOf(all)}}
}

// checkHalfOpen refuses limits of which the lower could never be met.
func (r *reader) checkHalfOpen(k *ikeDraft) {
	if !k.at.ok("half_open_total") {
		return
	}
	for _, l := range []struct {
		key   string
		value int
	}{{"half_open_cookies", k.HalfOpenCookies}, {"half_open_per_source", k.HalfOpenPerSource}} {
		if k.at.ok(l.key) && l.value > k.HalfOpenTotal {
			r.refuse(k.at, l.key, fmt.Sprintf("%d", l.value), fmt.Sprintf("at most half_open_total, %d", k.HalfOpenTotal))
		}
	}
}
