package dataplane

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// image runs the network of Bucket to its end and keeps all 32 bits; inverse undoes it.
func (p *Permutation) image(spi uint32) uint32 {
	l, r := spi>>16, spi&0xffff
	for _, k := range p.key {
		l, r = r, l^round(r, k)
	}
	return l<<16 | r
}

func (p *Permutation) inverse(image uint32) uint32 {
	l, r := image>>16, image&0xffff
	for _, k := range slices.Backward(p.key[:]) {
		l, r = r^round(l, k), l
	}
	return l<<16 | r
}

// filler returns the source of key octets that SteerStatic and NewSPI take.
func filler(r *rand.Rand) func([]byte) {
	return func(b []byte) {
		for i := range b {
			b[i] = byte(r.Uint32())
		}
	}
}

func randomPermutation(r *rand.Rand) Permutation {
	var key [16]byte
	filler(r)(key[:])
	return NewPermutation(key)
}

// TestNXT010_PermutationIsABijection: what can be undone maps no two SPIs to one image, and the bucket is its top octet.
func TestNXT010_PermutationIsABijection(t *testing.T) {
	r := newRand(t)
	for range 50 {
		p := randomPermutation(r)
		for i := range 2000 {
			spi := r.Uint32()
			if i < 600 {
				spi = uint32(i) // also what a test or a peer counts up
			}
			if got := p.inverse(p.image(spi)); got != spi {
				t.Fatalf("SPI %#x comes back as %#x", spi, got)
			}
			if got := p.Bucket(spi); got != byte(p.image(spi)>>24) {
				t.Fatalf("SPI %#x: bucket %d, image %#x", spi, got, p.image(spi))
			}
		}
	}
}

// TestNXT010_BucketsAreEven bounds the chi-square statistic of 255 degrees of freedom at 10 standard deviations, for SPIs in
// sequence, with a stride, and at random.
func TestNXT010_BucketsAreEven(t *testing.T) {
	r := newRand(t)
	const n = 1 << 16
	for name, spi := range map[string]func(i int) uint32{
		"in sequence":   func(i int) uint32 { return 256 + uint32(i) },
		"high bits":     func(i int) uint32 { return uint32(i)<<15 | 1 },
		"stride of 256": func(i int) uint32 { return uint32(i) * 256 },
		"random":        func(int) uint32 { return r.Uint32() >> 1 },
	} {
		p := randomPermutation(r)
		var count [NumBuckets]float64
		for i := range n {
			count[p.Bucket(spi(i))]++
		}
		chi, mean := 0.0, float64(n)/NumBuckets
		for _, c := range count {
			chi += (c - mean) * (c - mean) / mean
		}
		if chi > 255+10*22.6 {
			t.Errorf("%s: chi-square %.0f, expected about 255", name, chi)
		}
	}
}

// TestNXT010_KeyHidesTheLcore: under another key half of the SPIs change between two lcores.
func TestNXT010_KeyHidesTheLcore(t *testing.T) {
	r := newRand(t)
	p, q, b := randomPermutation(r), randomPermutation(r), EvenBuckets(2)
	moved := 0
	for range 10_000 {
		if spi := r.Uint32() >> 1; b.Lcore(&p, spi) != b.Lcore(&q, spi) {
			moved++
		}
	}
	if moved < 4_500 || moved > 5_500 {
		t.Errorf("%d of 10000 SPIs changed between two lcores, expected about half", moved)
	}
}

func TestEvenBuckets(t *testing.T) {
	for lcores := 1; lcores <= 255; lcores++ {
		count := make([]int, lcores)
		for _, l := range EvenBuckets(lcores) {
			count[l]++
		}
		if slices.Max(count)-slices.Min(count) > 1 {
			t.Fatalf("%d lcores: %v", lcores, count)
		}
	}
}

func TestSteerStatic(t *testing.T) {
	r := newRand(t)
	for _, lcores := range []int{1, 2, 4, 16} {
		owner := map[uint32]int{}
		for i := range 24 {
			owner[256+r.Uint32()>>2] = i % lcores
		}
		p, b, err := SteerStatic(owner, lcores, filler(r))
		must(t, err)
		for spi, want := range owner {
			if got := b.Lcore(&p, spi); got != want {
				t.Errorf("%d lcores: SPI %#x belongs to lcore %d, expected %d", lcores, spi, got, want)
			}
		}
	}
}

// TestSteerStaticDealsTheRest: whatever static SPIs claim, the lcores have equal shares of all buckets, so that SPIs can be
// drawn for each of them; without static SPIs too.
func TestSteerStaticDealsTheRest(t *testing.T) {
	r := newRand(t)
	for _, lcores := range []int{1, 3, 8, 200} {
		for _, static := range []int{0, 5} {
			owner := map[uint32]int{}
			for range static {
				owner[256+r.Uint32()>>2] = lcores - 1 // all on one
			}
			p, b, err := SteerStatic(owner, lcores, filler(r))
			must(t, err)
			count := make([]int, lcores)
			for _, l := range b {
				count[l]++
			}
			claimed := map[uint8]bool{}
			for spi := range owner {
				claimed[p.Bucket(spi)] = true
			}
			least, most := slices.Min(count), slices.Max(count)
			if least == 0 || most-least > 1 && most > len(claimed) {
				t.Errorf("%d lcores, %d static SPIs: %d to %d buckets each", lcores, static, least, most)
			}
			if _, err := NewSPI(&p, &b, 0, filler(r)); err != nil {
				t.Errorf("%d lcores: %v", lcores, err)
			}
		}
	}
	if a, _, _ := SteerStatic(nil, 2, filler(r)); a == (Permutation{}) {
		t.Error("no key was drawn")
	}
}

// TestSteerStaticGivesUp: 300 SPIs dealt over two lcores cannot do with 256 buckets by chance.
func TestSteerStaticGivesUp(t *testing.T) {
	r := newRand(t)
	owner := map[uint32]int{}
	for i := range 300 {
		owner[uint32(1000+i)] = i % 2
	}
	if _, _, err := SteerStatic(owner, 2, filler(r)); !errors.Is(err, ErrNoSteering) {
		t.Errorf("got %v, expected ErrNoSteering", err)
	}
}

func TestNXT010_NewSPI(t *testing.T) {
	r := newRand(t)
	p, b := randomPermutation(r), EvenBuckets(4)
	for i := range 20_000 {
		spi, err := NewSPI(&p, &b, i%4, filler(r))
		must(t, err)
		if spi>>31 != 0 || spi < 256 || b.Lcore(&p, spi) != i%4 {
			t.Fatalf("SPI %#x of lcore %d, expected one of lcore %d from 0x100 to 0x7fffffff", spi, b.Lcore(&p, spi), i%4)
		}
	}
	// A source that draws reserved and negative numbers first.
	draws := []byte{0, 0, 0, 0, 0, 0, 0, 255, 0x80, 0, 0, 7}
	one := EvenBuckets(1)
	spi, err := NewSPI(&p, &one, 0, func(to []byte) {
		if len(draws) == 0 {
			draws = []byte{0xff, 0xff, 0xff, 0xff}
		}
		draws = draws[copy(to, draws):]
	})
	if err != nil || spi != 0x7fffffff {
		t.Errorf("SPI %#x, %v, expected 0x7fffffff", spi, err)
	}
	if _, err := NewSPI(&p, &b, 9, filler(r)); !errors.Is(err, ErrNoSteering) {
		t.Errorf("an lcore without buckets: %v, expected ErrNoSteering", err)
	}
}
