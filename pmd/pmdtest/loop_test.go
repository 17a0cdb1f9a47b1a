package pmdtest

import (
	"sync"
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// fault is one way for a driver to break its contract.
type fault int

const (
	none fault = iota
	wrongOctet
	reordered
	dropsSilently
	leaksOnSend
	leaksOnClose
	freesRejected
	noTime
	noPort
	losesTag
	tagForAll
	cutsOversize
	blocksOnOversize
	miscountsTx
	miscountsRx
	dropsWhenFull
	neverFull
	losesOnEmptyPool
	allocates
	wrongQueue
	scattersFlow
	staleVerdict
	noHeadroom
)

// loop is the smallest driver there is, correct but for its fault: two ends with one list of frames for each queue.
type loop struct {
	pmd.Config
	fault fault
	link  pmd.Link
	mac   byte
	peer  *loop

	mu     sync.Mutex
	queues [][]stored
	stats  pmd.Stats
	sink   []byte
}

type stored struct {
	data []byte
	vlan uint16
	tag  bool
}

const loopDepth = 300

func newLoops(f fault, l pmd.Link, a, b pmd.Config) (pa, pb *loop) {
	pa, pb = &loop{Config: a, fault: f, link: l, mac: 2}, &loop{Config: b, fault: f, link: l, mac: 4}
	pa.peer, pb.peer = pb, pa
	pa.queues, pb.queues = make([][]stored, len(a.RxPools)), make([][]stored, len(b.RxPools))
	return pa, pb
}

func (p *loop) Info() pmd.Info {
	in := pmd.Info{Name: "loop", Driver: "loop", Steering: "none", Link: p.link, MTU: p.MTU, RxQueues: 1, TxQueues: 1}
	if p.link == pmd.Ethernet {
		in.MAC[0] = p.mac
	}
	return in
}

func (p *loop) Stats() pmd.Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

func (p *loop) Rx(i int) pmd.RxQueue { return &loopQueue{p, i} }
func (p *loop) Tx(i int) pmd.TxQueue { return &loopQueue{p, i} }

func (p *loop) Close() error {
	if p.fault == leaksOnClose && len(p.queues[0]) > 0 {
		p.RxPools[0].Get(1)
	}
	return nil
}

type loopQueue struct {
	*loop
	index int
}

// TxBurst stores copies at the peer.
func (q *loopQueue) TxBurst(ms []*mbuf.Mbuf) int {
	for i, m := range ms {
		if !q.store(m) {
			if q.fault == freesRejected {
				clear(m.Data()[:1])
			}
			return i
		}
		if q.fault != leaksOnSend {
			q.TxPools[q.index].Put(m)
		}
	}
	return len(ms)
}

// store puts one packet into the peer's queue; false when that is full.
func (q *loopQueue) store(m *mbuf.Mbuf) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	limit := q.MTU + linkLen(q.link)
	s := stored{append([]byte(nil), m.Data()...), m.VLAN, m.Flags&mbuf.FlagVLAN != 0}
	switch {
	case m.Len() > limit && q.fault == blocksOnOversize:
		return false
	case m.Len() > limit && q.fault == cutsOversize:
		s.data = s.data[:limit]
	case m.Len() > limit || m.Len() == 0:
		q.stats.TxDropped++
		return true
	}
	return q.deliver(s)
}

// deliver counts and appends; the queue follows from the last octet of the source address.
func (q *loopQueue) deliver(s stored) bool {
	to, queue := q.peer, 0
	to.mu.Lock()
	defer to.mu.Unlock()
	if at := linkLen(q.link) + 15; at < len(s.data) {
		queue = int(s.data[at]) % len(to.queues)
	}
	if q.fault == scattersFlow {
		queue = int(q.stats.TxPackets/5) % len(to.queues)
	}
	if len(to.queues[queue]) >= loopDepth && q.fault != neverFull {
		if q.fault == dropsWhenFull {
			q.stats.TxPackets++
		}
		return q.fault == dropsWhenFull
	}
	if q.fault != miscountsTx {
		q.stats.TxOctets += uint64(len(s.data))
	}
	q.stats.TxPackets++
	if q.fault == dropsSilently && q.stats.TxPackets == 17 {
		return true
	}
	if q.fault == wrongOctet && len(s.data) > 60 {
		s.data[len(s.data)-1] ^= 1
	}
	to.queues[queue] = append(to.queues[queue], s)
	return true
}

// RxBurst copies stored packets into mbufs.
func (q *loopQueue) RxBurst(ms []*mbuf.Mbuf) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, now := 0, q.Now()
	waiting := &q.queues[q.index]
	if q.fault == reordered && len(ms) > 1 && len(*waiting) > 1 {
		(*waiting)[0], (*waiting)[1] = (*waiting)[1], (*waiting)[0]
	}
	for n < len(ms) && len(*waiting) > 0 {
		s := (*waiting)[0]
		m := q.RxPools[q.index].Get(len(s.data))
		if m == nil && q.fault != losesOnEmptyPool {
			break
		}
		*waiting = (*waiting)[1:]
		if m != nil {
			q.fill(m, s, now)
			ms[n] = m
			n++
		}
	}
	if q.fault == allocates {
		q.sink = make([]byte, 64)
	}
	return n
}

// fill makes m the received packet.
func (q *loopQueue) fill(m *mbuf.Mbuf, s stored, now int64) {
	if q.fault == noHeadroom {
		m.SetHeadroom(0)
	}
	copy(m.Append(len(s.data)), s.data)
	m.Time, m.Port, m.Queue, m.VLAN = now, q.Index, uint16(q.index), s.vlan
	if s.tag {
		m.Flags |= mbuf.FlagVLAN
	}
	switch q.fault {
	case noTime:
		m.Time = 0
	case noPort:
		m.Port = 0
	case wrongQueue:
		m.Queue++
	case losesTag:
		m.Flags &^= mbuf.FlagVLAN
	case tagForAll:
		m.Flags |= mbuf.FlagVLAN
	case staleVerdict:
		m.Verdict = mbuf.TooBig
	}
	q.stats.RxPackets++
	if q.fault != miscountsRx {
		q.stats.RxOctets += uint64(len(s.data))
	}
}

func loopHarness(f fault, l pmd.Link) Harness {
	return Harness{
		Link: l, Window: 256,
		Caps: Live | Bidirectional | MultiQueue | Jumbo | VLAN | BackPressure | RxAllocates,
		Open: func(_ testing.TB, a, b pmd.Config) (pmd.Port, pmd.Port) {
			pa, pb := newLoops(f, l, a, b)
			return pa, pb
		},
	}
}
