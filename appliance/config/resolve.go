package config

import (
	"cmp"
	"fmt"
	"slices"
)

// wipe overwrites the keys of a file that was refused.
func (f *fileDraft) wipe() {
	for i := range f.tunnels {
		for j := range f.tunnels[i].sas {
			f.tunnels[i].sas[j].KeyIn.Wipe()
			f.tunnels[i].sas[j].KeyOut.Wipe()
		}
	}
}

// resolve checks what no single key can tell, turns names into indexes, and returns the Config. It is of no use when the
// reader has problems afterwards.
func (r *reader) resolve(f *fileDraft) *Config {
	c := &Config{File: r.file, UnsafeStaticKeys: f.unsafeKeys, System: f.system.System}
	r.resolvePorts(f, c)
	r.resolveNeighbours(f, c)
	r.resolveRoutes(f, c)
	names, network := map[string]int{}, f.networkOK()
	for i := range f.tunnels {
		r.unique(names, f.tunnels[i].at, "name", f.tunnels[i].Name)
		r.resolveTunnel(&f.tunnels[i], c, network)
	}
	r.checkSAs(f)
	r.checkConstant(f)
	for i := range f.tunnels {
		t := &f.tunnels[i]
		for j := range t.sas {
			t.SAs = append(t.SAs, t.sas[j].SA)
		}
		c.Tunnels = append(c.Tunnels, t.Tunnel)
	}
	r.resolvePolicies(f, c)
	return c
}

// networkOK reports whether no port, neighbour or route was refused.
func (f *fileDraft) networkOK() bool {
	return f.at.sound() && f.neighboursOK() &&
		!slices.ContainsFunc(f.ports, func(p portDraft) bool { return !p.at.sound() }) &&
		!slices.ContainsFunc(f.routes, func(rt routeDraft) bool { return !rt.at.sound() })
}

// neighboursOK reports whether no neighbour was refused.
func (f *fileDraft) neighboursOK() bool {
	return !slices.ContainsFunc(f.neighbours, func(n neighbourDraft) bool { return !n.at.sound() })
}

// unique refuses a name that an earlier element of the same kind has.
func (r *reader) unique(seen map[string]int, at *place, key, name string) {
	if !at.ok(key) {
		return
	}
	if line, dup := seen[name]; dup {
		r.refuse(at, key, fmt.Sprintf("%q a second time", name), fmt.Sprintf("a value that differs from line %d", line))
		return
	}
	seen[name] = at.line(key)
}

// portNamed resolves the name of a port; false, after a problem, where there is none.
func (r *reader) portNamed(f *fileDraft, at *place, name string) (int, bool) {
	if !at.ok("port") {
		return 0, false
	}
	for i := range f.ports {
		if f.ports[i].Name == name {
			return i, true
		}
	}
	if slices.ContainsFunc(f.ports, func(p portDraft) bool { return !p.at.ok("name") }) {
		return 0, false // it may be the one whose name was refused
	}
	r.refuse(at, "port", fmt.Sprintf("%q", name), "the name of a [[port]]")
	return 0, false
}

// checkConstant refuses what lets an observer see inner traffic beside a constant tunnel.
func (r *reader) checkConstant(f *fileDraft) {
	constant := slices.IndexFunc(f.tunnels, func(t tunnelDraft) bool { return t.at.ok("mode") && t.Mode == ModeConstant })
	if constant < 0 {
		return
	}
	name := f.tunnels[constant].at.path
	if f.system.at.ok("poll") && f.system.Poll == PollAdaptive {
		r.refuse(f.system.at, "poll", `"adaptive"`, fmt.Sprintf("%q: %s is constant, and an lcore that sleeps shows when traffic wakes it", "busy", name))
	}
	for i := range f.policies {
		if p := &f.policies[i]; p.at.ok("action") && p.Action == ActionBypass {
			r.refuse(p.at, "action", `"bypass"`, fmt.Sprintf("%q: %s is constant, and clear traffic beside it shows what it hides", "discard", name))
		}
	}
}

// resolvePolicies checks the entries of the SPD and puts them in the order of the file.
func (r *reader) resolvePolicies(f *fileDraft, c *Config) {
	var all []policyDraft
	seen := map[string]int{}
	for i := range f.policies {
		p := &f.policies[i]
		p.Tunnel = -1
		r.unique(seen, p.at, "name", p.Name)
		r.checkBypass(p)
		all = append(all, *p)
	}
	for i := range f.tunnels {
		for j := range f.tunnels[i].policies {
			p := f.tunnels[i].policies[j]
			p.Name = fmt.Sprintf("%s[%d]", f.tunnels[i].Name, j+1)
			p.Action, p.Tunnel, p.VRF = ActionProtect, i, f.tunnels[i].VRF
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b policyDraft) int { return cmp.Compare(a.at.mark.order, b.at.mark.order) })
	for i := range all {
		r.checkSelectors(&all[i])
		c.Policies = append(c.Policies, all[i].Policy)
	}
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
