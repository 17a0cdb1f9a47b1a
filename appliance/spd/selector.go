package spd

import (
	"errors"
	"fmt"
	"net/netip"
)

// Action is what an SPD entry does with the packets it matches.
type Action uint8

// The actions. The zero value is the safe one.
const (
	Discard Action = iota
	Bypass
	Protect
)

// String returns RFC 4301's word in lower case.
func (a Action) String() string {
	switch a {
	case Discard:
		return "discard"
	case Bypass:
		return "bypass"
	case Protect:
		return "protect"
	}
	return fmt.Sprintf("action %d", uint8(a))
}

// Protocol is a next layer protocol selector: a protocol number, AnyProtocol or OpaqueProtocol.
type Protocol uint16

const (
	// AnyProtocol matches every packet. It is 0, as in an IKEv2 traffic selector.
	AnyProtocol Protocol = 0
	// OpaqueProtocol matches IPv6 fragments whose next layer protocol cannot be known (RFC 4301 4.4.1.1).
	OpaqueProtocol Protocol = 256
)

// The protocols whose header carries what port selectors look at.
const (
	ProtoICMP     = 1
	ProtoTCP      = 6
	ProtoUDP      = 17
	ProtoDCCP     = 33
	ProtoICMPv6   = 58
	ProtoSCTP     = 132
	ProtoMobility = 135
	ProtoUDPLite  = 136
)

// AddrRange is an inclusive range of addresses of one family, without zone.
type AddrRange struct {
	First, Last netip.Addr
}

// PrefixRange returns the addresses of p. An invalid prefix gives an invalid range, which New and NewSelectors refuse.
func PrefixRange(p netip.Prefix) AddrRange {
	if !p.IsValid() {
		return AddrRange{}
	}
	p = p.Masked()
	last := keyOf(p.Addr())
	host := p.Addr().BitLen() - p.Bits()
	last.lo |= onesBelow(min(host, 64))
	last.hi |= onesBelow(max(host-64, 0))
	return AddrRange{p.Addr(), last.addr(p.Addr().Is4())}
}

// PortRange is an inclusive range of ports.
type PortRange struct {
	First, Last uint16
}

// ICMPRange is the range from one ICMP type and code to another, as 16-bit values (RFC 4301 4.4.1.1). Use it in
// Selector.Local with ProtoICMP or ProtoICMPv6.
func ICMPRange(firstType, firstCode, lastType, lastCode uint8) PortRange {
	return PortRange{uint16(firstType)<<8 | uint16(firstCode), uint16(lastType)<<8 | uint16(lastCode)}
}

// MobilityRange is a range of IPv6 Mobility Header types, which stand in the upper octet (RFC 4301 4.4.1.1). Use it in
// Selector.Local with ProtoMobility.
func MobilityRange(first, last uint8) PortRange {
	return PortRange{uint16(first) << 8, uint16(last)<<8 | 0xff}
}

// Ports is a port selector. The zero value is ANY, which encompasses OPAQUE. Otherwise a packet matches when its port is
// in a range, or, with Opaque, when it has no port that can be read. Opaque together with ranges is what an SA with
// NON_FIRST_FRAGMENTS_ALSO carries (RFC 4301 7.3).
type Ports struct {
	Opaque bool
	Ranges []PortRange
}

// Selector is one selector set of RFC 4301 4.4.1.2. All of its fields must match. An empty address list matches every
// address of both families.
type Selector struct {
	Local, Remote           []AddrRange
	Protocol                Protocol
	LocalPorts, RemotePorts Ports
}

// Entry is one entry of the SPD: what the administrator ordered for the packets that match any of the selectors.
type Entry struct {
	VRF       uint16
	Selectors []Selector
	Action    Action
	Tunnel    uint32 // for Protect: the caller's number of the tunnel, returned by lookups
}

// ErrSelector is wrapped by every error about a selector that means nothing.
var ErrSelector = errors.New("invalid selector")

// check refuses a selector that can match nothing or whose meaning is unclear.
func (s *Selector) check() error {
	for _, r := range s.Local {
		if err := r.check("local"); err != nil {
			return err
		}
	}
	for _, r := range s.Remote {
		if err := r.check("remote"); err != nil {
			return err
		}
	}
	if s.Protocol > OpaqueProtocol {
		return fmt.Errorf("%w: protocol %d, expected 0 to 255 or OPAQUE", ErrSelector, s.Protocol)
	}
	if err := s.LocalPorts.check("local", s.Protocol); err != nil {
		return err
	}
	return s.RemotePorts.check("remote", s.Protocol)
}

// check refuses a range of mixed families, with a zone, or upside down.
func (r AddrRange) check(side string) error {
	switch {
	case !r.First.IsValid() || !r.Last.IsValid():
		return fmt.Errorf("%w: %s range %v-%v, expected two addresses", ErrSelector, side, r.First, r.Last)
	case r.First.Zone() != "" || r.Last.Zone() != "":
		return fmt.Errorf("%w: %s range %v-%v, expected no zone", ErrSelector, side, r.First, r.Last)
	case r.First.Is4() != r.Last.Is4() || r.First.Is4In6() || r.Last.Is4In6():
		return fmt.Errorf("%w: %s range %v-%v, expected one family", ErrSelector, side, r.First, r.Last)
	case r.Last.Less(r.First):
		return fmt.Errorf("%w: %s range %v-%v, expected the lower address first", ErrSelector, side, r.First, r.Last)
	}
	return nil
}

// check refuses ranges upside down, and ports without a protocol that has them: RFC 4301 7.1 wants ANY there.
func (p *Ports) check(side string, proto Protocol) error {
	for _, r := range p.Ranges {
		if r.Last < r.First {
			return fmt.Errorf("%w: %s ports %d-%d, expected the lower port first", ErrSelector, side, r.First, r.Last)
		}
	}
	if len(p.Ranges) > 0 && !(proto < OpaqueProtocol && carriesPorts(uint8(proto))) {
		return fmt.Errorf("%w: %s ports with protocol %d, expected a protocol that has ports, or ANY ports",
			ErrSelector, side, proto)
	}
	return nil
}

// carriesPorts reports whether the first octets of the protocol's header are what port selectors compare.
func carriesPorts(proto uint8) bool {
	switch proto {
	case ProtoTCP, ProtoUDP, ProtoDCCP, ProtoSCTP, ProtoUDPLite, ProtoICMP, ProtoICMPv6, ProtoMobility:
		return true
	}
	return false
}
