package config

import (
	"cmp"
	"fmt"
	"slices"
)

// resolvePolicies checks the entries of the SPD and puts them in the order of the file.
func (r *reader) resolvePolicies(f *fileDraft, c *Config) {
	all := f.entries()
	seen := map[string]int{}
	for i := range f.policies {
		r.unique(seen, f.policies[i].at, "name", f.policies[i].Name)
		r.checkBypass(&f.policies[i])
	}
	slices.SortStableFunc(all, func(a, b policyDraft) int { return cmp.Compare(a.at.mark.order, b.at.mark.order) })
	for i := range all {
		p := &all[i]
		r.checkSelectors(p)
		if p.Connection >= 0 {
			c.Connections[p.Connection].Children[p.Child].Policy = i
		}
		c.Policies = append(c.Policies, p.Policy)
	}
}

// entries returns all entries of the SPD with what they protect by.
func (f *fileDraft) entries() (all []policyDraft) {
	for _, p := range f.policies {
		p.Tunnel, p.Connection, p.Child = -1, -1, -1
		all = append(all, p)
	}
	for i := range f.tunnels {
		for j, p := range f.tunnels[i].policies {
			p.Name = fmt.Sprintf("%s[%d]", f.tunnels[i].Name, j+1)
			p.Action, p.Tunnel, p.Connection, p.Child, p.VRF = ActionProtect, i, -1, -1, f.tunnels[i].VRF
			all = append(all, p)
		}
	}
	for i := range f.connections {
		for j := range f.connections[i].children {
			h := &f.connections[i].children[j]
			p := h.policy
			p.Name = fmt.Sprintf("%s/%s", f.connections[i].Name, h.Name)
			p.Action, p.Tunnel, p.Connection, p.Child, p.VRF = ActionProtect, -1, i, j, h.VRF
			all = append(all, p)
		}
	}
	return all
}

// checkBypass refuses BYPASS of ports: letting in the fragments that belong to them needs state we do not keep.
func (r *reader) checkBypass(p *policyDraft) {
	if !p.at.ok("action") || p.Action != ActionBypass {
		return
	}
	const want = "no ports with bypass: fragments could not be told apart (RFC 4301 7.4)"
	for _, s := range []struct {
		key  string
		used bool
	}{{"local_port", !p.LocalPorts.any()}, {"remote_port", !p.RemotePorts.any()}, {"icmp", len(p.ICMP) > 0}} {
		if s.used {
			r.refuse(p.at, s.key, "a selector", want)
		}
	}
}

// any reports whether the selector takes all packets.
func (p *Ports) any() bool { return !p.Opaque && len(p.Ranges) == 0 }

// checkSelectors refuses selectors that no packet could match, or that mean nothing with the protocol.
func (r *reader) checkSelectors(p *policyDraft) {
	local, remote := "local", "remote"
	if p.Action == ActionProtect {
		local, remote = "local_ts", "remote_ts"
	}
	if p.at.ok(local, remote) && !shareFamily(p.Local, p.Remote) {
		r.refuse(p.at, remote, "addresses of another family than "+local, "at least one of the same family: no packet could match")
	}
	if !p.at.ok("protocol") {
		return
	}
	if !slices.Contains([]int{6, 17, 33, 132, 136}, p.Protocol) {
		const want = "a protocol with ports beside it (tcp, udp, sctp, dccp, udplite), or any port (RFC 4301 7.1)"
		if p.at.ok("local_port") && !p.LocalPorts.any() {
			r.refuse(p.at, "local_port", "a selector", want)
		}
		if p.at.ok("remote_port") && !p.RemotePorts.any() {
			r.refuse(p.at, "remote_port", "a selector", want)
		}
	}
	if p.at.ok("icmp") && len(p.ICMP) > 0 && p.Protocol != 1 && p.Protocol != 58 {
		r.refuse(p.at, "icmp", "a selector", `protocol "icmp" or "icmpv6" beside it`)
	}
}

// shareFamily reports whether a packet can be in both lists.
func shareFamily(a, b []AddrRange) bool {
	return slices.ContainsFunc(a, func(x AddrRange) bool {
		return slices.ContainsFunc(b, func(y AddrRange) bool { return x.First.Is4() == y.First.Is4() })
	})
}

// canonical spells the selectors so that equal ones, in whatever order they are listed, are spelled the same.
func (p *Policy) canonical(vrf uint16) string {
	return fmt.Sprint(vrf, p.Protocol, sortedAddrs(p.Local), sortedAddrs(p.Remote), sortedPorts(p.ICMP),
		p.LocalPorts.Opaque, sortedPorts(p.LocalPorts.Ranges), p.RemotePorts.Opaque, sortedPorts(p.RemotePorts.Ranges))
}

// sortedAddrs returns ranges by their first and last addresses, each once.
func sortedAddrs(list []AddrRange) []AddrRange {
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b AddrRange) int { return cmp.Or(a.First.Compare(b.First), a.Last.Compare(b.Last)) })
	return slices.Compact(out)
}

// sortedPorts returns ranges by their first and last ports, each once.
func sortedPorts(list []PortRange) []PortRange {
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b PortRange) int { return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last)) })
	return slices.Compact(out)
}
