package hoststack

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

// The routers that report: the appliance's addresses.
var router4, router6 = addr("198.51.100.1"), addr("2001:db8:5::1")

// errorPacket is what an ICMP error looks like by its RFC: internetwork control, TTL 64, never fragmented.
func errorPacket(to netip.Addr, kind, code byte, rest uint32, quote []byte) []byte {
	from := router4
	if to.Is6() {
		from = router6
	}
	p := icmpPacket(from, to, kind, code, rest, quote)
	if to.Is6() {
		p[0] = 0x6c
		return p
	}
	p[1], p[4], p[5], p[6], p[10], p[11] = 0xc0, 0, 0, 0x40, 0, 0
	sum := sum16(p[:20])
	p[10], p[11] = byte(sum>>8), byte(sum)
	return p
}

// TestErrors: every error, octet by octet, behind what the slice held already.
func TestErrors(t *testing.T) {
	o4 := udpPacket(addrPort("10.1.0.77:1000"), addrPort("10.2.0.77:2000"), []byte("some data"))
	o6 := udpPacket(addrPort("[2001:db8:1::77]:1000"), addrPort("[2001:db8:2::77]:2000"), []byte("some data"))
	s4, s6 := addr("10.1.0.77"), addr("2001:db8:1::77")
	for _, c := range []struct {
		name         string
		build        func(o []byte, from netip.Addr) ([]byte, bool)
		want4, want6 []byte
	}{
		{"SPD-022 time exceeded", func(o []byte, from netip.Addr) ([]byte, bool) { return TimeExceeded([]byte("x"), o, from) },
			errorPacket(s4, 11, 0, 0, o4), errorPacket(s6, 3, 0, 0, o6)},
		{"SPD-071 too big", func(o []byte, from netip.Addr) ([]byte, bool) { return TooBig([]byte("x"), o, 1400, from) },
			errorPacket(s4, 3, 4, 1400, o4), errorPacket(s6, 2, 0, 1400, o6)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := c.build(o4, router4)
			wantFrames(t, fmt.Sprint("IPv4 ", ok), [][]byte{got}, append([]byte("x"), c.want4...))
			got, ok = c.build(o6, router6)
			wantFrames(t, fmt.Sprint("IPv6 ", ok), [][]byte{got}, append([]byte("x"), c.want6...))
		})
	}
}

// TestErrorQuotesNoMoreThanFits: 576 octets in all for IPv4 (RFC 1812 4.3.2.3), 1280 for IPv6 (RFC 4443 2.4 c); and what
// follows the packet in its frame is not of it.
func TestErrorQuotesNoMoreThanFits(t *testing.T) {
	random := newRand(t)
	for _, n := range []int{0, 1, 519, 520, 521, 1183, 1184, 1185, 9000} {
		o4, o6 := packet(b4, a4, 200, octets(random, n)), packet(b6, a6, 200, octets(random, n))
		got, ok := TimeExceeded(nil, append(slices.Clone(o4), "padding"...), router4)
		wantFrames(t, fmt.Sprint("IPv4 ", n, ok), [][]byte{got}, errorPacket(b4, 11, 0, 0, o4[:min(len(o4), 548)]))
		got, ok = TimeExceeded(nil, append(slices.Clone(o6), "padding"...), router6)
		wantFrames(t, fmt.Sprint("IPv6 ", n, ok), [][]byte{got}, errorPacket(b6, 3, 0, 0, o6[:min(len(o6), 1232)]))
	}
}

