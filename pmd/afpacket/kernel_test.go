package afpacket

import (
	"bytes"
	"encoding/binary"
	"net"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// kernelSide gives the kernel the addresses 10.0.N.1 and fd00:0:0:N::1 on an interface beyond swa, and permanent
// neighbours .2 and ::2 that lead to swa.
func (ns *netns) kernelSide(t *testing.T, dev, n string) {
	t.Helper()
	mac := ns.iface(t, "swa").HardwareAddr.String()
	ns.in(func() {
		if err := disableIPv6(dev, "0"); err != nil {
			t.Errorf("enable IPv6 on %s: %v", dev, err)
		}
	})
	ns.ip(t, "link", "set", dev, "up")
	ns.ip(t, "addr", "add", "10.0."+n+".1/24", "dev", dev)
	ns.ip(t, "addr", "add", "fd00:0:0:"+n+"::1/64", "dev", dev, "nodad")
	ns.ip(t, "neigh", "add", "10.0."+n+".2", "lladdr", mac, "dev", dev)
	ns.ip(t, "neigh", "add", "fd00:0:0:"+n+"::2", "lladdr", mac, "dev", dev)
}

// receive polls a port until want accepts a packet; others, such as router solicitations, are put away.
func receive(t *testing.T, p pmd.Port, pool *mbuf.Pool, want func(m *mbuf.Mbuf) bool) {
	t.Helper()
	ms := make([]*mbuf.Mbuf, mbuf.BurstSize)
	for range 1_000_000 {
		for q := range p.Info().RxQueues {
			n := p.Rx(q).RxBurst(ms)
			found := false
			for _, m := range ms[:n] {
				found = found || want(m)
			}
			pool.Free(ms[:n])
			if found {
				return
			}
		}
	}
	t.Fatalf("the packet did not arrive; %+v", p.Stats())
}

// The kernel leaves the checksum of what it sends over veth to the device. It must be right where it arrives: the rule is
// RFC 1071's, the sender is the kernel's own stack.
func TestKernelSegmentsArriveWithChecksums(t *testing.T) {
	ns := newNetns(t)
	ns.kernelSide(t, "swb", "0")
	checksumsArrive(t, ns, "0", -1)
}

// The same through a VLAN interface of the kernel, whose tag travels outside the frame.
func TestKernelSegmentsInVLANArriveWithChecksums(t *testing.T) {
	ns := newNetns(t)
	var err error
	ns.in(func() {
		err = exec.Command("ip", "link", "add", "link", "swb", "name", "swb100", "type", "vlan", "id", "100").Run()
	})
	if err != nil {
		t.Skipf("SKIP: the kernel has no VLAN interfaces: %v", err)
	}
	ns.kernelSide(t, "swb100", "1")
	checksumsArrive(t, ns, "1", 100)
}

// checksumsArrive has the kernel send UDP and TCP over both families from network n and looks at what arrives at swa;
// vlan is the tag it must carry, -1 for none.
func checksumsArrive(t *testing.T, ns *netns, n string, vlan int) {
	pool := newPool(t)
	p := ns.open(t, "swa,mtu=1500", pmd.Config{RxPools: []*mbuf.Pool{pool}})
	defer p.Close()
	for _, to := range []string{"10.0." + n + ".2:9", "[fd00:0:0:" + n + "::2]:9"} {
		for network, protocol := range map[string]byte{"udp": unix.IPPROTO_UDP, "tcp": unix.IPPROTO_TCP} {
			t.Run(network+" "+to, func(t *testing.T) {
				ns.in(func() { kernelSends(t, network, to) })
				receive(t, p, pool, func(m *mbuf.Mbuf) bool {
					if !carries(m.Data(), protocol, to[0] == '[') {
						return false
					}
					if tagged := m.Flags&mbuf.FlagVLAN != 0; tagged != (vlan >= 0) || tagged && int(m.VLAN) != vlan {
						t.Errorf("flags %#x VLAN %d, expected %d", m.Flags, m.VLAN, vlan)
					}
					if sum := segmentSum(m.Data()); sum != 0xffff {
						t.Errorf("ones' complement sum of %x is %#x, expected 0xffff", m.Data(), sum)
					}
					return true
				})
			})
		}
	}
}

// kernelSends makes the kernel send one datagram or one SYN; it does not wait for an answer.
func kernelSends(t *testing.T, network, to string) {
	a, err := net.ResolveTCPAddr("tcp", to)
	if err != nil {
		t.Error(err)
		return
	}
	kind := unix.SOCK_DGRAM
	if network == "tcp" {
		kind = unix.SOCK_STREAM
	}
	var sa unix.Sockaddr = &unix.SockaddrInet6{Port: a.Port, Addr: [16]byte(a.IP.To16())}
	family := unix.AF_INET6
	if ip := a.IP.To4(); ip != nil {
		sa, family = &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(ip)}, unix.AF_INET
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS {
		t.Error(err)
		return
	}
	if kind == unix.SOCK_DGRAM {
		if _, err := unix.Write(fd, []byte("an odd number of octets")); err != nil {
			t.Error(err)
		}
	}
}

// carries reports whether a frame is IPv4 or IPv6 with the protocol right behind the fixed header.
func carries(f []byte, protocol byte, is6 bool) bool {
	switch {
	case len(f) < 54:
		return false
	case is6:
		return binary.BigEndian.Uint16(f[12:]) == 0x86dd && f[20] == protocol
	default:
		return binary.BigEndian.Uint16(f[12:]) == 0x0800 && f[23] == protocol
	}
}

// segmentSum is the sum a receiver forms over pseudo-header and segment of a frame without options.
func segmentSum(f []byte) int {
	if binary.BigEndian.Uint16(f[12:]) == 0x86dd {
		return naiveSum(cat(pseudo(f[22:54], f[20], len(f)-54), f[54:]))
	}
	return naiveSum(cat(pseudo(f[26:34], f[23], len(f)-34), f[34:]))
}

// What the host itself sends on the interface is not received, in a fanout group either.
func TestOwnFramesAreNotReceived(t *testing.T) {
	ns := newNetns(t)
	ns.kernelSide(t, "swb", "0")
	pool, there := newPool(t), newPool(t)
	pools := []*mbuf.Pool{pool, pool}
	near := ns.open(t, "swb", pmd.Config{RxPools: pools}) // where the kernel sends
	defer near.Close()
	far := ns.open(t, "swa", pmd.Config{RxPools: []*mbuf.Pool{there}, TxPools: []*mbuf.Pool{there}})
	defer far.Close()
	if s := near.Info().Steering; s != "fanout" {
		t.Errorf("steering is %q, expected fanout", s)
	}
	for range 10 {
		ns.in(func() { kernelSends(t, "udp", "10.0.0.2:9") })
	}
	receive(t, far, there, func(m *mbuf.Mbuf) bool { return carries(m.Data(), unix.IPPROTO_UDP, false) })
	mark := cat(ns.iface(t, "swb").HardwareAddr, macs[:6], word(0x88b5), []byte("the end"))
	m := there.Get(len(mark))
	copy(m.Append(len(mark)), mark)
	if far.Tx(0).TxBurst([]*mbuf.Mbuf{m}) != 1 {
		t.Fatal("the mark was not sent")
	}
	receive(t, near, pool, func(m *mbuf.Mbuf) bool {
		if carries(m.Data(), unix.IPPROTO_UDP, false) {
			t.Errorf("received a frame the host itself sent: %x", m.Data())
		}
		return bytes.Equal(m.Data(), mark)
	})
}

// A frame with an 802.1ad tag arrives octet by octet, although the kernel takes the tag out on the way.
func TestServiceTagStaysInTheFrame(t *testing.T) {
	ns := newNetns(t)
	a, b := newPool(t), newPool(t)
	pa := ns.open(t, "swa", pmd.Config{TxPools: []*mbuf.Pool{a}})
	defer pa.Close()
	pb := ns.open(t, "swb", pmd.Config{RxPools: []*mbuf.Pool{b}})
	defer pb.Close()
	frame := cat(macs, word(0x88a8), word(0x2005), word(0x88b5), []byte("payload"))
	m := a.Get(len(frame))
	copy(m.Append(len(frame)), frame)
	if pa.Tx(0).TxBurst([]*mbuf.Mbuf{m}) != 1 {
		t.Fatal("not sent")
	}
	receive(t, pb, b, func(m *mbuf.Mbuf) bool {
		if !bytes.Equal(m.Data(), frame) || m.Flags&mbuf.FlagVLAN != 0 {
			t.Errorf("received %x flags %#x, expected %x", m.Data(), m.Flags, frame)
		}
		return true
	})
}

// What the socket buffer could not hold is counted, and received and dropped make up what was sent.
func TestOverflowIsCounted(t *testing.T) {
	ns := newNetns(t)
	a, b := newPool(t), newPool(t)
	pa := ns.open(t, "swa", pmd.Config{TxPools: []*mbuf.Pool{a}})
	defer pa.Close()
	pb := ns.open(t, "swb", pmd.Config{RxPools: []*mbuf.Pool{b}})
	defer pb.Close()
	ms := make([]*mbuf.Mbuf, 256)
	const bursts = 200
	for range bursts {
		a.GetBurst(ms, mbuf.Class2K)
		for _, m := range ms {
			copy(m.Append(1514), cat(macs, word(0x88b5)))
		}
		for rest := ms; len(rest) > 0; {
			rest = rest[pa.Tx(0).TxBurst(rest):]
		}
	}
	for n := 1; n > 0; {
		n = pb.Rx(0).RxBurst(ms)
		b.Free(ms[:n])
	}
	s := pb.Stats()
	if s.RxDropped == 0 || s.RxPackets == 0 || s.RxPackets+s.RxDropped != bursts*256 {
		t.Errorf("%+v, expected some received, some dropped, %d in all", s, bursts*256)
	}
	if again := pb.Stats(); again != s {
		t.Errorf("a second reading gives %+v after %+v", again, s)
	}
}

func TestPromiscuous(t *testing.T) {
	ns := newNetns(t)
	for args, want := range map[string]string{"swa": "promiscuity 0", "swa,promisc": "promiscuity 1"} {
		p := ns.open(t, args, pmd.Config{RxPools: []*mbuf.Pool{newPool(t)}})
		ns.in(func() {
			out, err := exec.Command("ip", "-d", "link", "show", "swa").CombinedOutput()
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("%s: %v %s, expected %s", args, err, out, want)
			}
		})
		p.Close()
	}
}
