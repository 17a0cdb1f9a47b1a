// Package fdpmd is the driver "fd:": a port on a file descriptor that was inherited or given, a SOCK_SEQPACKET or
// SOCK_DGRAM socket that carries one frame per message. It needs no privilege and no kernel interface, which makes it
// the port for peers in other processes: a User Mode Linux kernel, a program that started us, a test.
//
// Bursts go through recvmmsg and sendmmsg straight into and out of mbuf memory. A full socket is back-pressure: TxBurst
// takes fewer and nothing is lost. A peer that has closed is a dead link: nothing arrives, and what is sent is counted as
// dropped. The port has one queue in each direction, because a socket cannot spread messages.
//
// Receiver and TxQueue, the machinery, are exported for drivers over other kinds of socket.
package fdpmd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

const (
	defaultMTU = 1500
	minMTU     = 68                        // RFC 791 3.2: every network carries 68 octets whole
	maxMTU     = 65536 - etherLen - tagLen // what the largest mbuf takes
)

// socketBuffer is how much a socket of Pair queues in each direction: some hundred jumbo frames.
const socketBuffer = 4 << 20

// Options are the arguments of a device string beside the descriptor.
type Options struct {
	Name string   // as shown by Info; empty: "fd:N"
	Link pmd.Link // what messages start with
	MAC  [6]byte  // own link address; zero: one is drawn
}

// port is an open fd port. It is safe for concurrent use; its queues are owned by one lcore each.
type port struct {
	info  pmd.Info
	fd    int
	rx    *rxQueue // nil without a receive queue
	tx    *TxQueue // nil without a transmit queue
	close sync.Once
}

// New opens a port on fd, which must be a seqpacket or datagram socket. The port owns fd from then on and closes it;
// after an error it is still the caller's.
func New(fd int, cfg pmd.Config, opts Options) (pmd.Port, error) {
	if err := checkSocket(fd); err != nil {
		return nil, err
	}
	if err := checkQueues(cfg); err != nil {
		return nil, err
	}
	if cfg.MTU == 0 {
		cfg.MTU = defaultMTU
	}
	if cfg.MTU < minMTU || cfg.MTU > maxMTU {
		return nil, fmt.Errorf("mtu %d: expected %d to %d", cfg.MTU, minMTU, maxMTU)
	}
	p := &port{fd: fd, info: pmd.Info{
		Name: opts.Name, Driver: "fd", Link: opts.Link, MAC: opts.MAC, MTU: cfg.MTU,
		RxQueues: len(cfg.RxPools), TxQueues: len(cfg.TxPools), Node: -1, Steering: "none",
	}}
	if p.info.Name == "" {
		p.info.Name = fmt.Sprintf("fd:%d", fd)
	}
	switch {
	case opts.Link == pmd.RawIP:
		p.info.MAC = [6]byte{}
	case opts.MAC == [6]byte{}:
		p.info.MAC = drawMAC()
	}
	p.addQueues(cfg)
	return p, nil
}

// addQueues builds the queues the configuration asks for.
func (p *port) addQueues(cfg pmd.Config) {
	if len(cfg.RxPools) > 0 {
		in := NewReceiver(ReceiverConfig{FD: p.fd, Pool: cfg.RxPools[0], Frame: FrameLen(p.info.Link, cfg.MTU)})
		p.rx = &rxQueue{in: in, link: p.info.Link, mtu: cfg.MTU, index: cfg.Index, now: Clock(cfg)}
	}
	if len(cfg.TxPools) > 0 {
		p.tx = NewTxQueue(p.fd, cfg.TxPools[0], p.info.Link, cfg.MTU)
	}
}

// FrameLen returns the octets of the longest frame of a port: link header, one tag and mtu octets.
func FrameLen(link pmd.Link, mtu int) int {
	if link == pmd.RawIP {
		return mtu
	}
	return etherLen + tagLen + mtu
}

// Clock returns the clock that cfg names, or else Go's monotonic one, counted from the start of the program.
func Clock(cfg pmd.Config) func() int64 {
	if cfg.Now != nil {
		return cfg.Now
	}
	return func() int64 { return int64(time.Since(started)) }
}

var started = time.Now()

// checkSocket makes sure that messages on fd have boundaries.
func checkSocket(fd int) error {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return fmt.Errorf("file descriptor %d: expected a socket: %w", fd, err)
	}
	if kind != unix.SOCK_SEQPACKET && kind != unix.SOCK_DGRAM {
		return fmt.Errorf("file descriptor %d: socket type %d, expected seqpacket (%d) or datagram (%d)",
			fd, kind, unix.SOCK_SEQPACKET, unix.SOCK_DGRAM)
	}
	return nil
}

// errQueues is the refusal of more queues than a socket has.
var errQueues = errors.New("a file descriptor has one queue in each direction")

func checkQueues(cfg pmd.Config) error {
	if len(cfg.RxPools) > 1 || len(cfg.TxPools) > 1 {
		return fmt.Errorf("%d receive and %d transmit queues: %w", len(cfg.RxPools), len(cfg.TxPools), errQueues)
	}
	for _, pool := range append(append([]*mbuf.Pool{}, cfg.RxPools...), cfg.TxPools...) {
		if pool == nil {
			return errors.New("queue 0: no mbuf pool")
		}
	}
	return nil
}

// drawMAC returns a random locally administered unicast address, so that the two ends of a pair never share one.
func drawMAC() (mac [6]byte) {
	rand.Read(mac[:])
	mac[0] = mac[0]&^1 | 2
	return mac
}

// Pair returns two connected sockets for two ports, or for a port and a peer process, with room for bursts.
func Pair() (a, b int, err error) {
	sv, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, -1, fmt.Errorf("seqpacket socket pair: %w", err)
	}
	for _, fd := range sv {
		grow(fd, unix.SO_SNDBUF, unix.SO_SNDBUFFORCE)
		grow(fd, unix.SO_RCVBUF, unix.SO_RCVBUFFORCE)
	}
	return sv[0], sv[1], nil
}

// grow enlarges a socket buffer, beyond the system's limit where the process may; a smaller one only means that
// back-pressure starts earlier.
func grow(fd, option, force int) {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, socketBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, socketBuffer)
	}
}

func (p *port) Info() pmd.Info { return p.info }

// Rx returns the receive queue; a queue that was not asked for is a programmer's error and panics.
func (p *port) Rx(queue int) pmd.RxQueue {
	if queue != 0 || p.rx == nil {
		panic(fmt.Sprintf("fdpmd: %s has no receive queue %d", p.info.Name, queue))
	}
	return p.rx
}

// Tx returns the transmit queue; a queue that was not asked for is a programmer's error and panics.
func (p *port) Tx(queue int) pmd.TxQueue {
	if queue != 0 || p.tx == nil {
		panic(fmt.Sprintf("fdpmd: %s has no transmit queue %d", p.info.Name, queue))
	}
	return p.tx
}

func (p *port) Stats() (s pmd.Stats) {
	if p.rx != nil {
		p.rx.in.AddTo(&s)
	}
	if p.tx != nil {
		p.tx.AddTo(&s)
	}
	return s
}

// Close closes the descriptor; a second call does nothing.
func (p *port) Close() (err error) {
	p.close.Do(func() {
		if p.rx != nil {
			p.rx.in.Release()
		}
		if err = unix.Close(p.fd); err != nil {
			err = fmt.Errorf("close %s: %w", p.info.Name, err)
		}
	})
	return err
}
