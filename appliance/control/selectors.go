package control

import (
	"fmt"

	"stillwater/appliance/config"
	"stillwater/appliance/spd"
	"stillwater/ike/wire"
)

// actions maps policy actions. A missing row would be Discard, the safe one.
var actions = map[config.Action]spd.Action{
	config.ActionDiscard: spd.Discard, config.ActionBypass: spd.Bypass, config.ActionProtect: spd.Protect,
}

// selector turns a policy entry of the file into one of package spd.
func selector(p *config.Policy) spd.Selector {
	s := spd.Selector{Local: ranges(p.Local), Remote: ranges(p.Remote), LocalPorts: ports(p.LocalPorts), RemotePorts: ports(p.RemotePorts)}
	if p.Protocol != config.AnyProtocol {
		s.Protocol = spd.Protocol(p.Protocol)
	}
	if len(p.ICMP) > 0 {
		icmp := ports(config.Ports{Ranges: p.ICMP})
		s.LocalPorts, s.RemotePorts = icmp, icmp
	}
	return s
}

func ranges(in []config.AddrRange) []spd.AddrRange {
	out := make([]spd.AddrRange, 0, len(in))
	for _, r := range in {
		out = append(out, spd.AddrRange{First: r.First, Last: r.Last})
	}
	return out
}

func ports(in config.Ports) spd.Ports {
	out := spd.Ports{Opaque: in.Opaque}
	for _, r := range in.Ranges {
		out.Ranges = append(out.Ranges, spd.PortRange{First: r.First, Last: r.Last})
	}
	return out
}

// staticSelectors compiles the traffic selectors that every packet out of static tunnel i must match.
func staticSelectors(cfg *config.Config, i int) (*spd.Selectors, error) {
	var list []spd.Selector
	for _, p := range cfg.PoliciesOf(i) {
		list = append(list, selector(&p))
	}
	return spd.NewSelectors(list)
}

// The port values of a traffic selector that mean something of their own (RFC 7296 3.13.1).
const (
	anyEnd = 0xffff
	opaque = 0xffff // as start port, with end port 0
)

// trafficSelectors is one side of a policy entry as IKE sends it: each range with each range of ports.
func trafficSelectors(addrs []config.AddrRange, p *config.Policy, pp config.Ports) []wire.Selector {
	if len(p.ICMP) > 0 {
		pp = config.Ports{Ranges: p.ICMP}
	}
	var out []wire.Selector
	for _, a := range addrs {
		s := wire.Selector{First: a.First, Last: a.Last, EndPort: anyEnd}
		if p.Protocol != config.AnyProtocol {
			s.Protocol = uint8(p.Protocol)
		}
		if !pp.Opaque && len(pp.Ranges) == 0 {
			out = append(out, s)
		}
		for _, r := range pp.Ranges {
			s.StartPort, s.EndPort = r.First, r.Last
			out = append(out, s)
		}
		if pp.Opaque {
			s.StartPort, s.EndPort = opaque, 0
			out = append(out, s)
		}
	}
	return out
}

// negotiated compiles the selectors of a bundle: a packet matches when its local side is in one selector, its remote side in
// another of the same protocol (RFC 7296 2.9).
func negotiated(local, remote []wire.Selector) ([]spd.Selector, *spd.Selectors, error) {
	var list []spd.Selector
	for _, l := range group(local) {
		for _, r := range group(remote) {
			protocol := l.protocol
			if protocol == 0 {
				protocol = r.protocol
			}
			if r.protocol != 0 && r.protocol != protocol {
				continue
			}
			s := spd.Selector{Local: l.addrs, Remote: r.addrs, LocalPorts: l.ports, RemotePorts: r.ports}
			if protocol != 0 {
				s.Protocol = spd.Protocol(protocol)
			}
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil, nil, fmt.Errorf("%d local and %d remote traffic selectors: %w: they have no protocol in common", len(local), len(remote), errRefused)
	}
	match, err := spd.NewSelectors(list)
	return list, match, err
}

// side is the selectors of one side with equal protocol and ports.
type side struct {
	protocol   uint8
	start, end uint16
	addrs      []spd.AddrRange
	ports      spd.Ports
}

// group joins selectors that differ in addresses only, so that two lists of networks are one spd.Selector and not one for
// each pair.
func group(list []wire.Selector) (out []side) {
next:
	for _, s := range list {
		addr := spd.AddrRange{First: s.First, Last: s.Last}
		for i := range out {
			if g := &out[i]; g.protocol == s.Protocol && g.start == s.StartPort && g.end == s.EndPort {
				g.addrs = append(g.addrs, addr)
				continue next
			}
		}
		out = append(out, side{s.Protocol, s.StartPort, s.EndPort, []spd.AddrRange{addr}, selectorPorts(s)})
	}
	return out
}

func selectorPorts(s wire.Selector) spd.Ports {
	switch {
	case s.StartPort == opaque && s.EndPort == 0:
		return spd.Ports{Opaque: true}
	case s.StartPort == 0 && s.EndPort == anyEnd:
		return spd.Ports{}
	}
	return spd.Ports{Ranges: []spd.PortRange{{First: s.StartPort, Last: s.EndPort}}}
}
