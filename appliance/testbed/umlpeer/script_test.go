package umlpeer

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// prefixes parses a list.
func prefixes(list ...string) (ps []netip.Prefix) {
	for _, s := range list {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}

// connection is a valid one for the tests to spoil.
func connection() Connection {
	return Connection{Kernel: netip.MustParseAddr("192.0.2.1"), Ours: netip.MustParseAddr("192.0.2.2"), Mode: IPTFS,
		In:    SA{SPI: 0x1001, Key: []byte{1, 2}},
		Out:   SA{SPI: 0x2001, Key: []byte{3, 4}, ESN: true, Encap: &Encap{Source: 4500, Destination: 4501}, Alg: "null", Flags: "-init-delay 2000"},
		Inner: []Subnets{{netip.MustParsePrefix("10.9.0.0/24"), netip.MustParsePrefix("10.9.1.0/24")}}}
}

// The commands are those the kit's README documents, in an order in which each finds what it needs.
func TestScript(t *testing.T) {
	c := connection()
	other := c
	other.In.SPI, other.Out.SPI, other.Mode = 0x1002, 0x2002, Tunnel
	other.Out.Encap = &Encap{Source: 1, Destination: 2, TCP: true}
	other.Inner = []Subnets{{netip.MustParsePrefix("fd00:9::/64"), netip.MustParsePrefix("fd00:10::/64")}}
	got, err := Scenario{MTU: 9000, Outer: prefixes("192.0.2.1/24"), Inner: prefixes("10.9.0.1/24"),
		Connections: []Connection{c, other}, Extra: []string{"echo 7"}}.Script()
	if err != nil {
		t.Fatal(err)
	}
	want := `link vec0 mtu 9000 up
dummy d0
addr vec0 192.0.2.1/24
addr d0 10.9.0.1/24
neigh vec0 192.0.2.2 52:54:00:00:00:02
sa -dir in -src 192.0.2.2 -dst 192.0.2.1 -spi 0x1001 -key 0102 -mode iptfs -reqid 1
sa -dir out -src 192.0.2.1 -dst 192.0.2.2 -spi 0x2001 -key 0304 -mode iptfs -reqid 1 -alg null -esn -encap 4500:4501 -init-delay 2000
pol -dir out -s 10.9.0.0/24 -d 10.9.1.0/24 -tsrc 192.0.2.1 -tdst 192.0.2.2 -mode iptfs -reqid 1
pol -dir in -s 10.9.1.0/24 -d 10.9.0.0/24 -tsrc 192.0.2.2 -tdst 192.0.2.1 -mode iptfs -reqid 1
route 10.9.1.0/24 dev vec0 src 10.9.0.1
sa -dir in -src 192.0.2.2 -dst 192.0.2.1 -spi 0x1002 -key 0102 -mode tunnel -reqid 2
sa -dir out -src 192.0.2.1 -dst 192.0.2.2 -spi 0x2002 -key 0304 -mode tunnel -reqid 2 -alg null -esn -encap 1:2:tcp -init-delay 2000
pol -dir out -s fd00:9::/64 -d fd00:10::/64 -tsrc 192.0.2.1 -tdst 192.0.2.2 -mode tunnel -reqid 2
pol -dir in -s fd00:10::/64 -d fd00:9::/64 -tsrc 192.0.2.2 -tdst 192.0.2.1 -mode tunnel -reqid 2
route fd00:10::/64 dev vec0
echo 7
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestScriptRefuses(t *testing.T) {
	for want, spoil := range map[string]func(c *Connection){
		"expected two of one family":              func(c *Connection) { c.Ours = netip.MustParseAddr("2001:db8::2") },
		"outer addresses invalid IP":              func(c *Connection) { c.Kernel = netip.Addr{} },
		`mode "transport": expected iptfs`:        func(c *Connection) { c.Mode = "transport" },
		"spi 0xff: expected 0x100 or more":        func(c *Connection) { c.Out.SPI = 255 },
		"spi 0x1001: no key":                      func(c *Connection) { c.In.Key = nil },
		"the guest does not receive ESP in UDP":   func(c *Connection) { c.In.Encap = &Encap{} },
		"no inner networks":                       func(c *Connection) { c.Inner = nil },
		"inner networks 10.9.0.0/24 and fd00::/8": func(c *Connection) { c.Inner[0].Ours = netip.MustParsePrefix("fd00::/8") },
	} {
		c := connection()
		spoil(&c)
		_, err := Scenario{Connections: []Connection{connection(), c}}.Script()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "connection 1: ") {
			t.Errorf("%v, expected connection 1: ... %s", err, want)
		}
	}
}
