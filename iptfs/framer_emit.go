package iptfs

import "stillwater/pmd/mbuf"

// Emit fills out with payloads allocated from pool, each with full headroom and NextHeader set, and returns how many
// there are. With Fixed it makes as many as out has room for, all of padding where nothing waits; without, it stops when
// no payload is Ready. It stops early when pool is empty. Inner packets that are used up are freed to pool.
//
//  1. drop what waited too long
//  2. write the header, BlockOffset telling how much of the last packet is still to come
//  3. finish that packet
//  4. begin new packets, while there is room for one, or for a fragment that may be cut
//  5. pad, with Fixed
//  6. free the inner packets in bulk
func (f *Framer) Emit(out mbuf.Burst, pool *mbuf.Pool, now int64) int {
	f.dropAged(now)
	n := 0
	for n < len(out) && f.Ready(now) {
		m := pool.Get(f.size)
		if m == nil {
			break
		}
		f.fill(m, now)
		out[n] = m
		n++
	}
	f.release(pool)
	return n
}

// EmitPad fills out with all-pad payloads, which may go between any two others, even inside a fragmented packet
// (RFC 9347 2.2.3); it returns how many there are. They keep a slot when framing is late, and carry congestion control
// fields when nothing waits. Without Fixed their padding is one octet.
func (f *Framer) EmitPad(out mbuf.Burst, pool *mbuf.Pool) int {
	n := 0
	for n < len(out) {
		m := pool.Get(f.size)
		if m == nil {
			break
		}
		b := m.Room()[:f.size]
		f.header.BlockOffset = 0
		start := f.header.Put(b)
		if !f.cfg.Fixed {
			b = b[:start+1]
		}
		f.finish(m, b, start, start)
		out[n] = m
		n++
	}
	return n
}

// Ready reports whether Emit would make a payload now: always with Fixed, where a Pacer decides; else when a payload's
// worth of octets waits, or the oldest packet has waited for HoldTime.
func (f *Framer) Ready(now int64) bool {
	if f.cfg.Fixed {
		return true
	}
	at, armed := f.Deadline()
	return armed && now >= at
}

// Deadline returns when the next payload is Ready if nothing else is offered, in the past if it is already; not armed
// with Fixed or when nothing can be sent.
func (f *Framer) Deadline() (at int64, armed bool) {
	if f.cfg.Fixed || f.rest == 0 && !f.canBegin() {
		return 0, false
	}
	at = f.at[f.oldest()&f.mask]
	if f.settling || f.octets >= f.size-f.header.Length() {
		return at, true
	}
	return at + f.cfg.HoldTime, true
}

// canBegin reports whether the first waiting packet may start in an empty payload.
func (f *Framer) canBegin() bool {
	if f.head == f.tail {
		return false
	}
	room := f.size - f.header.Length()
	return room >= f.minSplit || f.ring[f.head&f.mask].Len() <= room
}

// fill makes m the next payload.
func (f *Framer) fill(m *mbuf.Mbuf, now int64) {
	b := m.Room()[:f.size]
	f.header.BlockOffset = uint16(f.rest) // RFC 9347 2.2.3: what the packet's own length says is still to come
	start := f.header.Put(b)
	n := start
	if f.rest > 0 {
		n += f.resume(b[n:])
		f.dropAged(now)
	}
	n += f.begin(b[n:])
	f.octets -= n - start
	if !f.cfg.Fixed {
		b = b[:n]
	}
	f.finish(m, b, start, n)
}

// resume copies the next octets of the packet that was begun in an earlier payload and returns how many there were.
func (f *Framer) resume(b []byte) int {
	d := f.ring[(f.head-1)&f.mask].Data()
	n := copy(b, d[len(d)-f.rest:])
	f.rest -= n
	if f.rest == 0 {
		f.counters.TxPkts++
	}
	return n
}

// begin copies waiting packets into b, cutting the last one where it may be cut, and returns the octets written. A tail
// too small for a fragment stays free: no fragment shorter than MinFragment is ever begun.
func (f *Framer) begin(b []byte) int {
	n, rest := 0, f.rest
	head, end := f.head, f.head+min(f.tail-f.head, uint32(f.cfg.MaxBlocks))
	for head != end && n < len(b) {
		d := f.ring[head&f.mask].Data()
		if room := len(b) - n; len(d) > room && room < f.minSplit {
			break
		}
		k := copy(b[n:], d)
		n, rest = n+k, len(d)-k
		head++
	}
	if begun := uint64(head - f.head); begun > 0 {
		f.counters.TxPkts += begun
		if rest > 0 {
			f.counters.TxPkts-- // counted when it is finished
		}
	}
	f.head, f.rest = head, rest
	return n
}

// finish completes the payload b of m: data lies from start to end, the rest of b becomes a pad block. Padding is zero:
// its first octet names the block's type (RFC 9347 6.1.3.3).
func (f *Framer) finish(m *mbuf.Mbuf, b []byte, start, end int) {
	pad := b[end:]
	clear(pad)
	m.SetLen(len(b))
	m.NextHeader = NextHeader
	c := &f.counters
	c.Payloads++
	c.PayloadOctets += uint64(len(b))
	c.TxOctets += uint64(end - start)
	switch {
	case end == start:
		c.TxAllPadPkts++
		c.TxAllPadOctets += uint64(len(pad))
	case len(pad) > 0:
		c.TxExtraPadPkts++
		c.TxExtraPadOctets += uint64(len(pad))
	}
}
