package fdpmd

import (
	"golang.org/x/sys/unix"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// Receiver reads bursts of messages from a socket straight into mbufs. It keeps mbufs posted, as a NIC's receive ring
// does, so that an empty poll costs one system call and nothing else. It is owned by one lcore, but for AddTo, which is
// safe for concurrent use, and Release.
//
// A burst is: Receive, then for each message Truncated, Frame, Name and Control to look and Take to have, then Done.
// What was not taken stays posted and is overwritten by the next burst.
type Receiver struct {
	fd     int
	pool   *mbuf.Pool
	frame  int
	posted int // slots [0, posted) hold an mbuf
	slots  [MaxBatch]*mbuf.Mbuf
	hdrs   [MaxBatch]mmsghdr
	iovs   [MaxBatch]unix.Iovec
	sink   [MaxBatch]mmsghdr // messages without room: the kernel throws away what it delivers to them

	nameLen, controlLen int
	names, controls     []byte

	counters counters
}

// ReceiverConfig says what a Receiver reads.
type ReceiverConfig struct {
	FD      int        // a datagram, seqpacket or packet socket
	Pool    *mbuf.Pool // where its mbufs come from: the pool of the lcore that polls
	Frame   int        // largest message, octets; longer ones arrive truncated
	Name    int        // octets of source address to ask for with each message, 0 for none
	Control int        // octets of control messages to ask for, 0 for none
}

// NewReceiver returns a Receiver. Nothing is posted before the first Receive, because the pool belongs to the lcore.
func NewReceiver(cfg ReceiverConfig) *Receiver {
	r := &Receiver{fd: cfg.FD, pool: cfg.Pool, frame: cfg.Frame, nameLen: cfg.Name, controlLen: cfg.Control}
	r.names = make([]byte, MaxBatch*cfg.Name)
	r.controls = make([]byte, MaxBatch*cfg.Control)
	for i := range r.hdrs {
		h := &r.hdrs[i].msg
		h.Iov = &r.iovs[i]
		h.SetIovlen(1)
		if cfg.Name > 0 {
			h.Name = &r.names[i*cfg.Name]
		}
		if cfg.Control > 0 {
			h.Control = &r.controls[i*cfg.Control]
		}
	}
	return r
}

// Receive reads up to n messages in one system call and returns how many there are to look at. When the pool is empty
// and nothing is posted, it throws away what waits and counts it as dropped, as a NIC without descriptors does.
func (r *Receiver) Receive(n int) int {
	n = min(n, MaxBatch)
	if n == 0 {
		return 0
	}
	r.post(n)
	if n = min(n, r.posted); n == 0 {
		r.discard()
		return 0
	}
	if r.nameLen|r.controlLen != 0 {
		r.rearm(n)
	}
	k, _ := recvmmsg(r.fd, r.hdrs[:n])
	return k
}

// post tops the posted mbufs up to n.
func (r *Receiver) post(n int) {
	for r.posted < n {
		m := r.pool.Get(r.frame)
		if m == nil {
			return
		}
		r.slots[r.posted] = m
		setIovec(&r.iovs[r.posted], m.Room()[:r.frame])
		r.posted++
	}
}

// rearm sets the lengths the kernel shortened.
func (r *Receiver) rearm(n int) {
	for i := range r.hdrs[:n] {
		h := &r.hdrs[i].msg
		h.Namelen = uint32(r.nameLen)
		h.SetControllen(r.controlLen)
	}
}

// discard throws a batch away. Messages of no octets are no frames: they are what the end of a stream looks like.
func (r *Receiver) discard() {
	k, _ := recvmmsg(r.fd, r.sink[:])
	lost := uint64(0)
	for i := range r.sink[:k] {
		if r.sink[i].msg.Flags&unix.MSG_TRUNC != 0 {
			lost++
		}
	}
	r.counters.add(tally{dropped: lost})
}

// Truncated reports whether message i was longer than the largest frame.
func (r *Receiver) Truncated(i int) bool { return r.hdrs[i].msg.Flags&unix.MSG_TRUNC != 0 }

// Frame returns the octets of message i; valid until it is taken or Done.
func (r *Receiver) Frame(i int) []byte { return r.slots[i].Room()[:r.hdrs[i].len] }

// Name returns the source address of message i as the kernel wrote it.
func (r *Receiver) Name(i int) []byte {
	return r.names[i*r.nameLen:][:min(int(r.hdrs[i].msg.Namelen), r.nameLen)]
}

// Control returns the control messages of message i.
func (r *Receiver) Control(i int) []byte {
	return r.controls[i*r.controlLen:][:min(int(r.hdrs[i].msg.Controllen), r.controlLen)]
}

// Take hands message i to the caller as an mbuf; it can be taken once.
func (r *Receiver) Take(i int) *mbuf.Mbuf {
	m := r.slots[i]
	m.SetLen(int(r.hdrs[i].len))
	r.slots[i] = nil
	return m
}

// Done ends a burst of k messages: it closes the gaps Take left and publishes the figures of the burst. Octets are
// counted without tags, errors are messages that were not taken because they were damaged.
func (r *Receiver) Done(k int, packets, octets, errors uint64) {
	for i := 0; i < min(k, r.posted); {
		if r.slots[i] != nil {
			i++
			continue
		}
		r.posted--
		r.slots[i] = r.slots[r.posted]
		r.iovs[i] = r.iovs[r.posted]
		r.slots[r.posted] = nil
	}
	r.counters.add(tally{packets: packets, octets: octets, errors: errors})
}

// AddTo adds the Receiver's counters to s. It is safe for concurrent use.
func (r *Receiver) AddTo(s *pmd.Stats) {
	s.RxPackets += r.counters.packets.Load()
	s.RxOctets += r.counters.octets.Load()
	s.RxDropped += r.counters.dropped.Load()
	s.RxErrors += r.counters.errors.Load()
}

// Release sends the posted mbufs home, from whatever goroutine closes the port. The Receiver must not be used again.
func (r *Receiver) Release() {
	for i, m := range r.slots[:r.posted] {
		m.Pool().Return(m)
		r.slots[i] = nil
	}
	r.posted = 0
}
