package ring

import (
	"flag"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

func testSeed(t *testing.T) uint64 {
	t.Helper()
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed %d", s)
	return s
}

func TestNewWantsAPowerOfTwo(t *testing.T) {
	for size, good := range map[int]bool{-8: false, 0: false, 1: true, 2: true, 3: false, 6: false, 1024: true, 1023: false} {
		func() {
			defer func() {
				if panicked := recover() != nil; panicked == good {
					t.Errorf("size %d: panicked is %v", size, panicked)
				}
			}()
			if got := New[int](size).Cap(); got != size {
				t.Errorf("a ring of %d has %d slots", size, got)
			}
		}()
	}
}

// TestEqualsASlice: under random calls a ring of any size does what a bounded slice does.
func TestEqualsASlice(t *testing.T) {
	random := rand.New(rand.NewPCG(testSeed(t), 0))
	for _, size := range []int{1, 2, 4, 64} {
		r, model, next := New[int](size), []int(nil), 0
		for range 100_000 {
			switch random.IntN(4) {
			case 0:
				if got, want := r.Push(next), len(model) < size; got != want {
					t.Fatalf("size %d with %d inside: Push is %v", size, len(model), got)
				} else if got {
					model = append(model, next)
				}
				next++
			case 1:
				vs := make([]int, random.IntN(2*size+1))
				for i := range vs {
					vs[i] = next
					next++
				}
				n := r.PushBurst(vs)
				if want := min(len(vs), size-len(model)); n != want {
					t.Fatalf("size %d with %d inside: PushBurst of %d took %d, expected %d", size, len(model), len(vs), n, want)
				}
				model = append(model, vs[:n]...)
			case 2:
				v, ok := r.Pop()
				if ok != (len(model) > 0) || ok && v != model[0] {
					t.Fatalf("size %d with %v inside: Pop is %d, %v", size, model, v, ok)
				}
				model = model[min(1, len(model)):]
			case 3:
				dst := make([]int, random.IntN(2*size+1))
				n := r.PopBurst(dst)
				if want := min(len(dst), len(model)); n != want || !slices.Equal(dst[:n], model[:n]) {
					t.Fatalf("size %d: PopBurst gave %v, expected the first %d of %v", size, dst[:n], want, model)
				}
				model = model[n:]
			}
			if r.Len() != len(model) {
				t.Fatalf("size %d: Len is %d, expected %d", size, r.Len(), len(model))
			}
		}
	}
}

// TestPopErasesSlots: keys travel through rings by value, and a popped slot must not keep them.
func TestPopErasesSlots(t *testing.T) {
	r := New[[4]byte](4)
	key := [4]byte{1, 2, 3, 4}
	for range 4 {
		r.Push(key)
	}
	r.Pop()
	r.PopBurst(make([][4]byte, 3))
	for i, s := range r.slots {
		if s != ([4]byte{}) {
			t.Errorf("slot %d still holds %x", i, s)
		}
	}
}

// TestTwoGoroutines: one pushes, one pops, and every value arrives once, in order. Under the race detector it proves that
// values are published before the index.
func TestTwoGoroutines(t *testing.T) {
	const total = 200_000
	type value struct{ n, check uint64 }
	r := New[value](64)
	random := rand.New(rand.NewPCG(testSeed(t), 1))
	var wg sync.WaitGroup
	wg.Go(func() {
		burst := make([]value, 0, 100)
		for sent := uint64(0); sent < total; {
			burst = burst[:0]
			for i := range min(uint64(1+random.IntN(100)), total-sent) {
				burst = append(burst, value{sent + i, ^(sent + i)})
			}
			n := 0
			if len(burst) > 1 {
				n = r.PushBurst(burst)
			} else if r.Push(burst[0]) {
				n = 1
			}
			if sent += uint64(n); n == 0 {
				runtime.Gosched()
			}
		}
	})
	got := make([]value, 33)
	for want := uint64(0); want < total; {
		n := r.PopBurst(got)
		if v, ok := r.Pop(); ok && n < len(got) {
			got[n] = v
			n++
		} else if ok {
			got = append(got, v)
			n = len(got)
		}
		for _, v := range got[:n] {
			if v.n != want || v.check != ^want {
				t.Fatalf("received %+v, expected number %d", v, want)
			}
			want++
		}
		if n == 0 {
			runtime.Gosched()
		}
	}
	wg.Wait()
	if r.Len() != 0 {
		t.Errorf("%d values left", r.Len())
	}
}

func TestNoAllocation(t *testing.T) {
	r := New[*int](64)
	in, out := make([]*int, 32), make([]*int, 32)
	if a := testing.AllocsPerRun(100, func() {
		r.PushBurst(in)
		r.Push(in[0])
		r.Pop()
		r.PopBurst(out)
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func BenchmarkBurst(b *testing.B) {
	r := New[*int](1024)
	vs := make([]*int, 32)
	for b.Loop() {
		r.PushBurst(vs)
		r.PopBurst(vs)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(vs)), "ns/value")
}
