package hoststack

import (
	"fmt"
	"sync"
	"sync/atomic"

	"stillwater/pmd/mbuf"
	"stillwater/pmd/ring"
)

// Injector is the way to one lcore: it copies frames and packets into mbufs of its own and puts them on that lcore's inject
// ring, whose only producer it is. What does not fit is dropped and counted; it never waits for the lcore. It is safe for
// concurrent use.
type Injector struct {
	mu   sync.Mutex // the pool and the ring's end belong to whoever holds it
	ring *ring.Ring[*mbuf.Mbuf]
	pool *mbuf.Pool

	sent, dropped atomic.Uint64
}

// NewInjector returns an Injector with a pool of its own; more mbufs than the ring has slots serve for those that ports hold.
func NewInjector(to *ring.Ring[*mbuf.Mbuf], pool mbuf.PoolConfig) (*Injector, error) {
	p, err := mbuf.NewPool(pool)
	if err != nil {
		return nil, fmt.Errorf("injector: %w", err)
	}
	return &Injector{ring: to, pool: p}, nil
}

// Frame sends a finished frame by a port; false: it was dropped.
func (i *Injector) Frame(port int, frame []byte) bool { return i.put(port, frame, 0) }

// Packet sends a bare IP packet into the pipeline; kind is what the data plane calls the way it enters, and travels in
// Mbuf.Aux. port is where it is to have come from. False: it was dropped.
func (i *Injector) Packet(port int, packet []byte, kind uint32) bool {
	return i.put(port, packet, kind)
}

// put copies octets into an mbuf and pushes it.
func (i *Injector) put(port int, octets []byte, aux uint32) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(octets) == 0 || port < 0 || port > 0xffff || i.ring.Len() == i.ring.Cap() {
		return i.drop()
	}
	m := i.pool.Get(len(octets))
	if m == nil {
		return i.drop()
	}
	copy(m.Append(len(octets)), octets)
	m.Port, m.Aux = uint16(port), aux
	if !i.ring.Push(m) {
		i.pool.Put(m)
		return i.drop()
	}
	i.sent.Add(1)
	return true
}

// drop counts, and is the answer of a call that dropped.
func (i *Injector) drop() bool {
	i.dropped.Add(1)
	return false
}

// Sent returns how many are on their way or have gone it.
func (i *Injector) Sent() uint64 { return i.sent.Load() }

// Dropped returns how many found the ring full or the pool empty, or were none at all.
func (i *Injector) Dropped() uint64 { return i.dropped.Load() }

// Close frees the pool. It fails with mbuf.ErrInUse while the lcore or a port holds mbufs of it.
func (i *Injector) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.pool.Close()
}
