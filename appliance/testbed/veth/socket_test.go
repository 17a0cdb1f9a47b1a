package veth

import (
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// Sockets block: a busy lcore in the same process delays the runtime's poller, but not the kernel.

// initialTTL is what every socket sends with, arrivedTTL what the other host must see: two gateways lower it by one each.
const (
	initialTTL = 64
	arrivedTTL = initialTTL - 2
)

// receiveRoom is the receive buffer of datagram sockets: the kernel counts a datagram at up to twice its size.
const receiveRoom = 4 << 20

// openSocket opens a socket in the namespace of a host; it closes with the test.
func openSocket(t *testing.T, ns *netns, local netip.Addr, kind, protocol int) int {
	t.Helper()
	family := unix.AF_INET
	if local.Is6() {
		family = unix.AF_INET6
	}
	fd := -1
	err := ns.in(func() (err error) {
		fd, err = unix.Socket(family, kind|unix.SOCK_CLOEXEC, protocol)
		return err
	})
	if err != nil {
		t.Fatalf("socket of kind %d, protocol %d: %v", kind, protocol, err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	wait := unix.NsecToTimeval(int64(limit))
	for _, option := range []int{unix.SO_RCVTIMEO, unix.SO_SNDTIMEO} {
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, option, &wait); err != nil {
			t.Fatal(err)
		}
	}
	return fd
}

// bind gives a socket its address and a port of its own, which it returns.
func bind(t *testing.T, fd int, local netip.Addr) netip.AddrPort {
	t.Helper()
	if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(local, 0))); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(local, uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(local, uint16(sa.Port))
	}
	t.Fatalf("socket address %T", sa)
	return netip.AddrPort{}
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// openUDP opens a UDP socket that tells the TTL of what it receives.
func openUDP(t *testing.T, ns *netns, local netip.Addr) (fd int, at netip.AddrPort) {
	t.Helper()
	fd = openSocket(t, ns, local, unix.SOCK_DGRAM, 0)
	options := [][3]int{
		{unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveRoom},
		{unix.IPPROTO_IP, unix.IP_RECVTTL, 1}, {unix.IPPROTO_IP, unix.IP_TTL, initialTTL},
	}
	if local.Is6() {
		options = [][3]int{
			{unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveRoom},
			{unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, 1}, {unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, initialTTL},
		}
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(fd, o[0], o[1], o[2]); err != nil {
			t.Fatalf("socket option %v: %v", o, err)
		}
	}
	return fd, bind(t, fd, local)
}

// receiveTTL reads one datagram, its sender and the TTL it arrived with.
func receiveTTL(fd int, b []byte) (n, ttl int, from unix.Sockaddr, err error) {
	oob := make([]byte, 64)
	n, oobn, _, from, err := unix.Recvmsg(fd, b, oob, 0)
	if err != nil {
		return 0, 0, nil, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return 0, 0, nil, err
	}
	for _, m := range messages {
		v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_TTL
		v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_HOPLIMIT
		if v4 || v6 {
			return n, int(m.Data[0]) | int(m.Data[1])<<8, from, nil
		}
	}
	return 0, 0, nil, fmt.Errorf("datagram of %d octets without its TTL", n)
}
