package bench

import (
	"bytes"
	"errors"
	"fmt"

	"stillwater/appliance/dataplane"
	"stillwater/crypto/esp"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// loop carries packets through the worker loops of two gateways:
//
//	host --inside0--> left gateway --outside--> right gateway --inside1--> host
//
// The way out is the left gateway's work, from its inside queue to its outside queue; the way back is the right gateway's.
// Hosts and gateways share one pool, as a NIC's receive queue and its lcore do, and one thread. The clock is stepped.
type loop struct {
	left, right *gateway
	hosts       [2]pmd.Port // ends of inside0 and inside1
	pool        *mbuf.Pool
	ms          mbuf.Burst // a pass of packets, while they are in the hands of a host
	packet      []byte
	now         int64
}

func newTunnelLoop(size int) (circuit, error) {
	return newLoop(size, esp.ModeTunnel, tunnelSA)
}

func newAggregateLoop(size int) (circuit, error) {
	return newLoop(size, esp.ModeAGGFRAG, aggregateSA)
}

// wireRing is room for all packets of a pass, and for the outer packets that carry those of 9 kB.
const wireRing = 1024

func newLoop(size int, mode esp.Mode, sa func(*esp.Params) dataplane.SA) (circuit, error) {
	n := passPackets(size)
	c := &loop{ms: make(mbuf.Burst, n), packet: innerPacket(size), now: 1}
	var err error
	// An inner packet and what carries it exist at the same time, on either side.
	if c.pool, err = newPool("loop", size, 3*n, 4*n*size/outerSize+8*mbuf.BurstSize); err != nil {
		return nil, err
	}
	if err := c.connect(); err != nil {
		return nil, err
	}
	p, err := saParams(mode)
	if err != nil {
		return nil, err
	}
	if err := c.right.install(dataplane.InstallInbound, sa(p), there, here); err != nil {
		return nil, err
	}
	if err := c.left.install(dataplane.InstallOutbound, sa(p), here, there); err != nil {
		return nil, err
	}
	return c, c.load()
}

// connect lays the wires and puts hosts and gateways at their ends.
func (c *loop) connect() error {
	wires, err := newWires("inside0", "inside1", "outside")
	if err != nil {
		return err
	}
	outside := wires[2]
	if c.left, err = newGateway(wires[0], outside, softpmd.A, c.pool, &c.now); err != nil {
		return err
	}
	if c.right, err = newGateway(wires[1], outside, softpmd.B, c.pool, &c.now); err != nil {
		return err
	}
	for i := range c.hosts {
		if c.hosts[i], err = wires[i].Open(softpmd.B, portConfig(c.pool, &c.now, 0)); err != nil {
			return err
		}
	}
	return nil
}

func newWires(names ...string) ([]*softpmd.Wire, error) {
	var wires []*softpmd.Wire
	for _, name := range names {
		w, err := softpmd.NewWire(softpmd.WireConfig{Name: name, Link: pmd.RawIP, Ring: wireRing, Seed: 1})
		if err != nil {
			return nil, err
		}
		wires = append(wires, w)
	}
	return wires, nil
}

// load lets the left host send the packets of a pass; they wait in the wire.
func (c *loop) load() error {
	if err := fill(c.pool, c.ms, c.packet); err != nil {
		return err
	}
	if k := c.hosts[0].Tx(0).TxBurst(c.ms); k < len(c.ms) {
		c.pool.Free(c.ms[k:])
		return fmt.Errorf("%d of %d packets fit in the wire: %w", k, len(c.ms), errLost)
	}
	return nil
}

func (c *loop) out() int {
	c.left.settle()
	return len(c.ms)
}

func (c *loop) carry() error { return nil }

func (c *loop) in() int {
	c.right.settle()
	return len(c.ms)
}

func (c *loop) check() error {
	got := c.hosts[1].Rx(0).RxBurst(c.ms)
	err := c.sameBut(c.ms[:got])
	c.pool.Free(c.ms[:got])
	if got < len(c.ms) {
		return fmt.Errorf("%d of %d packets came through, drops %v and %v: %w", got, len(c.ms), c.left.drops(), c.right.drops(), errLost)
	}
	return errors.Join(err, c.load())
}

// hops is by how much the TTL is lower at the far host: each gateway takes one.
const hops = 2

// sameBut is same for packets that were forwarded: TTL and header checksum differ.
func (c *loop) sameBut(ms mbuf.Burst) error {
	for i, m := range ms {
		d := m.Data()
		if len(d) != len(c.packet) || d[8] != initialTTL-hops || !bytes.Equal(d[:8], c.packet[:8]) || !bytes.Equal(d[12:], c.packet[12:]) {
			return fmt.Errorf("packet %d of a burst, %d octets: %w", i, len(d), errChanged)
		}
	}
	return nil
}

func (c *loop) close() error {
	var errs []error
	for _, p := range []pmd.Port{c.hosts[0], c.hosts[1], c.left.ports[0], c.left.ports[1], c.right.ports[0], c.right.ports[1]} {
		errs = append(errs, p.Close())
	}
	return errors.Join(append(errs, c.pool.Close())...)
}
