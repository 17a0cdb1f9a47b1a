package strongswan

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// newPayload returns a source of payload and logs the seed it was made of.
func newPayload(t testing.TB) *rand.ChaCha8 {
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed %d", s)
	var key [32]byte
	binary.NativeEndian.PutUint64(key[:], s)
	return rand.NewChaCha8(key)
}

// echoPort is the UDP port of the echo services on both sides.
const echoPort = 7007

// traffic is what runs between the host and the peer's inside.
type traffic struct {
	*network
	peer    peer
	payload *rand.ChaCha8
	v6      bool // inside IPv6 too
	packets []int
}

// Sizes of whole IPv4 packets, octets: what every tunnel carries, and jumbo packets.
var (
	smallPackets = []int{40, 41, 64, 100, 576, 1000, 1280, plainMTU}
	somePackets  = []int{40, 576, 1442, 1501, 4000, 9000}
	allPackets   = append(slices.Clone(smallPackets), 1400, 1440, 1441, 1442, 1443, 1499, 1500, 1501, 2000, 2884, 4000, 8999, 9000)
)

// newTraffic starts the echo services on both sides.
func newTraffic(n *network, p peer, v6 bool, packets []int) *traffic {
	n.Helper()
	tr := &traffic{network: n, peer: p, payload: newPayload(n), v6: v6, packets: packets}
	for _, end := range tr.ends() {
		tr.serve(end.host)
		pid, err := p.run(fmt.Sprintf("perl %s echo %d %s", p.udp(), echoPort, end.peer))
		n.must(err)
		n.Cleanup(func() { _, _ = p.run("kill " + pid) }) // the peer may have ended, and it with the peer
	}
	return tr
}

// ends are the inner addresses, and the octets of their IP and UDP headers.
type ends struct {
	host, peer string
	headers    int
}

func (tr *traffic) ends() []ends {
	out := []ends{{hostInner4, peerInner4, 28}}
	if tr.v6 {
		out = append(out, ends{hostInner6, peerInner6, 48})
	}
	return out
}

// udp opens a socket of the host; it closes with the test. Sockets block: a busy lcore in this process delays the runtime's
// poller, but not the kernel.
func (tr *traffic) udp(local string, port uint16, wait time.Duration) int {
	tr.Helper()
	a := netip.MustParseAddr(local)
	family := unix.AF_INET
	if a.Is6() {
		family = unix.AF_INET6
	}
	fd := -1
	tr.must(tr.host.in(func() (err error) {
		fd, err = unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return err
	}))
	tr.Cleanup(func() { unix.Close(fd) })
	timeout := unix.NsecToTimeval(int64(wait))
	tr.must(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout))
	tr.must(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20))
	tr.must(unix.Bind(fd, sockaddr(netip.AddrPortFrom(a, port))))
	return fd
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// receive reads a datagram. The runtime's signals interrupt sockets that have a timeout.
func receive(fd int, b []byte) (n int, from unix.Sockaddr, err error) {
	for {
		if n, from, err = unix.Recvfrom(fd, b, 0); err != unix.EINTR {
			return n, from, err
		}
	}
}

// serve sends datagrams to the host back until the test ends.
func (tr *traffic) serve(local string) {
	tr.Helper()
	const look = 100 * time.Millisecond
	fd := tr.udp(local, echoPort, look)
	var over atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b := make([]byte, 65536)
		for !over.Load() {
			n, from, err := receive(fd, b)
			if err == nil {
				_ = unix.Sendto(fd, b[:n], 0, from) // what is lost is missed by whoever sent it
			}
		}
	}()
	tr.Cleanup(func() { over.Store(true); <-ended })
}

// both carries pings and datagrams from the host to the peer's inside and from there to the host.
func (tr *traffic) both() {
	tr.Helper()
	for _, e := range tr.ends() {
		tr.toPeer(e)
		tr.fromPeer(e)
	}
}

// ping is a shell command that fails unless echo requests of two sizes are answered in time. It may repeat them: a gateway
// drops what it has no link address for while it asks for that.
func ping(from, to string) string {
	return fmt.Sprintf("ping -q -c 1 -i 0.05 -w 5 -I %[1]s %[2]s && ping -q -c 3 -i 0.1 -w 5 -s 1000 -I %[1]s %[2]s", from, to)
}

// toPeer sends from the host and expects everything back, octet for octet.
func (tr *traffic) toPeer(e ends) {
	tr.Helper()
	if out, err := tr.host.run("", "sh", "-c", ping(e.host, e.peer)); err != nil {
		tr.Fatalf("%v\n%s", err, out)
	}
	fd := tr.udp(e.host, 0, 3*time.Second)
	to := sockaddr(netip.AddrPortFrom(netip.MustParseAddr(e.peer), echoPort))
	b := make([]byte, 65536)
	for _, size := range tr.packets {
		d := make([]byte, max(size-e.headers, 1))
		_, _ = tr.payload.Read(d) // never fails
		tr.must(unix.Sendto(fd, d, 0, to))
		n, _, err := receive(fd, b)
		if err != nil || !bytes.Equal(b[:n], d) {
			tr.Fatalf("packet of %d octets from %s to %s came back with %d octets of payload, expected the same %d: %v", size, e.host, e.peer, n, len(d), err)
		}
	}
}

// fromPeer has the peer send and expect everything back.
func (tr *traffic) fromPeer(e ends) {
	tr.Helper()
	sizes := make([]string, len(tr.packets))
	for i, size := range tr.packets {
		sizes[i] = fmt.Sprint(max(size-e.headers, 1))
	}
	command := fmt.Sprintf("%s && perl %s send %s %s %d %s",
		ping(e.peer, e.host), tr.peer.udp(), e.peer, e.host, echoPort, strings.Join(sizes, " "))
	out, err := tr.peer.run(command)
	if want := fmt.Sprintf("%d of %d came back", len(sizes), len(sizes)); err != nil || !strings.Contains(out, want) {
		tr.Fatalf("from the peer: %v\n%s\nexpected %q", err, out, want)
	}
}

// during keeps datagrams going between host and peer while something happens, one at a time, and expects all but so many of
// them back.
func (tr *traffic) during(tolerated uint64, what func()) {
	tr.Helper()
	const pause, patience, size = 5 * time.Millisecond, 3 * time.Second, 200
	fd := tr.udp(hostInner4, 0, patience)
	to := sockaddr(netip.AddrPortFrom(netip.MustParseAddr(peerInner4), echoPort))
	var over atomic.Bool
	ended := make(chan struct{})
	sent, back := uint64(0), uint64(0)
	go func() {
		defer close(ended)
		b, d := make([]byte, size+1), make([]byte, size)
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for ; !over.Load(); sent++ {
			binary.BigEndian.PutUint64(d, sent)
			_ = unix.Sendto(fd, d, 0, to) // what is not sent does not come back
			for {                         // an answer that is late comes before the one that is waited for
				n, _, err := receive(fd, b)
				if err != nil || n != size {
					break
				}
				back++
				if bytes.Equal(b[:n], d) {
					break
				}
			}
			<-tick.C
		}
	}()
	defer func() {
		over.Store(true)
		<-ended
		if sent-back > tolerated {
			tr.Errorf("%d of %d datagrams came back, expected at most %d to be lost", back, sent, tolerated)
		}
		tr.Logf("%d of %d datagrams came back in the meantime", back, sent)
	}()
	what()
}
