package iptfs

import (
	"fmt"
	"testing"

	"stillwater/pmd/mbuf"
)

// BenchmarkReassembler measures one inner packet of a saturated tunnel: payloads of 1,446 octets filled with packets of
// one size, cut where the payload ends. Filling the payload mbuf anew is part of the loop and reported apart by the
// sub-benchmark "feed".
func BenchmarkReassembler(b *testing.B) {
	for _, size := range []int{64, 512, 1400, 9000} {
		b.Run(fmt.Sprintf("inner=%d", size), func(b *testing.B) { benchReassembler(b, size, true) })
		b.Run(fmt.Sprintf("feed=%d", size), func(b *testing.B) { benchReassembler(b, size, false) })
	}
}

// benchReassembler runs a cycle of payloads that ends at a packet boundary and reports ns per inner packet. Without
// drain it only fills and frees the payload mbufs.
func benchReassembler(b *testing.B, size int, drain bool) {
	const room = 1442
	packets := room // so many packets of any size fill a whole number of payloads
	for packets%2 == 0 && packets/2*size%room == 0 {
		packets /= 2
	}
	var blocks [][]byte
	for i := range packets {
		blocks = append(blocks, reasmV4(size, i))
	}
	payloads := reasmSplit(room, blocks...)
	g := newReasmRig(b, ReassemblerConfig{Window: DefaultWindow})
	out := make(mbuf.Burst, mbuf.BurstSize)
	seq, now, inner := uint64(0), int64(0), 0
	for b.Loop() {
		for _, p := range payloads {
			seq, now = seq+1, now+1200
			m := g.pool.Get(len(p))
			copy(m.Append(len(p)), p)
			m.Seq, m.NextHeader = seq, NextHeader
			if !drain {
				g.pool.Put(m)
				continue
			}
			g.r.Receive(m, g.pool, now)
			for {
				n := g.r.Drain(out, g.pool, now)
				g.pool.Free(out[:n])
				if n < len(out) {
					break
				}
			}
		}
		inner += packets
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(inner), "ns/inner")
}
