package iptfs

import "stillwater/pmd/mbuf"

// ReassemblerCounters are the receive counters of RFC 9348 for one SA, and the two of the reorder stage it has no leaf
// for. A plain value: a copy belongs to whoever took it.
//
// With every payload received and nothing refused, octets are conserved: the data of all payloads is their AGGFRAG
// headers, RxOctets, AllPadOctets and ExtraPadOctets.
type ReassemblerCounters struct {
	RxPkts         uint64 // rx-pkts: inner packets delivered
	RxOctets       uint64 // rx-octets: their octets
	Incomplete     uint64 // rx-incomplete-pkts: inner packets begun and never completed
	AllPadPkts     uint64 // rx-all-pad-pkts: payloads of padding only, empty ones included
	AllPadOctets   uint64 // rx-all-pad-octets: the padding in them
	ExtraPadPkts   uint64 // rx-extra-pad-pkts: payloads with data and padding
	ExtraPadOctets uint64 // rx-extra-pad-octets: the padding in them
	Errored        uint64 // rx-errored-pkts: payloads dropped, wholly or from some block on, because they are damaged
	Missed         uint64 // rx-missed-pkts: sequence numbers given up
	Late           uint64 // payloads that came after they were given up or delivered
	Duplicate      uint64 // payloads that were waiting in the window already
}

// Counters returns the counters as they are now.
func (r *Reassembler) Counters() ReassemblerCounters {
	c := r.counters
	c.Missed = r.reorder.missed
	c.Late = r.drops[mbuf.AggLate]
	c.Duplicate = r.drops[mbuf.AggDuplicate]
	return c
}

// Drops returns how often each verdict was given, for the caller to read and sum. Every payload received ends in exactly
// one of AggConsumed, AggAllPad, Dummy, AggSubType, AggHeader, BadNextHeader, AggLate, AggDuplicate, RingFull or Drained,
// unless it is delivered in place as its only packet. The other verdicts are those of single blocks and inner packets in
// it: AggBlockType, AggInnerLength, AggTooBig, AggOffset, AggIncomplete, AggFragment, NoBuffer.
func (r *Reassembler) Drops() *[mbuf.NumVerdicts]uint64 { return &r.drops }
