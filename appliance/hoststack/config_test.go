package hoststack

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// TestBadConfig: New refuses what no stack can be made of, and names it.
func TestBadConfig(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no Send":           {func(c *Config) { c.Send = nil }, "Send is nil"},
		"VRF":               {func(c *Config) { c.Interfaces[0].VRF = 1 }, `"outside": VRF 1`},
		"no MAC":            {func(c *Config) { c.Interfaces[0].MAC = [6]byte{} }, "link address 000000000000"},
		"group MAC":         {func(c *Config) { c.Interfaces[0].MAC[0] = 3 }, "link address 03"},
		"MTU for IPv6":      {func(c *Config) { c.Interfaces[0].MTU = 1279 }, "MTU 1279, expected 1280 to 65535"},
		"MTU for IPv4":      {func(c *Config) { c.Interfaces[1].MTU = 67 }, "MTU 67, expected 68 to 65535"},
		"MTU too large":     {func(c *Config) { c.Interfaces[1].MTU = 65536 }, "MTU 65536"},
		"address twice":     {func(c *Config) { c.Interfaces[1].Addresses = c.Interfaces[0].Addresses }, `192.0.2.1 is interface "outside"'s`},
		"no address":        {func(c *Config) { c.Interfaces[0].Addresses[0] = netip.Prefix{} }, "expected a unicast one"},
		"multicast":         {func(c *Config) { c.Interfaces[0].Addresses[0] = prefix("224.0.0.1/24") }, "224.0.0.1/24"},
		"broadcast":         {func(c *Config) { c.Interfaces[0].Addresses[0] = prefix("255.255.255.255/24") }, "255.255.255.255/24"},
		"loopback":          {func(c *Config) { c.Interfaces[0].Addresses[0] = prefix("::1/128") }, "::1/128"},
		"mapped":            {func(c *Config) { c.Interfaces[0].Addresses[0] = prefix("::ffff:1.2.3.4/128") }, "::ffff:1.2.3.4/128"},
		"route to no port":  {func(c *Config) { c.Routes[0].Interface = 2 }, "interface 2, expected one of 2"},
		"route to nowhere":  {func(c *Config) { c.Routes[0].To = netip.Prefix{} }, "expected an IPv4 or IPv6 prefix"},
		"other family":      {func(c *Config) { c.Routes[0].Via = a6 }, "via 2001:db8::a"},
		"neighbour, port":   {func(c *Config) { c.Static = []Neighbour{{Port: 2, Addr: x4, MAC: macX}} }, "on port 2"},
		"neighbour, group":  {func(c *Config) { c.Static = []Neighbour{{Addr: x4, MAC: broadcast}} }, "at ffffffffffff"},
		"neighbour, nobody": {func(c *Config) { c.Static = []Neighbour{{MAC: macX}} }, "neighbour invalid IP"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{
				Send: func(int, []byte) bool { return true },
				Interfaces: []Interface{
					{Name: "outside", MAC: macA, MTU: 1500, Addresses: []netip.Prefix{prefix("192.0.2.1/24"), prefix("2001:db8::a/64")}},
					{Name: "inside", MAC: macB, MTU: 1500},
				},
				Routes: []Route{{To: prefix("0.0.0.0/0"), Via: b4}},
			}
			c.change(&cfg)
			s, err := New(cfg)
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, expected %q", err, c.want)
			}
		})
	}
}

// TestNoInterfaces: a stack with nothing to answer for does nothing.
func TestNoInterfaces(t *testing.T) {
	s, err := New(Config{Send: func(int, []byte) bool { return true }})
	must(t, err)
	must(t, s.ListenUDP(500, func(Datagram) {}))
	s.Receive(0, []byte{1}, 0)
	s.Close()
}
