package mbuf

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestKeepIsStable: for every pattern of ten verdicts, both halves keep their order.
func TestKeepIsStable(t *testing.T) {
	for pattern := range 1 << 10 {
		checkKeep(t, 10, func(i int) bool { return pattern>>i&1 != 0 })
	}
	random := rand.New(rand.NewPCG(testSeed(t), 0))
	for range 1000 {
		checkKeep(t, random.IntN(200), func(int) bool { return random.IntN(3) == 0 })
	}
}

// checkKeep partitions n mbufs numbered in Aux.
func checkKeep(t *testing.T, n int, rejected func(i int) bool) {
	t.Helper()
	burst, scratch := make(Burst, n), make(Burst, n)
	var pass, reject []*Mbuf
	for i := range burst {
		burst[i] = &Mbuf{Meta: Meta{Aux: uint32(i)}}
		if rejected(i) {
			reject = append(reject, burst[i].Reject(TooBig))
		} else {
			pass = append(pass, burst[i])
		}
	}
	k := burst.Keep(scratch)
	if k != len(pass) || !slices.Equal(burst[:k], pass) || !slices.Equal(burst[k:], reject) {
		t.Fatalf("%d of %d pass, expected %d, or the order changed", k, n, len(pass))
	}
	if len(reject) == 0 && slices.ContainsFunc(scratch, func(m *Mbuf) bool { return m != nil }) {
		t.Fatal("scratch was written although nothing was rejected")
	}
}

func TestKeepDoesNotAllocate(t *testing.T) {
	burst, scratch := make(Burst, BurstSize), make(Burst, BurstSize)
	for i := range burst {
		burst[i] = &Mbuf{Meta: Meta{Verdict: Verdict(i % 2)}}
	}
	if a := testing.AllocsPerRun(100, func() { burst.Keep(scratch) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func BenchmarkKeep(b *testing.B) {
	burst, scratch := make(Burst, BurstSize), make(Burst, BurstSize)
	for i := range burst {
		burst[i] = new(Mbuf)
	}
	for b.Loop() {
		burst.Keep(scratch)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*BurstSize), "ns/mbuf")
}
