package softpmd

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

const us = int64(time.Microsecond)

func TestDelayIsExact(t *testing.T) {
	w := newWireTest(t, WireConfig{Impair: [2]Impairment{{Delay: time.Millisecond}, {}}})
	w.now = 5 * us
	w.send(A, 0, 2, 60)
	w.now = 1005*us - 1
	if got := w.receive(B); len(got) != 0 {
		t.Errorf("%d packets 1 ns early", len(got))
	}
	w.now = 2000 * us
	want := []seen{{0, 1005 * us}, {1, 1005 * us}}
	if got := w.receive(B); !slices.Equal(got, want) {
		t.Errorf("arrivals %v, expected %v: Time is when a packet arrived, not when it was polled", got, want)
	}
	w.send(B, 7, 1, 60)
	if got := w.receive(A); len(got) != 1 {
		t.Error("the other direction has no delay and delivered nothing")
	}
	w.close()
}

// TestRateIsExact: a 10 Gb/s Ethernet carries 14.88 million of the smallest frames per second, 84 octets each.
func TestRateIsExact(t *testing.T) {
	w := newWireTest(t, WireConfig{Impair: [2]Impairment{{Rate: 10e9}, {}}})
	for _, c := range []struct {
		size int
		ns   float64 // of one frame: (size, at least 60, and 24) * 0.8
	}{{60, 67.2}, {42, 67.2}, {61, 68}, {1514, 1230.4}} {
		w.now += int64(time.Second) // the link is idle again
		if n := w.send(A, 0, 1000, c.size); n != 1000 {
			t.Fatalf("%d of 1000 taken", n)
		}
		start := w.now
		w.now += int64(time.Second)
		var got []seen
		for len(got) < 1000 {
			got = append(got, w.receive(B)...)
		}
		for i, s := range got {
			want := float64(i+1) * c.ns
			if d := float64(s.at-start) - want; d < -1e-6 || d > 1+want*2e-4 {
				t.Fatalf("size %d: packet %d at %d ns, expected %.1f, later by at most 0.02 %% and 1 ns", c.size, i, s.at-start, want)
			}
		}
	}
	w.close()
}

// TestRateIsShared: two transmit queues together do not get more than the rate.
func TestRateIsShared(t *testing.T) {
	w := newWireTest(t, WireConfig{Impair: [2]Impairment{{Rate: 1e9}, {}}})
	w.ports[A].Close()
	w.open(A, 2)
	for i := range 10 {
		m := numbered(w.pools[A], i, 101) // 125 octets on the link: 1 us
		if w.ports[A].Tx(i%2).TxBurst([]*mbuf.Mbuf{m}) != 1 {
			t.Fatal("not taken")
		}
	}
	for i := range 10 {
		w.now = int64(i+1)*us - 1
		if got := w.receive(B); len(got) != 0 {
			t.Errorf("packet %v before %d us", got, i+1)
		}
		w.now++
		if got := w.receive(B); len(got) != 1 || got[0].number != i {
			t.Errorf("at %d us: %v, expected packet %d", i+1, got, i)
		}
	}
	w.close()
}

// TestJitterKeepsOrder: delays spread over the whole range, yet nobody overtakes.
func TestJitterKeepsOrder(t *testing.T) {
	w := newWireTest(t, WireConfig{Seed: testSeed(t), Impair: [2]Impairment{{Delay: time.Millisecond, Jitter: time.Millisecond}, {}}})
	lo, hi := int64(math.MaxInt64), int64(0)
	for i := range 500 {
		sent := w.now
		w.send(A, i, 1, 60)
		w.now += 2000 * us
		got := w.receive(B)
		if len(got) != 1 || got[0].number != i {
			t.Fatalf("packet %d: %v after delay and jitter", i, got)
		}
		lo, hi = min(lo, got[0].at-sent), max(hi, got[0].at-sent)
	}
	if lo < 1000*us || hi > 2000*us || hi-lo < 900*us {
		t.Errorf("delays from %d to %d us, expected most of 1000 to 2000", lo/us, hi/us)
	}
	w.send(A, 0, 200, 60)
	w.now += 2000 * us
	if got := numbers(w.receive(B)); !slices.IsSorted(got) || len(got) != 200 {
		t.Errorf("jitter reordered: %v", got)
	}
	w.close()
}

// frequency demands that k of n is what probability p makes likely: within 5 standard deviations.
func frequency(t *testing.T, what string, k, n int, p float64) {
	t.Helper()
	if d := math.Abs(float64(k) - float64(n)*p); d > 5*math.Sqrt(float64(n)*p*(1-p)) {
		t.Errorf("%s: %d of %d, expected about %.0f", what, k, n, float64(n)*p)
	}
}

