package mbuf

import (
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestClassFor(t *testing.T) {
	for _, c := range []struct {
		n    int
		want Class
		ok   bool
	}{{0, Class2K, true}, {2048, Class2K, true}, {2049, Class9K, true}, {9216, Class9K, true}, {9217, Class64K, true}, {65536, Class64K, true}, {65537, Class64K, false}} {
		if got, ok := ClassFor(c.n); ok != c.ok || ok && got != c.want {
			t.Errorf("ClassFor(%d) is %d, %v, expected %d, %v", c.n, got, ok, c.want, c.ok)
		}
	}
}

// TestFreshMbuf: every mbuf of every class has full headroom, room for its class and full tailroom, and no metadata,
// whatever it was used for before.
func TestFreshMbuf(t *testing.T) {
	p := newPool(t, 1, 1, 1)
	for range 2 {
		for _, c := range []Class{Class2K, Class9K, Class64K} {
			m := p.Get(c.Size())
			if m == nil || m.Class() != c || m.Pool() != p {
				t.Fatalf("Get(%d): %+v", c.Size(), m)
			}
			if m.Len() != 0 || m.HeadroomLen() != Headroom || m.TailroomLen() < c.Size()+Tailroom {
				t.Errorf("class %d: len %d, headroom %d, tailroom %d", c, m.Len(), m.HeadroomLen(), m.TailroomLen())
			}
			meta := Mbuf{inUse: true, buf: m.buf, off: m.off, mark: m.off, class: m.class, index: m.index, pool: m.pool}
			if !reflect.DeepEqual(*m, meta) {
				t.Errorf("class %d: a fresh mbuf has metadata: %+v", c, *m)
			}
			m.SetHeadroom(3)
			m.Append(7)
			m.SPI, m.SA, m.Seq, m.Time, m.Hash, m.Port, m.Queue, m.VLAN, m.L3 = 1, 2, 3, 4, 5, 6, 7, 8, 9
			m.SrcPort = 15
			m.Mark()
			m.NextHeader, m.TOS, m.TTL, m.Verdict, m.Aux, m.Flags = 10, 11, 12, TooBig, 14, m.Flags|FlagHash|FlagVLAN
			p.Put(m)
		}
	}
}

// TestLargerClassServes: Get falls back to larger classes, never to smaller ones, and counts when all are empty.
func TestLargerClassServes(t *testing.T) {
	p := newPool(t, 1, 1, 1)
	var got []*Mbuf
	for i, want := range []Class{Class2K, Class9K, Class64K} {
		m := p.Get(100)
		if m == nil || m.Class() != want {
			t.Fatalf("Get %d: %+v, expected class %d", i, m, want)
		}
		got = append(got, m)
	}
	if p.Get(100) != nil || p.Exhausted() != 1 {
		t.Errorf("an empty pool gave an mbuf, or counts %d", p.Exhausted())
	}
	p.Free(got[:1])
	if p.Get(2049) != nil || p.Get(65537) != nil {
		t.Error("a 2K mbuf was given for more")
	}
	p.Free(got[1:])
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestGetBurst(t *testing.T) {
	p := newPool(t, 10, 2, 0)
	ms := make([]*Mbuf, 16)
	sentinel := new(Mbuf)
	for i := range ms {
		ms[i] = sentinel
	}
	if n := p.GetBurst(ms, Class2K); n != 10 || ms[10] != sentinel || p.Exhausted() != 1 {
		t.Errorf("%d of 10, counts %d", n, p.Exhausted())
	}
	seen := map[*Mbuf]bool{}
	for _, m := range ms[:10] {
		if seen[m] || !m.inUse || m.Flags != 0 || m.Class() != Class2K {
			t.Errorf("mbuf %+v given twice or not in use", m)
		}
		seen[m] = true
	}
	if n := p.GetBurst(ms[10:], Class2K); n != 0 {
		t.Errorf("an empty class gave %d", n)
	}
	if p.Available(Class2K) != 0 || p.Available(Class9K) != 2 || p.Size() != 12 {
		t.Errorf("available %d and %d, size %d", p.Available(Class2K), p.Available(Class9K), p.Size())
	}
	p.Free(ms[:10])
	if p.Available(Class2K) != 10 {
		t.Errorf("available %d after Free of 10", p.Available(Class2K))
	}
}

// mustPanic demands a panic that says what.
func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), what) {
			t.Errorf("panic %v, expected one with %q", r, what)
		}
	}()
	f()
}

// TestDoubleFree is caught by every way to free, at home and abroad.
func TestDoubleFree(t *testing.T) {
	home, abroad := newPool(t, 4, 0, 0), newPool(t, 4, 0, 0)
	for name, free := range map[string]func(m *Mbuf){
		"Put":         home.Put,
		"Put abroad":  abroad.Put,
		"Return":      home.Return,
		"Free":        func(m *Mbuf) { home.Free([]*Mbuf{m}) },
		"Free abroad": func(m *Mbuf) { abroad.Free([]*Mbuf{m}) },
	} {
		m := home.Get(1)
		free(m)
		mustPanic(t, "double free in pool TestDoubleFree", func() { free(m) })
		if home.Available(Class2K) != 4 {
			t.Errorf("%s: %d of 4 are home", name, home.Available(Class2K))
		}
	}
	m := home.Get(1)
	mustPanic(t, "double free", func() { home.Free([]*Mbuf{m, m}) })
}

