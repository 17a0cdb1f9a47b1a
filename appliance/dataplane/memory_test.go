package dataplane

import (
	"runtime"
	"testing"

	"stillwater/pmd"
)

// heap returns the octets in use on the heap after a collection.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers freed
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// memoryPerPair returns the octets that an idle lcore with room for so many SA pairs takes for each, empty and filled.
func memoryPerPair(t testing.TB, pairs int, make func(spi uint32, from, to addresses) SA) (empty, filled int) {
	t.Helper()
	r := newHalfRig(t, rigConfig{})
	pool := r.newPool("memory", 64)
	cfg := r.a.cfg
	cfg.Slots = pairs
	cfg.Lcores = []LcoreConfig{{CPU: -1, Pool: pool, Tx: []pmd.TxQueue{r.a.ports[0].Tx(0), r.a.ports[1].Tx(0)}}}
	before := heap()
	p, err := New(cfg)
	must(t, err)
	g := r.a.gen
	p.Publish(NewGeneration(g, 1))
	created := heap()
	for i := range pairs {
		for _, op := range []Op{InstallInbound, InstallOutbound} {
			c := Command{Op: op, SA: make(0x1000+uint32(i), addrA, addrB), Ticket: uint64(i)}
			_, err := p.ExecuteStepped(&c, r.clock.Now)
			must(t, err)
		}
	}
	installed := heap()
	runtime.KeepAlive(p)
	return int(created-before) / pairs, int(installed-before) / pairs
}

// queue256 is an SA with the queue that SAs get by default.
func queue256(spi uint32, from, to addresses) SA {
	sa := aggregateSA(spi, from, to)
	sa.Framing.QueueOctets, sa.Framing.QueuePackets = 0, 0
	return sa
}

// TestMemoryPerPair: what an idle SA pair costs, everything in the data plane and the standard back-end together; ten thousand
// of them have to fit an ordinary machine.
func TestMemoryPerPair(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP: the race detector has memory of its own")
	}
	for name, c := range map[string]struct {
		make func(uint32, addresses, addresses) SA
		most int
	}{
		"tunnel":    {tunnelSA, 6 << 10},
		"aggregate": {queue256, 6<<10 + 256 + defaultQueuePackets*16}, // framer and reassembler beside the queue
	} {
		t.Run(name, func(t *testing.T) {
			empty, filled := memoryPerPair(t, 2000, c.make)
			t.Logf("%d octets for an empty pair of slots, %d for a pair of SAs", empty, filled)
			if filled > c.most {
				t.Errorf("%d octets for a pair of SAs, expected at most %d", filled, c.most)
			}
		})
	}
}

// BenchmarkMemory reports the octets per pair of an lcore with ten thousand.
func BenchmarkMemory(b *testing.B) {
	for name, make := range map[string]func(uint32, addresses, addresses) SA{"tunnel": tunnelSA, "aggregate": queue256} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				empty, filled := memoryPerPair(b, 10_000, make)
				b.ReportMetric(float64(empty), "empty-B/pair")
				b.ReportMetric(float64(filled), "B/pair")
			}
		})
	}
}
