package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// keyModes lists the keys that mean something in some modes only. A key without effect is refused: whoever wrote it
// expected one.
var keyModes = []struct {
	keys  []string
	modes []Mode
}{
	{[]string{"l2_fixed_rate", "l3_fixed_rate", "packets_per_second", "l2_overhead"}, []Mode{ModeConstant}},
	{[]string{"dont_fragment", "min_fragment", "window_size", "send_immediately", "lost_packet_timer", "max_aggregation_time"},
		[]Mode{ModeAggregate, ModeConstant}},
	{[]string{"tfc_padding"}, []Mode{ModeTunnel}},
}

// tunnelRule is a combination of keys that is refused. It is skipped when one of the keys was refused already.
type tunnelRule struct {
	key  string   // the key that the problem is reported for
	with []string // the other keys it looks at
	bad  func(t *tunnelDraft) bool
	got  func(t *tunnelDraft) string
	want string
}

// says returns a fixed description.
func says(s string) func(*tunnelDraft) string { return func(*tunnelDraft) string { return s } }

// tunnelRules are the combinations within one tunnel.
var tunnelRules = []tunnelRule{
	{"remote", []string{"local"}, func(t *tunnelDraft) bool { return t.Local.Is4() != t.Remote.Is4() },
		func(t *tunnelDraft) string { return fmt.Sprintf("%q", t.Remote) }, "an address of the family of local"},
	{"remote", []string{"local"}, func(t *tunnelDraft) bool { return t.Local == t.Remote },
		func(t *tunnelDraft) string { return fmt.Sprintf("%q", t.Remote) }, "another address than local"},
	{"path_is_mine", []string{"mode"}, func(t *tunnelDraft) bool { return t.Mode == ModeConstant && !t.PathIsMine },
		says("false"), "true: a constant rate ignores congestion and is allowed only where every link of the path is the operator's own (RFC 9347 2.4.1)"},
	{"mode", []string{"l2_fixed_rate", "l3_fixed_rate", "packets_per_second"},
		func(t *tunnelDraft) bool { return t.Mode == ModeConstant && t.rates() != 1 },
		func(t *tunnelDraft) string { return fmt.Sprintf("%q with %d rates", t.Mode, t.rates()) },
		"exactly one of l2_fixed_rate, l3_fixed_rate and packets_per_second"},
	{"dscp", []string{"mode"}, func(t *tunnelDraft) bool { return t.DSCP == CopyDSCP && t.Mode != ModeTunnel },
		says(`"copy"`), `a number: one outer packet carries several inner ones (RFC 9347 2.2.5), "copy" needs mode "tunnel"`},
	{"df", []string{"mode"}, func(t *tunnelDraft) bool { return t.DF == DFCopy && t.Mode != ModeTunnel },
		says(`"copy"`), `"set" or "clear": inner DF is never mapped (RFC 9347 2.2.5), "copy" needs mode "tunnel"`},
	{"df", []string{"local"}, func(t *tunnelDraft) bool { return t.at.has("df") && t.Local.Is6() },
		func(t *tunnelDraft) string { return fmt.Sprintf("%q", t.DF) }, "no such key with an IPv6 outer header"},
	{"flow_label", []string{"local"}, func(t *tunnelDraft) bool { return t.FlowLabel != 0 && t.Local.Is4() },
		func(t *tunnelDraft) string { return fmt.Sprintf("%d", t.FlowLabel) }, "0 with an IPv4 outer header"},
	{"min_fragment", []string{"dont_fragment"}, func(t *tunnelDraft) bool { return t.DontFragment && t.at.has("min_fragment") },
		func(t *tunnelDraft) string { return fmt.Sprintf("%d", t.MinFragment) }, "no such key with dont_fragment = true"},
	{"lost_packet_timer", []string{"window_size"}, func(t *tunnelDraft) bool { return t.WindowSize == 0 && t.at.has("lost_packet_timer") },
		func(t *tunnelDraft) string { return fmt.Sprintf("%q", t.LostPacketTimer) }, "no such key with window_size = 0: nothing is waited for"},
	{"soft_packets", []string{"life_packets"}, func(t *tunnelDraft) bool { return above(t.Lifetime.SoftPackets, t.Lifetime.Packets) },
		func(t *tunnelDraft) string { return fmt.Sprintf("%d", t.Lifetime.SoftPackets) }, "less than life_packets"},
	{"soft_bytes", []string{"life_bytes"}, func(t *tunnelDraft) bool { return above(t.Lifetime.SoftBytes, t.Lifetime.Bytes) },
		func(t *tunnelDraft) string { return fmt.Sprintf("%d", t.Lifetime.SoftBytes) }, "less than life_bytes"},
}

// above reports whether a soft limit comes no earlier than its hard one.
func above(soft, hard uint64) bool { return soft != 0 && hard != 0 && soft >= hard }

// rates counts the rates that are given.
func (t *tunnelDraft) rates() (n int) {
	for _, k := range []string{"l2_fixed_rate", "l3_fixed_rate", "packets_per_second"} {
		if t.at.has(k) {
			n++
		}
	}
	return n
}

