package mbuf

import (
	"bytes"
	"flag"
	"math/rand/v2"
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

// newPool fails the test where NewPool fails.
func newPool(tb testing.TB, n2k, n9k, n64k int) *Pool {
	tb.Helper()
	p, err := NewPool(PoolConfig{Name: tb.Name(), N2K: n2k, N9K: n9k, N64K: n64k})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// TestHeadroomCoversTheStack: the sums in the comment on Headroom and Tailroom. Ethernet and tag 18, IPv6 40 (RFC 8200),
// UDP 8 (RFC 768), SPI and sequence number 8 (RFC 4303 2), IV 16 (RFC 3602), AGGFRAG 24 (RFC 9347 6.1.2); behind it 15
// octets of padding to a block of 16, Pad Length and Next Header 2, ICV 32 (RFC 4868, HMAC-SHA-512-256).
func TestHeadroomCoversTheStack(t *testing.T) {
	m := newPool(t, 1, 0, 0).Get(2048)
	for _, n := range []int{24, 16, 8, 8, 40, 18} {
		if m.Prepend(n) == nil {
			t.Fatalf("no headroom for %d octets: %d left", n, m.HeadroomLen())
		}
	}
	m.SetHeadroom(Headroom)
	m.Append(2048)
	for _, n := range []int{15, 2, 32} {
		if m.Append(n) == nil {
			t.Fatalf("no tailroom for %d octets: %d left", n, m.TailroomLen())
		}
	}
}

// model is what an mbuf should be: the whole buffer and the place of the data in it.
type model struct {
	room     []byte
	off, len int
}

// TestEqualsAModel: random calls, impossible ones included, against the plain description of an mbuf.
func TestEqualsAModel(t *testing.T) {
	random := rand.New(rand.NewPCG(testSeed(t), 0))
	m := newPool(t, 1, 0, 0).Get(0)
	size := m.HeadroomLen() + m.Len() + m.TailroomLen()
	w := model{make([]byte, size), Headroom, 0}
	for range 100_000 {
		n := random.IntN(size+20) - 10
		if random.IntN(3) > 0 {
			n = random.IntN(60) // small steps, so that most succeed
		}
		w.step(t, random, m, n)
		if !bytes.Equal(m.Data(), w.room[w.off:w.off+w.len]) || m.Len() != w.len || m.HeadroomLen() != w.off || m.TailroomLen() != size-w.off-w.len {
			t.Fatalf("off %d len %d, expected %d and %d, or other octets", m.HeadroomLen(), m.Len(), w.off, w.len)
		}
		if len(m.Room()) != size-w.off || cap(m.Data()) != w.len {
			t.Fatalf("room of %d, capacity of data %d, expected %d and %d", len(m.Room()), cap(m.Data()), size-w.off, w.len)
		}
	}
}

// step makes one call on both.
func (w *model) step(t *testing.T, random *rand.Rand, m *Mbuf, n int) {
	t.Helper()
	size, want := len(w.room), false
	var got bool
	var fresh []byte
	switch op := random.IntN(6); op {
	case 0:
		fresh = m.Prepend(n)
		if want, got = n >= 0 && n <= w.off, fresh != nil; want {
			w.off, w.len = w.off-n, w.len+n
			w.fill(random, fresh, w.off)
		}
	case 1:
		fresh = m.Append(n)
		if want, got = n >= 0 && n <= size-w.off-w.len, fresh != nil; want {
			w.len += n
			w.fill(random, fresh, w.off+w.len-n)
		}
	case 2:
		if want, got = n >= 0 && n <= w.len, m.Adj(n); want {
			w.off, w.len = w.off+n, w.len-n
		}
	case 3:
		if want, got = n >= 0 && n <= w.len, m.Trim(n); want {
			w.len -= n
		}
	case 4:
		if want, got = n >= 0 && n <= size, m.SetHeadroom(n); want {
			w.off, w.len = n, 0
		}
	case 5:
		if want, got = n >= 0 && n <= size-w.off, m.SetLen(n); want {
			w.len = n
			w.fill(random, m.Data(), w.off)
		}
	}
	if got != want {
		t.Fatalf("%d octets with headroom %d and %d of data: succeeded is %v, expected %v", n, w.off, w.len, got, want)
	}
}

// fill writes noise to what a call returned and where the model says that is.
func (w *model) fill(random *rand.Rand, fresh []byte, at int) {
	for i := range fresh {
		fresh[i] = byte(random.Uint32())
	}
	copy(w.room[at:], fresh)
}

// TestDataDoesNotReachTheNeighbour: append to Data() cannot write over what follows.
func TestDataDoesNotReachTheNeighbour(t *testing.T) {
	p := newPool(t, 2, 0, 0)
	a, b := p.Get(1), p.Get(1)
	whole := func(m *Mbuf) []byte { m.SetHeadroom(0); m.SetLen(m.TailroomLen()); return m.Data() }
	for i := range whole(a) {
		a.Data()[i] = 0xaa
	}
	clear(whole(b))
	if bytes.IndexByte(b.Data(), 0xaa) >= 0 || bytes.IndexByte(a.Data(), 0) >= 0 {
		t.Error("two mbufs share octets")
	}
	if a.Addr()%64 != 0 || b.Addr()%64 != 0 {
		t.Errorf("buffers at %#x and %#x, expected whole cache lines", a.Addr(), b.Addr())
	}
	before := a.Addr()
	a.Adj(5)
	if a.Addr() != before+5 {
		t.Errorf("Addr moved by %d after Adj(5)", a.Addr()-before)
	}
}

// TestMarked: what was cut from the front since Mark can be looked at, until something else takes its place.
func TestMarked(t *testing.T) {
	m := newPool(t, 1, 0, 0).Get(100)
	copy(m.Append(6), "abcdef")
	if m.Marked() != nil {
		t.Errorf("a fresh mbuf has %q marked", m.Marked())
	}
	m.Adj(1)
	m.Mark()
	if m.Adj(3); string(m.Marked()) != "bcd" || cap(m.Marked()) != 3 {
		t.Errorf("marked %q with room for %d, expected bcd and no more", m.Marked(), cap(m.Marked()))
	}
	if m.Prepend(1); string(m.Marked()) != "bc" {
		t.Errorf("marked %q after a prepend, expected bc", m.Marked())
	}
	if m.Prepend(3); m.Marked() != nil {
		t.Errorf("marked %q in front of which data begins", m.Marked())
	}
	m.SetHeadroom(64)
	m.Append(9)
	if m.Marked() != nil {
		t.Errorf("an emptied mbuf has %q marked", m.Marked())
	}
	m.Pool().Put(m)
}

func TestCopyMeta(t *testing.T) {
	p := newPool(t, 2, 0, 0)
	a, b := p.Get(1), p.Get(1)
	a.Append(10)
	a.SPI, a.SA, a.Seq, a.Time, a.Hash, a.Port, a.Queue, a.VLAN, a.L3 = 1, 2, 3, 4, 5, 6, 7, 8, 9
	a.NextHeader, a.TOS, a.TTL, a.Verdict, a.Aux = 10, 11, 12, TooBig, 14
	a.Flags |= FlagVLAN | FlagHash
	b.CopyMeta(a)
	if b.Len() != 0 || b.index == a.index {
		t.Error("data or place was copied")
	}
	if got := *b; got.SPI != 1 || got.SA != 2 || got.Seq != 3 || got.Time != 4 || got.Hash != 5 || got.Port != 6 || got.Queue != 7 ||
		got.VLAN != 8 || got.L3 != 9 || got.NextHeader != 10 || got.TOS != 11 || got.TTL != 12 || got.Verdict != TooBig ||
		got.Aux != 14 || got.Flags != FlagVLAN|FlagHash {
		t.Errorf("metadata %+v, expected 1 to 14 and the flags of the source", got)
	}
	p.Put(a)
	var free Mbuf // not in use: copying from one in use must not make it so
	free.CopyMeta(b)
	if free.inUse {
		t.Error("a copy changes who owns the mbuf")
	}
}
