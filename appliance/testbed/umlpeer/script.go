package umlpeer

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Mode is how the kernel packs inner packets into ESP.
type Mode string

// The modes. An SA of either carries IPv4 and IPv6.
const (
	IPTFS  Mode = "iptfs"  // RFC 9347: aggregation and fragmentation, basic header
	Tunnel Mode = "tunnel" // RFC 4303: one inner packet in each
)

// Encap is the encapsulation of ESP in UDP (RFC 3948) or TCP (RFC 9329), named by the ports of the packets.
type Encap struct {
	Source, Destination uint16
	TCP                 bool
}

// SA is one direction of a Connection.
type SA struct {
	SPI   uint32
	Key   []byte // key and, behind it, the salt of an AEAD
	Alg   string // as xfrmtool names it; empty: gcm16, AES-GCM with a 16-octet ICV
	ESN   bool
	Encap *Encap // nil: plain ESP
	Flags string // further flags of the guest's "sa" command, such as "-drop-time 20000"
}

// Subnets is one pair of inner networks of a Connection; both are of one family.
type Subnets struct{ Kernel, Ours netip.Prefix }

// Connection is a pair of SAs between the kernel and us. Directions are the kernel's: In is what we send.
type Connection struct {
	Kernel, Ours netip.Addr // outer addresses
	Mode         Mode
	In, Out      SA
	Inner        []Subnets
}

const defaultMTU = 1500

// Scenario is a guest script in parts: outer and inner addresses of the kernel, and connections.
type Scenario struct {
	MTU         int            // of the wire; 0: 1500
	Outer       []netip.Prefix // the kernel's addresses on the wire, with their networks
	Inner       []netip.Prefix // the kernel's addresses inside
	Connections []Connection
	Extra       []string // further commands, run last
}

// Script returns the commands, or an error that names the part that cannot be meant.
func (s Scenario) Script() (string, error) {
	var b strings.Builder
	if s.MTU == 0 {
		s.MTU = defaultMTU
	}
	fmt.Fprintf(&b, "link vec0 mtu %d up\ndummy d0\n", s.MTU)
	for _, p := range s.Outer {
		fmt.Fprintf(&b, "addr vec0 %s\n", p)
	}
	for _, p := range s.Inner {
		fmt.Fprintf(&b, "addr d0 %s\n", p)
	}
	neighbours := map[netip.Addr]bool{}
	for i, c := range s.Connections {
		if err := c.check(); err != nil {
			return "", fmt.Errorf("connection %d: %w", i, err)
		}
		if !neighbours[c.Ours] {
			fmt.Fprintf(&b, "neigh vec0 %s %s\n", c.Ours, OurMAC)
			neighbours[c.Ours] = true
		}
		c.write(&b, i+1, s.Inner)
	}
	for _, l := range s.Extra {
		fmt.Fprintln(&b, l)
	}
	return b.String(), nil
}

// write appends the SAs, policies and routes of a connection. The request ID ties the policies to their own SAs.
func (c Connection) write(b *strings.Builder, reqID int, inside []netip.Prefix) {
	c.In.write(b, "in", c.Ours, c.Kernel, c.Mode, reqID)
	c.Out.write(b, "out", c.Kernel, c.Ours, c.Mode, reqID)
	for _, n := range c.Inner {
		fmt.Fprintf(b, "pol -dir out -s %s -d %s -tsrc %s -tdst %s -mode %s -reqid %d\n", n.Kernel, n.Ours, c.Kernel, c.Ours, c.Mode, reqID)
		fmt.Fprintf(b, "pol -dir in -s %s -d %s -tsrc %s -tdst %s -mode %s -reqid %d\n", n.Ours, n.Kernel, c.Ours, c.Kernel, c.Mode, reqID)
		// Any route will do: the policy replaces it. It names the interface because inner and outer family may differ.
		fmt.Fprintf(b, "route %s dev vec0", n.Ours)
		for _, p := range inside {
			if n.Kernel.Contains(p.Addr()) {
				fmt.Fprintf(b, " src %s", p.Addr())
				break
			}
		}
		fmt.Fprintln(b)
	}
}

// write appends the "sa" command.
func (s SA) write(b *strings.Builder, dir string, src, dst netip.Addr, mode Mode, reqID int) {
	fmt.Fprintf(b, "sa -dir %s -src %s -dst %s -spi %#x -key %s -mode %s -reqid %d", dir, src, dst, s.SPI, hex.EncodeToString(s.Key), mode, reqID)
	if s.Alg != "" {
		fmt.Fprintf(b, " -alg %s", s.Alg)
	}
	if s.ESN {
		b.WriteString(" -esn")
	}
	if e := s.Encap; e != nil {
		fmt.Fprintf(b, " -encap %d:%d", e.Source, e.Destination)
		if e.TCP {
			b.WriteString(":tcp")
		}
	}
	if s.Flags != "" {
		b.WriteString(" " + s.Flags)
	}
	b.WriteString("\n")
}

// check refuses what the guest would take and what could only fail in silence later.
func (c Connection) check() error {
	if !c.Kernel.IsValid() || !c.Ours.IsValid() || c.Kernel.Is4() != c.Ours.Is4() {
		return fmt.Errorf("outer addresses %s and %s: expected two of one family", c.Kernel, c.Ours)
	}
	if c.Mode != IPTFS && c.Mode != Tunnel {
		return fmt.Errorf("mode %q: expected %s or %s", c.Mode, IPTFS, Tunnel)
	}
	for _, s := range []SA{c.In, c.Out} {
		if s.SPI < 256 { // RFC 4303 2.1 reserves the first 256
			return fmt.Errorf("spi %#x: expected 0x100 or more", s.SPI)
		}
		if len(s.Key) == 0 && s.Alg != "null" {
			return fmt.Errorf("spi %#x: no key", s.SPI)
		}
	}
	if e := c.In.Encap; e != nil && !e.TCP {
		return fmt.Errorf("spi %#x: the guest does not receive ESP in UDP", c.In.SPI)
	}
	if len(c.Inner) == 0 {
		return errors.New("no inner networks")
	}
	for _, n := range c.Inner {
		if !n.Kernel.IsValid() || !n.Ours.IsValid() || n.Kernel.Addr().Is4() != n.Ours.Addr().Is4() {
			return fmt.Errorf("inner networks %s and %s: expected two of one family", n.Kernel, n.Ours)
		}
	}
	return nil
}
