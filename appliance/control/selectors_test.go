package control

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"stillwater/appliance/config"
	"stillwater/appliance/spd"
	"stillwater/ike/wire"
)

func addrRange(first, last string) config.AddrRange {
	return config.AddrRange{First: netip.MustParseAddr(first), Last: netip.MustParseAddr(last)}
}

// policies are entries of every form that a file can have.
var policies = map[string]config.Policy{
	"networks": {Protocol: config.AnyProtocol, Local: []config.AddrRange{addrRange("10.1.0.0", "10.1.255.255"), addrRange("10.3.0.7", "10.3.0.7")},
		Remote: []config.AddrRange{addrRange("10.2.0.0", "10.2.255.255")}},
	"both families": {Protocol: config.AnyProtocol, Local: []config.AddrRange{addrRange("10.1.0.0", "10.1.0.9"), addrRange("2001:db8:1::", "2001:db8:1::ffff")},
		Remote: []config.AddrRange{addrRange("10.2.0.0", "10.2.0.9"), addrRange("2001:db8:2::", "2001:db8:2::ffff")}},
	"protocol": {Protocol: 47, Local: []config.AddrRange{addrRange("10.1.0.0", "10.1.0.9")}, Remote: []config.AddrRange{addrRange("10.2.0.0", "10.2.0.9")}},
	"ports": {Protocol: spd.ProtoTCP, Local: []config.AddrRange{addrRange("10.1.0.0", "10.1.0.9")}, Remote: []config.AddrRange{addrRange("10.2.0.0", "10.2.0.9")},
		LocalPorts: config.Ports{Ranges: []config.PortRange{{First: 80, Last: 88}, {First: 443, Last: 443}}}, RemotePorts: config.Ports{Ranges: []config.PortRange{{First: 1000, Last: 2000}}}},
	"one side's ports": {Protocol: spd.ProtoUDP, Local: []config.AddrRange{addrRange("10.1.0.0", "10.1.0.9")}, Remote: []config.AddrRange{addrRange("10.2.0.0", "10.2.0.9")},
		RemotePorts: config.Ports{Ranges: []config.PortRange{{First: 53, Last: 53}}}},
	"opaque": {Protocol: spd.ProtoUDP, Local: []config.AddrRange{addrRange("10.1.0.0", "10.1.0.9")}, Remote: []config.AddrRange{addrRange("10.2.0.0", "10.2.0.9")},
		LocalPorts: config.Ports{Opaque: true}, RemotePorts: config.Ports{Opaque: true}},
	"opaque and ports": {Protocol: spd.ProtoUDP, Local: []config.AddrRange{addrRange("10.1.0.0", "10.1.0.9")}, Remote: []config.AddrRange{addrRange("10.2.0.0", "10.2.0.9")},
		LocalPorts: config.Ports{Opaque: true, Ranges: []config.PortRange{{First: 80, Last: 80}}}},
	"ICMP": {Protocol: spd.ProtoICMP, Local: []config.AddrRange{addrRange("10.1.0.0", "10.1.0.9")}, Remote: []config.AddrRange{addrRange("10.2.0.0", "10.2.0.9")},
		ICMP: []config.PortRange{{First: 8 << 8, Last: 8<<8 | 255}, {First: 0, Last: 255}}},
}

// samples are packets on the inside and outside of every edge of policies.
func samples() (out []spd.Packet) {
	addrs := func(texts ...string) (as []netip.Addr) {
		for _, s := range texts {
			as = append(as, netip.MustParseAddr(s))
		}
		return as
	}
	locals := addrs("10.1.0.0", "10.1.0.9", "10.1.0.10", "10.1.255.255", "10.0.255.255", "10.3.0.7", "10.3.0.8", "2001:db8:1::", "2001:db8:1::1:0")
	remotes := addrs("10.2.0.0", "10.2.0.9", "10.2.0.10", "10.2.255.255", "10.4.0.0", "2001:db8:2::ffff", "2001:db8:3::")
	ports := []uint16{0, 8, 53, 79, 80, 88, 89, 443, 255, 256, 1000, 2000, 2001, 8 << 8, 8<<8 | 255, 9 << 8}
	for _, l := range locals {
		for _, r := range remotes {
			if l.Is4() != r.Is4() {
				continue
			}
			for _, protocol := range []uint8{spd.ProtoICMP, spd.ProtoTCP, spd.ProtoUDP, 47} {
				p := spd.Packet{Src: l, Dst: r, Proto: protocol}
				out = append(out, p)
				p.HasPorts = protocol != 47
				for _, a := range ports {
					for _, b := range ports {
						p.SrcPort, p.DstPort = a, b
						if protocol == spd.ProtoICMP {
							p.DstPort = a // type and code stand on both sides
						}
						if p.HasPorts {
							out = append(out, p)
						}
					}
				}
			}
		}
	}
	return out
}

