package kernel

import (
	"math/rand/v2"
	"sync"
	"time"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// direction is which way a frame passes the tap.
type direction int

const (
	toKernel direction = iota
	fromKernel
)

func (d direction) String() string {
	if d == toKernel {
		return "to the kernel"
	}
	return "from the kernel"
}

// record is a frame that came to the tap.
type record struct {
	frame   []byte
	dropped bool
}

// impairment is what the tap does to the frames of one direction.
type impairment struct {
	loss    float64 // chance to drop a frame
	reorder float64 // chance to hold a frame back
}

// depth is how many frames may overtake one: as many as the reorder windows of both ends hold.
const depth = 3

// holdTime bounds how long a frame is held back when nothing follows to overtake it. Both ends wait far longer for it.
const holdTime = 2 * time.Millisecond

// tap is a port that records the frames in both directions, in the order the senders gave them, and drops and reorders
// them while told to. Its queues are owned by one lcore; the rest is safe for concurrent use.
type tap struct {
	pmd.Port
	rx pmd.RxQueue
	tx pmd.TxQueue

	pool *mbuf.Pool
	line [2]delayLine
	out  mbuf.Burst // frames on the way to the kernel that the socket has not taken yet

	mu       sync.Mutex
	records  [2][]record
	impaired [2]impairment
	random   *rand.Rand
	moved    [2]int // frames that were overtaken
}

func newTap(p pmd.Port, pool *mbuf.Pool, seed uint64) *tap {
	t := &tap{Port: p, rx: p.Rx(0), tx: p.Tx(0), pool: pool, random: rand.New(rand.NewPCG(seed, 0))}
	return t
}

// Rx implements pmd.Port.
func (t *tap) Rx(int) pmd.RxQueue { return t }

// Tx implements pmd.Port.
func (t *tap) Tx(int) pmd.TxQueue { return t }

// impair sets what happens from now on to frames for the kernel and from it.
func (t *tap) impair(to, from impairment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.impaired = [2]impairment{toKernel: to, fromKernel: from}
}

// take returns the frames that came since the last call.
func (t *tap) take(d direction) []record {
	t.mu.Lock()
	defer t.mu.Unlock()
	rs := t.records[d]
	t.records[d] = nil
	return rs
}

// reordered returns how many frames of a direction were overtaken.
func (t *tap) reordered(d direction) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.moved[d]
}

// RxBurst implements pmd.RxQueue. It is polled all the time, so it also lets go what waits in the other direction. A place
// is kept free for the frame that is held back.
func (t *tap) RxBurst(ms []*mbuf.Mbuf) int {
	t.out = t.line[toKernel].expire(t.out)
	t.flush()
	n := t.rx.RxBurst(ms[:len(ms)-1])
	arrived := append(mbuf.Burst(nil), ms[:n]...)
	kept := t.pass(fromKernel, arrived, ms[:0])
	return len(t.line[fromKernel].expire(kept))
}

// TxBurst implements pmd.TxQueue.
func (t *tap) TxBurst(ms []*mbuf.Mbuf) int {
	if !t.flush() {
		return 0
	}
	t.out = t.pass(toKernel, ms, t.out)
	t.flush()
	return len(ms)
}

// flush offers what waits to the socket; false when it is full.
func (t *tap) flush() bool {
	if len(t.out) > 0 {
		n := t.tx.TxBurst(t.out)
		t.out = t.out[:copy(t.out, t.out[n:])]
	}
	return len(t.out) == 0
}

// pass records frames and appends to out those that go on now.
func (t *tap) pass(d direction, frames, out mbuf.Burst) mbuf.Burst {
	if len(frames) == 0 {
		return out
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	l := &t.line[d]
	for _, m := range frames {
		r := record{frame: append([]byte(nil), m.Data()...), dropped: t.random.Float64() < t.impaired[d].loss}
		t.records[d] = append(t.records[d], r)
		switch {
		case r.dropped:
			t.pool.Put(m)
		case l.held == nil && t.random.Float64() < t.impaired[d].reorder:
			l.hold(m, 1+t.random.IntN(depth))
			continue
		default:
			t.moved[d] += l.overtaken()
			out = append(out, m)
		}
		out = l.step(out)
	}
	return out
}

// delayLine holds one frame back until others have overtaken it.
type delayLine struct {
	held  *mbuf.Mbuf
	left  int // frames, dropped ones included, until it goes on
	first bool
	since time.Time
}

func (l *delayLine) hold(m *mbuf.Mbuf, behind int) {
	l.held, l.left, l.first, l.since = m, behind, true, time.Now()
}

// overtaken counts the held frame when the first other passes it.
func (l *delayLine) overtaken() int {
	if l.held == nil || !l.first {
		return 0
	}
	l.first = false
	return 1
}

// step notes that one frame has come behind the held one, which goes on when its time has come.
func (l *delayLine) step(out mbuf.Burst) mbuf.Burst {
	if l.held == nil {
		return out
	}
	if l.left--; l.left > 0 {
		return out
	}
	return l.release(out)
}

// expire lets the held frame go on when nothing came to overtake it.
func (l *delayLine) expire(out mbuf.Burst) mbuf.Burst {
	if l.held == nil || time.Since(l.since) < holdTime {
		return out
	}
	return l.release(out)
}

// release lets the held frame go on.
func (l *delayLine) release(out mbuf.Burst) mbuf.Burst {
	if l.held != nil {
		out = append(out, l.held)
		l.held = nil
	}
	return out
}

// Close implements pmd.Port; what was held back goes home.
func (t *tap) Close() error {
	t.pool.Free(t.line[fromKernel].release(t.line[toKernel].release(t.out)))
	t.out = nil
	return t.Port.Close()
}
