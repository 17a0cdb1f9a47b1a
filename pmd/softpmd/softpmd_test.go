package softpmd

import (
	"flag"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/pmdtest"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// testSeed returns the seed to use and says which it is.
func testSeed(t testing.TB) uint64 {
	t.Helper()
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed %d", s)
	return s
}

// harness describes wires of one kind to the conformance suite.
func harness(wire WireConfig) pmdtest.Harness {
	open := func(tb testing.TB, a, b pmd.Config) (pmd.Port, pmd.Port) {
		w, err := NewWire(wire)
		if err != nil {
			tb.Fatal(err)
		}
		pa, err := w.Open(A, a)
		if err != nil {
			tb.Fatal(err)
		}
		pb, err := w.Open(B, b)
		if err != nil {
			tb.Fatal(err)
		}
		return pa, pb
	}
	h := pmdtest.Harness{Open: open, Link: wire.Link, Window: 256}
	h.Caps = pmdtest.Live | pmdtest.Bidirectional | pmdtest.MultiQueue | pmdtest.Jumbo | pmdtest.BackPressure
	if wire.Link == pmd.Ethernet {
		h.Caps |= pmdtest.VLAN
	}
	return h
}

func TestConformanceEthernet(t *testing.T) { pmdtest.Run(t, harness(WireConfig{})) }

func TestConformanceRawIP(t *testing.T) { pmdtest.Run(t, harness(WireConfig{Link: pmd.RawIP})) }

// TestConformanceDelayed: a wire that takes time, on a clock that only moves when nothing arrives, keeps every promise of
// a port.
func TestConformanceDelayed(t *testing.T) {
	slow := Impairment{Delay: 30 * time.Microsecond, Jitter: 20 * time.Microsecond, Rate: 1e9}
	h := harness(WireConfig{Impair: [2]Impairment{slow, slow}})
	var clock atomic.Int64
	h.Now = clock.Load
	h.Idle = func() { clock.Add(1000) }
	pmdtest.Run(t, h)
}

// wireTest is a wire with a stepped clock and one pool for each end.
type wireTest struct {
	testing.TB
	w     *Wire
	ports [2]pmd.Port
	pools [2]*mbuf.Pool
	now   int64
}

func newWireTest(tb testing.TB, cfg WireConfig) *wireTest {
	tb.Helper()
	w, err := NewWire(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	t := &wireTest{TB: tb, w: w}
	for _, e := range []End{A, B} {
		t.pools[e] = newPool(tb, 4096)
		t.open(e, 1)
	}
	return t
}

func newPool(tb testing.TB, n int) *mbuf.Pool {
	tb.Helper()
	p, err := mbuf.NewPool(mbuf.PoolConfig{Name: tb.Name(), N2K: n})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// open opens an end with queues that all use its one pool, so they must be polled by this goroutine.
func (t *wireTest) open(e End, queues int) {
	t.Helper()
	cfg := pmd.Config{Now: func() int64 { return t.now }}
	for range queues {
		cfg.RxPools = append(cfg.RxPools, t.pools[e])
		cfg.TxPools = append(cfg.TxPools, t.pools[e])
	}
	p, err := t.w.Open(e, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.ports[e] = p
}

// close closes both ends and demands that no mbuf is missing.
func (t *wireTest) close() {
	t.Helper()
	for _, e := range []End{A, B} {
		if err := t.ports[e].Close(); err != nil {
			t.Error(err)
		}
	}
	for _, e := range []End{A, B} {
		if err := t.pools[e].Close(); err != nil {
			t.Error(err)
		}
	}
}

// send offers packets of the given size numbered from first; it returns how many were taken.
func (t *wireTest) send(e End, first, n, size int) int {
	t.Helper()
	ms := make([]*mbuf.Mbuf, n)
	for i := range ms {
		ms[i] = numbered(t.pools[e], first+i, size)
	}
	k := t.ports[e].Tx(0).TxBurst(ms)
	t.pools[e].Free(ms[k:])
	return k
}

// numbered is a packet that carries a number in its last two octets.
func numbered(p *mbuf.Pool, number, size int) *mbuf.Mbuf {
	m := p.Get(size)
	b := m.Append(size)
	clear(b)
	b[size-2], b[size-1] = byte(number>>8), byte(number)
	return m
}

// seen is a delivered packet.
type seen struct {
	number int
	at     int64
}

// receive polls an end once for up to 256 packets.
func (t *wireTest) receive(e End) (got []seen) {
	ms := make([]*mbuf.Mbuf, 256)
	n := t.ports[e].Rx(0).RxBurst(ms)
	for _, m := range ms[:n] {
		d := m.Data()
		got = append(got, seen{int(d[len(d)-2])<<8 | int(d[len(d)-1]), m.Time})
	}
	t.pools[e].Free(ms[:n])
	return got
}

// numbers strips the times.
func numbers(got []seen) (n []int) {
	for _, s := range got {
		n = append(n, s.number)
	}
	return n
}
