package fdpmd

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

const (
	etherLen = 14     // Ethernet II header
	macsLen  = 12     // its two addresses, which an 802.1Q tag follows
	tagLen   = 4      // 802.1Q tag
	tpid     = 0x8100 // tag protocol identifier of 802.1Q
)

// TxQueue writes bursts to a socket, one message per frame, straight from mbuf memory. It is owned by one lcore, but for
// AddTo, which is safe for concurrent use.
//
// A tag is put between the addresses and the rest by scatter-gather, because a frame the socket does not take must stay
// as it was. Frames longer than the MTU allows, too short, or refused by the socket for good are taken and counted as
// dropped, so that they never stand in the way of others; a full socket takes fewer.
type TxQueue struct {
	fd       int
	pool     *mbuf.Pool
	shortest int
	longest  int
	hdrs     [MaxBatch]mmsghdr
	iovs     [MaxBatch][3]unix.Iovec
	tags     [MaxBatch][tagLen]byte
	counters counters
}

// NewTxQueue returns a transmit queue over a socket: frames with link and up to mtu octets behind it, freed into pool.
func NewTxQueue(fd int, pool *mbuf.Pool, link pmd.Link, mtu int) *TxQueue {
	q := &TxQueue{fd: fd, pool: pool, shortest: headerLen(link), longest: headerLen(link) + mtu}
	for i := range q.hdrs {
		q.hdrs[i].msg.Iov = &q.iovs[i][0]
		binary.BigEndian.PutUint16(q.tags[i][:], tpid)
	}
	return q
}

// headerLen returns the octets of link header at the start of a packet's data.
func headerLen(link pmd.Link) int {
	if link == pmd.RawIP {
		return 0
	}
	return etherLen
}

// TxBurst implements pmd.TxQueue.
func (q *TxQueue) TxBurst(ms []*mbuf.Mbuf) int {
	var t tally
	n := 0
	for n < len(ms) {
		k := q.stage(ms[n:])
		var errno unix.Errno
		if k > 0 {
			k, errno = sendmmsg(q.fd, q.hdrs[:k])
		}
		if k == 0 {
			if full(errno) {
				break
			}
			t.dropped++
			n++
			continue
		}
		for _, m := range ms[n : n+k] {
			t.octets += uint64(m.Len())
		}
		t.packets += uint64(k)
		n += k
	}
	q.pool.Free(ms[:n])
	q.counters.add(t)
	return n
}

// full reports whether the socket refuses a frame for now and not for good.
func full(errno unix.Errno) bool {
	switch errno {
	case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM, unix.EINTR:
		return true
	}
	return false
}

// stage prepares the longest prefix of ms that can be sent at once, up to a batch, and returns its length: 0 when the
// first frame can never be sent.
func (q *TxQueue) stage(ms []*mbuf.Mbuf) int {
	for i, m := range ms[:min(len(ms), MaxBatch)] {
		if n := m.Len(); n <= 0 || n < q.shortest || n > q.longest {
			return i
		}
		h, v := &q.hdrs[i].msg, &q.iovs[i]
		if m.Flags&mbuf.FlagVLAN == 0 || q.shortest == 0 {
			setIovec(&v[0], m.Data())
			h.SetIovlen(1)
			continue
		}
		binary.BigEndian.PutUint16(q.tags[i][2:], m.VLAN)
		setIovec(&v[0], m.Data()[:macsLen])
		setIovec(&v[1], q.tags[i][:])
		setIovec(&v[2], m.Data()[macsLen:])
		h.SetIovlen(3)
	}
	return min(len(ms), MaxBatch)
}

// AddTo adds the queue's counters to s. It is safe for concurrent use.
func (q *TxQueue) AddTo(s *pmd.Stats) {
	s.TxPackets += q.counters.packets.Load()
	s.TxOctets += q.counters.octets.Load()
	s.TxDropped += q.counters.dropped.Load()
}
