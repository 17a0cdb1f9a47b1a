package testbed

import (
	"fmt"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// hostBurst is how many packets a host sends or receives at a time.
const hostBurst = 32

// host is one end of the traffic: a port with one queue each way, on the inside wire of an appliance. Owned by one
// goroutine.
type host struct {
	pool    *mbuf.Pool
	port    pmd.Port
	rx      pmd.RxQueue
	tx      pmd.TxQueue
	in      mbuf.Burst
	waiting mbuf.Burst // made and not yet taken by the wire
}

func newHost(name string, open func(pmd.Config) (pmd.Port, error), mbufs, maxInner int) (*host, error) {
	cfg := mbuf.PoolConfig{Name: name, N2K: mbufs}
	if maxInner > mbuf.Class2K.Size() {
		cfg = mbuf.PoolConfig{Name: name, N9K: mbufs}
	}
	pool, err := mbuf.NewPool(cfg)
	if err != nil {
		return nil, err
	}
	port, err := open(pmd.Config{RxPools: []*mbuf.Pool{pool}, TxPools: []*mbuf.Pool{pool}, MTU: maxInner})
	if err != nil {
		return nil, fmt.Errorf("test host %s: %w", name, err)
	}
	return &host{pool: pool, port: port, rx: port.Rx(0), tx: port.Tx(0), in: make(mbuf.Burst, hostBurst)}, nil
}

// send makes packets of s while its window allows and offers them to the wire; it returns how many the wire took.
func (h *host) send(s *stream, more bool) int {
	for more && len(h.waiting) < hostBurst && s.room() > 0 {
		m := h.pool.Get(s.mix.MaxSize)
		if m == nil {
			break
		}
		if !s.make(m) {
			h.pool.Put(m)
			break
		}
		h.waiting = append(h.waiting, m)
	}
	if len(h.waiting) == 0 {
		return 0
	}
	n := h.tx.TxBurst(h.waiting)
	h.waiting = h.waiting[:copy(h.waiting, h.waiting[n:])]
	return n
}

// receive checks what has arrived for s and returns how many packets that were.
func (h *host) receive(s *stream) int {
	n := h.rx.RxBurst(h.in)
	for _, m := range h.in[:n] {
		s.check(m.Data())
	}
	h.pool.Free(h.in[:n])
	return n
}

func (h *host) close() error { return h.port.Close() }
