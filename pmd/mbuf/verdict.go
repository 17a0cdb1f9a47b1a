package mbuf

// Verdict is why a packet ended. Pass means it goes on. The one table below drives the code, the counters, "show drops",
// the metrics label and the documentation; a new reason is a new row.
type Verdict uint8

// Severity groups verdicts for operators.
type Severity uint8

// The severities.
const (
	Normal  Severity = iota // ordinary work, nothing was lost: delivered elsewhere, padding, keepalives
	Notice                  // traffic was dropped: policy, limits, loss
	Alarm                   // damage, attack or misconfiguration
	Audited Severity = 0x80 // flag: RFC 4301 or 4303 calls it an auditable event
)

// The verdicts, in the order a packet meets the stages.
const (
	Pass Verdict = iota
	// both directions
	NoBuffer
	TxFull
	RingFull
	Punted
	Malformed
	BadVersion
	BadChecksum
	Keepalive
	OuterFragment
	PortDown
	LcoreDown
	Drained
	// outbound
	NoPolicy
	PolicyDiscard
	NoSA
	NoRoute
	NoNeighbour
	TTLExceeded
	TooBig
	QueueFull
	AgedOut
	SeqExhausted
	LifetimeExpired
	// inbound
	BadSPI
	UnknownSPI
	TooShort
	Replayed
	TooOld
	SeqInvalid
	AuthFailed
	BadPadding
	BadNextHeader
	Dummy
	SelectorMismatch
	ECNDropped
	// AGGFRAG
	AggConsumed
	AggAllPad
	AggSubType
	AggHeader
	AggBlockType
	AggInnerLength
	AggTooBig
	AggOffset
	AggIncomplete
	AggLate
	AggDuplicate
	AggFragment
	NumVerdicts
)

// Row is one line of the verdict table.
type Row struct {
	Name     string // stable name: metrics label, JSON key
	Severity Severity
	Help     string // for a person: what happened and, where there is one, the rule behind it
}

