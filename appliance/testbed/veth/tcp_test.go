package veth

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// block is how much of a TCP stream is written and compared at a time, octets.
const block = 64 << 10

// transferTCP sends total octets, a multiple of block, over one connection in both directions at the same time and compares
// every octet.
func transferTCP(t *testing.T, n *network, is6 bool, total int, seed uint64) {
	t.Helper()
	local, remote := n.addresses(is6)
	listener := openSocket(t, n[1].host, remote, unix.SOCK_STREAM, 0)
	at := bind(t, listener, remote)
	if err := unix.Listen(listener, 1); err != nil {
		t.Fatal(err)
	}
	near := openSocket(t, n[0].host, local, unix.SOCK_STREAM, 0)
	if err := unix.Connect(near, sockaddr(at)); err != nil {
		t.Fatalf("connect to %v: %v", at, err)
	}
	far, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatalf("accept on %v: %v", at, err)
	}
	defer unix.Close(far)
	ended := make(chan error, 4)
	for i, fd := range []int{near, far} {
		go func() { ended <- writeStream(fd, total, seed+uint64(i)) }()
		go func() { ended <- readStream(fd, total, seed+uint64(1-i)) }()
	}
	err = errors.Join(<-ended, <-ended, <-ended, <-ended)
	if err != nil {
		t.Errorf("TCP between %v and %v: %v", local, at, err)
	}
}

// writeStream sends total octets and the end of the stream.
func writeStream(fd, total int, seed uint64) error {
	source, b := newPayload(seed), make([]byte, block)
	for sent := 0; sent < total; sent += block {
		fill(source, b)
		for rest := b; len(rest) > 0; {
			n, err := unix.Write(fd, rest)
			if err != nil {
				return fmt.Errorf("write behind %d octets: %w", sent, err)
			}
			rest = rest[n:]
		}
	}
	return unix.Shutdown(fd, unix.SHUT_WR)
}

// readStream receives and compares total octets and the end of the stream.
func readStream(fd, total int, seed uint64) error {
	source, b, want := newPayload(seed), make([]byte, block), make([]byte, block)
	for got := 0; got < total; got += block {
		for have := 0; have < block; {
			n, err := unix.Read(fd, b[have:])
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case err != nil:
				return fmt.Errorf("read behind %d octets: %w", got+have, err)
			case n == 0:
				return fmt.Errorf("stream of %d octets, expected %d", got+have, total)
			}
			have += n
		}
		if fill(source, want); !bytes.Equal(b, want) {
			return fmt.Errorf("octets %d to %d differ", got, got+block)
		}
	}
	if n, err := unix.Read(fd, b); n != 0 || err != nil {
		return fmt.Errorf("%d octets (%v) behind the end of the stream", n, err)
	}
	return nil
}
