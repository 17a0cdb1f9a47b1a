package iptfs

import (
	"math/bits"

	"stillwater/pmd/mbuf"
)

// fifo is a queue of payloads of fixed capacity. Owned by one lcore.
type fifo struct {
	ms         []*mbuf.Mbuf // a power of two long
	head, tail uint         // free-running; the difference is the number queued
}

// newFIFO returns a queue with room for at least n payloads.
func newFIFO(n int) fifo { return fifo{ms: make([]*mbuf.Mbuf, powerOfTwo(n))} }

// space returns how many more payloads fit.
func (f *fifo) space() int { return len(f.ms) - int(f.tail-f.head) }

// push queues m; the caller has checked space.
func (f *fifo) push(m *mbuf.Mbuf) {
	f.ms[f.tail&uint(len(f.ms)-1)] = m
	f.tail++
}

// pop returns the oldest payload, or nil when there is none.
func (f *fifo) pop() *mbuf.Mbuf {
	if f.head == f.tail {
		return nil
	}
	at := &f.ms[f.head&uint(len(f.ms)-1)]
	m := *at
	*at = nil
	f.head++
	return m
}

// powerOfTwo returns the smallest power of two that is at least n, for n above 0.
func powerOfTwo(n int) int { return 1 << bits.Len(uint(n-1)) }
