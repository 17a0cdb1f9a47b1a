package iptfs

import "stillwater/pmd/mbuf"

// partial is the one inner packet of an SA that is being put together in order. Owned by one lcore.
type partial struct {
	span    span
	m       *mbuf.Mbuf // takes the packet; nil while its length is unknown
	pending bool
	ce      uint8  // ECN bits to add: CE where the outer header of any fragment had it (RFC 3168 5.3)
	nextSeq uint64 // the sequence number its next fragment, or an all-pad payload, must have
	touched int64  // when a payload last arrived in order, ns
}

// ecnCE is the Congestion Experienced code point, and the mask of the ECN bits of a DS field.
const ecnCE = 0x03

// outerCE returns ecnCE where the payload's outer header was marked.
func outerCE(m *mbuf.Mbuf) uint8 {
	if m.TOS&ecnCE == ecnCE {
		return ecnCE
	}
	return 0
}

// joinPartial continues the pending packet with the payload m, whose data blocks are d and whose BlockOffset is offset.
// It returns the packet when this completes it.
func (r *Reassembler) joinPartial(m *mbuf.Mbuf, d []byte, offset int, pool *mbuf.Pool) *mbuf.Mbuf {
	p := &r.partial
	had := p.span.have
	n, v := p.span.join(d, offset)
	if v != mbuf.Pass {
		r.blocks.damaged = r.blocks.damaged || v == mbuf.AggInnerLength
		r.abandon(v, pool)
		return nil
	}
	p.ce |= outerCE(m)
	if p.span.total == 0 || (p.m == nil && !r.openPartial(m, p.span.runt[:had], pool)) {
		return nil
	}
	copy(p.m.Append(n), d)
	if !p.span.complete() {
		return nil
	}
	return r.completePartial()
}

// beginPartial starts a packet with the fragment at the end of the payload m; length is 0 for a runt.
func (r *Reassembler) beginPartial(m *mbuf.Mbuf, tail []byte, length int, pool *mbuf.Pool) {
	p := &r.partial
	if r.noFragments {
		r.drops[mbuf.AggFragment]++
		return
	}
	p.span.begin(tail, length)
	p.pending = true
	p.ce = outerCE(m)
	if length != 0 {
		r.openPartial(m, tail, pool)
	}
}

// openPartial gives the pending packet, whose length is known by now, the smallest mbuf it fits into, with the octets so
// far. Where it is too big or no mbuf is left it is dropped instead, and openPartial returns false.
func (r *Reassembler) openPartial(m *mbuf.Mbuf, head []byte, pool *mbuf.Pool) bool {
	p := &r.partial
	p.m = r.newInner(m, p.span.total, head[0], pool)
	p.pending = p.m != nil
	if !p.pending {
		return false
	}
	copy(p.m.Append(len(head)), head)
	return true
}

func (r *Reassembler) completePartial() *mbuf.Mbuf {
	p := &r.partial
	m := p.m
	m.TOS |= p.ce
	p.m, p.pending = nil, false
	r.delivered(m.Len())
	return m
}

// abandon drops the pending packet because of v.
func (r *Reassembler) abandon(v mbuf.Verdict, pool *mbuf.Pool) {
	p := &r.partial
	if p.m != nil {
		pool.Put(p.m)
	}
	p.m, p.pending = nil, false
	r.drops[v]++
	r.counters.Incomplete++
}
