// Package afpacket is the driver "afpacket:": a port on a Linux network interface through AF_PACKET raw sockets. It runs
// on every kernel and every NIC the kernel has a driver for, at the price of one copy each way in the kernel; it is the
// port for ordinary boxes and for virtual Ethernet pairs. It needs the capability CAP_NET_RAW.
//
// The interface must be up and should carry no kernel address: the kernel sees every received frame as well and would
// answer ESP, ARP and pings by itself.
//
//   - Several receive queues are one PACKET_FANOUT group: the kernel spreads packets by flow hash. Fragments but the
//     first have no ports and may go elsewhere than their flow. Each transmit queue is a socket of its own that goes
//     past the queueing discipline.
//   - 802.1Q tags are restored from the metadata in which the kernel keeps them.
//   - Frames from a local sender whose checksum the kernel left to the NIC (a veth peer, a container, a virtual
//     machine) get it here: TCP and UDP in IPv4 and IPv6. Another protocol in that state is counted in RxErrors.
//   - Super-frames made by segmentation or receive offload (GSO, GRO, LRO) are longer than the MTU and counted in
//     RxErrors. Turn the offloads off: ethtool -K IFNAME gro off lro off, and on the other end of a veth pair
//     ethtool -K PEER tso off gso off.
//   - A socket buffer that overflows is counted in RxDropped. There is no back-pressure from the wire: what the device
//     refuses at once stays with the caller, what is lost later no one tells.
package afpacket

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"stillwater/pmd"
	"stillwater/pmd/fdpmd"
)

// port is an open AF_PACKET port. It is safe for concurrent use; its queues are owned by one lcore each.
type port struct {
	info pmd.Info
	rx   []*rxQueue
	tx   []*fdpmd.TxQueue

	mu      sync.Mutex // guards what follows
	sockets []int      // receive queues first; nil once closed
	dropped uint64     // by full socket buffers; the kernel's own counters start again at every reading
}

// Info implements pmd.Port.
func (p *port) Info() pmd.Info { return p.info }

// Rx implements pmd.Port; a queue that was not asked for is a programmer's error and panics.
func (p *port) Rx(queue int) pmd.RxQueue { return p.rx[queue] }

// Tx implements pmd.Port; a queue that was not asked for is a programmer's error and panics.
func (p *port) Tx(queue int) pmd.TxQueue { return p.tx[queue] }

// Stats implements pmd.Port.
func (p *port) Stats() (s pmd.Stats) {
	for _, q := range p.rx {
		q.in.AddTo(&s)
	}
	for _, q := range p.tx {
		q.AddTo(&s)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sockets != nil {
		p.collectDrops()
	}
	s.RxDropped += p.dropped
	return s
}

// collectDrops adds what the receive sockets lost since the last reading.
func (p *port) collectDrops() {
	for _, fd := range p.sockets[:len(p.rx)] {
		if k, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
			p.dropped += uint64(k.Drops)
		}
	}
}

// Close implements pmd.Port; a second call does nothing.
func (p *port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sockets == nil {
		return nil
	}
	p.collectDrops()
	for _, q := range p.rx {
		q.in.Release()
	}
	var first error
	for _, fd := range p.sockets {
		if err := unix.Close(fd); err != nil && first == nil {
			first = fmt.Errorf("close %s: %w", p.info.Name, err)
		}
	}
	p.sockets = nil
	return first
}

// newPort opens the sockets of a port on an interface that was looked at.
func newPort(ifi *net.Interface, dev device, cfg pmd.Config) (*port, error) {
	p := &port{info: pmd.Info{
		Name: dev.name, Driver: "afpacket", Link: pmd.Ethernet, MAC: [6]byte(ifi.HardwareAddr), MTU: dev.mtu,
		RxQueues: len(cfg.RxPools), TxQueues: len(cfg.TxPools), Node: node(ifi.Name), Steering: "none",
	}}
	if len(cfg.RxPools) > 1 {
		p.info.Steering = "fanout"
	}
	sockets, err := openSockets(ifi, dev, len(cfg.RxPools), len(cfg.TxPools))
	if err != nil {
		return nil, err
	}
	p.sockets = sockets
	for i, pool := range cfg.RxPools {
		p.rx = append(p.rx, newRxQueue(sockets[i], i, pool, dev.mtu, cfg))
	}
	for i, pool := range cfg.TxPools {
		p.tx = append(p.tx, fdpmd.NewTxQueue(sockets[len(p.rx)+i], pool, pmd.Ethernet, dev.mtu))
	}
	return p, nil
}

// node returns the NUMA node of an interface's device, -1 for virtual ones and where there is only one node.
func node(name string) int {
	b, err := os.ReadFile("/sys/class/net/" + name + "/device/numa_node")
	if err != nil {
		return -1
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return -1
	}
	return n
}
