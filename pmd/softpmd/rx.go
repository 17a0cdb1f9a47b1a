package softpmd

import (
	"sync/atomic"

	"stillwater/pmd/mbuf"
	"stillwater/pmd/ring"
)

// rxQueue is one receive queue, owned by one lcore.
type rxQueue struct {
	lane  *atomic.Pointer[lane]
	held  *lane // the lane of the poll before
	index int
	port  uint16
	first int // transmit queue to begin with: they take turns
	now   func() int64

	packets, octets counter
}

// RxBurst delivers what is due, from the transmit queues in turn. Packets are the sender's mbufs.
func (q *rxQueue) RxBurst(ms []*mbuf.Mbuf) int {
	l := q.lane.Load()
	if l == nil || len(l.rings) == 0 {
		return 0
	}
	if l != q.held {
		q.follow(l)
	}
	sources := l.sources[q.index]
	q.first++
	if q.first >= len(sources) {
		q.first = 0
	}
	n, now := 0, int64(0)
	if l.timed {
		now = q.now()
	}
	for i := range sources {
		s := &sources[(q.first+i)%len(sources)]
		if l.timed {
			n += s.due(ms[n:], now)
		} else {
			n += s.ring.PopBurst(ms[n:])
		}
	}
	if n == 0 {
		return 0
	}
	if !l.timed {
		now = q.now()
		for _, m := range ms[:n] {
			m.Time = now
		}
	}
	q.arrive(ms[:n])
	return n
}

// follow turns to another lane: the sender has closed and come back, maybe more than once. What it sent before and nobody
// has polled goes home.
func (q *rxQueue) follow(l *lane) {
	for old := l.prev; old != nil; old = old.prev {
		for t := range old.sources[q.index] {
			old.sources[q.index][t].empty()
		}
		if old == q.held {
			break
		}
	}
	q.held = l
}

// arrive gives packets the metadata of a port and takes away what the sender's stages left.
func (q *rxQueue) arrive(ms []*mbuf.Mbuf) {
	octets := 0
	for _, m := range ms {
		octets += m.Len()
		m.Port, m.Queue = q.port, uint16(q.index)
		m.SPI, m.SA, m.Seq, m.Aux = 0, 0, 0, 0
		m.L3, m.NextHeader, m.TOS, m.TTL, m.Verdict = 0, 0, 0, 0, mbuf.Pass
		if m.Flags&mbuf.FlagVLAN == 0 {
			m.VLAN = 0
		}
		if m.Flags&mbuf.FlagHash == 0 {
			m.Hash = 0
		}
	}
	q.packets.add(len(ms))
	q.octets.add(octets)
}

// source is what one receive queue gets from one transmit queue. Owned by the receiving lcore.
type source struct {
	ring  *ring.Ring[*mbuf.Mbuf]
	head  *mbuf.Mbuf // taken from the ring, not due yet
	hold  int64      // longest wait of a packet set aside, ns
	last  int64      // arrival time of the packet before
	aside []overtaken
}

// overtaken is a packet that lets others pass.
type overtaken struct {
	m     *mbuf.Mbuf
	left  uint32 // packets yet to pass
	until int64  // when it stops waiting for them
}

// due fills ms with the packets that have arrived by now, those set aside first when their time has come.
func (s *source) due(ms []*mbuf.Mbuf, now int64) int {
	n := 0
	for n < len(ms) {
		if m := s.ripe(now); m != nil {
			ms[n] = m
			n++
			continue
		}
		if s.head == nil {
			s.head, _ = s.ring.Pop()
		}
		m := s.head
		if m == nil || m.Time > now {
			break
		}
		s.head = nil
		if m.Aux > 0 && len(s.aside) < MaxReorderDepth {
			s.setAside(m)
			continue
		}
		for i := range s.aside {
			s.aside[i].left -= min(1, s.aside[i].left)
		}
		m.Time = max(m.Time, s.last)
		s.last = m.Time
		ms[n] = m
		n++
	}
	return n
}

func (s *source) setAside(m *mbuf.Mbuf) {
	if s.aside == nil {
		s.aside = make([]overtaken, 0, MaxReorderDepth) // once: a wire that never reorders does without
	}
	s.aside = append(s.aside, overtaken{m, m.Aux, m.Time + s.hold})
}

// ripe returns the first packet set aside that has been overtaken often enough or has waited long enough, nil if none.
func (s *source) ripe(now int64) *mbuf.Mbuf {
	for i, o := range s.aside {
		if o.left > 0 && o.until > now {
			continue
		}
		if o.left > 0 {
			s.last = max(s.last, o.until)
		}
		o.m.Time = max(o.m.Time, s.last)
		s.aside = append(s.aside[:i], s.aside[i+1:]...)
		return o.m
	}
	return nil
}

// empty sends everything home.
func (s *source) empty() {
	if s.head != nil {
		s.head.Pool().Return(s.head)
		s.head = nil
	}
	for _, o := range s.aside {
		o.m.Pool().Return(o.m)
	}
	s.aside = s.aside[:0]
	for range s.ring.Cap() { // bounded: a sender may still be at work
		m, ok := s.ring.Pop()
		if !ok {
			return
		}
		m.Pool().Return(m)
	}
}
