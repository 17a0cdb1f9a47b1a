package config

import (
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
	for i := range f.connections {
		f.connections[i].PSK.Wipe()
	}
}

// resolve checks what no single key can tell, turns names into indexes, and returns the Config. It is of no use when the
// reader has problems afterwards.
func (r *reader) resolve(f *fileDraft) *Config {
	c := &Config{File: r.file, UnsafeStaticKeys: f.unsafeKeys, System: f.system.System, Admin: f.admin, IKE: f.ike.IKE}
	r.resolvePorts(f, c)
	r.resolveNeighbours(f, c)
	r.resolveRoutes(f, c)
	names, network := map[string]int{}, f.networkOK()
	for i := range f.tunnels {
		r.unique(names, f.tunnels[i].at, "name", f.tunnels[i].Name)
		r.resolveTunnel(&f.tunnels[i], c, network)
	}
	r.resolveConnections(f, c, names, network)
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
	c.Warnings = r.warnings
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

// constant names a tunnel or child of mode "constant"; empty: there is none.
func (f *fileDraft) constant() string {
	for i := range f.tunnels {
		if t := &f.tunnels[i]; t.at.ok("mode") && t.Mode == ModeConstant {
			return t.at.path
		}
	}
	for i := range f.connections {
		for j := range f.connections[i].children {
			if h := &f.connections[i].children[j]; h.at.ok("mode") && h.Mode == ModeConstant {
				return h.at.path
			}
		}
	}
	return ""
}

// checkConstant refuses what lets an observer see inner traffic beside a constant tunnel or child. The appliance's own IKE
// messages need no BYPASS entry.
func (r *reader) checkConstant(f *fileDraft) {
	name := f.constant()
	if name == "" {
		return
	}
	if f.system.at.ok("poll") && f.system.Poll == PollAdaptive {
		r.refuse(f.system.at, "poll", `"adaptive"`, fmt.Sprintf("%q: %s is constant, and an lcore that sleeps shows when traffic wakes it", "busy", name))
	}
	for i := range f.policies {
		if p := &f.policies[i]; p.at.ok("action") && p.Action == ActionBypass {
			r.refuse(p.at, "action", `"bypass"`, fmt.Sprintf("%q: %s is constant, and clear traffic beside it shows what it hides", "discard", name))
		}
	}
}
