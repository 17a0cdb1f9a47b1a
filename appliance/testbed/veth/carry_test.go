package veth

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// transferOctets is what TCP moves in each direction. A constant rate takes its time, once is enough.
func (c tunnel) transferOctets() int {
	const whole, part = 20 << 20, 2 << 20
	if testing.Short() || c.mode == "constant" && (c.outer6 || c.encap == "udp") {
		return part
	}
	return whole
}

// TestCarry sends the kernel's own traffic through both appliances in every mode, over both outer families, with and without
// UDP encapsulation, IPv4 and IPv6 inside, while sniffers look at the outside link in both directions.
func TestCarry(t *testing.T) {
	needPrivilege(t)
	seed := drawSeed(t)
	for _, mode := range []string{"aggregate", "constant", "tunnel"} {
		for _, outer6 := range []bool{false, true} {
			for _, encap := range []string{"none", "udp"} {
				c := tunnel{mode: mode, encap: encap, outer6: outer6, rate: "100m"}
				t.Run(c.String(), func(t *testing.T) { carry(t, c, c.transferOctets(), seed) })
			}
		}
	}
}

func carry(t *testing.T, c tunnel, total int, seed uint64) {
	n := newNetwork(t, c.routeMTU())
	var sniffers [2]*sniffer // by sender
	for i := range n {
		sniffers[i] = sniff(t, n[1-i].gateway, "wan", c.outsideOf(n, i).check)
	}
	gateways := startGateways(t, n, c)
	for _, is6 := range []bool{false, true} {
		echoUDP(t, n, is6, c.mode != "tunnel", seed)
		pingHost(t, n, is6, seed, 0, 1, 56, plainMTU-48, largestDatagram)
	}
	transferTCP(t, n, c.outer6 == (c.encap == "udp"), total, seed)
	if t.Failed() {
		return
	}
	for i, g := range gateways {
		if err := g.stop(); err != nil {
			t.Errorf("gateway %d ended with %v", i, err)
		}
	}
	for i, s := range sniffers {
		s.report(t, i, total)
	}
}

// report ends a sniffer of what site i sent and says what it saw.
func (s *sniffer) report(t *testing.T, i, total int) {
	t.Helper()
	s.end()
	dropped := int(s.dropped())
	for _, err := range s.errs {
		t.Errorf("outside link, from gateway %d: %v", i, err)
	}
	if least := total / outsideMTU; s.frames+dropped < least {
		t.Errorf("%d frames from gateway %d on the outside link, expected at least %d", s.frames, i, least)
	}
	t.Logf("from gateway %d: %d frames of up to %d octets, %d not looked at", i, s.frames, s.largest, dropped)
}

// TestGatewayFragments: the host sends IPv4 packets larger than a plain tunnel carries and allows their fragmentation, so
// that the gateway is the one who fragments (RFC 4301 8.2.1).
func TestGatewayFragments(t *testing.T) {
	n := newNetwork(t, insideMTU)
	c := tunnel{mode: "tunnel", encap: "none"}
	lan := sniff(t, n[0].gateway, "lan", func(sniffed) error { return nil })
	wan := sniff(t, n[1].gateway, "wan", c.outsideOf(n, 0).check)
	gateways := startGateways(t, n, c)
	echoUDP(t, n, false, false, drawSeed(t))
	for _, g := range gateways {
		if err := g.stop(); err != nil {
			t.Error(err)
		}
	}
	lan.end()
	wan.end()
	if want := 14 + 20 + 8 + largestDatagram; lan.largest != want {
		t.Errorf("largest frame of the host has %d octets, expected %d: it fragments by itself", lan.largest, want)
	}
	if err := errors.Join(wan.errs...); err != nil || wan.frames <= lan.frames {
		t.Errorf("%d frames on the outside link for %d inside, expected more: %v", wan.frames, lan.frames, err)
	}
}

// TestControl shows what the sniffer of the other tests would see if an appliance let a packet pass as it is, and that the
// kernel does leave checksums to the device.
func TestControl(t *testing.T) {
	n := newNetwork(t, insideMTU)
	seen := make(chan bool, 1) // whether the checksum was unfinished
	s := sniff(t, n[0].gateway, "lan", func(f sniffed) error {
		if !bytes.Contains(f.frame, marker) {
			return nil // multicast of the host's own
		}
		seen <- f.unsummed
		return tunnel{encap: "none"}.outsideOf(n, 0).check(f)
	})
	fd, at := openUDP(t, n[0].host, n[0].host4)
	d := make([]byte, 100)
	fill(newPayload(1), d)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: n[1].host4.As4()}); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, d); err != nil {
		t.Fatal(err)
	}
	select {
	case unsummed := <-seen:
		if !unsummed {
			t.Error("the checksum was finished: the offload of veth is off")
		}
	case <-time.After(limit):
		t.Fatal("the packet in the clear was not seen")
	}
	if s.end(); len(s.errs) != 1 {
		t.Errorf("errors %v for one packet in the clear, expected one", s.errs)
	}
}
