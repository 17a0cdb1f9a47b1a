package kernel

import (
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// host is the test host behind the appliance. Owned by the test's goroutine.
type host struct {
	pool *mbuf.Pool
	port pmd.Port
	in   mbuf.Burst
}

func newHost(wire *softpmd.Wire) (*host, error) {
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: "host", N9K: 2048})
	if err != nil {
		return nil, err
	}
	port, err := wire.Open(softpmd.B, pmd.Config{RxPools: []*mbuf.Pool{pool}, TxPools: []*mbuf.Pool{pool}, MTU: mbuf.Class9K.Size()})
	if err != nil {
		return nil, err
	}
	return &host{pool: pool, port: port, in: make(mbuf.Burst, mbuf.BurstSize)}, nil
}

// send puts one packet on the wire; false while there is no room for it.
func (h *host) send(packet []byte) bool {
	m := h.pool.Get(len(packet))
	if m == nil {
		return false
	}
	copy(m.Append(len(packet)), packet)
	if h.port.Tx(0).TxBurst(mbuf.Burst{m}) == 0 {
		h.pool.Put(m)
		return false
	}
	return true
}

// receive returns the packets that have come.
func (h *host) receive() (packets [][]byte) {
	n := h.port.Rx(0).RxBurst(h.in)
	for _, m := range h.in[:n] {
		packets = append(packets, append([]byte(nil), m.Data()...))
	}
	h.pool.Free(h.in[:n])
	return packets
}
