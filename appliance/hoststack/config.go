package hoststack

import (
	"errors"
	"fmt"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// The smallest MTUs, octets: RFC 791 3.2 and RFC 8200 5. An IPv4 packet cannot be longer than the largest.
const (
	minMTU4 = 68
	minMTU6 = 1280
	maxMTU  = 65535
)

// Interface is one port of the appliance; its index in Config is the port's.
type Interface struct {
	Name      string         // for errors
	MAC       [6]byte        // unused on a raw port
	MTU       int            // octets of IP packet
	Raw       bool           // the port carries bare IP packets: no link layer, nothing to resolve
	Addresses []netip.Prefix // the appliance's own, with the length of the on-link prefix
	VRF       uint16         // 0: the stack has one routing table
}

// Route is a way out for packets of the stack itself. On-link prefixes of Interface.Addresses need none.
type Route struct {
	To        netip.Prefix
	Via       netip.Addr // zero: To is on-link
	Interface int
}

// Neighbour is the link address of an on-link address.
type Neighbour struct {
	Port  int
	Addr  netip.Addr
	MAC   [6]byte
	Valid bool // false: nobody answers, or nobody answers any more
}

// Config is what a Stack is made of.
//
// Send, Forward, Changed and ICMP are called on any goroutine, several at once, and with locks of the stack held: they return
// at once and do not call the Stack. What they are given is valid during the call only.
type Config struct {
	Interfaces []Interface
	Routes     []Route
	Static     []Neighbour // never asked for, never lost; Valid does not count
	// Send takes a finished frame for a port, an IP packet where the port is raw. False: it had to be dropped.
	Send func(port int, frame []byte) bool
	// Forward takes an IP packet from an own address that the data plane routes and protects by policy. Nil drops it.
	Forward func(packet []byte) bool
	// Changed tells what became of a neighbour that Resolve asked for. Nil: nobody wants to know.
	Changed func(n Neighbour)
	// ICMP is asked about every ICMP message for an own address, but those of Neighbour Discovery and Multicast Listener
	// Discovery; false drops it (RFC 4301 6.1.1, 6.1.2). Nil takes all.
	ICMP func(m ICMPMessage) bool
	// Clock is the stack's time; nil is the machine's. Tests step a faketime.ManualClock: in a synctest bubble time would stand
	// still, since goroutines of netstack's TCP wait in a way that the bubble does not know.
	Clock tcpip.Clock
}

// ErrConfig is wrapped by every error of New about its Config.
var ErrConfig = errors.New("host stack configuration")

// validate reports the first thing in c that no stack can be made of.
func (c *Config) validate() error {
	if c.Send == nil {
		return fmt.Errorf("%w: Send is nil", ErrConfig)
	}
	owners := map[netip.Addr]string{}
	for i := range c.Interfaces {
		if err := c.Interfaces[i].validate(owners); err != nil {
			return fmt.Errorf("%w: interface %q: %w", ErrConfig, c.Interfaces[i].Name, err)
		}
	}
	for _, r := range c.Routes {
		if err := c.checkRoute(r); err != nil {
			return fmt.Errorf("%w: route to %v: %w", ErrConfig, r.To, err)
		}
	}
	for _, n := range c.Static {
		if n.Port < 0 || n.Port >= len(c.Interfaces) || c.Interfaces[n.Port].Raw {
			return fmt.Errorf("%w: neighbour %v on port %d, expected one with a link layer", ErrConfig, n.Addr, n.Port)
		}
		if !n.Addr.IsValid() || n.Addr.Is4In6() || !unicastMAC(n.MAC) {
			return fmt.Errorf("%w: neighbour %v at %x, expected unicast addresses", ErrConfig, n.Addr, n.MAC)
		}
	}
	return nil
}

// validate checks an interface by itself; owners collects the addresses of all.
func (n *Interface) validate(owners map[netip.Addr]string) error {
	if n.VRF != 0 {
		return fmt.Errorf("VRF %d, expected 0", n.VRF)
	}
	if !n.Raw && !unicastMAC(n.MAC) {
		return fmt.Errorf("link address %x, expected a unicast one", n.MAC)
	}
	least := minMTU4
	for _, p := range n.Addresses {
		a := p.Addr()
		if !p.IsValid() || a.Is4In6() || !unicast(a) || a.IsLoopback() {
			return fmt.Errorf("address %v, expected a unicast one with a prefix length", p)
		}
		if other, taken := owners[a]; taken {
			return fmt.Errorf("address %v is interface %q's, expected one interface for an address", a, other)
		}
		owners[a] = n.Name
		if a.Is6() {
			least = minMTU6
		}
	}
	if n.MTU < least || n.MTU > maxMTU {
		return fmt.Errorf("MTU %d, expected %d to %d", n.MTU, least, maxMTU)
	}
	return nil
}

// checkRoute checks one route against the interfaces.
func (c *Config) checkRoute(r Route) error {
	switch {
	case r.Interface < 0 || r.Interface >= len(c.Interfaces):
		return fmt.Errorf("interface %d, expected one of %d", r.Interface, len(c.Interfaces))
	case !r.To.IsValid() || r.To.Addr().Is4In6():
		return errors.New("expected an IPv4 or IPv6 prefix")
	case r.Via.IsValid() && (r.Via.Is4() != r.To.Addr().Is4() || !unicast(r.Via)):
		return fmt.Errorf("via %v, expected a unicast address of the same family", r.Via)
	}
	return nil
}

// unicast reports whether a can be the address of one host.
func unicast(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && !(a.Is4() && a.As4()[0] >= 240)
}

// unicastMAC reports whether mac can be the address of one station (IEEE 802: the group bit is clear).
func unicastMAC(mac [6]byte) bool { return mac != [6]byte{} && mac[0]&1 == 0 }
