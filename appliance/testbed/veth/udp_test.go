package veth

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// largestDatagram is the payload of the largest datagram: it fits the inside MTU with the headers of either family.
const largestDatagram = 8900

// What may be on its way at a time: more than one outer packet, so that packets are aggregated, less than any queue.
const (
	windowPackets = 32
	windowOctets  = 4 * largestDatagram
)

// datagramSizes are the edges of one, two and several outer packets and every step-th size between.
func datagramSizes(step int) []int {
	sizes := []int{1, 2, 3, 39, 40, 41, 1399, 1400, 1401, largestDatagram - 1, largestDatagram}
	for n := 1380; n < 1480; n += 4 {
		sizes = append(sizes, n, 2*n)
	}
	for n := step; n < largestDatagram; n += step {
		sizes = append(sizes, n)
	}
	return sizes
}

// echoUDP sends datagrams from one host to another, which sends each back: all of them arrive, in order and octet by octet,
// with the TTL two gateways leave.
func echoUDP(t *testing.T, n *network, is6, jumbo bool, seed uint64) {
	t.Helper()
	local, remote := n.addresses(is6)
	near, _ := openUDP(t, n[0].host, local)
	far, at := openUDP(t, n[1].host, remote)
	if !jumbo && !is6 {
		// The host sends packets as large as its link and lets gateways fragment them (DF clear).
		for _, fd := range []int{near, far} {
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_INTERFACE); err != nil {
				t.Fatal(err)
			}
		}
	}
	sizes := datagramSizes(61)
	echoed := make(chan error, 1)
	go func() { echoed <- echo(far, len(sizes)) }()
	err := pingPong(near, at, sizes, seed)
	select {
	case reason := <-echoed:
		err = errors.Join(err, reason)
	case <-time.After(limit):
	}
	if err != nil {
		t.Fatalf("UDP from %v to %v: %v", local, at, err)
	}
}

// addresses returns the addresses of the two hosts in one family.
func (n *network) addresses(is6 bool) (local, remote netip.Addr) {
	if is6 {
		return n[0].host6, n[1].host6
	}
	return n[0].host4, n[1].host4
}

// echo sends count datagrams back where they came from.
func echo(fd, count int) error {
	b := make([]byte, insideMTU)
	for i := range count {
		n, ttl, from, err := receiveTTL(fd, b)
		switch {
		case err != nil:
			return fmt.Errorf("datagram %d has not arrived: %w", i, err)
		case ttl != arrivedTTL:
			return fmt.Errorf("datagram %d of %d octets arrived with TTL %d, expected %d", i, n, ttl, arrivedTTL)
		}
		if err := unix.Sendto(fd, b[:n], 0, from); err != nil {
			return fmt.Errorf("send datagram %d of %d octets back: %w", i, n, err)
		}
	}
	return nil
}

// pingPong sends datagrams of the sizes given, several at a time, and compares what comes back.
func pingPong(fd int, to netip.AddrPort, sizes []int, seed uint64) error {
	out, in := newPayload(seed), newPayload(seed)
	b, want := make([]byte, insideMTU), make([]byte, insideMTU)
	sent, octets := 0, 0
	for i, size := range sizes {
		for sent < len(sizes) && sent-i < windowPackets && (sent == i || octets+sizes[sent] <= windowOctets) {
			d := b[:sizes[sent]]
			fill(out, d)
			if err := unix.Sendto(fd, d, 0, sockaddr(to)); err != nil {
				return fmt.Errorf("send datagram %d of %d octets: %w", sent, len(d), err)
			}
			octets += len(d)
			sent++
		}
		n, ttl, _, err := receiveTTL(fd, b)
		fill(in, want[:size])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return fmt.Errorf("datagram %d of %d octets has not come back after %v", i, size, limit)
		case err != nil:
			return err
		case n != size || !bytes.Equal(b[:n], want[:size]):
			return fmt.Errorf("datagram %d of %d octets came back as another one of %d", i, size, n)
		case ttl != arrivedTTL:
			return fmt.Errorf("datagram %d of %d octets came back with TTL %d, expected %d", i, size, ttl, arrivedTTL)
		}
		octets -= size
	}
	return nil
}
