package kernel

import (
	"encoding/binary"
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// lane is a port that keeps what is sent and gives it back.
type lane struct {
	pmd.Port
	frames mbuf.Burst
}

func (l *lane) Rx(int) pmd.RxQueue { return l }
func (l *lane) Tx(int) pmd.TxQueue { return l }

func (l *lane) RxBurst(ms []*mbuf.Mbuf) int {
	n := copy(ms, l.frames)
	l.frames = l.frames[n:]
	return n
}

func (l *lane) TxBurst(ms []*mbuf.Mbuf) int {
	l.frames = append(l.frames, ms...)
	return len(ms)
}

// The tap forgets and invents nothing: what does not come through is on record as dropped, no frame is late by more than
// the reorder windows allow, and every mbuf is accounted for. Without impairment it changes nothing.
func TestTapAccountsForEveryFrame(t *testing.T) {
	const count = 5000
	for _, d := range []direction{toKernel, fromKernel} {
		for _, imp := range []impairment{{}, {loss: 0.05, reorder: 0.2}} {
			pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: "tap", N2K: count})
			if err != nil {
				t.Fatal(err)
			}
			l := &lane{}
			tp := newTap(l, pool, testSeed(t))
			tp.impair(imp, imp)
			came := through(tp, l, d, pool, count)
			checkTap(t, tp.take(d), came, imp)
			if moved := tp.reordered(d); (moved > 0) != (imp.reorder > 0) {
				t.Errorf("%d frames overtaken with %+v", moved, imp)
			}
			if n := pool.Available(mbuf.Class2K); n != count {
				t.Errorf("%d mbufs of %d came home", n, count)
			}
			if err := pool.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// through passes numbered frames through the tap, in bursts of 1 to 8, and returns the numbers that come out.
func through(tp *tap, l *lane, d direction, pool *mbuf.Pool, count int) (came []int) {
	out := make(mbuf.Burst, 32)
	take := func(ms mbuf.Burst) {
		for _, m := range ms {
			came = append(came, int(binary.BigEndian.Uint32(m.Data())))
			pool.Put(m)
		}
	}
	for next := 0; next < count || tp.line[d].held != nil; {
		var in mbuf.Burst
		for range 1 + next%8 {
			if next < count {
				m := pool.Get(4)
				binary.BigEndian.PutUint32(m.Append(4), uint32(next))
				in = append(in, m)
				next++
			}
		}
		if d == toKernel {
			tp.TxBurst(in)
			tp.out = tp.line[d].expire(tp.out)
			tp.flush()
			take(l.frames)
			l.frames = nil
			continue
		}
		l.TxBurst(in)
		take(out[:tp.RxBurst(out)])
	}
	return came
}

// checkTap compares what came out with what the tap has on record.
func checkTap(t *testing.T, records []record, came []int, imp impairment) {
	t.Helper()
	dropped := 0
	for i, r := range records {
		if n := int(binary.BigEndian.Uint32(r.frame)); n != i {
			t.Fatalf("record %d is of frame %d", i, n)
		}
		if r.dropped {
			dropped++
		}
	}
	if len(came)+dropped != len(records) || (dropped > 0) != (imp.loss > 0) {
		t.Fatalf("%d frames, %d came and %d were dropped with %+v", len(records), len(came), dropped, imp)
	}
	seen, highest := map[int]bool{}, -1
	for _, n := range came {
		if seen[n] || records[n].dropped || n < highest-depth || imp.reorder == 0 && n < highest {
			t.Fatalf("frame %d came after %d: twice %v, dropped %v", n, highest, seen[n], records[n].dropped)
		}
		seen[n], highest = true, max(highest, n)
	}
}
