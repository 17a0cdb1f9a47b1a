package appliance

import (
	"fmt"
	"net/netip"
	"time"

	"stillwater/appliance/config"
	"stillwater/appliance/control"
	"stillwater/appliance/mgmt"
	"stillwater/crypto/esp"
	"stillwater/ike"
	"stillwater/ike/wire"
)

// The engine's words for SAs that are in use.
const (
	ikeUp   = "established"
	childUp = "up"
)

// ending is its words for IKE SAs that nothing will come of.
var ending = map[string]bool{"replaced": true, "closing": true, "failed": true, "closed": true}

// ikeView is an IKE SA as the admin socket shows it; pairs are its Child SAs, and others, as the data plane has them, by inbound
// SPI.
func (a *admin) ikeView(now int64, s *ike.SAStatus, pairs map[uint32]*control.PairStatus) mgmt.IKESA {
	v := mgmt.IKESA{
		Connection: s.Connection, State: s.State, Up: s.State == ikeUp, Ending: ending[s.State], Initiator: s.Initiator, Local: s.Outer.Local, Remote: s.Outer.Remote,
		UDP: s.Outer.UDP, LocalID: s.LocalID, RemoteID: s.RemoteID, SPIi: mgmt.IKESPI(s.SPIi), SPIr: mgmt.IKESPI(s.SPIr),
		Suite: s.Suite.String(), Age: seconds(now - s.Created), RekeyIn: until(now, s.RekeyAt), Rekeys: s.Rekeys, Retransmits: s.Retransmits,
		Children: make([]mgmt.ChildSA, len(s.Children)),
	}
	if s.LastSeen != 0 {
		v.Idle = seconds(now - s.LastSeen)
	}
	for i := range s.Children {
		c := &v.Children[i]
		*c = a.childView(now, s.Connection, &s.Children[i])
		if p := pairs[s.Children[i].SPIIn]; p != nil {
			c.Received, c.Sent = carried(&p.Received), carried(&p.Sent)
		}
	}
	return v
}

// childView is a Child SA as the admin socket shows it.
func (a *admin) childView(now int64, connection string, c *ike.ChildStatus) mgmt.ChildSA {
	v := mgmt.ChildSA{
		Name: c.Name, State: c.State, Up: c.State == childUp, SPIIn: mgmt.SPI(c.SPIIn), SPIOut: mgmt.SPI(c.SPIOut), Suite: c.Suite.String(),
		Lcore: c.Lcore, Fallback: c.Fallback, Mode: a.mode(connection, c), Local: selectorTexts(c.Local), Remote: selectorTexts(c.Remote),
		RekeyIn: until(now, c.RekeyAt),
	}
	if c.ESN {
		v.Suite += "-esn"
	}
	if c.Created != 0 { // it is not up yet
		v.Age = seconds(now - c.Created)
	}
	return v
}

// carried is what an SA has carried as the admin socket shows it.
func carried(c *esp.Counters) mgmt.Carried { return mgmt.Carried{Packets: c.Packets, Octets: c.Octets} }

// mode is the configured mode, where the peer has agreed to IP-TFS, else plain tunnel mode.
func (a *admin) mode(connection string, c *ike.ChildStatus) string {
	conn, err := a.named(connection)
	if err != nil || c.Mode == ike.ModeTunnel {
		return config.ModeTunnel.String()
	}
	for i := range conn.Children {
		if conn.Children[i].Name == c.Name {
			return conn.Children[i].Mode.String()
		}
	}
	return config.ModeAggregate.String()
}

// failureView is a failed negotiation as the admin socket shows it.
func failureView(epoch time.Time, f *ike.Failure) mgmt.Failure {
	v := mgmt.Failure{
		Time: epoch.Add(time.Duration(f.Time)), Connection: f.Connection, Remote: f.Remote.String(), Stage: f.Stage, FromPeer: f.FromPeer,
		Offered: f.Offered, Configured: f.Configured, Key: f.Key, Reason: f.Reason,
	}
	if f.Notify != 0 {
		v.Notify = f.Notify.String()
	}
	return v
}

// seconds of a span in ns, never negative: what it began with may be a step of the control core younger than now.
func seconds(ns int64) float64 { return max(time.Duration(ns), 0).Seconds() }

// until is the wait for a moment, negative when it has passed; nil for never, which the engine writes 0.
func until(now, when int64) *float64 {
	if when == 0 {
		return nil
	}
	s := time.Duration(when - now).Seconds()
	return &s
}

func selectorTexts(list []wire.Selector) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = selectorText(&list[i])
	}
	return out
}

// protocols are those whose names operators know.
var protocols = map[uint8]string{1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp"}

// selectorText is a traffic selector as strongSwan writes one: "10.1.0.0/16[tcp/80-88]".
func selectorText(s *wire.Selector) string {
	text := rangeText(s.First, s.Last)
	if s.Protocol == 0 {
		return text
	}
	protocol := protocols[s.Protocol]
	if protocol == "" {
		protocol = fmt.Sprint(s.Protocol)
	}
	port := func(p uint16) string { return fmt.Sprint(p) }
	if s.Protocol == 1 || s.Protocol == 58 { // RFC 7296 3.13.1: a message type and a code
		port = func(p uint16) string { return fmt.Sprintf("%d(%d)", p>>8, p&0xff) }
	}
	switch {
	case s.StartPort == 0 && s.EndPort == 0xffff:
		return fmt.Sprintf("%s[%s]", text, protocol)
	case s.StartPort > s.EndPort:
		return fmt.Sprintf("%s[%s/opaque]", text, protocol)
	case s.StartPort == s.EndPort:
		return fmt.Sprintf("%s[%s/%s]", text, protocol, port(s.StartPort))
	}
	return fmt.Sprintf("%s[%s/%s-%s]", text, protocol, port(s.StartPort), port(s.EndPort))
}

// rangeText is a range of addresses: as one address, as a prefix where it is one, else by its ends.
func rangeText(first, last netip.Addr) string {
	if first == last {
		return first.String()
	}
	for bits := first.BitLen(); bits >= 0; bits-- {
		p := netip.PrefixFrom(first, bits)
		if !p.Contains(last) {
			continue
		}
		if after := last.Next(); p.Masked().Addr() == first && (!after.IsValid() || !p.Contains(after)) {
			return p.String()
		}
		break
	}
	return fmt.Sprintf("%v-%v", first, last)
}
