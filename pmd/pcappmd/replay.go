package pcappmd

import (
	"sync/atomic"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// rxQueue replays its share of a capture, owned by one lcore.
type rxQueue struct {
	capture *capture
	start   *atomic.Int64 // clock reading of the first poll of any queue, which is when a timed replay begins; 0: none yet
	mine    []share
	next    int // in mine
	round   int
	rounds  int // 0: for ever
	timed   bool
	pool    *mbuf.Pool
	now     func() int64
	port    uint16
	index   uint16
	flags   mbuf.Flags

	packets, octets, errors counter
}

// share is one packet of a queue.
type share struct {
	*record
	hash    uint32
	damaged bool // counted, not replayed
}

// newReplay deals the packets of c out to the receive queues: by flow, as a NIC does.
func newReplay(c *capture, in pmd.Info, d device, cfg pmd.Config) []*rxQueue {
	var queues []*rxQueue
	start := new(atomic.Int64)
	for i, pool := range cfg.RxPools {
		q := &rxQueue{capture: c, start: start, rounds: d.loops, timed: d.timed, pool: pool, now: cfg.Now, port: cfg.Index, index: uint16(i)}
		if len(cfg.RxPools) > 1 {
			q.flags = mbuf.FlagHash
		}
		queues = append(queues, q)
	}
	if c == nil || len(queues) == 0 {
		return queues
	}
	for i := range c.packets {
		s := share{record: &c.packets[i]}
		s.damaged = s.cut || !fits(&in, int(s.length))
		if len(queues) > 1 {
			s.hash = softpmd.Toeplitz(c.data(s.record), c.link)
		}
		q := queues[s.hash%uint32(len(queues))]
		q.mine = append(q.mine, s)
	}
	return queues
}

// data returns a packet's octets.
func (c *capture) data(r *record) []byte { return c.octets[r.at : r.at+int(r.length)] }

// RxBurst delivers the next packets of the file, with pace=time those that are due. Where the pool is empty it waits with
// the rest for a later poll: a file is not lost by waiting.
func (q *rxQueue) RxBurst(ms []*mbuf.Mbuf) int {
	if len(q.mine) == 0 || len(ms) == 0 || q.finished() {
		return 0
	}
	now := q.now()
	start := q.begin(now)
	n, octets, damaged := 0, 0, 0
	for n < len(ms) && !q.finished() {
		s, at := &q.mine[q.next], now
		if q.timed {
			if at = start + int64(q.round)*q.capture.span + s.time; at > now {
				break
			}
		}
		if s.damaged {
			damaged++
			q.advance()
			continue
		}
		m := q.pool.Get(int(s.length))
		if m == nil {
			break
		}
		q.fill(m, s, at)
		octets += int(s.length)
		ms[n] = m
		n++
		q.advance()
	}
	q.packets.add(n)
	q.octets.add(octets)
	q.errors.add(damaged)
	return n
}

// begin returns when the replay began; the first poll of the first queue decides.
func (q *rxQueue) begin(now int64) int64 {
	if !q.timed {
		return 0
	}
	if q.start.Load() == 0 {
		q.start.CompareAndSwap(0, max(now, 1))
	}
	return q.start.Load()
}

// finished reports whether all rounds are over.
func (q *rxQueue) finished() bool { return q.rounds > 0 && q.round >= q.rounds }

func (q *rxQueue) advance() {
	q.next++
	if q.next == len(q.mine) {
		q.next = 0
		q.round++
	}
}

// fill makes m the packet s that arrived at a time.
func (q *rxQueue) fill(m *mbuf.Mbuf, s *share, at int64) {
	copy(m.Append(int(s.length)), q.capture.data(s.record))
	m.Time, m.Port, m.Queue, m.Hash = at, q.port, q.index, s.hash
	m.Flags |= q.flags
	if s.tagged {
		m.VLAN, m.Flags = s.tci, m.Flags|mbuf.FlagVLAN
	}
}
