package ike

import (
	"fmt"
	"net/netip"
	"strings"

	"stillwater/ike/wire"
)

// protocolNames are the protocols that operators know by name; others go by number.
var protocolNames = map[uint8]string{1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}

// describePair is the selectors of both sides, this end's first: "10.1.0.0/16 = 10.2.0.0/16[tcp/80]".
func describePair(local, remote []wire.Selector) string {
	return describeSelectors(local) + " = " + describeSelectors(remote)
}

func describeSelectors(list []wire.Selector) string {
	words := make([]string, len(list))
	for i, s := range list {
		words[i] = describeAddresses(s.First, s.Last) + describePorts(s)
	}
	return strings.Join(words, ", ")
}

// describeAddresses is a prefix where the range is one.
func describeAddresses(first, last netip.Addr) string {
	for bits := range first.BitLen() + 1 {
		if p := netip.PrefixFrom(first, bits); p.Masked().Addr() == first && lastOf(p) == last {
			return p.String()
		}
	}
	return first.String() + "-" + last.String()
}

// describePorts is protocol and ports, empty where all are meant.
func describePorts(s wire.Selector) string {
	if s.Protocol == 0 && anyPort(s) {
		return ""
	}
	name, ok := protocolNames[s.Protocol]
	if !ok {
		name = fmt.Sprint(s.Protocol)
	}
	switch {
	case anyPort(s):
		return "[" + name + "]"
	case opaque(s):
		return "[" + name + "/opaque]"
	case s.StartPort == s.EndPort:
		return fmt.Sprintf("[%s/%d]", name, s.StartPort)
	}
	return fmt.Sprintf("[%s/%d-%d]", name, s.StartPort, s.EndPort)
}