var table = [NumVerdicts]Row{
	Pass:             {"pass", Normal, "the packet goes on"},
	NoBuffer:         {"no_buffer", Notice, "the mbuf pool of the lcore was empty"},
	TxFull:           {"tx_full", Notice, "the transmit queue took no more packets"},
	RingFull:         {"ring_full", Notice, "the ring to another lcore or to control was full"},
	Punted:           {"punted", Normal, "handed to the host stack"},
	Malformed:        {"malformed", Notice, "the IP header is damaged: length, header length or options"},
	BadVersion:       {"bad_version", Notice, "neither IPv4 nor IPv6"},
	BadChecksum:      {"bad_checksum", Notice, "IPv4 header checksum is wrong"},
	Keepalive:        {"keepalive", Normal, "NAT keepalive (RFC 3948 2.3)"},
	OuterFragment:    {"outer_fragment", Notice | Audited, "ESP in an IP fragment (RFC 4303 3.4.1)"},
	PortDown:         {"port_down", Notice, "the port is closed"},
	LcoreDown:        {"lcore_down", Alarm, "the lcore that owns the SA has stopped"},
	Drained:          {"drained", Notice, "still queued when the appliance shut down"},
	NoPolicy:         {"no_policy", Notice | Audited, "no SPD entry matches: nominal last entry discards (RFC 4301 4.4.1)"},
	PolicyDiscard:    {"policy_discard", Notice | Audited, "an SPD entry says DISCARD (RFC 4301 4.4.1)"},
	NoSA:             {"no_sa", Notice, "policy says PROTECT and there is no SA"},
	NoRoute:          {"no_route", Notice, "no route to the destination"},
	NoNeighbour:      {"no_neighbour", Notice, "the next hop's link address is unknown"},
	TTLExceeded:      {"ttl_exceeded", Notice, "TTL or hop limit ran out (RFC 4301 5.1.2)"},
	TooBig:           {"too_big", Notice, "larger than the egress or tunnel MTU and not to be fragmented"},
	QueueFull:        {"queue_full", Notice, "the SA's framer queue is full"},
	AgedOut:          {"aged_out", Notice, "would have waited longer than max_aggregation_time (RFC 9348)"},
	SeqExhausted:     {"seq_exhausted", Alarm | Audited, "the sequence number would cycle (RFC 4303 3.3.3)"},
	LifetimeExpired:  {"lifetime_expired", Alarm, "the SA is past a hard lifetime (RFC 4301 4.4.2.1)"},
	BadSPI:           {"bad_spi", Notice | Audited, "SPI 0 or reserved (RFC 4303 2.1)"},
	UnknownSPI:       {"unknown_spi", Notice | Audited, "no SA has this SPI (RFC 4303 3.4.2)"},
	TooShort:         {"too_short", Notice, "too short for the SA's header, IV, trailer and ICV"},
	Replayed:         {"replayed", Alarm | Audited, "sequence number was received before (RFC 4303 3.4.3)"},
	TooOld:           {"too_old", Notice | Audited, "sequence number left of the replay window (RFC 4303 3.4.3)"},
	SeqInvalid:       {"seq_invalid", Alarm | Audited, "sequence number zero, or before the first (RFC 4303 A2)"},
	AuthFailed:       {"auth_failed", Alarm | Audited, "integrity check failed (RFC 4303 3.4.4)"},
	BadPadding:       {"bad_padding", Alarm, "Pad Length exceeds the payload (RFC 4303 2.4)"},
	BadNextHeader:    {"bad_next_header", Alarm, "Next Header is not one the SA carries"},
	Dummy:            {"dummy", Normal, "dummy packet, discarded silently (RFC 4303 2.6)"},
	SelectorMismatch: {"selector_mismatch", Alarm | Audited, "inner packet outside the SA's selectors (RFC 4301 5.2)"},
	ECNDropped:       {"ecn_dropped", Notice, "CE outside, Not-ECT inside (RFC 6040 4.2)"},
	AggConsumed:      {"agg_consumed", Normal, "payload taken apart, its blocks went on (RFC 9347)"},
	AggAllPad:        {"agg_all_pad", Normal, "payload of padding only (RFC 9347 2.2.3)"},
	AggSubType:       {"agg_sub_type", Alarm, "unknown AGGFRAG sub-type (RFC 9347 6.1)"},
	AggHeader:        {"agg_header", Alarm, "payload shorter than its AGGFRAG header (RFC 9347 6.1)"},
	AggBlockType:     {"agg_block_type", Alarm, "data block is neither pad, IPv4 nor IPv6 (RFC 9347 6.1.3)"},
	AggInnerLength:   {"agg_inner_length", Alarm, "inner packet's own length is impossible (RFC 9347 6.1.3)"},
	AggTooBig:        {"agg_too_big", Notice, "inner packet above max_inner"},
	AggOffset:        {"agg_offset", Notice, "BlockOffset contradicts the packet in reassembly (RFC 9347 2.5)"},
	AggIncomplete:    {"agg_incomplete", Notice, "inner packet never completed (RFC 9348 rx-incomplete-pkts)"},
	AggLate:          {"agg_late", Notice, "payload behind the reorder window"},
	AggDuplicate:     {"agg_duplicate", Notice, "payload was already in the reorder window"},
	AggFragment:      {"agg_fragment", Alarm, "peer fragments although told not to (RFC 9347 6.1.4)"},
}

// Row returns the table line of v; an unknown value yields a line named "unknown".
func (v Verdict) Row() Row {
	if v >= NumVerdicts {
		return Row{Name: "unknown", Severity: Alarm, Help: "not in the verdict table"}
	}
	return table[v]
}

// String returns the stable name of v.
func (v Verdict) String() string { return v.Row().Name }

// Drop reports whether a packet that somebody wanted delivered ended with v.
func (v Verdict) Drop() bool { return v.Row().Severity&^Audited != Normal }

// Auditable reports whether RFC 4301 or RFC 4303 asks for an audit record.
func (v Verdict) Auditable() bool { return v.Row().Severity&Audited != 0 }
