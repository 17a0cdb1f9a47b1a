package pcappmd

import (
	"fmt"
	"sync/atomic"
	"time"

	"stillwater/pmd"
)

const (
	defaultMTU = 1500
	maxMTU     = 65535
)

// port replays one file and records another.
type port struct {
	info pmd.Info
	rx   []*rxQueue
	tx   []*txQueue
	rec  *recorder // nil without tx=
}

// wallClock is the default clock, because its readings become the times in the recorded file.
func wallClock() int64 { return time.Now().UnixNano() }

// open opens the files and builds the queues.
func open(args string, cfg pmd.Config) (pmd.Port, error) {
	d, err := parseDevice(args)
	if err != nil {
		return nil, err
	}
	if cfg.MTU < 0 || cfg.MTU > maxMTU {
		return nil, fmt.Errorf("MTU of %d, expected 1 to %d octets, or 0 for what the file needs", cfg.MTU, maxMTU)
	}
	if cfg.Now == nil {
		cfg.Now = wallClock
	}
	var c *capture
	if d.rx != "" {
		if c, err = load(d.rx); err != nil {
			return nil, err
		}
	}
	link, err := d.linkOf(c)
	if err != nil {
		return nil, err
	}
	p := &port{info: describe(args, d, cfg, link, c)}
	p.rx = newReplay(c, p.info, d, cfg)
	p.tx, p.rec, err = newRecording(p.info, d.tx, cfg)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func describe(args string, d device, cfg pmd.Config, link pmd.Link, c *capture) pmd.Info {
	in := pmd.Info{
		Name: "pcap:" + args, Driver: "pcap", Link: link, MTU: cfg.MTU,
		RxQueues: len(cfg.RxPools), TxQueues: len(cfg.TxPools), Node: -1, Steering: "none",
	}
	if in.MTU == 0 {
		in.MTU = defaultMTU
		if c != nil {
			in.MTU = min(max(defaultMTU, c.largest-linkLen(link)), maxMTU)
		}
	}
	if link == pmd.Ethernet {
		in.MAC = d.mac
	}
	if in.RxQueues > 1 {
		in.Steering = "rss"
	}
	return in
}

// linkLen is the octets in front of the network header.
func linkLen(l pmd.Link) int {
	if l == pmd.Ethernet {
		return ethernetLen
	}
	return 0
}

// fits reports whether a packet has a length the port carries.
func fits(in *pmd.Info, octets int) bool { return octets > 0 && octets <= in.MTU+linkLen(in.Link) }

// Info describes the port.
func (p *port) Info() pmd.Info { return p.info }

// Rx returns receive queue i, owned by one lcore.
func (p *port) Rx(i int) pmd.RxQueue { return p.rx[i] }

// Tx returns transmit queue i, owned by one lcore.
func (p *port) Tx(i int) pmd.TxQueue { return p.tx[i] }

// Stats sums the queues. RxErrors are packets the capture cut short, or larger than the MTU; they are not replayed.
func (p *port) Stats() (s pmd.Stats) {
	for _, q := range p.rx {
		s.RxPackets += q.packets.Load()
		s.RxOctets += q.octets.Load()
		s.RxErrors += q.errors.Load()
	}
	for _, q := range p.tx {
		s.TxPackets += q.packets.Load()
		s.TxOctets += q.octets.Load()
		s.TxDropped += q.dropped.Load()
	}
	if p.rec != nil {
		s.TxDropped += p.rec.dropped.Load()
	}
	return s
}

// Close completes the recorded file; its error is that of the disk, and then there is no file.
func (p *port) Close() error {
	if p.rec == nil {
		return nil
	}
	return p.rec.close()
}

// counter is written by one goroutine, which publishes it once per burst, and read by everyone.
type counter struct{ atomic.Uint64 }

// add is a load and a store: with a single writer that is exact, and half the price of an atomic addition.
func (c *counter) add(n int) {
	if n > 0 {
		c.Store(c.Load() + uint64(n))
	}
}
