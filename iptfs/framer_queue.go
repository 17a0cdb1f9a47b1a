package iptfs

import (
	"encoding/binary"
	"math"

	"stillwater/pmd/mbuf"
)

// Offer queues inner IP packets, whose data starts at the IP header and ends with the packet, and takes ownership of
// those it queued: the prefix of ms whose length it returns. The others stay behind that prefix with verdict Malformed,
// TooBig or QueueFull, in order, and remain the caller's.
func (f *Framer) Offer(ms mbuf.Burst, now int64) int {
	for _, m := range ms {
		m.Verdict = f.admit(m)
		if m.Verdict == mbuf.Pass {
			f.push(m, now)
		}
	}
	return ms.Keep(f.cfg.Scratch)
}

// admit says whether m may be queued. A block has no length field of its own: a packet whose header lies about its
// length would take the receiver out of step, so it never gets into a payload.
func (f *Framer) admit(m *mbuf.Mbuf) mbuf.Verdict {
	d := m.Data()
	switch {
	case !isWhole(d):
		return mbuf.Malformed
	case len(d) > f.longest:
		return mbuf.TooBig
	case int(f.tail-f.done) == len(f.ring) || f.octets+len(d) > f.cfg.QueueOctets:
		return mbuf.QueueFull
	default:
		return mbuf.Pass
	}
}

// isWhole reports whether d is one IP packet to its last octet: BlockLen's rule for a block that is all there, in the
// few steps that are left of it then.
func isWhole(d []byte) bool {
	if len(d) < ipv4MinLen {
		return false
	}
	switch d[0] >> 4 {
	case 4:
		header := int(d[0]&0x0f) * 4
		return int(binary.BigEndian.Uint16(d[2:])) == len(d) && header >= ipv4MinLen && header <= len(d)
	case 6:
		return ipv6Len+int(binary.BigEndian.Uint16(d[4:])) == len(d)
	default:
		return false
	}
}

// push puts an admitted packet at the end of the queue, marked where the queue is about to overflow.
func (f *Framer) push(m *mbuf.Mbuf, now int64) {
	f.ring[f.tail&f.mask], f.at[f.tail&f.mask] = m, now
	f.tail++
	f.octets += m.Len()
	if f.octets > f.cfg.MarkOctets && markCE(m.Data()) {
		f.counters.Marked++
	}
}

// Waiting returns the inner packets and octets still to be sent, a packet sent in part included.
func (f *Framer) Waiting() (packets, octets int) {
	packets = int(f.tail - f.head)
	if f.rest > 0 {
		packets++
	}
	return packets, f.octets
}

// Partial reports whether the last payload ended inside an inner packet. The next payload with data must then leave on
// the same SA (RFC 9347 2.2.3).
func (f *Framer) Partial() bool { return f.rest > 0 }

// Settle makes payloads end at inner packet boundaries while on. To move to another SA, or to stop, turn it on, Emit
// until Partial is false, switch, and turn it off. HoldTime does not apply meanwhile. A packet too long for one payload
// waits until it is off.
func (f *Framer) Settle(on bool) {
	f.settling = on
	f.minSplit = f.cfg.MinFragment
	if on || f.cfg.DontFragment {
		f.minSplit = math.MaxInt
	}
}

// Take hands waiting packets, oldest first, back to the caller, for the Framer of another SA; it returns how many. There
// are none as long as Partial is true: a packet begun here must end here.
func (f *Framer) Take(out mbuf.Burst) int {
	if f.rest > 0 {
		return 0
	}
	n := 0
	for ; n < len(out) && f.head != f.tail; n++ {
		out[n] = f.ring[f.head&f.mask]
		f.octets -= out[n].Len()
		f.head++
	}
	f.done = f.head
	return n
}

// Close frees everything that waits, a packet sent in part included, and counts it under Drained. The Framer is empty
// then and may be used again.
func (f *Framer) Close(pool *mbuf.Pool) {
	packets, _ := f.Waiting()
	f.drops[mbuf.Drained] += uint64(packets)
	f.head, f.rest, f.octets = f.tail, 0, 0
	f.release(pool)
}

// dropAged gives up the packets that waited too long (RFC 9348 max-aggregation-time). The packet already begun is never
// among them, and behind it none is dropped until it is finished. The work is bounded by the queue only.
func (f *Framer) dropAged(now int64) {
	if f.cfg.MaxWait == 0 || f.rest > 0 {
		return
	}
	for f.head != f.tail && now-f.at[f.head&f.mask] > f.cfg.MaxWait {
		f.octets -= f.ring[f.head&f.mask].Len()
		f.drops[mbuf.AgedOut]++
		f.head++
	}
}

// release frees the packets that are used up, in at most two runs of the ring.
func (f *Framer) release(pool *mbuf.Pool) {
	end := f.oldest()
	if f.done == end {
		return
	}
	from, to := f.done&f.mask, end&f.mask
	if from < to {
		pool.Free(f.ring[from:to])
	} else {
		pool.Free(f.ring[from:])
		pool.Free(f.ring[:to])
	}
	f.done = end
}

// oldest returns the cursor of the oldest packet with octets to send; it is tail when there is none.
func (f *Framer) oldest() uint32 {
	if f.rest > 0 {
		return f.head - 1
	}
	return f.head
}
