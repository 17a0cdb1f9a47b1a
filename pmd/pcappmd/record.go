package pcappmd

import (
	"encoding/binary"
	"errors"
	"sync"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/ring"
)

// recordRing is how many packets of one queue wait for the disk.
const recordRing = 1024

// txQueue hands packets to the recorder, owned by one lcore. It never waits for the disk: while that is slow the ring
// fills and TxBurst takes fewer.
type txQueue struct {
	info *pmd.Info
	ring *ring.Ring[*mbuf.Mbuf] // nil without tx=: everything is dropped
	rec  *recorder
	pool *mbuf.Pool
	now  func() int64

	packets, octets, dropped counter
}

// recorder is the goroutine that writes the file. It takes packets from the queues in turn, so that packets of different
// queues may stand in the file a moment out of order; their times tell.
type recorder struct {
	w      *Writer
	queues []*txQueue
	wake   chan struct{} // holds one token: there may be work
	stop   chan struct{}
	done   sync.WaitGroup
	frame  []byte // room for a packet whose tag has to be put back
	burst  [mbuf.BurstSize]*mbuf.Mbuf
	failed error

	dropped counter
}

// newRecording builds the transmit queues; the recorder is nil where path is empty.
func newRecording(in pmd.Info, path string, cfg pmd.Config) ([]*txQueue, *recorder, error) {
	var rec *recorder
	if path != "" {
		w, err := Create(path, linkTypeOf(in.Link), Options{})
		if err != nil {
			return nil, nil, err
		}
		rec = newRecorder(w, in)
	}
	var queues []*txQueue
	for _, pool := range cfg.TxPools {
		q := &txQueue{info: &in, rec: rec, pool: pool, now: cfg.Now}
		if rec != nil {
			q.ring = ring.New[*mbuf.Mbuf](recordRing)
		}
		queues = append(queues, q)
	}
	if rec != nil {
		rec.queues = queues
		rec.done.Go(rec.run)
	}
	return queues, rec, nil
}

func newRecorder(w *Writer, in pmd.Info) *recorder {
	return &recorder{
		w: w, wake: make(chan struct{}, 1), stop: make(chan struct{}),
		frame: make([]byte, 0, in.MTU+linkLen(in.Link)+tagLen),
	}
}

// TxBurst takes what the ring has room for, and whatever cannot be recorded at all, which it counts.
func (q *txQueue) TxBurst(ms []*mbuf.Mbuf) int {
	if len(ms) == 0 {
		return 0
	}
	now, packets, octets, done := q.now(), 0, 0, 0
	for _, m := range ms {
		if q.ring == nil || !fits(q.info, m.Len()) {
			q.dropped.add(1)
			q.pool.Put(m)
			done++
			continue
		}
		if q.ring.Len() == q.ring.Cap() {
			break
		}
		packets, octets, done = packets+1, octets+m.Len(), done+1 // before the push: after it m is the recorder's
		m.Time = now
		q.ring.Push(m)
	}
	q.packets.add(packets)
	q.octets.add(octets)
	if packets > 0 {
		select {
		case q.rec.wake <- struct{}{}:
		default: // it has been told
		}
	}
	return done
}

// run writes until it is stopped, and then what is left.
func (r *recorder) run() {
	for {
		for r.drain() > 0 {
		}
		select {
		case <-r.wake:
		case <-r.stop:
			for r.drain() > 0 {
			}
			return
		}
	}
}

// drain writes one burst of each queue and returns how many packets that were.
func (r *recorder) drain() (total int) {
	for _, q := range r.queues {
		n := q.ring.PopBurst(r.burst[:])
		for _, m := range r.burst[:n] {
			r.write(m)
			m.Pool().Return(m)
		}
		total += n
	}
	return total
}

// write records one packet; what the file did not take is counted, and the first error kept for Close.
func (r *recorder) write(m *mbuf.Mbuf) {
	data := m.Data()
	if m.Flags&mbuf.FlagVLAN != 0 && len(data) >= ethernetLen {
		data = r.tag(data, m.VLAN)
	}
	if err := r.w.Write(m.Time, data); err != nil {
		r.dropped.add(1)
		if r.failed == nil {
			r.failed = err
		}
	}
}

// tag returns the frame with its 802.1Q tag back behind the addresses.
func (r *recorder) tag(data []byte, tci uint16) []byte {
	f := append(r.frame[:0], data[:12]...)
	f = binary.BigEndian.AppendUint16(f, tpidVLAN)
	f = binary.BigEndian.AppendUint16(f, tci)
	r.frame = append(f, data[12:]...)
	return r.frame
}

// close writes what is left and completes the file.
func (r *recorder) close() error {
	close(r.stop)
	r.done.Wait()
	err := r.w.Close()
	if errors.Is(err, r.failed) {
		return err
	}
	return errors.Join(r.failed, err)
}
