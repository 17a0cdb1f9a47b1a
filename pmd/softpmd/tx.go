package softpmd

import (
	"math/rand/v2"
	"sync/atomic"

	"stillwater/pmd/mbuf"
)

// txQueue is one transmit queue, owned by one lcore.
type txQueue struct {
	lane   *atomic.Pointer[lane]
	held   *lane // the lane of the burst before
	hooks  *atomic.Pointer[hooks]
	index  int
	end    End
	pool   *mbuf.Pool
	now    func() int64
	random *rand.PCG
	last   int64 // due time of the packet before, so that jitter does not reorder

	packets, octets, dropped counter
}

// TxBurst puts packets on the wire. A full ring, or a peer that is not open, takes fewer.
func (q *txQueue) TxBurst(ms []*mbuf.Mbuf) int {
	l, h := q.lane.Load(), q.hooks.Load()
	if l != q.held {
		q.follow(l)
	}
	switch {
	case l == nil || len(l.sources) == 0:
		return 0
	case l.plain && l.hash == nil && h == nil:
		return q.straight(l, ms)
	default:
		return q.each(l, h, ms)
	}
}

// follow turns to another lane. The receiver of the old one has closed, so what this queue pushed after that is its own to
// take back.
func (q *txQueue) follow(l *lane) {
	if q.held != nil {
		for r := range q.held.sources {
			q.held.sources[r][q.index].empty()
		}
	}
	q.held = l
}

// straight is the whole burst through one ring. Everything about a packet is read before it is pushed: after that it is
// the receiver's.
func (q *txQueue) straight(l *lane, ms []*mbuf.Mbuf) int {
	r := l.rings[q.index][0]
	done := 0
	for done < len(ms) {
		rest := ms[done:min(len(ms), done+r.Cap()-r.Len())]
		n, octets := 0, 0
		for n < len(rest) && l.fits(rest[n]) {
			rest[n].Flags &^= mbuf.FlagHash
			octets += rest[n].Len()
			n++
		}
		r.PushBurst(rest[:n])
		q.packets.add(n)
		q.octets.add(octets)
		done += n
		if n == len(rest) {
			break
		}
		q.drop(ms[done])
		done++
	}
	return done
}

// fits reports whether m has a length the wire carries.
func (l *lane) fits(m *mbuf.Mbuf) bool { return uint(m.Len()-1) < uint(l.limit) }

func (q *txQueue) drop(m *mbuf.Mbuf) {
	q.dropped.add(1)
	q.pool.Put(m)
}

// each takes packets one by one: several queues, hooks or impairments.
func (q *txQueue) each(l *lane, h *hooks, ms []*mbuf.Mbuf) int {
	now := int64(0)
	if l.timed || h != nil {
		now = q.now()
	}
	packets, octets, done := 0, 0, 0
	for _, m := range ms {
		if !l.fits(m) {
			q.drop(m)
			done++
			continue
		}
		r := l.rings[q.index][l.steer(m)]
		if r.Len() == r.Cap() {
			break
		}
		done++
		left := l.depart(m, now)
		if !q.survives(l, h, m, now) {
			q.drop(m)
			continue
		}
		packets++
		octets += m.Len()
		twin := q.schedule(l, m, left)
		r.Push(m)
		if twin != nil && !r.Push(twin) {
			q.pool.Put(twin)
		}
	}
	q.packets.add(packets)
	q.octets.add(octets)
	return done
}

// survives shows m to the tap, then asks the filter and chance, in this order. A packet that is lost has still used the
// link's time.
func (q *txQueue) survives(l *lane, h *hooks, m *mbuf.Mbuf, now int64) bool {
	if h != nil && h.tap != nil {
		h.tap(q.end, m.Data(), now)
	}
	if h != nil && h.filter != nil && !h.filter(m.Data()) {
		return false
	}
	return !l.picks(m) || !l.loss.happens(q.random)
}

// picks reports whether chance may befall m.
func (l *lane) picks(m *mbuf.Mbuf) bool { return l.only == nil || l.only(m.Data()) }

// schedule decides when m, whose last bit left at left, is due (Time), by how many packets it is overtaken (Aux), and
// whether it has a twin.
func (q *txQueue) schedule(l *lane, m *mbuf.Mbuf, left int64) (twin *mbuf.Mbuf) {
	if l.timed {
		due := left + l.delay
		if l.jitter > 0 {
			due += int64(q.random.Uint64() % uint64(l.jitter+1))
		}
		q.last = max(q.last, due)
		m.Time = q.last
	}
	m.Aux = 0
	if !l.picks(m) {
		return nil
	}
	twins := l.duplicate.happens(q.random)
	if l.reorder.happens(q.random) {
		m.Aux = 1 + uint32(q.random.Uint64()%l.depth)
	}
	if !twins {
		return nil
	}
	if twin = q.pool.Get(m.Len()); twin != nil {
		copy(twin.Append(m.Len()), m.Data())
		twin.CopyMeta(m)
		twin.Aux = 0
	}
	return twin
}
