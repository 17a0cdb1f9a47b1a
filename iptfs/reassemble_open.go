package iptfs

import (
	"encoding/binary"

	"stillwater/pmd/mbuf"
)

// The values of Next Header this file gives and takes, beside AGGFRAG's own (RFC 4303 2.6).
const (
	nextHeaderIPv4  = 4
	nextHeaderIPv6  = 41
	nextHeaderDummy = 59
)

// openPayload reads the header of the payload m: its BlockOffset and data blocks, and Pass where there is something in
// them. Otherwise v says why not, and to the stream the payload is what an all-pad one is: its sequence number arrived.
// The fields of sub-type 1 are the congestion control's, which reads them before payloads are put in order.
func openPayload(m *mbuf.Mbuf) (offset int, blocks []byte, v mbuf.Verdict) {
	if m.NextHeader != NextHeader {
		if m.NextHeader == nextHeaderDummy {
			return 0, nil, mbuf.Dummy
		}
		return 0, nil, mbuf.BadNextHeader // RFC 9347 2.3: AGGFRAG payloads only
	}
	b := m.Data()
	if len(b) == 0 {
		return 0, nil, mbuf.AggHeader
	}
	if b[0] > SubTypeCC {
		return 0, nil, mbuf.AggSubType
	}
	n := BasicHeaderLen
	if b[0] == SubTypeCC {
		n = CCHeaderLen
	}
	if len(b) < n {
		return 0, nil, mbuf.AggHeader
	}
	offset, blocks = int(binary.BigEndian.Uint16(b[2:])), b[n:]
	if len(blocks) == 0 || offset == 0 && BlockKind(blocks[0]) == BlockPad {
		return offset, blocks, mbuf.AggAllPad
	}
	return offset, blocks, mbuf.Pass
}

// EmptyCC reports whether b is the one AGGFRAG payload that an SA not enabled for AGGFRAG takes: an empty one of sub-type 1,
// which carries congestion information and nothing else (RFC 9347 2.2.4, 6.1.2). All others with Next Header 144 are to
// be dropped there.
func EmptyCC(b []byte) bool { return len(b) == CCHeaderLen && b[0] == SubTypeCC }

// open begins with the payload m, the next one in order, as follows (RFC 9347 2.5, 2.2.3).
//
//  1. A pending packet whose next fragment is not here was cut by a loss: drop it.
//  2. A payload that carries nothing moves the expected sequence number on, and no more.
//  3. Continue the pending packet with what lies before BlockOffset; skip that where none is pending.
//  4. Leave the blocks from BlockOffset on to walk. They start there whatever became of the pending packet.
//
// It returns the packet that step 3 completed, if any.
func (r *Reassembler) open(m *mbuf.Mbuf, pool *mbuf.Pool, now int64) (whole *mbuf.Mbuf) {
	p := &r.partial
	if p.pending && m.Seq != p.nextSeq {
		r.abandon(mbuf.AggIncomplete, pool)
	}
	p.nextSeq, p.touched = m.Seq+1, now
	offset, d, v := openPayload(m)
	if v != mbuf.Pass {
		r.closeEmpty(m, len(d), v, pool)
		return nil
	}
	r.blocks = blockReader{m: m, rest: d[min(offset, len(d)):], first: true}
	if m.Aux&auxRead != 0 {
		r.blocks.pass = passLate
	}
	if p.pending {
		whole = r.joinPartial(m, d, offset, pool)
	}
	return whole
}

// closeEmpty ends a payload that carried nothing to deliver, of which octets were padding.
func (r *Reassembler) closeEmpty(m *mbuf.Mbuf, octets int, v mbuf.Verdict, pool *mbuf.Pool) {
	switch v {
	case mbuf.AggAllPad:
		r.counters.AllPadPkts++
		r.counters.AllPadOctets += uint64(octets)
	case mbuf.Dummy:
	default:
		r.counters.Errored++
	}
	r.spend(m, v, pool)
}
