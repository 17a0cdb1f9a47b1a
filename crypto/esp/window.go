package esp

import "stillwater/pmd/mbuf"

// MaxWindow is the largest replay window, in sequence numbers.
const MaxWindow = wordBits * (1<<10 - 1)

const wordBits = 64

// Window is the anti-replay window of one inbound SA: the bitmap of RFC 6479, which never shifts, with 64-bit words and
// all arithmetic in 64 bits, and the inference of the untransmitted high half of RFC 4303 A2. Owned by one lcore.
//
// A ring of M words (a power of two) serves a window of 64*(M-1) sequence numbers: one word is always partly ahead of
// the right edge.
type Window struct {
	bits []uint64 // the ring; empty when anti-replay is off
	top  uint64   // right edge: highest sequence number that passed the integrity check
	size uint32   // sequence numbers in the window, right edge included
	esn  bool
}

// NewWindow returns a window of at least size sequence numbers, rounded up to 64*(M-1) with M a power of two and bounded
// by MaxWindow; size 0 or less turns anti-replay off. first is the first sequence number that is acceptable, 1 on a fresh
// SA; what lies before it counts as received.
func NewWindow(size int, esn bool, first uint64) Window {
	w := Window{esn: esn, top: max(first, 1) - 1}
	if size <= 0 {
		return w
	}
	words := 2
	for wordBits*(words-1) < min(size, MaxWindow) {
		words *= 2
	}
	w.bits, w.size = make([]uint64, words), uint32(wordBits*(words-1))
	if first > 1 {
		w.markSeen()
	}
	return w
}

// markSeen marks everything up to the right edge as received: a window that opens in the middle of a stream must not
// take what was sent before it. The rest of the right edge's word stays clear.
func (w *Window) markSeen() {
	for i := range w.bits {
		w.bits[i] = ^uint64(0)
	}
	*w.word(w.top) >>= wordBits - 1 - w.top%wordBits
}

// Size returns the number of sequence numbers the window spans; 0 when anti-replay is off.
func (w *Window) Size() int { return int(w.size) }

// Top returns the right edge: the highest sequence number committed.
func (w *Window) Top() uint64 { return w.top }

// Extend returns the full sequence number of a packet that carries low. With 32-bit numbers that is low itself. With
// 64-bit numbers the high half is inferred (RFC 4303 A2.2); false where it would lie before the first packet or behind
// the last one possible, so that no such packet can exist: the RFC's own code has no guard for that.
func (w *Window) Extend(low uint32) (seq uint64, ok bool) {
	if !w.esn {
		return uint64(low), true
	}
	th, tl := w.top>>32, uint32(w.top)
	left := tl - w.size + 1 // Bl, modulo 2^32
	switch {
	case tl >= w.size-1: // case A: the window lies in one subspace
		if low < left {
			th++
		}
	case low >= left: // case B: it spans two, and low is in the earlier one
		th--
	}
	return th<<32 | uint64(low), th>>32 == 0 // neither 2^32 nor -1
}

// Check tells whether seq may be new, without changing anything: Pass, or why not. It is the first of the two stages of
// RFC 4303 3.4.3, and may run before the integrity check.
func (w *Window) Check(seq uint64) mbuf.Verdict {
	switch {
	case seq == 0: // never sent: the first packet has 1 (RFC 4303 3.3.3), and counters do not cycle
		return mbuf.SeqInvalid
	case seq > w.top || len(w.bits) == 0:
		return mbuf.Pass
	case w.top-seq >= uint64(w.size):
		return mbuf.TooOld
	case *w.word(seq)&(1<<(seq%wordBits)) != 0:
		return mbuf.Replayed
	}
	return mbuf.Pass
}

// Commit marks seq as received and moves the right edge; false, and nothing changed, where Check would refuse it now.
// Only for packets that passed the integrity check (RFC 4303 3.4.3).
func (w *Window) Commit(seq uint64) bool {
	if w.Check(seq) != mbuf.Pass {
		return false
	}
	if seq > w.top {
		w.advance(seq)
	}
	if len(w.bits) != 0 {
		*w.word(seq) |= 1 << (seq % wordBits)
	}
	return true
}

// advance moves the right edge to seq and clears the words the window newly enters, at most all of them.
func (w *Window) advance(seq uint64) {
	from, to := w.top/wordBits, seq/wordBits
	w.top = seq
	if to-from > uint64(len(w.bits)) {
		clear(w.bits)
		return
	}
	for from != to {
		from++
		w.bits[from&uint64(len(w.bits)-1)] = 0
	}
}

// word returns the ring's word for seq.
func (w *Window) word(seq uint64) *uint64 {
	return &w.bits[seq/wordBits&uint64(len(w.bits)-1)]
}
