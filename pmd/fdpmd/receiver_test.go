package fdpmd

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// random returns a generator and logs its seed.
func random(t *testing.T) *rand.Rand {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	return rand.New(rand.NewPCG(s, 0))
}

// Any choice of messages may be taken: those come out whole and once, the others vanish, and the gaps close.
func TestReceiverTakesAnySubset(t *testing.T) {
	rng := random(t)
	fd, peer, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	defer unix.Close(peer)
	pool := newPool(t)
	r := NewReceiver(ReceiverConfig{FD: fd, Pool: pool, Frame: 64})
	next := uint32(0)
	for range 500 {
		sent := rng.IntN(MaxBatch)
		for i := range sent {
			if err := unix.Send(peer, binary.BigEndian.AppendUint32(nil, next+uint32(i)), 0); err != nil {
				t.Fatal(err)
			}
		}
		next += uint32(sent)
		for first := next - uint32(sent); first < next; {
			k := r.Receive(1 + rng.IntN(MaxBatch))
			takeSome(t, r, rng, pool, first, k)
			first += uint32(k)
		}
	}
	var s pmd.Stats
	r.AddTo(&s)
	if s.RxPackets+s.RxErrors != uint64(next) {
		t.Errorf("%d taken and %d left, expected %d in all", s.RxPackets, s.RxErrors, next)
	}
	r.Release()
}

// takeSome takes a random part of a burst of k messages numbered from first.
func takeSome(t *testing.T, r *Receiver, rng *rand.Rand, pool *mbuf.Pool, first uint32, k int) {
	t.Helper()
	taken, left := uint64(0), uint64(0)
	for i := range k {
		if got := binary.BigEndian.Uint32(r.Frame(i)); got != first+uint32(i) || len(r.Frame(i)) != 4 {
			t.Fatalf("message %d is number %d, expected %d", i, got, first+uint32(i))
		}
		if rng.IntN(3) == 0 {
			left++
			continue
		}
		m := r.Take(i)
		if got := binary.BigEndian.Uint32(m.Data()); got != first+uint32(i) {
			t.Fatalf("mbuf %d is number %d, expected %d", i, got, first+uint32(i))
		}
		pool.Put(m)
		taken++
	}
	r.Done(k, taken, 4*taken, left)
}

// A receiver of a port with jumbo frames takes its mbufs from the class that holds them, and says when one does not fit.
func TestReceiverTruncation(t *testing.T) {
	fd, peer, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	defer unix.Close(peer)
	r := NewReceiver(ReceiverConfig{FD: fd, Pool: newPool(t), Frame: 100})
	for _, n := range []int{99, 100, 101, 4000} {
		if err := unix.Send(peer, make([]byte, n), 0); err != nil {
			t.Fatal(err)
		}
	}
	if k := r.Receive(8); k != 4 {
		t.Fatalf("%d messages, expected 4", k)
	}
	for i, want := range []bool{false, false, true, true} {
		if r.Truncated(i) != want || len(r.Frame(i)) > 100 {
			t.Errorf("message %d: truncated %v with %d octets, expected %v", i, r.Truncated(i), len(r.Frame(i)), want)
		}
	}
	r.Done(4, 0, 0, 4)
	r.Release()
}
