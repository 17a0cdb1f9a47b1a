package config

import (
	"fmt"
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

// trafficRules are the combinations within the traffic keys of one tunnel or child.
var trafficRules = []rule[trafficDraft]{
	{"path_is_mine", []string{"mode"}, func(t *trafficDraft) bool { return t.Mode == ModeConstant && !t.PathIsMine },
		says[trafficDraft]("false"), "true: a constant rate ignores congestion and is allowed only where every link of the path is the operator's own (RFC 9347 2.4.1)"},
	{"mode", []string{"l2_fixed_rate", "l3_fixed_rate", "packets_per_second"},
		func(t *trafficDraft) bool { return t.Mode == ModeConstant && t.rates() != 1 },
		func(t *trafficDraft) string { return fmt.Sprintf("%q with %d rates", t.Mode, t.rates()) },
		"exactly one of l2_fixed_rate, l3_fixed_rate and packets_per_second"},
	{"dscp", []string{"mode"}, func(t *trafficDraft) bool { return t.DSCP == CopyDSCP && t.Mode != ModeTunnel },
		says[trafficDraft](`"copy"`), `a number: one outer packet carries several inner ones (RFC 9347 2.2.5), "copy" needs mode "tunnel"`},
	{"df", []string{"mode"}, func(t *trafficDraft) bool { return t.DF == DFCopy && t.Mode != ModeTunnel },
		says[trafficDraft](`"copy"`), `"set" or "clear": inner DF is never mapped (RFC 9347 2.2.5), "copy" needs mode "tunnel"`},
	{"df", nil, func(t *trafficDraft) bool { return t.at.has("df") && t.local.Is6() },
		func(t *trafficDraft) string { return fmt.Sprintf("%q", t.DF) }, "no such key with an IPv6 outer header"},
	{"flow_label", nil, func(t *trafficDraft) bool { return t.FlowLabel != 0 && t.local.Is4() },
		func(t *trafficDraft) string { return fmt.Sprintf("%d", t.FlowLabel) }, "0 with an IPv4 outer header"},
	{"min_fragment", []string{"dont_fragment"}, func(t *trafficDraft) bool { return t.DontFragment && t.at.has("min_fragment") },
		func(t *trafficDraft) string { return fmt.Sprintf("%d", t.MinFragment) }, "no such key with dont_fragment = true"},
	{"lost_packet_timer", []string{"window_size"}, func(t *trafficDraft) bool { return t.WindowSize == 0 && t.at.has("lost_packet_timer") },
		func(t *trafficDraft) string { return fmt.Sprintf("%q", t.LostPacketTimer) }, "no such key with window_size = 0: nothing is waited for"},
}

// resolveTraffic checks how a tunnel or child carries packets and fills in what depends on the port; port is nil where that is
// not known. Without network the ports have problems of their own, and what depends on them is not checked.
func (r *reader) resolveTraffic(t *trafficDraft, port *Port, c *Config, network bool) {
	r.checkModes(t)
	check(r, t.at, trafficRules, t)
	if network && t.at.ok("vrf") && !slices.ContainsFunc(c.Ports, func(p Port) bool { return p.VRF == t.VRF }) {
		r.refuse(t.at, "vrf", fmt.Sprintf("%d", t.VRF), "the VRF of at least one port")
	}
	if port != nil {
		r.checkSize(t, port)
	}
	t.setRate()
	t.setAggregation()
}

// rates counts the rates that are given.
func (t *trafficDraft) rates() (n int) {
	for _, k := range []string{"l2_fixed_rate", "l3_fixed_rate", "packets_per_second"} {
		if t.at.has(k) {
			n++
		}
	}
	return n
}

// checkModes refuses keys of another mode.
func (r *reader) checkModes(t *trafficDraft) {
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

// checkSize sets the default of outer_packet_size and refuses one that the port does not carry.
func (r *reader) checkSize(t *trafficDraft, port *Port) {
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
func (t *trafficDraft) setRate() {
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
func (t *trafficDraft) setAggregation() {
	if t.Mode != ModeTunnel && t.MaxAggregationTime == 0 {
		t.MaxAggregationTime = max(defaultAggregation, aggregationInterval*t.SendInterval())
	}
}
