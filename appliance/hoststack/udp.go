package hoststack

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// Datagram is a UDP datagram of one of the appliance's addresses. Answers go from Local to Remote, whatever the ports are
// (RFC 7296 2.11). On port 4500 Data has no Non-ESP Marker: the stack takes it off and puts it on.
type Datagram struct {
	Local, Remote netip.AddrPort
	Data          []byte
}

// Errors of the UDP calls.
var (
	ErrClosed       = errors.New("host stack is closed")
	ErrNotListening = errors.New("no own address and port with a listener")
)

// socket is one own address and port.
type socket struct {
	stack    *Stack
	local    netip.AddrPort
	nic      tcpip.NICID
	endpoint tcpip.Endpoint
	handle   func(Datagram)
}

// ListenUDP gives handle every datagram to port of every own address, fragmented ones included; other ports are answered with
// ICMP port unreachable. handle runs inside Receive, or on a timer's goroutine: it must not block, it may call SendUDP, and
// Data is its own to keep.
func (s *Stack) ListenUDP(port uint16, handle func(Datagram)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return fmt.Errorf("listen on UDP port %d: %w", port, ErrClosed)
	}
	var opened []*socket
	for addr, owner := range s.owners {
		k := &socket{stack: s, local: netip.AddrPortFrom(addr, port), nic: nicOf(owner), handle: handle}
		if err := k.open(); err != nil {
			for _, k := range opened {
				k.endpoint.Close()
			}
			return fmt.Errorf("listen on UDP %v: %s", k.local, err)
		}
		opened = append(opened, k)
	}
	for _, k := range opened {
		s.sockets[k.local] = k
	}
	return nil
}

// open makes the endpoint.
func (k *socket) open() tcpip.Error {
	if k.local.Port() == 0 {
		return &tcpip.ErrInvalidOptionValue{}
	}
	queue := new(waiter.Queue)
	endpoint, err := k.stack.net.NewEndpoint(udp.ProtocolNumber, protocolOf(k.local.Addr()), queue)
	if err != nil {
		return err
	}
	k.endpoint = endpoint
	endpoint.SocketOptions().SetV6Only(true) // no effect on IPv4
	entry := waiter.NewFunctionEntry(waiter.ReadableEvents, func(waiter.EventMask) { k.drain() })
	queue.EventRegister(&entry)
	if err := endpoint.Bind(tcpip.FullAddress{Addr: toAddress(k.local.Addr()), Port: k.local.Port()}); err != nil {
		endpoint.Close()
		return err
	}
	return nil
}

// drain hands over what waits. Datagrams that come meanwhile are read here or wake it again.
func (k *socket) drain() {
	for {
		var b bytes.Buffer
		r, err := k.endpoint.Read(&b, tcpip.ReadOptions{NeedRemoteAddr: true})
		if err != nil {
			return
		}
		data, ok := b.Bytes(), true
		if k.local.Port() == NATPort {
			data, ok = k.stack.unmark(data)
		}
		if ok && !k.stack.closed.Load() {
			k.handle(Datagram{Local: k.local, Remote: netip.AddrPortFrom(fromAddress(r.RemoteAddr.Addr), r.RemoteAddr.Port), Data: data})
		}
	}
}

// SendUDP sends a datagram from an own address and a port with a listener, by the interface of that address, whatever its
// length up to 65507 octets: IPv4 packets have DF clear, so that routers may fragment them. Data is copied. No error does not
// mean that it left: it may wait for a neighbour, or the port may be full.
func (s *Stack) SendUDP(d Datagram) error {
	data := d.Data
	if d.Local.Port() == NATPort {
		data = slices.Concat(marker[:], data)
	}
	return s.sendUDP(d.Local, d.Remote, data)
}

// SendKeepalive keeps the mapping of a NAT between local, port 4500, and remote alive (RFC 3948 2.3).
func (s *Stack) SendKeepalive(local, remote netip.AddrPort) error {
	return s.sendUDP(local, remote, []byte{keepalive})
}

// sendUDP sends data as it is.
func (s *Stack) sendUDP(local, remote netip.AddrPort, data []byte) error {
	if s.closed.Load() {
		return fmt.Errorf("send from %v to %v: %w", local, remote, ErrClosed)
	}
	s.mu.Lock()
	k := s.sockets[local]
	s.mu.Unlock()
	if k == nil {
		return fmt.Errorf("send from %v to %v: %w", local, remote, ErrNotListening)
	}
	to := tcpip.FullAddress{NIC: k.nic, Addr: toAddress(remote.Addr()), Port: remote.Port()}
	if _, err := k.endpoint.Write(bytes.NewReader(data), tcpip.WriteOptions{To: &to, Atomic: true}); err != nil {
		return fmt.Errorf("send %d octets from %v to %v: %s", len(data), local, remote, err)
	}
	return nil
}
