package fdpmd

import (
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// BenchmarkBurst sends a burst of 32 frames through the socket pair and receives it; the figure is per burst.
func BenchmarkBurst(b *testing.B) {
	r := newRig(b, Options{})
	back, err := New(r.peer, pmd.Config{RxPools: []*mbuf.Pool{r.pool}}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	r.peer = -1 // the second port closes it
	defer back.Close()
	ms := make([]*mbuf.Mbuf, mbuf.BurstSize)
	tx, rx := r.port.Tx(0), back.Rx(0)
	b.ReportAllocs()
	for b.Loop() {
		r.pool.GetBurst(ms, mbuf.Class2K)
		for _, m := range ms {
			m.SetLen(1442)
		}
		tx.TxBurst(ms)
		r.pool.Free(ms[:rx.RxBurst(ms)])
	}
}

// BenchmarkEmptyPoll is what an idle port costs its lcore per loop.
func BenchmarkEmptyPoll(b *testing.B) {
	r := newRig(b, Options{})
	ms := make([]*mbuf.Mbuf, mbuf.BurstSize)
	rx := r.port.Rx(0)
	for b.Loop() {
		rx.RxBurst(ms)
	}
}
