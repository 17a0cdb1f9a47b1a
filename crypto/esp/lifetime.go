package esp

import (
	"math"

	"stillwater/pmd/mbuf"
)

// EventKind is a limit an SA has reached.
type EventKind uint8

// The kinds. SeqEnd is the last sequence number that can be sent at all (RFC 4303 3.3.3), the others are Params.Soft and
// Params.Hard.
const (
	SoftPackets EventKind = iota
	SoftOctets
	SoftSeq
	HardPackets
	HardOctets
	HardSeq
	SeqEnd
	numEventKinds
)

var eventNames = [numEventKinds]string{
	"soft packets", "soft octets", "soft sequence number", "hard packets", "hard octets", "hard sequence number", "sequence number end",
}

// String returns the kind in words.
func (k EventKind) String() string {
	if k < numEventKinds {
		return eventNames[k]
	}
	return "unknown"
}

// Event says that an SA has reached a limit. Each kind is told once per SA, by the packet that reaches the limit: after a
// hard one the SA refuses packets.
type Event struct {
	Slot uint32
	SPI  uint32 // tells the SA from the next one in the slot
	Kind EventKind
}

// kindSet is a set of event kinds, bit n for kind n.
type kindSet uint8

const hardKinds kindSet = 1<<HardPackets | 1<<HardOctets | 1<<HardSeq | 1<<SeqEnd

// lifetime is the limits of an SA and which of them it has reached.
type lifetime struct {
	soft, hard Limits
	fired      kindSet
	seqEnd     bool // hard.Seq is where the counter ends, not a limit somebody set
	_          [6]byte
}

// newLifetime returns the lifetime of an SA. Where sender is false the end of the counter does not close it: the last number
// may arrive before others.
func newLifetime(p *Params, sender bool) lifetime {
	l, last := lifetime{soft: p.Soft, hard: p.Hard}, p.lastSeq()
	if l.soft.Seq == 0 {
		end := last
		if p.Hard.Seq != 0 {
			end = min(end, p.Hard.Seq)
		}
		l.soft.Seq = end - end/4
	}
	if sender && (p.Hard.Seq == 0 || p.Hard.Seq >= last) {
		l.hard.Seq, l.seqEnd = last, true
	}
	return l
}

// reach marks the limits that used has reached and returns those it had not reached before.
func (l *lifetime) reach(used Limits) kindSet {
	hardSeq := HardSeq
	if l.seqEnd {
		hardSeq = SeqEnd
	}
	now := bit(used.Packets, l.soft.Packets, SoftPackets) | bit(used.Octets, l.soft.Octets, SoftOctets) |
		bit(used.Seq, l.soft.Seq, SoftSeq) | bit(used.Packets, l.hard.Packets, HardPackets) |
		bit(used.Octets, l.hard.Octets, HardOctets) | bit(used.Seq, l.hard.Seq, hardSeq)
	fresh := now &^ l.fired
	l.fired |= now
	return fresh
}

func bit(used, limit uint64, k EventKind) kindSet {
	if limit == 0 || used < limit {
		return 0
	}
	return 1 << k
}

// next returns where each count has to be looked at again: the nearest limit above used.
func (l *lifetime) next(used Limits) Limits {
	return Limits{
		Packets: nearest(used.Packets, l.soft.Packets, l.hard.Packets),
		Octets:  nearest(used.Octets, l.soft.Octets, l.hard.Octets),
		Seq:     nearest(used.Seq, l.soft.Seq, l.hard.Seq),
	}
}

func nearest(used, soft, hard uint64) uint64 {
	n := uint64(math.MaxUint64)
	for _, limit := range [2]uint64{soft, hard} {
		if limit > used {
			n = min(n, limit)
		}
	}
	return n
}

// verdict returns what packets of the SA get from now on: Pass until a hard limit is reached.
func (l *lifetime) verdict() mbuf.Verdict {
	switch {
	case l.fired&(1<<SeqEnd) != 0:
		return mbuf.SeqExhausted
	case l.fired&hardKinds != 0:
		return mbuf.LifetimeExpired
	}
	return mbuf.Pass
}

// eventQueue holds what the SAs of one lcore have to tell, without bound on how long nobody asks: a set of kinds per slot
// and the order in which slots spoke up. Owned by one lcore.
type eventQueue struct {
	pending []pending // by slot
	slots   []uint32  // those with something pending, each once, oldest first
}

type pending struct {
	spi   uint32
	kinds kindSet
}

func newEventQueue(slots int) eventQueue {
	return eventQueue{pending: make([]pending, slots), slots: make([]uint32, 0, slots)}
}

// push adds kinds of an SA. What an earlier SA of the slot left there is forgotten.
func (q *eventQueue) push(slot, spi uint32, kinds kindSet) {
	if kinds == 0 {
		return
	}
	p := &q.pending[slot]
	if p.kinds == 0 {
		q.slots = append(q.slots, slot)
	} else if p.spi != spi {
		p.kinds = 0
	}
	p.spi = spi
	p.kinds |= kinds
}

// take moves events to dst, oldest slot first, and returns how many.
func (q *eventQueue) take(dst []Event) int {
	n, done := 0, 0
	for _, slot := range q.slots {
		p := &q.pending[slot]
		for k := EventKind(0); k < numEventKinds && n < len(dst); k++ {
			if p.kinds&(1<<k) != 0 {
				dst[n] = Event{slot, p.spi, k}
				p.kinds &^= 1 << k
				n++
			}
		}
		if p.kinds != 0 {
			break
		}
		done++
	}
	q.slots = q.slots[:copy(q.slots, q.slots[done:])]
	return n
}
