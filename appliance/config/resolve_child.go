package config

import (
	"fmt"

	"stillwater/crypto/suite"
)

// childRules are the combinations within one child.
var childRules = []rule[childDraft]{
	{"life_time", []string{"rekey_time"}, func(h *childDraft) bool { return h.at.has("life_time") && h.Rekey.HardTime <= h.Rekey.Time },
		func(h *childDraft) string { return fmt.Sprintf("%q", h.Rekey.HardTime) }, "more than rekey_time"},
	{"life_bytes", []string{"rekey_bytes"}, func(h *childDraft) bool { return h.at.has("life_bytes") && h.Rekey.HardBytes <= h.Rekey.Bytes },
		func(h *childDraft) string { return fmt.Sprintf("%d", h.Rekey.HardBytes) }, "more than rekey_bytes"},
	{"life_packets", []string{"rekey_packets"}, func(h *childDraft) bool { return h.at.has("life_packets") && h.Rekey.HardPackets <= h.Rekey.Packets },
		func(h *childDraft) string { return fmt.Sprintf("%d", h.Rekey.HardPackets) }, "more than rekey_packets"},
}

// resolveChildren checks the children of a connection; port is nil where it is not known.
func (r *reader) resolveChildren(n *connectionDraft, port *Port, c *Config, network bool) {
	names := map[string]int{}
	for i := range n.children {
		h := &n.children[i]
		r.unique(names, h.at, "name", h.Name)
		if n.at.ok("local") {
			h.traffic.local = n.Local
		}
		if n.at.ok("iptfs") && h.at.ok("mode") {
			r.setIPTFS(n, h)
			r.checkTrap(n, h)
		}
		r.resolveTraffic(&h.traffic, port, c, network)
		check(r, h.at, childRules, h)
		h.setDefaults()
		h.Traffic = h.traffic.Traffic
		n.Children = append(n.Children, h.ConnectionChild)
	}
}

// setIPTFS finds out what a child negotiates. Neither what the connection demands nor a constant rate is given up silently.
func (r *reader) setIPTFS(n *connectionDraft, h *childDraft) {
	t := &h.traffic
	if n.IPTFS == IPTFSOff && !h.at.has("mode") {
		t.Mode = ModeTunnel
	}
	got, want := fmt.Sprintf("%q with iptfs = %q", t.Mode, n.IPTFS), ""
	switch h.IPTFS = n.IPTFS; {
	case t.Mode == ModeTunnel:
		h.IPTFS = IPTFSOff
		if n.IPTFS == IPTFSRequire {
			want = `"aggregate" or "constant", or another iptfs: mode "tunnel" is plain ESP`
		}
	case n.IPTFS == IPTFSOff:
		want = `"tunnel", or another iptfs: this mode is AGGFRAG (RFC 9347)`
	case t.Mode == ModeConstant:
		h.IPTFS = IPTFSRequire
		if n.at.has("iptfs") && n.IPTFS == IPTFSPrefer {
			want = `iptfs = "require" beside it: plain ESP shows what a constant rate hides`
		}
	}
	if want != "" {
		r.refuse(h.at, "mode", got, want)
	}
}

// checkTrap refuses a constant child that begins with the first packet: the exchange would show an observer when that comes.
func (r *reader) checkTrap(n *connectionDraft, h *childDraft) {
	if h.traffic.Mode != ModeConstant {
		return
	}
	for _, a := range []struct {
		key   string
		value Start
	}{{"start_action", n.StartAction}, {"close_action", n.CloseAction}} {
		if a.value == StartTrap && n.at.ok(a.key) {
			r.refuse(n.at, a.key, `"trap"`, fmt.Sprintf(`"start" or "none": %s is constant, and traffic must not begin an exchange there`, h.at.path))
		}
	}
}

// setDefaults fills in what follows from other keys.
func (h *childDraft) setDefaults() {
	l := &h.Rekey
	if !h.at.has("life_time") {
		l.HardTime = l.Time + l.Time/graceShare
	}
	if !h.at.has("life_bytes") {
		l.HardBytes = l.Bytes + l.Bytes/graceShare
	}
	if !h.at.has("life_packets") {
		l.HardPackets = l.Packets + l.Packets/graceShare
	}
	if !h.at.has("esp_proposals") {
		h.Proposals = suite.DefaultESP()
	}
}

// checkTwins refuses a child whose selectors an earlier one has too, where both peers are fixed: no packet would ever choose
// it. Selectors that only overlap are in order, the first match decides.
func (r *reader) checkTwins(f *fileDraft) {
	before := map[string]*place{}
	for i := range f.connections {
		n := &f.connections[i]
		if !n.at.ok("remote") || !n.canBegin() {
			continue
		}
		for j := range n.children {
			h := &n.children[j]
			if !h.at.ok("local_ts", "remote_ts", "protocol", "local_port", "remote_port", "icmp", "vrf") {
				continue
			}
			selectors := h.policy.canonical(h.VRF)
			if o := before[selectors]; o != nil {
				r.refuse(h.at, "local_ts", "the same selectors as "+o.path, fmt.Sprintf("selectors that differ from line %d in something: the first match decides", o.mark.line))
				continue
			}
			before[selectors] = h.at
		}
	}
}
