package veth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// sniffer looks at every frame that arrives on an interface. Frames that an appliance sends go past the taps of its own
// interface (PACKET_QDISC_BYPASS), so a direction is seen at its far end.
type sniffer struct {
	fd    int
	check func(sniffed) error
	stop  atomic.Bool
	done  chan struct{}

	frames  int     // what follows is for the reader once done is closed
	largest int     // octets of the largest frame
	errs    []error // of the first few frames that check refused
}

// sniffed is one frame.
type sniffed struct {
	frame    []byte
	unsummed bool // the sender's kernel left the checksum to the device
}

const (
	snifferRoom  = 64 << 20 // octets of socket buffer
	snifferErrs  = 3
	snifferPause = 20e6 // ns without a frame after which a sniffer that was told to stop does so
)

// sniff starts to look at what arrives on an interface.
func sniff(t *testing.T, ns *netns, ifname string, check func(sniffed) error) *sniffer {
	t.Helper()
	s := &sniffer{fd: -1, check: check, done: make(chan struct{})}
	if err := ns.in(func() error { return s.open(ifname) }); err != nil {
		t.Fatalf("sniff on %s: %v", ifname, err)
	}
	go s.run()
	t.Cleanup(func() {
		s.end()
		unix.Close(s.fd)
	})
	return s
}

// open runs in the namespace.
func (s *sniffer) open(ifname string) error {
	ifi, err := net.InterfaceByName(ifname)
	if err != nil {
		return err
	}
	if s.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	pause := unix.NsecToTimeval(snifferPause)
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	return errors.Join(
		unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &pause),
		unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, snifferRoom),
		unix.SetsockoptInt(s.fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1),
		unix.Bind(s.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: ifi.Index}))
}

// run reads until it is told to stop and nothing more comes.
func (s *sniffer) run() {
	defer close(s.done)
	b, oob := make([]byte, 1<<16), make([]byte, 128)
	for {
		n, oobn, _, _, err := unix.Recvmsg(s.fd, b, oob, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			if s.stop.Load() {
				return
			}
			continue
		case err != nil:
			s.errs = append(s.errs, err)
			return
		}
		s.frames++
		s.largest = max(s.largest, n)
		if err := s.check(sniffed{b[:n], unsummed(oob[:oobn])}); err != nil && len(s.errs) < snifferErrs {
			s.errs = append(s.errs, fmt.Errorf("frame %d, %x...: %w", s.frames, b[:min(n, 64)], err))
		}
	}
}

// unsummed reads struct tpacket_auxdata of packet(7).
func unsummed(oob []byte) bool {
	messages, err := unix.ParseSocketControlMessage(oob)
	return err == nil && len(messages) == 1 && len(messages[0].Data) >= 4 &&
		binary.NativeEndian.Uint32(messages[0].Data)&unix.TP_STATUS_CSUMNOTREADY != 0
}

// end waits until everything that was sent has been looked at; the senders must have stopped.
func (s *sniffer) end() {
	s.stop.Store(true)
	<-s.done
}

// dropped returns how many frames the socket had no room for.
func (s *sniffer) dropped() uint32 {
	k, err := unix.GetsockoptTpacketStats(s.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return k.Drops
}