// TestFreeSortsHome: a burst of mbufs of many pools goes home in one call.
func TestFreeSortsHome(t *testing.T) {
	var pools []*Pool
	for range 3 {
		pools = append(pools, newPool(t, 8, 1, 0))
	}
	var ms []*Mbuf
	for i := range 24 {
		ms = append(ms, pools[[]int{0, 1, 1, 2, 2, 2, 0, 0, 1, 0, 2, 1}[i%12]].Get(1))
	}
	ms = append(ms, pools[1].Get(9000), pools[2].Get(9000))
	pools[0].Free(ms)
	pools[0].Free(nil)
	for i, p := range pools {
		if p.Available(Class2K) != 8 || p.Available(Class9K) != 1 {
			t.Errorf("pool %d: %d and %d free, expected 8 and 1", i, p.Available(Class2K), p.Available(Class9K))
		}
		if err := p.Close(); err != nil {
			t.Errorf("pool %d: %v", i, err)
		}
	}
}

// TestReturnFromManyGoroutines: an owner that allocates, and others that send home at the same time, lose nothing.
func TestReturnFromManyGoroutines(t *testing.T) {
	const workers, rounds = 4, 2000
	p := newPool(t, 256, 0, 0)
	work := make(chan []*Mbuf, workers)
	var wg sync.WaitGroup
	for range workers {
		local := newPool(t, 1, 0, 0)
		wg.Go(func() {
			for ms := range work {
				for _, m := range ms {
					m.Append(1)[0] = 1 // owned: the race detector sees it when two have the same mbuf
				}
				local.Free(ms)
			}
		})
	}
	for range rounds {
		ms := make([]*Mbuf, 32)
		n := p.GetBurst(ms, Class2K)
		for n == 0 {
			runtime.Gosched()
			n = p.GetBurst(ms, Class2K)
		}
		if m := p.Get(1); m != nil {
			p.Put(m)
		}
		work <- ms[:n]
	}
	close(work)
	wg.Wait()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestCloseRefusesWhileInUse(t *testing.T) {
	p := newPool(t, 3, 0, 0)
	m := p.Get(1)
	if err := p.Close(); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "1 of 3") {
		t.Errorf("error %v, expected ErrInUse and 1 of 3", err)
	}
	m.Append(1)[0] = 1 // still mapped
	p.Put(m)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestNewPoolErrors(t *testing.T) {
	for want, cfg := range map[string]PoolConfig{
		`mbuf pool "x": no mbufs asked for`:                              {Name: "x"},
		`mbuf pool "x": -1 mbufs of 9216 octets, expected 0 to 16777216`: {Name: "x", N2K: 5, N9K: -1},
	} {
		if _, err := NewPool(cfg); err == nil || err.Error() != want {
			t.Errorf("error %v, expected %s", err, want)
		}
	}
}

// TestHugeIsOnlyAWish: where there are no huge pages the pool is there all the same.
func TestHugeIsOnlyAWish(t *testing.T) {
	p, err := NewPool(PoolConfig{Name: "huge", N2K: 2000, Huge: true, Prime: true})
	if err != nil {
		t.Fatal(err)
	}
	ms := make([]*Mbuf, 2000)
	if n := p.GetBurst(ms, Class2K); n != 2000 {
		t.Errorf("%d of 2000", n)
	}
	for _, m := range ms {
		m.Append(2048)[2047] = 1
	}
	p.Free(ms)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestStrideIsNoPowerOfTwo: headers of neighbouring mbufs fall into different cache sets.
func TestStrideIsNoPowerOfTwo(t *testing.T) {
	for c := range numClasses {
		s := stride(c)
		if s < c.Size()+Headroom+Tailroom || s%64 != 0 || s%4096 == 0 || math.Trunc(math.Log2(float64(s))) == math.Log2(float64(s)) {
			t.Errorf("class %d: stride %d", c, s)
		}
	}
}

func TestPoolDoesNotAllocate(t *testing.T) {
	home, abroad := newPool(t, 64, 0, 0), newPool(t, 1, 0, 0)
	ms := make([]*Mbuf, 32)
	if a := testing.AllocsPerRun(100, func() {
		home.Free(ms[:home.GetBurst(ms, Class2K)])
		abroad.Free(ms[:home.GetBurst(ms, Class2K)])
		home.Return(home.Get(1))
		abroad.Put(home.Get(1))
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func BenchmarkPool(b *testing.B) {
	home, abroad := newPool(b, 64, 0, 0), newPool(b, 1, 0, 0)
	ms := make([]*Mbuf, 32)
	for _, c := range []struct {
		name string
		by   *Pool
	}{{"own", home}, {"other", abroad}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				c.by.Free(ms[:home.GetBurst(ms, Class2K)])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(ms)), "ns/mbuf")
		})
	}
}
