package iptfs

import "stillwater/pmd/mbuf"

// reorder puts the payloads of one SA back into the order of their sequence numbers (RFC 9347 2.2.3): those in order go
// to the ready queue at once, those ahead of a gap wait in a window of slots until the gap is filled, the window has
// moved over it, or the lost-packet timer gives it up. Owned by one lcore.
//
// Between calls the payload numbered want is always missing, and everything held lies in [want+1, want+window], so the
// window never holds more mbufs than it is wide.
type reorder struct {
	want    uint64 // the number that comes next in order; all below are decided
	top     uint64 // one above the highest number received
	window  uint64 // how many payloads may wait behind a gap; 0 disables reordering
	held    int    // payloads that wait in slots
	started bool
	mask    uint64 // of slots, whose length is a power of two above window
	slots   []slot
	ready   fifo
	missed  uint64 // numbers given up
	timer   lostTimer
}

// slot is the place of one sequence number at or after want.
type slot struct {
	m     *mbuf.Mbuf // nil while missing
	since int64      // when a later number first arrived, for a number that was missing then
}

func newReorder(window int, lostTimer int64, first uint64) reorder {
	slots := powerOfTwo(window + 1)
	return reorder{
		want:    first,
		top:     first,
		started: first != 0,
		window:  uint64(window),
		mask:    uint64(slots - 1),
		slots:   make([]slot, slots),
		ready:   newFIFO(window + 1 + mbuf.BurstSize),
		timer:   newLostTimer(window, lostTimer),
	}
}

// accept takes in the payload m, or says why not and leaves it to the caller. The sequence numbers 0 and 2^64-1 are
// never sent (RFC 4303 3.3.3), and refusing them keeps the arithmetic below free of wrapping.
func (r *reorder) accept(m *mbuf.Mbuf, now int64) mbuf.Verdict {
	s := m.Seq
	if !r.started && s+1 > 1 {
		r.start(s)
	}
	if s < r.want || s+1 <= 1 {
		return mbuf.AggLate
	}
	if r.ready.space() <= int(r.window) {
		return mbuf.RingFull
	}
	r.timer.observe(s, now)
	if s == r.want && r.held == 0 {
		r.ready.push(m)
		r.want, r.top = s+1, max(r.top, s+1)
		return mbuf.Pass
	}
	return r.hold(m, now)
}

// start takes the first number received as the first of the stream, but for a number so small that 1 may still be on its
// way inside the window: then 1 is waited for like any other.
func (r *reorder) start(s uint64) {
	r.started = true
	r.want = s
	if s <= r.window+1 {
		r.want = 1
	}
	r.top = r.want
}

// hold puts m into its slot, moving the window first if m is newer than all of it (RFC 9347 2.2.3), and releases what
// is in order by then. It costs at most window steps.
func (r *reorder) hold(m *mbuf.Mbuf, now int64) mbuf.Verdict {
	s := m.Seq
	if s-r.want > r.window {
		r.advance(s - r.window)
	}
	at := &r.slots[s&r.mask]
	if at.m != nil {
		return mbuf.AggDuplicate
	}
	for q := max(r.top, r.want); q < s; q++ {
		r.slots[q&r.mask].since = now
	}
	r.top = max(r.top, s+1)
	at.m = m
	r.held++
	r.release()
	return mbuf.Pass
}

// advance decides every number below to: what is held goes on, what is missing is given up.
func (r *reorder) advance(to uint64) {
	for r.want < to && r.held > 0 {
		if !r.take() {
			r.missed++
		}
		r.want++
	}
	if r.want < to {
		r.missed += to - r.want
		r.want = to
	}
}

// release moves the run that starts at want, if it is there, to the ready queue.
func (r *reorder) release() {
	for r.held > 0 && r.take() {
		r.want++
	}
}

// take moves the payload numbered want from its slot to the ready queue; false when it is missing.
func (r *reorder) take() bool {
	at := &r.slots[r.want&r.mask]
	if at.m == nil {
		return false
	}
	r.ready.push(at.m)
	at.m = nil
	r.held--
	return true
}

// waiting returns the payload numbered q, which is in [want, want+window], or nil while it is missing.
func (r *reorder) waiting(q uint64) *mbuf.Mbuf { return r.slots[q&r.mask].m }

// gap returns since when the payload numbered want is known to be missing; ok is false while nothing waits for it.
func (r *reorder) gap() (since int64, ok bool) {
	return r.slots[r.want&r.mask].since, r.held > 0
}

// expire gives up the numbers at the head that have been missing for the timer's interval at time now.
func (r *reorder) expire(now int64) {
	for r.held > 0 && now-r.slots[r.want&r.mask].since >= r.timer.interval {
		r.missed++
		r.want++
		r.release()
	}
}

// empty takes everything out, in order: the ready queue, then the slots. It returns nil when nothing is left.
func (r *reorder) empty() *mbuf.Mbuf {
	for r.held > 0 {
		r.take()
		r.want++
	}
	return r.ready.pop()
}
