package bench

import (
	"fmt"

	"stillwater/crypto/esp"
	"stillwater/iptfs"
	"stillwater/pmd/mbuf"
)

// outerSize is the octets of an IP-TFS outer packet.
const outerSize = 1500

// outerGap is the time between outer packets as the circuit tells it, in nanoseconds: about 10 Gb/s.
const outerGap = 1200

// queuePackets is the framer's queue, the same as the appliance's.
const queuePackets = 4096

// ipTFS carries inner packets in full payloads of one size. What does not fill a payload waits for the next burst, and the
// packet that was cut at the end of a pass is finished in the next one.
type ipTFS struct {
	outbound    *esp.Outbound
	inbound     *esp.Inbound
	framer      *iptfs.Framer
	reassembler *iptfs.Reassembler
	room        int // octets of inner packets in a payload
	pool        *mbuf.Pool
	inner       mbuf.Burst // inner packets; room for all there are and one more
	outer       mbuf.Burst // payloads and outer packets
	total       int        // inner packets there are
	packet      []byte
	now         int64
	refused     int // packets that a stage did not let through
}

func newIPTFS(size int) (circuit, error) {
	p, err := saParams(esp.ModeAGGFRAG)
	if err != nil {
		return nil, err
	}
	payload, err := esp.PayloadCapacity(p, outerSize)
	if err != nil {
		return nil, err
	}
	n := passPackets(size)
	c := &ipTFS{room: payload - iptfs.BasicHeaderLen, total: n, packet: innerPacket(size)}
	if c.outbound, c.inbound, err = saPair(p); err != nil {
		return nil, err
	}
	c.framer, err = iptfs.NewFramer(iptfs.FramerConfig{
		PayloadSize: payload, Fixed: true, QueuePackets: queuePackets, QueueOctets: 2 * n * size,
	})
	if err != nil {
		return nil, err
	}
	if c.reassembler, err = iptfs.NewReassembler(iptfs.ReassemblerConfig{Window: iptfs.DefaultWindow}); err != nil {
		return nil, err
	}
	payloads := n*size/c.room + 2
	if c.pool, err = newPool("iptfs", size, n+mbuf.BurstSize, payloads); err != nil {
		return nil, err
	}
	c.inner, c.outer = make(mbuf.Burst, n, n+1), make(mbuf.Burst, 0, payloads)
	return c, fill(c.pool, c.inner, c.packet)
}

func (c *ipTFS) out() int {
	for at := 0; at < len(c.inner); at += mbuf.BurstSize {
		run := c.inner[at:min(at+mbuf.BurstSize, len(c.inner))]
		c.refused += len(run) - c.framer.Offer(run, c.now)
		c.emit()
	}
	n := len(c.inner)
	c.inner = c.inner[:0]
	return n
}

// emit seals the full payloads there are.
func (c *ipTFS) emit() {
	for {
		_, octets := c.framer.Waiting()
		n := len(c.outer)
		want := min(octets/c.room, mbuf.BurstSize, cap(c.outer)-n)
		if want == 0 {
			return
		}
		ms := c.outer[n : n+want]
		k := c.framer.Emit(ms, c.pool, c.now)
		c.refused += want - c.outbound.Seal(ms[:k])
		c.outer = c.outer[:n+k]
		if k < want {
			return
		}
	}
}

func (c *ipTFS) carry() error {
	if c.refused > 0 {
		return fmt.Errorf("%d packets not framed and sealed: %w", c.refused, errLost)
	}
	for i, m := range c.outer {
		if m.Len() != outerSize {
			return fmt.Errorf("outer packet %d has %d octets, not %d: %w", i, m.Len(), outerSize, errChanged)
		}
	}
	return cutOuter(c.outer)
}

func (c *ipTFS) in() int {
	for at := 0; at < len(c.outer); at += mbuf.BurstSize {
		run := c.outer[at:min(at+mbuf.BurstSize, len(c.outer))]
		n := c.inbound.Open(run)
		c.refused += len(run) - n
		c.pool.Free(run[n:])
		for _, m := range run[:n] {
			c.now += outerGap
			c.reassembler.Receive(m, c.pool, c.now)
		}
		c.drain()
	}
	c.outer = c.outer[:0]
	return len(c.inner)
}

// drain takes the inner packets that are whole.
func (c *ipTFS) drain() {
	n := len(c.inner) // there is always room for one more than can come, so one call takes all
	c.inner = c.inner[:n+c.reassembler.Drain(c.inner[n:cap(c.inner)], c.pool, c.now)]
}

func (c *ipTFS) check() error {
	waiting, _ := c.framer.Waiting()
	if back := len(c.inner); c.refused > 0 || back+waiting != c.total {
		return fmt.Errorf("%d inner packets came back and %d wait, of %d; %d outer packets refused: %w",
			back, waiting, c.total, c.refused, errLost)
	}
	return same(c.inner, c.packet)
}

func (c *ipTFS) close() error {
	c.framer.Close(c.pool)
	c.reassembler.Close(c.pool)
	return closePool(c.pool, c.inner, c.outer)
}
