package softpmd

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"stillwater/pmd"
)

// port is one open end.
type port struct {
	wire *Wire
	end  End
	cfg  pmd.Config
	name string
	rx   []*rxQueue
	tx   []*txQueue
	// released runs after Close: it forgets a wire that was opened by name.
	released func()
}

var start = time.Now()

// monotonic is the clock of ports that were given none; both ends of a wire have it in common.
func monotonic() int64 { return int64(time.Since(start)) }

func newPort(w *Wire, end End, cfg pmd.Config) *port {
	if cfg.Now == nil {
		cfg.Now = monotonic
	}
	p := &port{wire: w, end: end, cfg: cfg, released: func() {}}
	p.name = fmt.Sprintf("soft:%s,end=%v", w.cfg.Name, end)
	if !w.cfg.Impair[end].plain() {
		p.name = fmt.Sprintf("%s,seed=%d", p.name, cfg.Seed)
	}
	for i := range cfg.RxPools {
		p.rx = append(p.rx, &rxQueue{lane: &w.lanes[end.peer()], index: i, port: cfg.Index, now: cfg.Now})
	}
	for i, pool := range cfg.TxPools {
		q := &txQueue{lane: &w.lanes[end], hooks: &w.hooks[end], index: i, end: end, pool: pool, now: cfg.Now}
		q.random = rand.NewPCG(cfg.Seed, uint64(end)<<32|uint64(i))
		p.tx = append(p.tx, q)
	}
	return p
}

// hash is how packets for this end are spread over its queues; nil: not at all.
func (p *port) hash() HashFunc {
	h := p.wire.cfg.Hash[p.end]
	switch {
	case p.steering() == "none":
		return nil
	case h == nil:
		return Toeplitz
	}
	return h
}

// steering is "none" for a single queue, whatever is configured.
func (p *port) steering() string {
	configured := p.wire.cfg.Steering[p.end]
	switch {
	case len(p.rx) <= 1:
		return "none"
	case configured == "":
		return "rss"
	}
	return configured
}

// Info describes the end. The name carries the seed where chance has a say.
func (p *port) Info() pmd.Info {
	return pmd.Info{
		Name: p.name, Driver: "soft", Link: p.wire.cfg.Link, MAC: p.mac(), MTU: p.cfg.MTU,
		RxQueues: len(p.rx), TxQueues: len(p.tx), Node: -1, Steering: p.steering(),
	}
}

// mac is the configured address or a locally administered one that follows from the name of the wire.
func (p *port) mac() [6]byte {
	mac := p.wire.cfg.MAC[p.end]
	if p.wire.cfg.Link == pmd.RawIP {
		return [6]byte{}
	}
	if mac == [6]byte{} {
		h := fnv.New32a()
		h.Write([]byte(p.wire.cfg.Name))
		mac[0], mac[5] = 0x02, 0x0a+byte(p.end)
		binary.BigEndian.PutUint32(mac[1:], h.Sum32())
	}
	return mac
}

// Rx returns receive queue i, owned by one lcore.
func (p *port) Rx(i int) pmd.RxQueue { return p.rx[i] }

// Tx returns transmit queue i, owned by one lcore.
func (p *port) Tx(i int) pmd.TxQueue { return p.tx[i] }

// Stats sums the queues. TxPackets is what left unharmed; TxDropped is oversize, filtered and lost on purpose.
func (p *port) Stats() (s pmd.Stats) {
	for _, q := range p.rx {
		s.RxPackets += q.packets.Load()
		s.RxOctets += q.octets.Load()
	}
	for _, q := range p.tx {
		s.TxPackets += q.packets.Load()
		s.TxOctets += q.octets.Load()
		s.TxDropped += q.dropped.Load()
	}
	return s
}

// Close ends this end; see Wire.Open for opening it again.
func (p *port) Close() error {
	p.wire.disconnect(p.end)
	p.released()
	return nil
}

// counter is written by one lcore, which publishes it once per burst, and read by everyone.
type counter struct{ atomic.Uint64 }

// add is a load and a store: with a single writer that is exact, and half the price of an atomic addition.
func (c *counter) add(n int) {
	if n > 0 {
		c.Store(c.Load() + uint64(n))
	}
}
