package afpacket

import (
	"golang.org/x/sys/unix"

	"stillwater/pmd"
	"stillwater/pmd/fdpmd"
	"stillwater/pmd/mbuf"
)

const (
	etherLen = 14 // Ethernet II header
	macsLen  = 12 // its two addresses
	tagLen   = 4
)

// rxQueue is one socket of the port. It is owned by one lcore.
type rxQueue struct {
	in           *fdpmd.Receiver
	longest      int // octets of the longest frame, tag not counted
	index, queue uint16
	now          func() int64
}

func newRxQueue(fd, queue int, pool *mbuf.Pool, mtu int, cfg pmd.Config) *rxQueue {
	return &rxQueue{
		in: fdpmd.NewReceiver(fdpmd.ReceiverConfig{
			FD: fd, Pool: pool, Frame: fdpmd.FrameLen(pmd.Ethernet, mtu), Name: unix.SizeofSockaddrLinklayer, Control: controlLen,
		}),
		longest: etherLen + mtu, index: cfg.Index, queue: uint16(queue), now: fdpmd.Clock(cfg),
	}
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
		if sentHere(q.in.Name(i)) {
			continue
		}
		aux := parseControl(q.in.Control(i))
		if !q.sound(i, aux) {
			errors++
			continue
		}
		m := q.in.Take(i)
		aux.restoreTag(m)
		m.Time, m.Port, m.Queue = now, q.index, q.queue
		octets += uint64(m.Len())
		ms[n] = m
		n++
	}
	q.in.Done(k, uint64(n), octets, errors)
	return n
}

// sentHere reports whether a packet comes from this side: the kernel shows packet sockets what the host itself sends.
func sentHere(name []byte) bool {
	const pktType = 10 // offset in struct sockaddr_ll
	return len(name) > pktType && name[pktType] == unix.PACKET_OUTGOING
}

// sound reports whether message i is a whole frame within the MTU, and finishes its checksum where the sender's kernel
// left that to the device.
func (q *rxQueue) sound(i int, aux auxdata) bool {
	f := q.in.Frame(i)
	if q.in.Truncated(i) || len(f) < etherLen || len(f) > q.longest {
		return false
	}
	return aux.status&unix.TP_STATUS_CSUMNOTREADY == 0 || complete(f)
}
