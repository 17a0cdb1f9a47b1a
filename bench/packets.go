package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"stillwater/pmd/mbuf"
)

// The sizes of inner packets that can be measured: an IPv4 and a UDP header with something behind them, and a jumbo frame.
const (
	MinSize = 40
	MaxSize = 9000
)

// passOctets is about how much memory the packets of one pass touch: little enough for the second-level cache, because a
// packet that has just been received is in a cache, too.
const passOctets = 256 << 10

// passBursts is the most bursts in one pass.
const passBursts = 8

// passPackets returns how many packets of that size go through a circuit in one pass: whole bursts.
func passPackets(size int) int {
	const headers = 256 // an mbuf and what is put around a packet
	bursts := passOctets / ((size + headers) * mbuf.BurstSize)
	return min(max(bursts, 1), passBursts) * mbuf.BurstSize
}

// next header and protocol numbers
const (
	protoIPIP = 4
	protoUDP  = 17
)

const (
	ipv4Len    = 20
	initialTTL = 64
)

// innerPacket returns the IPv4 packet of size octets that every circuit carries: UDP from 10.1.0.1 to 10.2.0.1 without
// UDP checksum.
func innerPacket(size int) []byte {
	p := make([]byte, size)
	copy(p, []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, initialTTL, protoUDP, 0, 0, 10, 1, 0, 1, 10, 2, 0, 1})
	binary.BigEndian.PutUint16(p[2:], uint16(size))
	binary.BigEndian.PutUint16(p[10:], headerChecksum(p[:ipv4Len]))
	copy(p[ipv4Len:], []byte{0x4e, 0x20, 0x13, 0x89}) // ports 20000 and 5001
	binary.BigEndian.PutUint16(p[24:], uint16(size-ipv4Len))
	for i := 28; i < size; i++ {
		p[i] = byte(i * 7)
	}
	return p
}

// headerChecksum is the Internet checksum of an IPv4 header whose checksum field is zero (RFC 791 3.1).
func headerChecksum(h []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(h); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(h[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// newPool returns a pool that holds packets of that size: n in transit and spare more of every size up to 2,048 octets for
// what is built on the way.
func newPool(name string, size, n, spare int) (*mbuf.Pool, error) {
	cfg := mbuf.PoolConfig{Name: name, N2K: spare, Prime: true}
	if size <= mbuf.Class2K.Size() {
		cfg.N2K += n
	} else {
		cfg.N9K = n
	}
	return mbuf.NewPool(cfg)
}

// fill sets every element of ms to an mbuf that holds packet.
func fill(pool *mbuf.Pool, ms mbuf.Burst, packet []byte) error {
	for i := range ms {
		m := pool.Get(len(packet))
		if m == nil {
			pool.Free(ms[:i])
			return fmt.Errorf("pool %s: %d of %d packets: %w", pool.Name(), i, len(ms), errNoMbuf)
		}
		copy(m.Append(len(packet)), packet)
		m.NextHeader = protoIPIP
		ms[i] = m
	}
	return nil
}

var (
	errNoMbuf  = errors.New("out of mbufs")
	errChanged = errors.New("not what was sent")
	errLost    = errors.New("packets lost")
)

// same fails unless every packet is want.
func same(ms mbuf.Burst, want []byte) error {
	for i, m := range ms {
		if !bytes.Equal(m.Data(), want) {
			return fmt.Errorf("packet %d of %d, %d octets: %w", i, len(ms), m.Len(), errChanged)
		}
	}
	return nil
}

// closePool takes packets back and closes their pool.
func closePool(pool *mbuf.Pool, bursts ...mbuf.Burst) error {
	for _, ms := range bursts {
		pool.Free(ms)
	}
	return pool.Close()
}
