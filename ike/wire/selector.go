package wire

import (
	"encoding/binary"
	"net/netip"
)

// The types of traffic selector that are read, and their lengths in octets (RFC 7296 3.13.1).
const (
	selectorIPv4 = 7
	selectorIPv6 = 8

	selectorLen4 = 16
	selectorLen6 = 40
)

// Selector is a range of addresses and ports (RFC 7296 3.13.1), both ends included. A value.
//
// All ports are 0 to 65535; 65535 to 0 is OPAQUE, packets without a port. For ICMP a port is type<<8|code. Protocol 0 is
// any and has all ports. First and Last are of one family; an IPv4-mapped IPv6 address is IPv6.
type Selector struct {
	Protocol           uint8
	StartPort, EndPort uint16
	First, Last        netip.Addr
}

// selectorLength returns the length of the selector at the start of b, whatever its type.
func selectorLength(b []byte) (int, *Error) {
	if len(b) < 4 {
		return 0, syntax(0, "expected a selector of 4 octets or more", len(b))
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < 4 || n > len(b) {
		return 0, syntax(2, "expected a selector that ends in the payload", n)
	}
	return n, nil
}

// knownSelector reports whether selectors of the type are read. RFC 9478 labels and Fibre Channel are not.
func knownSelector(t byte) bool { return t == selectorIPv4 || t == selectorIPv6 }

// parseSelector reads a selector of known type that fills b.
func parseSelector(b []byte) (Selector, *Error) {
	want := selectorLen4
	if b[0] == selectorIPv6 {
		want = selectorLen6
	}
	if len(b) != want {
		return Selector{}, syntax(2, "expected 16 octets for IPv4, 40 for IPv6", len(b))
	}
	s := Selector{Protocol: b[1], StartPort: binary.BigEndian.Uint16(b[4:]), EndPort: binary.BigEndian.Uint16(b[6:])}
	half := 8 + (want-8)/2
	s.First, _ = netip.AddrFromSlice(b[8:half])
	s.Last, _ = netip.AddrFromSlice(b[half:])
	return s, s.check()
}

// check tests the ranges of a parsed selector.
func (s *Selector) check() *Error {
	opaque := s.StartPort == 0xffff && s.EndPort == 0
	anyPort := s.StartPort == 0 && s.EndPort == 0xffff
	switch {
	case s.Protocol == 0 && !anyPort:
		return syntax(4, "expected ports 0 to 65535 for protocol 0", int(s.StartPort))
	case s.StartPort > s.EndPort && !opaque:
		return syntax(4, "expected a start port not above the end port", int(s.StartPort))
	case s.Last.Less(s.First):
		return syntax(8, "expected a first address not above the last", 1)
	}
	return nil
}

// append appends the selector; nil when its addresses are not of one family.
func (s Selector) append(b []byte) []byte {
	kind, n := byte(selectorIPv6), byte(selectorLen6)
	if s.First.Is4() {
		kind, n = selectorIPv4, selectorLen4
	}
	if !s.First.IsValid() || s.First.BitLen() != s.Last.BitLen() {
		return nil
	}
	b = append(b, kind, s.Protocol, 0, n)
	b = binary.BigEndian.AppendUint16(b, s.StartPort)
	b = binary.BigEndian.AppendUint16(b, s.EndPort)
	return appendAddr(appendAddr(b, s.First), s.Last)
}

// appendAddr appends the 4 or 16 octets of a.
func appendAddr(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		v := a.As4()
		return append(b, v[:]...)
	}
	v := a.As16()
	return append(b, v[:]...)
}
