package iptfs

import "stillwater/pmd/mbuf"

// Immediate delivery (RFC 9347 2.5, first method; RFC 9348 send-immediately). A payload that arrives in order is taken
// apart as always. One that has to wait in the window is read early, where it lies: whole packets are copied out, and so
// is a packet whose fragments are all in the window. When its turn comes it is walked once more for what it means to the
// stream, without delivering again. Which octets are a packet never depends on what came before, because blocks start
// at BlockOffset whatever is pending; so the packets delivered are those of the in-order mode, in another order.
//
// It keeps at most the window's payloads and the one partial packet of the stream.

// The marks left in Mbuf.Aux of a waiting payload. The low bits are the offset of its last block from the start of its
// data, where that is the first fragment of a packet, else 0.
const (
	auxRead     = 1 << 31 // its whole packets were delivered
	auxTailDone = 1 << 30 // so was the packet that starts in its tail
	auxTail     = 1<<30 - 1
)

// searchWindow does one step of the search through the window: it begins to read a payload that was not read yet; or it
// returns a packet whose fragments are all there; or it ends the search.
func (r *Reassembler) searchWindow(pool *mbuf.Pool) *mbuf.Mbuf {
	if r.readWaiting() {
		return nil
	}
	m := r.wholeInWindow(pool)
	r.unsearched = m != nil
	return m
}

// readWaiting makes the first payload in the window that was not read yet the current one; false when all were.
func (r *Reassembler) readWaiting() bool {
	for q, left := r.reorder.want, r.reorder.held; left > 0; q++ {
		m := r.reorder.waiting(q)
		if m == nil {
			continue
		}
		left--
		if m.Aux&auxRead != 0 {
			continue
		}
		if offset, d, v := openPayload(m); v == mbuf.Pass {
			r.blocks = blockReader{m: m, rest: d[min(offset, len(d)):], pass: passEarly, first: true}
			return true
		}
		m.Aux |= auxRead
	}
	return false
}

// wholeInWindow looks for a packet that starts in the tail of a waiting payload and whose other fragments wait behind it,
// by the rules open and joinPartial follow in order. It puts together and returns the first, or nil.
func (r *Reassembler) wholeInWindow(pool *mbuf.Pool) *mbuf.Mbuf {
	var s span
	open, start := false, uint64(0) // whether a packet is in s, and the payload it starts in
	for q, left := r.reorder.want, r.reorder.held; left > 0; q++ {
		m := r.reorder.waiting(q)
		if m == nil {
			open = false
			continue
		}
		left--
		offset, d, v := openPayload(m)
		if v != mbuf.Pass {
			continue
		}
		if open {
			_, v = s.join(d, offset)
			open = v == mbuf.Pass
		}
		if open && s.complete() {
			if whole := r.gather(start, q, s.total, pool); whole != nil {
				return whole
			}
			open = false
		}
		if tail := waitingTail(m); tail != nil {
			length, _, _ := BlockLen(tail)
			s.begin(tail, length)
			open, start = true, q
		}
	}
	return nil
}

// waitingTail returns the first fragment at the end of the waiting payload m; nil where there is none, or where its
// packet was delivered.
func waitingTail(m *mbuf.Mbuf) []byte {
	at := m.Aux & auxTail
	if at == 0 || m.Aux&auxTailDone != 0 {
		return nil
	}
	return m.Data()[at:]
}

// gather puts together the packet of total octets that starts in the tail of payload first and ends in payload last; nil
// where it is too big or no mbuf is left. Either way the stream has no more to do with it.
func (r *Reassembler) gather(first, last uint64, total int, pool *mbuf.Pool) *mbuf.Mbuf {
	src := r.reorder.waiting(first)
	tail := waitingTail(src)
	m := r.newInner(src, total, tail[0], pool)
	src.Aux |= auxTailDone
	if m == nil {
		return nil
	}
	copy(m.Append(len(tail)), tail)
	for q := first + 1; q <= last; q++ {
		part := r.reorder.waiting(q)
		offset, d, v := openPayload(part)
		if v != mbuf.Pass {
			continue
		}
		n := min(offset, len(d))
		copy(m.Append(n), d)
		m.TOS |= outerCE(part)
	}
	r.delivered(total)
	return m
}
