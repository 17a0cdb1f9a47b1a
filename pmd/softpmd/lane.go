package softpmd

import (
	"sync/atomic"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/ring"
)

const (
	// frameOverhead is preamble 8, gap 12 and FCS 4; a tag adds 4, and a frame is padded to 60 before its FCS.
	frameOverhead = 24
	tagLen        = 4
	minFrame      = 60
	ethernetLen   = 14

	// rateShift makes the rate clock count 1/1024 ns, so that rounding stays below 0.02 % at 100 Gb/s; it lasts 104 days.
	rateShift = 10
)

// lane is one direction between two open ends: the rings and everything decided when the second end was opened.
type lane struct {
	rings   [][]*ring.Ring[*mbuf.Mbuf] // [transmit queue][receive queue]
	sources [][]source                 // [receive queue][transmit queue]
	prev    *lane                      // the same receiver's lane from before the sender closed and came back

	link  pmd.Link
	limit int      // largest packet, octets of data
	hash  HashFunc // nil: queue 0
	plain bool     // nothing but rings
	timed bool     // Mbuf.Time is when the packet is due

	delay, jitter            int64 // ns
	rate                     uint64
	loss, duplicate, reorder chance
	only                     func(frame []byte) bool
	depth, hold              uint64 // packets, ns

	base int64 // clock reading the rate clock counts from, ns
	_    [64]byte
	free atomic.Int64 // when the link is next free, 1/1024 ns after base; all transmit queues of the direction move it
	_    [56]byte
}

func newLane(cfg WireConfig, from, to *port) *lane {
	im := cfg.Impair[from.end]
	l := &lane{
		link: cfg.Link, limit: min(from.cfg.MTU, to.cfg.MTU),
		plain: im.plain(), timed: im.timed(),
		hash: to.hash(), delay: int64(im.Delay), jitter: int64(im.Jitter), rate: im.Rate,
		loss: newChance(im.Loss), duplicate: newChance(im.Duplicate), reorder: newChance(im.Reorder), only: im.Only,
		depth: uint64(im.ReorderDepth), hold: uint64(im.ReorderHold),
		base: from.cfg.Now(),
	}
	if cfg.Link == pmd.Ethernet {
		l.limit += ethernetLen
	}
	l.rings = make([][]*ring.Ring[*mbuf.Mbuf], len(from.tx))
	l.sources = make([][]source, len(to.rx))
	for t := range from.tx {
		for r := range to.rx {
			q := ring.New[*mbuf.Mbuf](cfg.Ring)
			l.rings[t] = append(l.rings[t], q)
			l.sources[r] = append(l.sources[r], source{ring: q, hold: int64(l.hold)})
		}
	}
	return l
}

// steer chooses the receive queue and leaves the hash in the mbuf. With one queue, or without a hash, it does neither.
func (l *lane) steer(m *mbuf.Mbuf) int {
	if l.hash == nil {
		m.Hash, m.Flags = 0, m.Flags&^mbuf.FlagHash
		return 0
	}
	m.Hash, m.Flags = l.hash(m.Data(), l.link), m.Flags|mbuf.FlagHash
	return int(m.Hash % uint32(len(l.sources)))
}

// depart returns when the last bit of m has left, for a packet handed over at now, and keeps the link busy until then.
func (l *lane) depart(m *mbuf.Mbuf, now int64) int64 {
	if l.rate == 0 {
		return now
	}
	octets := m.Len()
	if l.link == pmd.Ethernet {
		octets = max(octets, minFrame) + frameOverhead
		if m.Flags&mbuf.FlagVLAN != 0 {
			octets += tagLen
		}
	}
	bits := uint64(octets) * 8
	busy := int64((bits*1e9<<rateShift + l.rate - 1) / l.rate) // rounded up: never faster than the rate
	for {
		free := l.free.Load()
		end := max(free, (now-l.base)<<rateShift) + busy
		if l.free.CompareAndSwap(free, end) {
			return l.base + (end+1<<rateShift-1)>>rateShift
		}
	}
}

// empty sends home everything in flight to the lane's receiver. No lcore may be receiving from it.
func (l *lane) empty() {
	for ; l != nil; l = l.prev {
		for _, queue := range l.sources {
			for i := range queue {
				queue[i].empty()
			}
		}
	}
}
