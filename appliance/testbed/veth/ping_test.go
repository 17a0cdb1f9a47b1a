package veth

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// pingHost sends echo requests through a ping socket (ICMP, RFC 792; ICMPv6, RFC 4443) and compares the replies of the other
// host's kernel.
func pingHost(t *testing.T, n *network, is6 bool, seed uint64, sizes ...int) {
	t.Helper()
	const header = 8
	local, remote := n.addresses(is6)
	protocol, request, reply := unix.IPPROTO_ICMP, byte(8), byte(0)
	if is6 {
		protocol, request, reply = unix.IPPROTO_ICMPV6, 128, 129
	}
	fd := openSocket(t, n[0].host, local, unix.SOCK_DGRAM, protocol)
	at := bind(t, fd, local)
	source, b := newPayload(seed), make([]byte, insideMTU)
	for i, size := range sizes {
		m := make([]byte, header+size)
		m[0] = request
		binary.BigEndian.PutUint16(m[4:], at.Port()) // the identifier, which a ping socket has for a port
		binary.BigEndian.PutUint16(m[6:], uint16(i))
		fill(source, m[header:])
		if err := unix.Connect(fd, sockaddr(netip.AddrPortFrom(remote, 0))); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Write(fd, m); err != nil {
			t.Fatalf("ping %v with %d octets: %v", remote, size, err)
		}
		k, err := unix.Read(fd, b)
		if err != nil {
			t.Fatalf("ping %v with %d octets: no answer: %v", remote, size, err)
		}
		if b[0] != reply || !bytes.Equal(b[4:k], m[4:]) {
			t.Errorf("ping %v with %d octets: answer of type %d and %d octets differs", remote, size, b[0], k)
		}
	}
}
