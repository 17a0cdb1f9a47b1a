package hoststack

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
)

// toAddress returns netstack's form of a; a zone is dropped, the NIC stands for it.
func toAddress(a netip.Addr) tcpip.Address {
	switch {
	case a.Is4():
		return tcpip.AddrFrom4(a.As4())
	case a.Is6():
		return tcpip.AddrFrom16(a.As16())
	}
	return tcpip.Address{}
}

// fromAddress returns a as the standard library has it.
func fromAddress(a tcpip.Address) netip.Addr {
	addr, _ := netip.AddrFromSlice(a.AsSlice())
	return addr
}

// toPrefix returns netstack's form of p.
func toPrefix(p netip.Prefix) tcpip.AddressWithPrefix {
	return tcpip.AddressWithPrefix{Address: toAddress(p.Addr()), PrefixLen: p.Bits()}
}

// protocolOf returns the network protocol of a.
func protocolOf(a netip.Addr) tcpip.NetworkProtocolNumber {
	if a.Is4() {
		return header.IPv4ProtocolNumber
	}
	return header.IPv6ProtocolNumber
}

// nicOf returns the NIC of a port; NIC 0 means any.
func nicOf(port int) tcpip.NICID { return tcpip.NICID(port + 1) }

// portOf is the reverse of nicOf.
func portOf(nic tcpip.NICID) int { return int(nic) - 1 }
