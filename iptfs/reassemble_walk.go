package iptfs

import "stillwater/pmd/mbuf"

// pass is what a walk over the blocks of a payload is for.
type pass uint8

const (
	passInOrder pass = iota // the only one: deliver, and begin the packet that starts in the tail
	passEarly               // the payload waits in the window: deliver what is whole, change no state of the stream
	passLate                // in order, but an early pass has delivered what is whole
)

// blockReader is the place in the payload that is being taken apart; a full burst interrupts it. Owned by one lcore.
type blockReader struct {
	m       *mbuf.Mbuf // nil between payloads
	rest    []byte     // its blocks from the next one on
	pass    pass
	first   bool // no block was read yet
	damaged bool // an error was found in it
}

// walk takes the blocks of the current payload apart into out and returns how many packets there were. Every step but
// the last moves on by the length of a block that was found valid, 20 octets at least, so it ends whatever the octets
// say.
func (r *Reassembler) walk(out mbuf.Burst, pool *mbuf.Pool) (n int) {
	b := &r.blocks
	d := b.rest
	for len(d) > 0 && n < len(out) {
		length, need, ok := BlockLen(d)
		if !ok || need > 0 || length > len(d) || BlockKind(d[0]) == BlockPad {
			r.lastBlock(d, length, ok, pool)
			d = nil
			break
		}
		if b.first && b.pass == passInOrder && length <= r.maxInner && endsPayload(d[length:]) {
			out[n] = r.inPlace(d, length)
			return n + 1
		}
		if b.pass != passLate {
			if m := r.copyOut(d[:length], pool); m != nil {
				out[n] = m
				n++
			}
		}
		d = d[length:]
		b.first = false
	}
	b.rest = d
	if len(d) == 0 {
		r.closeBlocks(pool)
	}
	return n
}

// endsPayload reports whether nothing but padding follows a block.
func endsPayload(rest []byte) bool { return len(rest) == 0 || BlockKind(rest[0]) == BlockPad }

// copyOut returns the whole packet in the current payload as an mbuf of its own, or nil when it was dropped.
func (r *Reassembler) copyOut(packet []byte, pool *mbuf.Pool) *mbuf.Mbuf {
	m := r.newInner(r.blocks.m, len(packet), packet[0], pool)
	if m == nil {
		return nil
	}
	copy(m.Append(len(packet)), packet)
	r.delivered(len(packet))
	return m
}

// inPlace cuts the current payload down to the packet of length octets at the front of d, the only one in it, and hands
// the payload's mbuf on.
func (r *Reassembler) inPlace(d []byte, length int) *mbuf.Mbuf {
	b := &r.blocks
	m, pad := b.m, len(d)-length
	b.m = nil
	m.NextHeader = innerNextHeader(d[0])
	m.Adj(m.Len() - len(d))
	m.Trim(pad)
	if pad > 0 {
		r.extraPad(pad)
	}
	if b.damaged {
		r.counters.Errored++
	}
	r.delivered(length)
	return m
}

// newInner returns an empty mbuf for an inner packet of length octets whose first octet is first, with the metadata of
// the payload src; nil where the packet is too big or no mbuf is left, which it counts.
func (r *Reassembler) newInner(src *mbuf.Mbuf, length int, first byte, pool *mbuf.Pool) *mbuf.Mbuf {
	if length > r.maxInner {
		r.drops[mbuf.AggTooBig]++
		return nil
	}
	m := pool.Get(length)
	if m == nil {
		r.drops[mbuf.NoBuffer]++
		return nil
	}
	m.CopyMeta(src)
	m.NextHeader = innerNextHeader(first)
	return m
}

// innerNextHeader returns the protocol number of the IP version the octet first starts with, 4 or 6.
func innerNextHeader(first byte) uint8 {
	if BlockKind(first) == BlockIPv6 {
		return nextHeaderIPv6
	}
	return nextHeaderIPv4
}

// lastBlock deals with d, the block that ends the current payload without being whole: padding, damage, or the first
// fragment of a packet. length and ok are what BlockLen said of it.
func (r *Reassembler) lastBlock(d []byte, length int, ok bool, pool *mbuf.Pool) {
	b := &r.blocks
	kind := BlockKind(d[0])
	fragment := ok && kind != BlockPad
	switch {
	case b.pass == passEarly:
		if fragment && !r.noFragments {
			b.m.Aux |= uint32(b.m.Len() - len(d))
		}
	case fragment && b.m.Aux&auxTailDone != 0: // delivered early
	case fragment:
		r.beginPartial(b.m, d, length, pool)
	case kind == BlockPad:
		r.extraPad(len(d))
	case kind == BlockUnknown:
		r.drops[mbuf.AggBlockType]++
		b.damaged = true
	default:
		r.drops[mbuf.AggInnerLength]++
		b.damaged = true
	}
}

// closeBlocks ends the walk over the current payload.
func (r *Reassembler) closeBlocks(pool *mbuf.Pool) {
	b := &r.blocks
	m := b.m
	b.m = nil
	if b.pass == passEarly {
		m.Aux |= auxRead
		return
	}
	if b.damaged {
		r.counters.Errored++
	}
	r.spend(m, mbuf.AggConsumed, pool)
}

// spend counts the end of the payload m and puts it aside to be freed in bulk.
func (r *Reassembler) spend(m *mbuf.Mbuf, v mbuf.Verdict, pool *mbuf.Pool) {
	if r.nSpent == len(r.spent) {
		pool.Free(r.spent[:])
		r.nSpent = 0
	}
	r.spent[r.nSpent] = m
	r.nSpent++
	r.drops[v]++
}

func (r *Reassembler) delivered(octets int) {
	r.counters.RxPkts++
	r.counters.RxOctets += uint64(octets)
}

func (r *Reassembler) extraPad(octets int) {
	r.counters.ExtraPadPkts++
	r.counters.ExtraPadOctets += uint64(octets)
}
