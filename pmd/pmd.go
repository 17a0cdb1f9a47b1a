// Package pmd defines what a poll-mode driver is: ports with receive and transmit queues that move bursts of mbufs, and
// the registry that opens one by name. Drivers are sub-packages that register themselves when imported:
// "soft:", "pcap:", "fd:", "afpacket:".
package pmd

import (
	"fmt"
	"sort"
	"strings"
	"sync"

	"stillwater/pmd/mbuf"
)

// RxQueue is polled by exactly one lcore.
type RxQueue interface {
	// RxBurst fills ms with up to len(ms) received packets, allocated from the pool given for this queue, and returns how
	// many. It never waits. The caller owns what it got. Data starts at the link header (Info.Link); an 802.1Q tag is not
	// in the data but in Mbuf.VLAN with FlagVLAN. Time, Port and Queue are set, Hash with FlagHash where the port has one.
	RxBurst(ms []*mbuf.Mbuf) int
}

// TxQueue is fed by exactly one lcore.
type TxQueue interface {
	// TxBurst takes a prefix of ms and returns its length; the driver owns and frees what it took, the caller keeps the
	// rest. It never waits: a full queue takes fewer. The contents of ms behind the call are undefined for the taken part.
	TxBurst(ms []*mbuf.Mbuf) int
}

// Port is a network port: a NIC, a socket, a file or one end of an in-memory wire. Its methods are safe for concurrent
// use; its queues are owned by one lcore each.
type Port interface {
	Info() Info
	Rx(queue int) RxQueue
	Tx(queue int) TxQueue
	// Stats sums the counters of all queues; it may lag the queues by a moment.
	Stats() Stats
	// Close stops the port. No queue may be polled during or after it. Packets the driver still holds go back to their
	// pools.
	Close() error
}

// Link is what stands at the start of the data of a port's packets.
type Link uint8

// The link kinds.
const (
	Ethernet Link = iota // a 14-octet Ethernet II header, tags moved to Mbuf.VLAN
	RawIP                // nothing: data starts at the IPv4 or IPv6 header
)

// String returns "ethernet" or "raw".
func (l Link) String() string {
	if l == RawIP {
		return "raw"
	}
	return "ethernet"
}

// Info describes an open port.
type Info struct {
	Name     string  // as given to Open: "soft:wan,end=a"
	Driver   string  // registered driver name: "soft"
	Link     Link    // what its packets start with
	MAC      [6]byte // own link address; zero for RawIP
	MTU      int     // largest network-layer packet, octets
	RxQueues int
	TxQueues int
	Node     int    // NUMA node of the device, -1 where unknown
	Steering string // how received packets are spread: "none", "rss", "rss+spi", ...; shown by "show ports"
}

// Stats are a port's counters since it was opened.
type Stats struct {
	RxPackets, RxOctets uint64
	TxPackets, TxOctets uint64
	RxDropped           uint64 // arrived and could not be kept: no mbuf, ring full
	RxErrors            uint64 // arrived damaged
	TxDropped           uint64 // taken from the caller and lost by the driver
}

// Config is what the appliance gives a driver. Queue i of each direction is used by one lcore, with that lcore's pool.
type Config struct {
	RxPools []*mbuf.Pool // one per receive queue; its length is the number of receive queues
	TxPools []*mbuf.Pool // one per transmit queue: the pool its lcore frees into
	MTU     int          // largest network-layer packet, octets; 0: the driver's default
	Index   uint16       // what the port writes to Mbuf.Port
	Now     func() int64 // clock for Mbuf.Time and timed drivers, ns; nil: the driver's own
	Seed    uint64       // for drivers with random behaviour; 0: the driver draws one and reports it in Info
}

// Open opens a port of one driver; args is what follows "driver:" in the device string.
type OpenFunc func(args string, cfg Config) (Port, error)

var registry = struct {
	sync.Mutex
	open map[string]OpenFunc
	help map[string]string
}{open: map[string]OpenFunc{}, help: map[string]string{}}

// Register makes a driver known under name; help is one line on its arguments. Drivers call it from init; a second driver
// of the same name is a programmer's error and panics.
func Register(name, help string, open OpenFunc) {
	registry.Lock()
	defer registry.Unlock()
	if _, dup := registry.open[name]; dup {
		panic("pmd: driver registered twice: " + name)
	}
	registry.open[name], registry.help[name] = open, help
}

// Drivers returns the registered names in order, each with its line of help.
func Drivers() (names []string, help map[string]string) {
	registry.Lock()
	defer registry.Unlock()
	help = map[string]string{}
	for n, h := range registry.help {
		names = append(names, n)
		help[n] = h
	}
	sort.Strings(names)
	return names, help
}

// Open opens the port that device names, "driver:arguments". The error names the device and the drivers there are.
func Open(device string, cfg Config) (Port, error) {
	name, args, ok := strings.Cut(device, ":")
	if !ok {
		return nil, fmt.Errorf("device %q: expected driver:arguments, such as \"afpacket:eth0\"", device)
	}
	registry.Lock()
	open := registry.open[name]
	registry.Unlock()
	if open == nil {
		names, _ := Drivers()
		return nil, fmt.Errorf("device %q: unknown driver %q, this program has: %s", device, name, strings.Join(names, ", "))
	}
	if len(cfg.RxPools) == 0 && len(cfg.TxPools) == 0 {
		return nil, fmt.Errorf("device %q: no queues asked for", device)
	}
	p, err := open(args, cfg)
	if err != nil {
		return nil, fmt.Errorf("open device %q: %w", device, err)
	}
	return p, nil
}