// TestNoErrorAbout: the packets that RFC 1812 4.3.2.7, RFC 1122 3.2.2 and RFC 4443 2.4 (e) say nothing may be sent about.
func TestNoErrorAbout(t *testing.T) {
	body := make([]byte, 16)
	later4 := cut4(packet(b4, a4, 17, body), 8)[1]
	later6 := cut6(packet(b6, a6, 17, body), 1, 8)[1]
	long := packet(b4, a4, 17, body)
	long[3]++
	cases := map[string][]byte{
		"nothing": nil, "half a header": packet(b4, a4, 17, nil)[:19], "version 5": append([]byte{0x55}, make([]byte, 40)...),
		"longer than it is": long, "a later fragment": later4, "a later IPv6 fragment": later6,
		"an ICMP message that is not there": packet(b4, a4, 1, nil),
	}
	for _, kind := range []byte{3, 4, 5, 11, 12} {
		cases[fmt.Sprint("ICMP error ", kind)] = icmpPacket(b4, a4, kind, 0, 0, body)
	}
	for _, kind := range []byte{1, 2, 3, 4, 100, 127, 137} {
		cases[fmt.Sprint("ICMPv6 error ", kind)] = icmpPacket(b6, a6, kind, 0, 0, body)
	}
	plain := icmpPacket(b6, a6, 1, 0, 0, body)
	hidden := slices.Concat(plain[:40], []byte{58, 0, 1, 4, 0, 0, 0, 0}, plain[40:])
	hidden[5], hidden[6] = hidden[5]+8, 0
	cases["ICMPv6 error behind hop-by-hop options"] = hidden
	for _, src := range []string{"0.0.0.0", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"} {
		cases["from "+src] = packet(addr(src), a4, 17, body)
	}
	for _, src := range []string{"::", "::1", "ff02::1"} {
		cases["from "+src] = packet(addr(src), a6, 17, body)
	}
	for _, dst := range []string{"0.0.0.0", "224.0.0.5", "255.255.255.255"} {
		cases["to "+dst] = packet(b4, addr(dst), 17, body)
	}
	cases["to ff02::1"] = packet(b6, addr("ff02::1"), 17, body)
	for name, o := range cases {
		for _, from := range []netip.Addr{router4, router6} {
			if got, ok := TimeExceeded([]byte("x"), o, from); ok || !bytes.Equal(got, []byte("x")) {
				t.Errorf("%s: %x is sent", name, got)
			}
		}
	}
	if _, ok := TimeExceeded(nil, packet(b4, a4, 17, body), router6); ok {
		t.Error("an IPv4 packet is answered from an IPv6 address")
	}
}

// TestErrorAbout: the exceptions. Queries, first fragments, and, for path MTU discovery, IPv6 multicast.
func TestErrorAbout(t *testing.T) {
	body := make([]byte, 16)
	for name, o := range map[string][]byte{
		"an echo request": ping(b4, a4, body), "an IPv6 echo request": ping(b6, a6, body),
		"a first fragment": cut4(packet(b4, a4, 17, body), 8)[0], "a first IPv6 fragment": cut6(packet(b6, a6, 17, body), 1, 8)[0],
		"ICMP's number in IPv6": packet(b6, a6, 1, []byte{3}),
	} {
		from := router4
		if o[0]>>4 == 6 {
			from = router6
		}
		if _, ok := TimeExceeded(nil, o, from); !ok {
			t.Errorf("%s: no error", name)
		}
	}
	multicast := packet(b6, addr("ff0e::1"), 17, body)
	got, ok := TooBig(nil, multicast, 1280, router6)
	wantFrames(t, fmt.Sprint("multicast ", ok), [][]byte{got}, errorPacket(b6, 2, 0, 1280, multicast))
	if _, ok := TooBig(nil, packet(b4, addr("224.0.0.5"), 17, body), 1280, router4); ok {
		t.Error("an error about IPv4 multicast")
	}
}

// TestSPD008_ErrorsAreLimited: a burst, then an even rate; a clock that stands still or goes back gives nothing.
func TestSPD008_ErrorsAreLimited(t *testing.T) {
	const second = 1_000_000_000
	for _, c := range []struct{ rate, burst int }{{1, 1}, {10, 1}, {100, 10}, {1000, 50}} {
		l := NewLimiter(c.rate, c.burst)
		count := func(from, to, step int64) (n int) {
			for now := from; now < to; now += step {
				if l.Allow(now) {
					n++
				}
			}
			return n
		}
		if n := count(0, 1000, 1); n != c.burst {
			t.Errorf("%+v: %d at once, expected the burst", c, n)
		}
		if n := count(1000, 1000+10*second, second/10_000); n != 10*c.rate && n != 10*c.rate-1 { // the last is due at the end
			t.Errorf("%+v: %d in ten seconds, expected %d", c, n, 10*c.rate)
		}
		if n := count(0, 1000, 1); n != 0 {
			t.Errorf("%+v: %d after the clock went back", c, n)
		}
		if n := count(1000*second, 1000*second+1000, 1); n != c.burst {
			t.Errorf("%+v: %d after a pause, expected the burst", c, n)
		}
	}
	for _, c := range [][2]int{{0, 1}, {1, 0}, {-1, 1}} {
		wantPanic(t, func() { NewLimiter(c[0], c[1]) })
	}
}

// wantPanic fails where f returns.
func wantPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}
