package fdpmd

import (
	"encoding/binary"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// rxQueue turns messages into received packets. It is owned by one lcore.
type rxQueue struct {
	in    *Receiver
	link  pmd.Link
	mtu   int
	index uint16
	now   func() int64
}

// RxBurst implements pmd.RxQueue.
func (q *rxQueue) RxBurst(ms []*mbuf.Mbuf) int {
	k := q.in.Receive(len(ms))
	if k == 0 {
		return 0
	}
	var octets, errors uint64
	now, n := q.now(), 0
	for i := range k {
		switch q.check(i) {
		case ended:
			continue
		case damaged:
			errors++
			continue
		}
		m := q.in.Take(i)
		if q.link == pmd.Ethernet {
			untag(m)
		}
		m.Time, m.Port = now, q.index
		octets += uint64(m.Len())
		ms[n] = m
		n++
	}
	q.in.Done(k, uint64(n), octets, errors)
	return n
}

// What check finds a message to be.
const (
	sound   = iota
	damaged // shorter than a link header or longer than the MTU allows
	ended   // no octets at all: no frame, but what a seqpacket socket reads for ever once the peer has closed
)

// check says what message i is. A tag does not count towards the MTU.
func (q *rxQueue) check(i int) int {
	f := q.in.Frame(i)
	header := headerLen(q.link)
	longest := header + q.mtu
	if q.link == pmd.Ethernet && tagged(f) {
		longest += tagLen
	}
	switch {
	case len(f) == 0:
		return ended
	case len(f) < header, len(f) > longest, q.in.Truncated(i):
		return damaged
	}
	return sound
}

// tagged reports whether a frame carries a whole 802.1Q tag.
func tagged(f []byte) bool {
	return len(f) >= etherLen+tagLen && binary.BigEndian.Uint16(f[macsLen:]) == tpid
}

// untag moves an 802.1Q tag from the frame to the mbuf's metadata, where every driver puts it. The shorter part moves:
// the addresses.
func untag(m *mbuf.Mbuf) {
	f := m.Data()
	if !tagged(f) {
		return
	}
	m.VLAN = binary.BigEndian.Uint16(f[macsLen+2:])
	m.Flags |= mbuf.FlagVLAN
	copy(f[tagLen:tagLen+macsLen], f[:macsLen])
	m.Adj(tagLen)
}
