package iptfs

import (
	"fmt"
	"testing"

	"stillwater/pmd/mbuf"
)

// BenchmarkFramer measures a burst of inner packets from Offer to payloads, in nanoseconds per inner packet; the mbufs
// come from the pool and go back to it, which BenchmarkFramerSource measures alone.
func BenchmarkFramer(b *testing.B) {
	for _, fixed := range []bool{true, false} {
		for _, size := range []int{64, 512, 1400, 9000} {
			b.Run(fmt.Sprintf("fixed=%t/%d", fixed, size), func(b *testing.B) { benchFramer(b, fixed, size) })
		}
	}
}

func benchFramer(b *testing.B, fixed bool, size int) {
	r := newFramerRig(b, framerConfig(1446, fixed))
	in, out := make(mbuf.Burst, mbuf.BurstSize), make(mbuf.Burst, 256)
	n, head := uint64(0), framerHead(size)
	for b.Loop() {
		framerSource(r, in, head, size)
		n += uint64(r.Offer(in, 0))
		_, octets := r.Waiting()
		k := r.Emit(out[:octets/1442], r.pool, 0)
		r.pool.Free(out[:k])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/inner")
	b.ReportMetric(0, "ns/op")
}

// framerSource fills in with packets that start with head. It writes them in whole vectors: a load that spans several
// fresh small stores would wait for them, which no packet from a port makes it do.
func framerSource(r *framerRig, in mbuf.Burst, head *[64]byte, size int) {
	class, _ := mbuf.ClassFor(size)
	r.pool.GetBurst(in, class)
	for _, m := range in {
		m.SetLen(size)
		copy(m.Data(), head[:])
	}
}

func framerHead(size int) *[64]byte {
	return &[64]byte{0: 0x45, 2: byte(size >> 8), 3: byte(size)}
}

// BenchmarkFramerSource is the part of BenchmarkFramer that is not the Framer's.
func BenchmarkFramerSource(b *testing.B) {
	r := newFramerRig(b, framerConfig(1446, true))
	in := make(mbuf.Burst, mbuf.BurstSize)
	n, head := 0, framerHead(64)
	for b.Loop() {
		framerSource(r, in, head, 64)
		r.pool.Free(in)
		n += len(in)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/inner")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkFramerIdle measures a payload when nothing waits.
func BenchmarkFramerIdle(b *testing.B) {
	r := newFramerRig(b, framerConfig(1446, true))
	out := make(mbuf.Burst, 1)
	for b.Loop() {
		r.pool.Free(out[:r.Emit(out, r.pool, 0)])
	}
}
