package afpacket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// receiveBuffer is what a receive socket holds while its lcore is busy, octets of kernel memory.
const receiveBuffer = 8 << 20

// networkOrder returns the number whose octets in memory are v in network order, as sockaddr_ll wants them.
func networkOrder(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}

// openSockets opens the receive sockets, then the transmit sockets of a port; after an error none is left open.
func openSockets(ifi *net.Interface, dev device, receive, transmit int) (fds []int, err error) {
	defer func() {
		if err != nil {
			for _, fd := range fds {
				_ = unix.Close(fd)
			}
			fds, err = nil, fmt.Errorf("interface %q: %w", ifi.Name, err)
		}
	}()
	for range receive + transmit {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0) // protocol 0: hears nothing yet
		if err != nil {
			return fds, openError(err)
		}
		fds = append(fds, fd)
	}
	for _, fd := range fds[receive:] {
		if err := startTransmit(fd, ifi.Index); err != nil {
			return fds, err
		}
	}
	return fds, startReceive(fds[:receive], ifi.Index, dev.promisc)
}

// openError names the missing right where that is the reason.
func openError(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("open packet socket: %w: the process needs the capability CAP_NET_RAW", err)
	}
	return fmt.Errorf("open packet socket: %w", err)
}

// startTransmit ties a socket to its interface for sending only.
func startTransmit(fd, index int) error {
	// Without the queueing discipline a full device is an error at once and not a packet lost in silence.
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
		return fmt.Errorf("set PACKET_QDISC_BYPASS: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: index}); err != nil {
		return fmt.Errorf("bind transmit socket: %w", err)
	}
	return nil
}

// startReceive makes the sockets hear an interface, each packet on one of them. A socket that is bound and not yet in
// the group hears everything, so all of them are deaf until the group is complete.
func startReceive(fds []int, index int, promisc bool) error {
	for _, fd := range fds {
		if err := prepareReceive(fd, index, promisc); err != nil {
			return err
		}
	}
	if len(fds) > 1 {
		if err := joinFanout(fds); err != nil {
			return fmt.Errorf("fanout group of %d sockets: %w", len(fds), err)
		}
	}
	for _, fd := range fds {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0); err != nil {
			return fmt.Errorf("detach filter: %w", err)
		}
	}
	return nil
}

// prepareReceive sets a receive socket up and binds it, deaf.
func prepareReceive(fd, index int, promisc bool) error {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer) // as far as the system allows
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1); err != nil {
		return fmt.Errorf("set PACKET_AUXDATA: %w", err)
	}
	// Kernels before 4.20 and fanout groups do not honour it; RxBurst leaves out what was sent here in any case.
	_ = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	if err := attachDeaf(fd); err != nil {
		return fmt.Errorf("attach filter: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: index}); err != nil {
		return fmt.Errorf("bind receive socket: %w", err)
	}
	// Neighbour discovery talks to multicast groups the kernel has not joined for us (RFC 4861 2.3).
	if err := join(fd, index, unix.PACKET_MR_ALLMULTI); err != nil {
		return fmt.Errorf("receive all multicast: %w", err)
	}
	if promisc {
		if err := join(fd, index, unix.PACKET_MR_PROMISC); err != nil {
			return fmt.Errorf("receive promiscuously: %w", err)
		}
	}
	return nil
}

// join makes the interface pass more than its own frames for as long as the socket is open.
func join(fd, index int, kind uint16) error {
	return unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
		&unix.PacketMreq{Ifindex: int32(index), Type: kind})
}

// attachDeaf makes a socket refuse every packet until the filter is detached.
func attachDeaf(fd int) error {
	refuse := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &refuse})
}

// joinFanout makes one group of the sockets, under a number the kernel draws; the group spreads packets by flow hash.
func joinFanout(fds []int) error {
	const modeShift = 16
	if err := unix.SetsockoptInt(fds[0], unix.SOL_PACKET, unix.PACKET_FANOUT,
		(unix.PACKET_FANOUT_HASH|unix.PACKET_FANOUT_FLAG_UNIQUEID)<<modeShift); err != nil {
		return err
	}
	group, err := unix.GetsockoptInt(fds[0], unix.SOL_PACKET, unix.PACKET_FANOUT)
	if err != nil {
		return err
	}
	for _, fd := range fds[1:] {
		arg := group&0xffff | unix.PACKET_FANOUT_HASH<<modeShift
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT, arg); err != nil {
			return err
		}
	}
	return nil
}
