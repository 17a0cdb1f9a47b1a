package config

import (
	"net/netip"
	"time"
)

// trafficDraft is a Traffic with its three rates apart, and what its rules need to know of the rest.
type trafficDraft struct {
	Traffic
	l2, l3, pps uint64
	local       netip.Addr // own outer address; the zero Addr where that is not known
	at          *place
}

// trafficRows are the keys that [[tunnel]] and [[connection.child]] both have.
var trafficRows = []row[trafficDraft]{
	key("mode", choice[Mode](modeWords...), "aggregate", "aggregate: AGGFRAG on demand; constant: fixed size and rate; tunnel: plain ESP", func(t *trafficDraft) *Mode { return &t.Mode }),
	key("outer_packet_size", integer[int](minPacket, maxPacket), nil, "size of the outer IP packet, octets; without it the mtu of the port", func(t *trafficDraft) *int { return &t.OuterPacketSize }),
	key("l2_fixed_rate", rateKind, nil, "mode constant: rate counted on the link", func(t *trafficDraft) *uint64 { return &t.l2 }),
	key("l3_fixed_rate", rateKind, nil, "mode constant: rate counted in outer IP packets", func(t *trafficDraft) *uint64 { return &t.l3 }),
	key("packets_per_second", integer[uint64](1, 100_000_000), nil, "mode constant: rate in packets", func(t *trafficDraft) *uint64 { return &t.pps }),
	key("l2_overhead", integer[int](0, 128), int64(38), "octets on the link beside the IP packet, for l2_fixed_rate: Ethernet 38, 42 with a tag", func(t *trafficDraft) *int { return &t.L2Overhead }),
	key("path_is_mine", boolKind, false, "mode constant: every link of the path is the operator's own (RFC 9347 2.4.1)", func(t *trafficDraft) *bool { return &t.PathIsMine }),
	key("dont_fragment", boolKind, false, "never spread an inner packet over several outer ones", func(t *trafficDraft) *bool { return &t.DontFragment }),
	key("min_fragment", integer[int](minTail, maxPacket), int64(40), "octets of room before a fragment starts in the tail of an outer packet", func(t *trafficDraft) *int { return &t.MinFragment }),
	key("window_size", integer[int](0, 1024), int64(3), "reorder window, packets; 0: none", func(t *trafficDraft) *int { return &t.WindowSize }),
	key("send_immediately", boolKind, false, "deliver inner packets without waiting for lost outer ones", func(t *trafficDraft) *bool { return &t.SendImmediately }),
	key("lost_packet_timer", duration(time.Microsecond, 10*time.Second), nil, "wait for a missing outer packet; without it the measured arrival gap decides", func(t *trafficDraft) *time.Duration { return &t.LostPacketTimer }),
	key("max_aggregation_time", duration(time.Microsecond, time.Minute), nil, "longest wait of an inner packet; without it 10ms, or 4 send intervals if that is longer", func(t *trafficDraft) *time.Duration { return &t.MaxAggregationTime }),
	key("replay_window", integer[int](32, maxWindow), int64(1984), "anti-replay window, packets, rounded up", func(t *trafficDraft) *int { return &t.ReplayWindow }),
	key("dscp", integerOr("copy", CopyDSCP, 0, 63), int64(0), "DS field of outer packets; copy in mode tunnel only", func(t *trafficDraft) *int { return &t.DSCP }),
	key("df", choice[DF](dfWords...), "set", "Don't Fragment of outer IPv4 packets; copy in mode tunnel only", func(t *trafficDraft) *DF { return &t.DF }),
	key("ttl", integer[uint8](1, 255), int64(64), "TTL or hop limit of outer packets", func(t *trafficDraft) *uint8 { return &t.TTL }),
	key("flow_label", integer[uint32](0, 1<<20-1), int64(0), "flow label of outer IPv6 packets", func(t *trafficDraft) *uint32 { return &t.FlowLabel }),
	key("tfc_padding", tfcKind, "off", "mode tunnel: pad to outer_packet_size (mtu) or to multiples (bucket:N)", func(t *trafficDraft) *TFC { return &t.TFC }),
	key("vrf", integer[uint16](0, 4095), int64(0), "routing instance of the inner packets", func(t *trafficDraft) *uint16 { return &t.VRF }),
}