func TestLossAndDuplication(t *testing.T) {
	const n, loss, twin = 20_000, 0.1, 0.05
	w := newWireTest(t, WireConfig{Seed: testSeed(t), Impair: [2]Impairment{{Loss: loss, Duplicate: twin}, {}}})
	var got []int
	for i := 0; i < n; i += 100 {
		w.send(A, i, 100, 80)
		got = append(got, numbers(w.receive(B))...)
	}
	if !slices.IsSorted(got) {
		t.Error("loss and duplication changed the order")
	}
	total := len(got)
	distinct := len(slices.Compact(got))
	frequency(t, "lost", n-distinct, n, loss)
	frequency(t, "duplicated", total-distinct, distinct, twin)
	s := w.ports[A].Stats()
	if s.TxDropped != uint64(n-distinct) || s.TxPackets != uint64(distinct) || w.ports[B].Stats().RxPackets != uint64(total) {
		t.Errorf("stats %+v and %+v: %d sent, %d distinct, %d arrived", s, w.ports[B].Stats(), n, distinct, total)
	}
	w.close()
}

func TestCertainties(t *testing.T) {
	w := newWireTest(t, WireConfig{Impair: [2]Impairment{{Loss: 1}, {Duplicate: 1}}})
	w.send(A, 0, 200, 60)
	if got := w.receive(B); len(got) != 0 {
		t.Errorf("%d packets passed a loss of 1", len(got))
	}
	w.send(B, 0, 3, 60)
	if got, want := numbers(w.receive(A)), []int{0, 0, 1, 1, 2, 2}; !slices.Equal(got, want) {
		t.Errorf("duplicate of 1 made %v, expected %v", got, want)
	}
	w.close()
}

// TestDuplicateNeedsAnMbuf: without one the packet still arrives, once.
func TestDuplicateNeedsAnMbuf(t *testing.T) {
	w := newWireTest(t, WireConfig{Impair: [2]Impairment{{Duplicate: 1}, {}}})
	var hoard []*mbuf.Mbuf
	for m := w.pools[A].Get(60); m != nil; m = w.pools[A].Get(60) {
		hoard = append(hoard, m)
	}
	last := hoard[len(hoard)-1]
	last.Append(60)[59] = 9
	hoard = hoard[:len(hoard)-1]
	if w.ports[A].Tx(0).TxBurst([]*mbuf.Mbuf{last}) != 1 {
		t.Fatal("not taken")
	}
	if got := numbers(w.receive(B)); !slices.Equal(got, []int{9}) {
		t.Errorf("arrived: %v, expected packet 9 once", got)
	}
	w.pools[A].Free(hoard)
	w.close()
}

// TestReorder: chosen packets are overtaken by 1 to ReorderDepth others, and nothing is lost.
func TestReorder(t *testing.T) {
	const n, p, depth = 20_000, 0.2, 3
	w := newWireTest(t, WireConfig{Seed: testSeed(t), Impair: [2]Impairment{{Reorder: p, ReorderDepth: depth}, {}}})
	var got []int
	for i := 0; i < n; i += 100 {
		w.send(A, i, 100, 60)
		w.now += us
		got = append(got, numbers(w.receive(B))...)
	}
	w.now += int64(time.Second)
	got = append(got, numbers(w.receive(B))...)
	late, highest := 0, -1
	for i, v := range got {
		if v < highest {
			late++
		}
		highest = max(highest, v)
		if ahead := v - i; ahead > 20 || ahead < -20 {
			t.Fatalf("packet %d is %d places from its own", v, ahead)
		}
	}
	frequency(t, "overtaken", late, n, p)
	slices.Sort(got)
	if len(got) != n || len(slices.Compact(got)) != n {
		t.Errorf("%d packets arrived of %d", len(got), n)
	}
	w.close()
}

// TestReorderNeverSticks: a packet with nobody behind it arrives after ReorderHold.
func TestReorderNeverSticks(t *testing.T) {
	w := newWireTest(t, WireConfig{Impair: [2]Impairment{{Reorder: 1, ReorderHold: 2 * time.Millisecond}, {}}})
	w.send(A, 5, 1, 60)
	w.receive(B)
	w.now = 2000*us - 1
	if got := w.receive(B); len(got) != 0 {
		t.Errorf("arrived %v before anybody could overtake", got)
	}
	w.now++
	if got, want := w.receive(B), []seen{{5, 2000 * us}}; !slices.Equal(got, want) {
		t.Errorf("arrived %v, expected %v", got, want)
	}
	w.send(A, 6, 1, 60) // in the wire when it closes
	w.receive(B)
	w.close()
}

