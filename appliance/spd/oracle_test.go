package spd

import "net/netip"

// The oracle is RFC 4301 4.4.1.1 read out loud over the exported types: slow, one sentence per line, and sharing no code
// with the compiled form.

// oracleFirst returns the position of the first entry that matches, or NoEntry.
func oracleFirst(entries []Entry, p *Packet, inbound bool) uint32 {
	for i := range entries {
		if entries[i].VRF != p.VRF {
			continue
		}
		for j := range entries[i].Selectors {
			if oracleMatch(&entries[i].Selectors[j], p, inbound) {
				return uint32(i)
			}
		}
	}
	return NoEntry
}

func oracleMatch(s *Selector, p *Packet, inbound bool) bool {
	local, remote, localPort, remotePort := p.Src, p.Dst, p.SrcPort, p.DstPort
	if inbound {
		local, remote, localPort, remotePort = remote, local, remotePort, localPort
	}
	return oracleAddr(s.Local, local) && oracleAddr(s.Remote, remote) && oracleProto(s.Protocol, p) &&
		oraclePort(s.LocalPorts, localPort, p) && oraclePort(s.RemotePorts, remotePort, p)
}

func oracleAddr(rs []AddrRange, a netip.Addr) bool {
	for _, r := range rs {
		if r.First.BitLen() == a.BitLen() && r.First.Compare(a) <= 0 && a.Compare(r.Last) <= 0 {
			return true
		}
	}
	return len(rs) == 0
}

func oracleProto(want Protocol, p *Packet) bool {
	switch {
	case want == AnyProtocol:
		return true
	case p.HiddenProto:
		return want == OpaqueProtocol
	}
	return want == Protocol(p.Proto)
}

func oraclePort(want Ports, port uint16, p *Packet) bool {
	if !want.Opaque && len(want.Ranges) == 0 {
		return true
	}
	if !p.HasPorts {
		return want.Opaque && !p.NoOpaque
	}
	for _, r := range want.Ranges {
		if r.First <= port && port <= r.Last {
			return true
		}
	}
	return false
}