// resolveTunnel checks one tunnel and fills in what depends on the rest of the file. Without network the ports and routes
// have problems of their own, and what depends on them is not checked.
func (r *reader) resolveTunnel(t *tunnelDraft, c *Config, network bool) {
	r.checkModes(t)
	for _, rule := range tunnelRules {
		if t.at.ok(rule.key) && t.at.ok(rule.with...) && rule.bad(t) {
			r.refuse(t.at, rule.key, rule.got(t), rule.want)
		}
	}
	if network && t.at.ok("vrf") && !slices.ContainsFunc(c.Ports, func(p Port) bool { return p.VRF == t.VRF }) {
		r.refuse(t.at, "vrf", fmt.Sprintf("%d", t.VRF), "the VRF of at least one port")
	}
	if network && t.at.ok("local") && r.findPort(t, c) {
		r.checkReach(t, c)
		r.checkSize(t, c)
	}
	t.setRate()
	t.setAggregation()
}

// checkModes refuses keys of another mode.
func (r *reader) checkModes(t *tunnelDraft) {
	if !t.at.ok("mode") {
		return
	}
	for _, k := range keyModes {
		if slices.Contains(k.modes, t.Mode) {
			continue
		}
		for _, key := range k.keys {
			if t.at.has(key) && t.at.ok(key) {
				r.refuse(t.at, key, fmt.Sprintf("a value in mode %q", t.Mode), "no such key: it belongs to mode "+either(k.modes))
			}
		}
	}
}

// either lists modes in words.
func either(modes []Mode) string {
	words := make([]string, len(modes))
	for i, m := range modes {
		words[i] = fmt.Sprintf("%q", m)
	}
	return strings.Join(words, " or ")
}

// findPort sets the outside port that owns the local address.
func (r *reader) findPort(t *tunnelDraft, c *Config) bool {
	for i := range c.Ports {
		owns := func(own netip.Prefix) bool { return own.Addr() == t.Local }
		if c.Ports[i].Role == RoleOutside && slices.ContainsFunc(c.Ports[i].Addresses, owns) {
			t.Port = i
			return true
		}
	}
	r.refuse(t.at, "local", fmt.Sprintf("%q", t.Local), `an address of a port with role "outside"`)
	return false
}

// checkReach refuses a peer that packets cannot get to.
func (r *reader) checkReach(t *tunnelDraft, c *Config) {
	if !t.at.ok("remote") {
		return
	}
	got := fmt.Sprintf("%q", t.Remote)
	switch port, hop, ok := c.nextHop(c.Ports[t.Port].VRF, t.Remote); {
	case !ok:
		r.refuse(t.at, "remote", got, "an address with a route")
	case c.Ports[port].Role != RoleOutside:
		r.refuse(t.at, "remote", got, fmt.Sprintf("a route by an outside port, not by port.%s", c.Ports[port].Name))
	case !c.hasNeighbour(port, hop):
		r.refuse(t.at, "remote", got, fmt.Sprintf("a [[neighbour]] with address %v on port %q: its link address is needed", hop, c.Ports[port].Name))
	}
}

// checkSize sets the default of outer_packet_size and refuses one that the port does not carry.
func (r *reader) checkSize(t *tunnelDraft, c *Config) {
	port := &c.Ports[t.Port]
	if !t.at.has("outer_packet_size") {
		t.OuterPacketSize = port.MTU
	}
	if t.at.ok("outer_packet_size") && t.OuterPacketSize > port.MTU {
		r.refuse(t.at, "outer_packet_size", fmt.Sprintf("%d", t.OuterPacketSize), fmt.Sprintf("at most %d, the mtu of port.%s", port.MTU, port.Name))
		return
	}
	if t.at.has("min_fragment") && t.at.ok("min_fragment") && t.MinFragment >= t.OuterPacketSize {
		r.refuse(t.at, "min_fragment", fmt.Sprintf("%d", t.MinFragment), fmt.Sprintf("less than outer_packet_size, %d", t.OuterPacketSize))
	}
}

// setRate takes the one rate there is.
func (t *tunnelDraft) setRate() {
	switch {
	case t.l2 > 0:
		t.Rate = Rate{RateL2, t.l2}
	case t.l3 > 0:
		t.Rate = Rate{RateL3, t.l3}
	case t.pps > 0:
		t.Rate = Rate{RatePackets, t.pps}
	}
}

// The default of max_aggregation_time: a fixed time alone would drop packets on a slow tunnel, whose slots are further
// apart.
const (
	defaultAggregation  = 10 * time.Millisecond
	aggregationInterval = 4
)

// setAggregation sets the default of max_aggregation_time.
func (t *tunnelDraft) setAggregation() {
	if t.Mode != ModeTunnel && t.MaxAggregationTime == 0 {
		t.MaxAggregationTime = max(defaultAggregation, aggregationInterval*t.SendInterval())
	}
}

// SendInterval returns the time between two packets of a constant tunnel, rounded; 0 for other modes.
func (t *Tunnel) SendInterval() time.Duration {
	octets := uint64(t.OuterPacketSize)
	switch t.Rate.Kind {
	case RateNone:
		return 0
	case RatePackets:
		return time.Duration(uint64(time.Second) / t.Rate.Value)
	case RateL2:
		octets += uint64(t.L2Overhead)
	}
	return time.Duration(octets * 8 * uint64(time.Second) / t.Rate.Value)
}