// TestNegotiatedMeansConfigured: what a child offers, taken by the peer as it is, selects the packets that its policy entry
// does, no others.
func TestNegotiatedMeansConfigured(t *testing.T) {
	packets := samples()
	for name, p := range policies {
		t.Run(name, func(t *testing.T) {
			want, err := spd.NewSelectors([]spd.Selector{selector(&p)})
			must(t, err)
			_, got, err := negotiated(trafficSelectors(p.Local, &p, p.LocalPorts), trafficSelectors(p.Remote, &p, p.RemotePorts))
			must(t, err)
			matched := 0
			for i := range packets {
				w := want.Match(&packets[i], false)
				if g := got.Match(&packets[i], false); g != w {
					t.Fatalf("%+v: negotiated %t, configured %t", packets[i], g, w)
				}
				if w {
					matched++
				}
			}
			if matched == 0 || matched == len(packets) {
				t.Errorf("%d of %d packets match: nothing was tested", matched, len(packets))
			}
		})
	}
}

// TestTrafficSelectors writes the special values of RFC 7296 3.13.1: all ports are 0 to 65535, OPAQUE is 65535 to 0, ICMP types
// and codes are ports.
func TestTrafficSelectors(t *testing.T) {
	local := []config.AddrRange{addrRange("10.1.0.0", "10.1.255.255")}
	for _, c := range []struct {
		policy config.Policy
		want   []wire.Selector
	}{
		{config.Policy{Protocol: config.AnyProtocol}, []wire.Selector{{EndPort: 65535}}},
		{config.Policy{Protocol: 6, LocalPorts: config.Ports{Ranges: []config.PortRange{{First: 80, Last: 88}}}}, []wire.Selector{{Protocol: 6, StartPort: 80, EndPort: 88}}},
		{config.Policy{Protocol: 17, LocalPorts: config.Ports{Opaque: true}}, []wire.Selector{{Protocol: 17, StartPort: 65535}}},
		{config.Policy{Protocol: 1, ICMP: []config.PortRange{{First: 0x0800, Last: 0x08ff}}}, []wire.Selector{{Protocol: 1, StartPort: 0x0800, EndPort: 0x08ff}}},
	} {
		for i := range c.want {
			c.want[i].First, c.want[i].Last = local[0].First, local[0].Last
		}
		if got := trafficSelectors(local, &c.policy, c.policy.LocalPorts); !slices.Equal(got, c.want) {
			t.Errorf("%+v: got %+v, expected %+v", c.policy, got, c.want)
		}
	}
}

// TestNegotiatedIsSmall: two lists of networks are one selector, not one for each pair.
func TestNegotiatedIsSmall(t *testing.T) {
	var local, remote []wire.Selector
	for i := range 50 {
		local = append(local, selectors(fmt.Sprintf("10.1.%d.0/24", i))...)
		remote = append(remote, selectors(fmt.Sprintf("10.2.%d.0/24", i))...)
	}
	list, _, err := negotiated(local, remote)
	if err != nil || len(list) != 1 || len(list[0].Local) != 50 || len(list[0].Remote) != 50 {
		t.Errorf("%d selectors, %v", len(list), err)
	}
}

// TestPrefixes writes ranges as the fewest prefixes.
func TestPrefixes(t *testing.T) {
	for _, c := range []struct {
		first, last string
		want        []string
	}{
		{"10.0.0.1", "10.0.0.6", []string{"10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6/32"}},
		{"10.0.0.0", "10.0.0.255", []string{"10.0.0.0/24"}},
		{"10.0.0.7", "10.0.0.7", []string{"10.0.0.7/32"}},
		{"0.0.0.0", "255.255.255.255", []string{"0.0.0.0/0"}},
		{"255.255.255.254", "255.255.255.255", []string{"255.255.255.254/31"}},
		{"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", []string{"::/0"}},
		{"2001:db8::", "2001:db8:0:1:ffff:ffff:ffff:ffff", []string{"2001:db8::/63"}},
	} {
		var got []string
		for _, p := range prefixes(addrRange(c.first, c.last)) {
			got = append(got, p.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s to %s: got %v, expected %v", c.first, c.last, got, c.want)
		}
	}
}

// TestPrefixesCoverRanges: prefixes of random ranges follow each other from end to end, none could be joined with the next.
func TestPrefixesCoverRanges(t *testing.T) {
	random := newRandom(t)
	for range 2000 {
		a, b := random.Uint32()&0xffffff, random.Uint32()&0xffffff
		r := config.AddrRange{First: addr4(min(a, b)), Last: addr4(max(a, b))}
		list := prefixes(r)
		next := r.First
		for i, p := range list {
			if p.Addr() != next || p != p.Masked() {
				t.Fatalf("%v: %v at %v", r, p, next)
			}
			if next = last(p).Next(); i > 0 && p.Bits() == list[i-1].Bits() && netip.PrefixFrom(list[i-1].Addr(), p.Bits()-1).Masked().Contains(p.Addr()) &&
				netip.PrefixFrom(list[i-1].Addr(), p.Bits()-1).Masked().Addr() == list[i-1].Addr() {
				t.Fatalf("%v: %v and %v are one", r, list[i-1], p)
			}
		}
		if next != r.Last.Next() {
			t.Fatalf("%v ends at %v", r, next)
		}
	}
}

func addr4(n uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}
