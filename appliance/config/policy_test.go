package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// gateway is a file without tunnels, for what is refused beside a constant one. %s is the end of a BYPASS entry.
const gateway = `[[port]]
name = "wan"
device = "pcap:rx=a.pcap"
role = "outside"
address = ["192.0.2.1/24"]
[[route]]
to = "10.0.0.0/8"
port = "wan"
[[route]]
to = "0.0.0.0/0"
via = "192.0.2.9"
port = "wan"
[[policy]]
name = "ike"
action = "bypass"
local = ["192.0.2.1"]
remote = ["0.0.0.0/0"]
%s`

// TestSPD053_BypassWithPorts: BYPASS of ports needs stateful fragment checking (RFC 4301 7.4), which is not there.
func TestSPD053_BypassWithPorts(t *testing.T) {
	const want = ` got a selector, expected no ports with bypass: fragments could not be told apart (RFC 4301 7.4)`
	for _, c := range []struct {
		end  string
		want []string
	}{
		{"protocol = \"udp\"\nlocal_port = \"500\"", []string{`19: key "policy.ike.local_port":` + want}},
		{"protocol = \"udp\"\nremote_port = [\"500\", \"4500\"]", []string{`19: key "policy.ike.remote_port":` + want}},
		{"protocol = \"udp\"\nremote_port = \"opaque\"", []string{`19: key "policy.ike.remote_port":` + want}},
		{"protocol = \"icmp\"\nicmp = \"8\"", []string{`19: key "policy.ike.icmp":` + want}},
	} {
		_, err := Parse("f.toml", fmt.Appendf(nil, gateway, c.end))
		checkProblems(t, err, c.want)
	}
	cfg, err := Parse("f.toml", fmt.Appendf(nil, gateway, "protocol = 17"))
	if err != nil {
		t.Fatal(err)
	}
	if p := cfg.Policies[0]; p.Action != ActionBypass || p.Protocol != 17 || p.Local[0] != span("192.0.2.1", "192.0.2.1") {
		t.Errorf("got %+v", p)
	}
	if r := cfg.Routes; r[0].Via.IsValid() || !r[1].Via.IsValid() { // a capture needs no neighbour
		t.Errorf("routes %+v", r)
	}
}

func TestSelectorsOfPolicies(t *testing.T) {
	for _, c := range []struct {
		end  string
		want Policy
	}{
		{`protocol = "sctp"` + "\n" + `local_port = ["opaque", "80", "1000-2000"]`,
			Policy{Protocol: 132, LocalPorts: Ports{Opaque: true, Ranges: []PortRange{{80, 80}, {1000, 2000}}}}},
		{`protocol = "icmpv6"` + "\n" + `icmp = ["128-129", "1/4"]`,
			Policy{Protocol: 58, ICMP: []PortRange{{0x8000, 0x81ff}, {0x0104, 0x0104}}}},
		{`protocol = "icmp"` + "\n" + `icmp = "3/1-5/2"`, Policy{Protocol: 1, ICMP: []PortRange{{0x0301, 0x0502}}}},
		{`icmp = "any"` + "\n" + `remote_port = "any"`, Policy{Protocol: AnyProtocol}},
	} {
		text := strings.Replace(fmt.Sprintf(gateway, c.end), "bypass", "discard", 1)
		cfg, err := Parse("f.toml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got := cfg.Policies[0]
		if got.Protocol != c.want.Protocol || got.LocalPorts.Opaque != c.want.LocalPorts.Opaque ||
			!slices.Equal(got.LocalPorts.Ranges, c.want.LocalPorts.Ranges) || !slices.Equal(got.ICMP, c.want.ICMP) {
			t.Errorf("%s: got %+v, want %+v", c.end, got, c.want)
		}
	}
}

// TestTunnelWithoutParts: a tunnel needs a policy and an SA, also when it says that it has none.
func TestTunnelWithoutParts(t *testing.T) {
	text := fmt.Sprintf(gateway, "[[tunnel]]\nname = \"t\"\nlocal = \"192.0.2.1\"\nremote = \"198.51.100.1\"\npolicy = []")
	_, err := Parse("f.toml", []byte(text))
	checkProblems(t, err, []string{
		`18: key "tunnel.t.sa": got no value, expected this key, it is required: a pair of static SAs; one lcore owns it`,
		`22: key "tunnel.t.policy": got an empty array, expected at least one table: traffic that the tunnel carries`,
	})
}

// TestFollowUpsAreQuiet: a port that was refused brings no problems of what needs it.
func TestFollowUpsAreQuiet(t *testing.T) {
	_, err := Parse("f.toml", replaced(t, 11, `adress = ["192.0.2.1/24"]`))
	checkProblems(t, err, []string{
		`11: key "port.wan.adress": got an unknown key, expected ` + wantKeys + `; nearest valid key: "address"`,
	})
}

// TestValuesForTables: rules that look at another table find it also where the file has a value in its place.
func TestValuesForTables(t *testing.T) {
	good := strings.Replace(string(readTestdata(t, "good.toml")), "[system]\nname = \"gw1\"\nlcores = 2\n", "", 1)
	_, err := Parse("f.toml", []byte("system = 1\nike = true\nadmin = []\n"+good))
	checkProblems(t, err, []string{
		`1: key "system": got 1, expected a table, [system]`,
		`2: key "ike": got true, expected a table, [ike]`,
		`3: key "admin": got an array, expected a table, [admin]`,
	})
}