// TestSameSeedSameWire: what happens is a function of the seed and the packets, not of how they are polled.
func TestSameSeedSameWire(t *testing.T) {
	im := Impairment{Loss: 0.1, Duplicate: 0.1, Reorder: 0.2, Delay: 100 * time.Microsecond, Jitter: time.Millisecond, Rate: 1e9}
	run := func(seed uint64, every int) (got []int) {
		w := newWireTest(t, WireConfig{Seed: seed, Impair: [2]Impairment{im, im}})
		defer w.close()
		for i := range 300 {
			w.send(A, i, 1, 60+i)
			w.now += 50 * us
			if i%every == 0 {
				got = append(got, numbers(w.receive(B))...)
			}
		}
		w.now += int64(time.Minute)
		return append(got, numbers(w.receive(B))...)
	}
	seed := testSeed(t)
	first := run(seed, 1)
	if again := run(seed, 1); !slices.Equal(first, again) {
		t.Errorf("two runs with one seed differ:\n%v\n%v", first, again)
	}
	other, polled := run(seed+1, 1), run(seed, 7)
	if slices.Equal(first, other) {
		t.Error("another seed made the same wire")
	}
	slices.Sort(first)
	slices.Sort(polled)
	if !slices.Equal(first, polled) {
		t.Error("polling less often changed what is lost or duplicated")
	}
}

// TestDirectionsDiffer: one seed does not lose the same packets both ways.
func TestDirectionsDiffer(t *testing.T) {
	w := newWireTest(t, WireConfig{Seed: 1, Impair: [2]Impairment{{Loss: 0.5}, {Loss: 0.5}}})
	w.send(A, 0, 200, 60)
	w.send(B, 0, 200, 60)
	if there, back := numbers(w.receive(B)), numbers(w.receive(A)); slices.Equal(there, back) {
		t.Error("both directions lost the same packets")
	}
	if w.w.Seed(A) != 1 || !strings.HasSuffix(w.ports[A].Info().Name, ",seed=1") {
		t.Errorf("seed %d, name %q: both must tell the seed 1", w.w.Seed(A), w.ports[A].Info().Name)
	}
	w.close()
	if w.w.Seed(A) != 0 {
		t.Error("a closed end has a seed")
	}
}

// TestImpairedWireDoesNotAllocate: every impairment at once, once the buffer of packets set aside exists.
func TestImpairedWireDoesNotAllocate(t *testing.T) {
	im := Impairment{Loss: 0.1, Duplicate: 0.1, Reorder: 0.2, Delay: time.Microsecond, Jitter: time.Microsecond, Rate: 10e9}
	w := newWireTest(t, WireConfig{Impair: [2]Impairment{im, im}})
	w.w.SetTap(A, func(End, []byte, int64) {})
	w.w.SetFilter(A, func([]byte) bool { return true })
	ms := make([]*mbuf.Mbuf, 64)
	round := func() {
		n := w.pools[A].GetBurst(ms[:32], mbuf.Class2K)
		for _, m := range ms[:n] {
			m.SetLen(500)
		}
		w.pools[A].Free(ms[w.ports[A].Tx(0).TxBurst(ms[:n]):n])
		w.now += 100 * us
		w.pools[B].Free(ms[:w.ports[B].Rx(0).RxBurst(ms)])
	}
	for range 20 {
		round()
	}
	if a := testing.AllocsPerRun(200, round); a != 0 {
		t.Errorf("%v allocations per burst", a)
	}
	w.close()
}

func TestImpairmentIsChecked(t *testing.T) {
	for _, c := range []struct {
		im   Impairment
		want string
	}{
		{Impairment{Loss: 1.5}, `wire "x", sent by end b: loss of 1.5, expected a probability from 0 to 1`},
		{Impairment{Duplicate: -0.1}, `wire "x", sent by end b: duplicate of -0.1, expected a probability from 0 to 1`},
		{Impairment{Reorder: math.NaN()}, `wire "x", sent by end b: reorder of NaN, expected a probability from 0 to 1`},
		{Impairment{Delay: -1}, `wire "x", sent by end b: delay of -1ns, expected 0 to 1h`},
		{Impairment{Jitter: 2 * time.Hour}, `wire "x", sent by end b: jitter of 2h0m0s, expected 0 to 1h`},
		{Impairment{ReorderDepth: 65}, `wire "x", sent by end b: reorder_depth of 65, expected 1 to 64`},
	} {
		_, err := NewWire(WireConfig{Name: "x", Link: pmd.RawIP, Impair: [2]Impairment{{}, c.im}})
		if err == nil || err.Error() != c.want {
			t.Errorf("error %v, expected %s", err, c.want)
		}
	}
}

// TestOnlyBefallsWhatIsPicked loses and doubles the picked packets only, and draws nothing for the others.
func TestOnlyBefallsWhatIsPicked(t *testing.T) {
	small := func(frame []byte) bool { return len(frame) < 100 }
	w := newWireTest(t, WireConfig{Impair: [2]Impairment{{Loss: 1, Only: small}, {Duplicate: 1, Only: small}}})
	w.send(A, 0, 5, 60)
	w.send(A, 5, 5, 200)
	if got := w.receive(B); len(got) != 5 || got[0].number != 5 {
		t.Errorf("arrivals %v, expected the five large packets", got)
	}
	w.send(B, 0, 5, 60)
	w.send(B, 5, 5, 200)
	if got := w.receive(A); len(got) != 15 {
		t.Errorf("%d arrivals, expected the five small packets twice and the large ones once", len(got))
	}
	w.close()
}
