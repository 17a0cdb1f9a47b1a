// Package ring is the one queue of the appliance: bounded, single producer, single consumer, with burst operations and no
// locks. Commands, acks, events, punted and injected packets, hand-off between lcores and the in-memory wire all use it.
package ring

import (
	"fmt"
	"sync/atomic"
)

// Ring is a bounded FIFO of T. One goroutine pushes, one pops; the two may differ and may change hands if that is
// synchronised elsewhere. Each side keeps a copy of the other's index, so that it touches the shared line only when the
// copy says full or empty.
type Ring[T any] struct {
	slots []T
	mask  uint64

	_        [64]byte
	head     atomic.Uint64 // next slot to pop, written by the consumer
	tailCopy uint64        // consumer's copy of tail
	_        [48]byte
	tail     atomic.Uint64 // next slot to push, written by the producer
	headCopy uint64        // producer's copy of head
	_        [48]byte
}

// New returns a ring of size slots; size must be a power of two, or New panics: sizes are constants of the program.
func New[T any](size int) *Ring[T] {
	if size < 1 || size&(size-1) != 0 {
		panic(fmt.Sprintf("ring: size %d is not a power of two", size))
	}
	return &Ring[T]{slots: make([]T, size), mask: uint64(size - 1)}
}

// Cap returns the number of slots.
func (r *Ring[T]) Cap() int { return len(r.slots) }

// Len returns how many values wait. It is exact for the two owners; for everyone else it is a guess between 0 and Cap, since
// both ends may move between the two loads.
func (r *Ring[T]) Len() int {
	head := r.head.Load()
	return int(min(r.tail.Load()-head, uint64(len(r.slots))))
}

// Push appends v; false when the ring is full. Producer only.
func (r *Ring[T]) Push(v T) bool {
	t := r.tail.Load()
	if t-r.headCopy > r.mask {
		r.headCopy = r.head.Load()
		if t-r.headCopy > r.mask {
			return false
		}
	}
	r.slots[t&r.mask] = v
	r.tail.Store(t + 1)
	return true
}

// PushBurst appends the longest prefix of vs that fits and returns its length. Producer only.
func (r *Ring[T]) PushBurst(vs []T) int {
	if len(vs) == 0 {
		return 0
	}
	t := r.tail.Load()
	free := uint64(len(r.slots)) - (t - r.headCopy)
	if free < uint64(len(vs)) {
		r.headCopy = r.head.Load()
		free = uint64(len(r.slots)) - (t - r.headCopy)
	}
	n := min(uint64(len(vs)), free)
	for i, v := range vs[:n] {
		r.slots[(t+uint64(i))&r.mask] = v
	}
	if n > 0 {
		r.tail.Store(t + n)
	}
	return int(n)
}

// Pop removes the oldest value; ok is false when the ring is empty. Consumer only.
func (r *Ring[T]) Pop() (v T, ok bool) {
	h := r.head.Load()
	if h == r.tailCopy {
		r.tailCopy = r.tail.Load()
		if h == r.tailCopy {
			return v, false
		}
	}
	s := &r.slots[h&r.mask]
	v = *s
	var zero T
	*s = zero
	r.head.Store(h + 1)
	return v, true
}

// PopBurst moves up to len(dst) of the oldest values to dst and returns how many. The slots are zeroed before they are
// given back: commands carry keys by value, and packets must not be held by a stale slot. Consumer only.
func (r *Ring[T]) PopBurst(dst []T) int {
	h := r.head.Load()
	if r.tailCopy-h < uint64(len(dst)) {
		r.tailCopy = r.tail.Load()
	}
	n := min(uint64(len(dst)), r.tailCopy-h)
	if n == 0 {
		return 0
	}
	var zero T
	for i := range n {
		s := &r.slots[(h+i)&r.mask]
		dst[i] = *s
		*s = zero
	}
	r.head.Store(h + n)
	return int(n)
}
