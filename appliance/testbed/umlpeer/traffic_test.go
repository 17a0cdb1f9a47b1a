package umlpeer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

var (
	kernel4, ours4 = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	kernel6, ours6 = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	inside4        = netip.MustParsePrefix("10.9.0.1/24")
	inside6        = netip.MustParsePrefix("fd00:9::1/64")
)

// variant is one kind of connection the builder makes.
type variant struct {
	name    string
	mode    Mode
	outer6  bool
	esn     bool
	encap   *Encap
	conn    Connection
	in, out *espSA
}

// variants is both outer families times both modes times both lengths of sequence numbers, and ESP in UDP on the way
// back; each of them carries IPv4 and IPv6.
func variants() (vs []variant) {
	for _, outer6 := range []bool{false, true} {
		for _, mode := range []Mode{IPTFS, Tunnel} {
			for _, esn := range []bool{false, true} {
				vs = append(vs, variant{mode: mode, outer6: outer6, esn: esn})
			}
			vs = append(vs, variant{mode: mode, outer6: outer6, encap: &Encap{Source: 4500, Destination: 4511}})
		}
	}
	for i := range vs {
		vs[i].build(i)
	}
	return vs
}

// build gives variant i its own SPIs, keys and inner networks.
func (v *variant) build(i int) {
	v.name = fmt.Sprintf("%s outer6=%v esn=%v udp=%v", v.mode, v.outer6, v.esn, v.encap != nil)
	key := func(seed int) []byte { return bytes.Repeat([]byte{byte(seed)}, 20) }
	c := Connection{Kernel: kernel4, Ours: ours4, Mode: v.mode,
		In:  SA{SPI: uint32(0x1000 + i), Key: key(2 * i), ESN: v.esn},
		Out: SA{SPI: uint32(0x2000 + i), Key: key(2*i + 1), ESN: v.esn, Encap: v.encap},
		Inner: []Subnets{
			{inside4.Masked(), netip.MustParsePrefix(fmt.Sprintf("10.10.%d.0/24", i))},
			{inside6.Masked(), netip.MustParsePrefix(fmt.Sprintf("fd00:10:%x::/64", i))},
		}}
	if v.outer6 {
		c.Kernel, c.Ours = kernel6, ours6
	}
	if v.mode == IPTFS {
		c.In.Flags = "-drop-time 20000"
	}
	v.conn, v.in, v.out = c, newESP(c.In), newESP(c.Out)
}

// Each kind of connection the builder knows works with the kernel in both directions: an echo request goes in through
// one SA and the answer comes back through the other, for both inner families.
func TestConnectionsCarryTraffic(t *testing.T) {
	vs := variants()
	s := Scenario{
		Outer: []netip.Prefix{netip.PrefixFrom(kernel4, 24), netip.PrefixFrom(kernel6, 64)},
		Inner: []netip.Prefix{inside4, inside6},
	}
	for _, v := range vs {
		s.Connections = append(s.Connections, v.conn)
	}
	script, err := s.Script()
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, Config{Script: script})
	fd := p.FD()
	defer unix.Close(fd)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}); err != nil {
		t.Fatal(err)
	}
	for i, v := range vs {
		t.Run(v.name, func(t *testing.T) {
			for j, n := range v.conn.Inner {
				us, kernel := n.Ours.Addr().Next(), []netip.Addr{inside4.Addr(), inside6.Addr()}[j]
				v.ping(t, fd, us, kernel, uint16(1000*i+j))
			}
		})
	}
	if out, err := p.Command("stat"); err != nil || len(out) != 0 {
		t.Errorf("the kernel counts errors: %q, %v", out, err)
	}
}

// ping sends one echo request through the connection and waits for the answer.
func (v *variant) ping(t *testing.T, fd int, us, kernel netip.Addr, id uint16) {
	t.Helper()
	inner, next := echo(us, kernel, id), byte(nextIPv4)
	if us.Is6() {
		next = nextIPv6
	}
	if v.mode == IPTFS { // RFC 9347 6.1.1: sub-type 0, BlockOffset 0, then the packet
		inner, next = append([]byte{0, 0, 0, 0}, inner...), nextAGGFRAG
	}
	if err := unix.Send(fd, frame(ip(v.conn.Ours, v.conn.Kernel, protoESP, v.in.seal(next, inner))), 0); err != nil {
		t.Fatal(err)
	}
	got := v.receive(t, fd, next)
	answer, request := byte(0), byte(8)
	if us.Is6() {
		answer, request = 129, 128
	}
	if got.src != kernel || got.dst != us || len(got.payload) < 8 || got.payload[0] != answer || binary.BigEndian.Uint16(got.payload[4:]) != id {
		t.Errorf("answer to type %d is %+v, expected type %d from %s to %s with identifier %d", request, got, answer, kernel, us, id)
	}
}

// receive returns the inner packet of the next ESP packet of the connection; next is the Next Header it must have.
func (v *variant) receive(t *testing.T, fd int, next byte) parsed {
	t.Helper()
	for b := make([]byte, 9000); ; {
		n, _, err := unix.Recvfrom(fd, b, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			t.Fatalf("no answer: %v", err)
		}
		esp, ok := v.unwrap(b[14:max(n, 14)])
		if !ok {
			continue // neighbour discovery and the like
		}
		payload, got, err := v.out.open(esp)
		if err != nil || got != next {
			t.Fatalf("next header %d, %v; expected %d", got, err, next)
		}
		if next == nextAGGFRAG {
			payload = payload[4:]
		}
		p, ok := parseIP(payload)
		if !ok {
			t.Fatalf("inner packet %x", payload)
		}
		return p
	}
}

// unwrap returns the ESP packet of the connection's outbound SA in an outer packet.
func (v *variant) unwrap(packet []byte) (esp []byte, ok bool) {
	outer, ok := parseIP(packet)
	if !ok || outer.src != v.conn.Kernel || outer.dst != v.conn.Ours {
		return nil, false
	}
	esp = outer.payload
	if v.encap != nil {
		if outer.protocol != protoUDP || len(esp) < 8 || binary.BigEndian.Uint16(esp) != v.encap.Source ||
			binary.BigEndian.Uint16(esp[2:]) != v.encap.Destination {
			return nil, false
		}
		esp = esp[8:]
	} else if outer.protocol != protoESP {
		return nil, false
	}
	return esp, len(esp) >= 4 && binary.BigEndian.Uint32(esp) == v.conn.Out.SPI
}
