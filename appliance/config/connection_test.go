package config

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stillwater/crypto/suite"
)

// cupboard is a source that holds the secrets and files of testdata/connections.toml.
type cupboard struct{ noFiles }

// theSecret is what is in office.psk.
const theSecret = "the quick brown fox jumps"

func (cupboard) secret(name string) (Key, error) {
	if name != "office.psk" {
		return Key{}, os.ErrNotExist
	}
	return NewKey([]byte(theSecret)), nil
}

func (cupboard) find(name string, private bool) (string, error) {
	switch {
	case slices.Contains([]string{"gw.crt", "ca.crt", "ca.crl", "sub.crl"}, name):
		return "/etc/" + name, nil
	case name == "/keys/gw.key" && private:
		return name, nil
	}
	return "", errors.New("no such file or directory")
}

// parseConnections reads an appliance's file beside the cupboard.
func parseConnections(text string) (*Config, error) {
	return (&reader{file: "f.toml", files: cupboard{}}).config([]byte(text))
}

// wantConnections are those of testdata/connections.toml as a reader of the file understands it.
func wantConnections(t *testing.T) []Connection {
	ike := func(s string) suite.IKEProposal { return parsed(t, suite.ParseIKEProposal, s) }
	traffic := Traffic{OuterPacketSize: 1500, L2Overhead: 38, MinFragment: 40, WindowSize: 3, MaxAggregationTime: 10 * time.Millisecond, ReplayWindow: 1984, TTL: 64}
	narrow := traffic
	narrow.OuterPacketSize, narrow.MinFragment, narrow.ReplayWindow, narrow.TTL = 1400, 64, 4096, 63
	return []Connection{{
		Name: "office", Local: netip.MustParseAddr("192.0.2.1"), Remote: []AddrRange{span("198.51.100.2", "198.51.100.2")},
		LocalID: "a.example.org", RemoteID: "b.example.org", PSK: NewKey([]byte(theSecret)), Proposals: suite.DefaultIKE(),
		StartAction: StartNow, PerResourceSAs: PerResourceAuto, FragmentSize: 1280, RekeyTime: 4 * time.Hour, OverTime: 24 * time.Minute,
		RekeyJitter: 10, DPDDelay: 30 * time.Second, RetransmitTimeout: 2 * time.Second, RetransmitTries: 7,
		Children: []ConnectionChild{{Name: "net", Policy: 0, Traffic: traffic, Proposals: suite.DefaultESP(),
			Rekey: ChildLifetime{Time: time.Hour, HardTime: 66 * time.Minute, Jitter: 10}}},
	}, {
		Name: "mobile", Local: netip.MustParseAddr("192.0.2.1"), Remote: []AddrRange{span("0.0.0.0", "255.255.255.255")}, Encap: UDPForce,
		LocalID: "192.0.2.1", RemoteID: "*.example.org", LocalAuth: AuthPubkey, RemoteAuth: AuthPubkey,
		CertFile: "/etc/gw.crt", KeyFile: "/keys/gw.key", CAFiles: []string{"/etc/ca.crt"}, CRLFiles: []string{"/etc/ca.crl", "/etc/sub.crl"},
		CRL: CRLStrict, Signatures: []string{"ecdsa-sha384", "rsa-pss-sha256"},
		Proposals: []suite.IKEProposal{ike("aes256gcm16-prfsha384-ecp384"), ike("aes256-sha256-modp2048")},
		Unique:    UniqueNever, Childless: ChildlessForce, IPTFS: IPTFSRequire, PerResourceSAs: 3, FragmentSize: 1400,
		RekeyTime: 24 * time.Hour, OverTime: 30 * time.Minute, RetransmitTimeout: 500 * time.Millisecond, RetransmitTries: 5,
		Children: []ConnectionChild{{Name: "net", Policy: 1, Traffic: narrow, IPTFS: IPTFSRequire,
			Proposals: []suite.ESPProposal{parsed(t, suite.ParseESPProposal, "aes128gcm16-x25519-esn")},
			Rekey:     ChildLifetime{Time: 10 * time.Minute, HardTime: time.Hour, Bytes: 1000, HardBytes: 2000, Packets: 100, HardPackets: 110, Jitter: 50}}},
	}}
}

// parsed returns a proposal.
func parsed[P any](t *testing.T, parse func(string) (P, error), s string) P {
	t.Helper()
	p, err := parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestGoodConnections(t *testing.T) {
	got, err := parseConnections(string(readTestdata(t, "connections.toml")))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(wantConnections(t), got.Connections, sameKey, sameAddr); d != "" {
		t.Errorf("connections: -want +got\n%s", d)
	}
	all := []AddrRange{span("0.0.0.0", "255.255.255.255")}
	wantSPD := []Policy{
		{Name: "office/net", Action: ActionProtect, Tunnel: -1, Connection: 0, Child: 0, Protocol: AnyProtocol,
			Local: []AddrRange{span("10.1.0.0", "10.1.255.255")}, Remote: []AddrRange{span("10.2.0.0", "10.2.255.255")}},
		{Name: "mobile/net", Action: ActionProtect, Tunnel: -1, Connection: 1, Child: 0, Protocol: 6,
			Local:  []AddrRange{span("10.1.0.0", "10.1.255.255"), span("10.7.0.0", "10.7.255.255")},
			Remote: []AddrRange{span("10.9.0.0", "10.9.255.255")}, RemotePorts: Ports{Ranges: []PortRange{{443, 443}}}},
		{Name: "rest", Tunnel: -1, Connection: -1, Child: -1, Protocol: AnyProtocol, Local: all, Remote: all},
	}
	if d := cmp.Diff(wantSPD, got.Policies, sameAddr); d != "" {
		t.Errorf("SPD: -want +got\n%s", d)
	}
	wantIKE := IKE{HalfOpenCookies: 30, HalfOpenPerSource: 5, HalfOpenTotal: 2000, Workers: 2}
	if got.IKE != wantIKE || got.Admin.Socket != "" || got.Warnings != nil || got.UnsafeStaticKeys {
		t.Errorf("got %+v, %+v, warnings %q", got.IKE, got.Admin, got.Warnings)
	}
}

// gatewayPorts is what a file needs beside a connection.
const gatewayPorts = `[[port]]
name = "wan"
device = "afpacket:eth0"
role = "outside"
address = ["192.0.2.1/24"]
[[port]]
name = "lan"
device = "afpacket:eth1"
role = "inside"
address = ["10.1.0.1/16"]
`

// twelve is a whole tunnel in twelve lines.
const twelve = `[[connection]]
name = "office"
local = "192.0.2.1"
remote = "192.0.2.2"
local_id = "a.example.org"
remote_id = "b.example.org"
psk_file = "office.psk"
[[connection.child]]
name = "net"
local_ts = ["10.1.0.0/16"]
remote_ts = ["10.2.0.0/16"]
mode = "aggregate"
`

// TestTwelveLines: a tunnel takes no more, with its secret in a file beside it, and no neighbour.
func TestTwelveLines(t *testing.T) {
	if n := strings.Count(twelve, "\n"); n > 12 {
		t.Fatalf("the example has %d lines", n)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "office.psk"), []byte(theSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "gw.toml")
	if err := os.WriteFile(name, []byte(gatewayPorts+twelve), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	n := &c.Connections[0]
	if string(n.PSK.Bytes()) != theSecret || n.Children[0].Mode != ModeAggregate || n.Children[0].IPTFS != IPTFSPrefer || len(c.Warnings) != 0 {
		t.Errorf("got %+v, warnings %q", n, c.Warnings)
	}
	if p, ok := n.Peer(); !ok || p != netip.MustParseAddr("192.0.2.2") || !n.Accepts(p) || n.Accepts(n.Local) {
		t.Errorf("peer %v, %v", p, ok)
	}
}

// edited returns the twelve lines behind the ports, with one line changed; no new text removes it.
func edited(t *testing.T, old, text string) string {
	t.Helper()
	if !strings.Contains(twelve, old+"\n") {
		t.Fatalf("no line %q", old)
	}
	if text != "" {
		text += "\n"
	}
	return gatewayPorts + strings.Replace(twelve, old+"\n", text, 1)
}

// TestConnectionDefaults: what follows from other keys.
func TestConnectionDefaults(t *testing.T) {
	for _, c := range []struct {
		name, old, text string
		want            string // of show
	}{
		{"as it is", `name = "net"`, `name = "net"`, "192.0.2.1 a.example.org b.example.org start none -1 aggregate prefer 1h6m0s"},
		{"no identities", "local_id = \"a.example.org\"\nremote_id = \"b.example.org\"", "", "192.0.2.1 192.0.2.1 192.0.2.2 start none -1 aggregate prefer 1h6m0s"},
		{"no own address", `local = "192.0.2.1"`, "", "192.0.2.1 a.example.org b.example.org start none -1 aggregate prefer 1h6m0s"},
		{"prefix", `remote = "192.0.2.2"`, `remote = "198.51.100.0/24"`, "192.0.2.1 a.example.org b.example.org none none 0 aggregate prefer 1h6m0s"},
		{"two addresses", `remote = "192.0.2.2"`, `remote = ["192.0.2.2", "192.0.2.3"]`, "192.0.2.1 a.example.org b.example.org none none 0 aggregate prefer 1h6m0s"},
		{"anywhere, no own address", "local = \"192.0.2.1\"\nremote = \"192.0.2.2\"", `remote = "%any"`, "192.0.2.1 a.example.org b.example.org none none 0 aggregate prefer 1h6m0s"},
		{"RSC-008 one lcore", "[[connection]]", "[system]\nlcores = 1\n[[connection]]", "192.0.2.1 a.example.org b.example.org start none 0 aggregate prefer 1h6m0s"},
		{"auto by name", "psk_file = \"office.psk\"", "psk_file = \"office.psk\"\nper_resource_sas = \"auto\"", "192.0.2.1 a.example.org b.example.org start none -1 aggregate prefer 1h6m0s"},
		{"off by name", "psk_file = \"office.psk\"", "psk_file = \"office.psk\"\nper_resource_sas = \"off\"", "192.0.2.1 a.example.org b.example.org start none 0 aggregate prefer 1h6m0s"},
		{"never rekeyed", `name = "net"`, "name = \"net\"\nrekey_time = \"0\"", "192.0.2.1 a.example.org b.example.org start none -1 aggregate prefer 0s"},
		{"plain child", `mode = "aggregate"`, `mode = "tunnel"`, "192.0.2.1 a.example.org b.example.org start none -1 tunnel off 1h6m0s"},
		{"no iptfs", "psk_file = \"office.psk\"\n[[connection.child]]\nname = \"net\"\nlocal_ts = [\"10.1.0.0/16\"]\nremote_ts = [\"10.2.0.0/16\"]\nmode = \"aggregate\"",
			"psk_file = \"office.psk\"\niptfs = \"off\"\n[[connection.child]]\nname = \"net\"\nlocal_ts = [\"10.1.0.0/16\"]\nremote_ts = [\"10.2.0.0/16\"]",
			"192.0.2.1 a.example.org b.example.org start none -1 tunnel off 1h6m0s"},
		{"constant", `mode = "aggregate"`, "mode = \"constant\"\npath_is_mine = true\nl3_fixed_rate = \"1m\"",
			"192.0.2.1 a.example.org b.example.org start none -1 constant require 1h6m0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := parseConnections(edited(t, c.old, c.text))
			if err != nil {
				t.Fatal(err)
			}
			n := &cfg.Connections[0]
			h := &n.Children[0]
			got := fmt.Sprint(n.Local, " ", n.LocalID, " ", n.RemoteID, " ", n.StartAction, n.CloseAction, " ", n.PerResourceSAs, " ", h.Mode, h.IPTFS, h.Rekey.HardTime)
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestAuthMethods: the files tell how the sides authenticate, unless the file does.
func TestAuthMethods(t *testing.T) {
	const certificate = "cert_file = \"gw.crt\"\nkey_file = \"/keys/gw.key\"\n"
	const authority = "ca_file = [\"ca.crt\"]\n"
	const secret = "psk_file = \"office.psk\"\n"
	for _, c := range []struct {
		text          string
		local, remote AuthMethod
		psk           bool
	}{
		{secret, AuthPSK, AuthPSK, true},
		{"auth = \"psk\"\n" + secret, AuthPSK, AuthPSK, true},
		{certificate + authority, AuthPubkey, AuthPubkey, false},
		{"auth = \"pubkey\"\n" + certificate + authority, AuthPubkey, AuthPubkey, false},
		{"local_auth = \"pubkey\"\nremote_auth = \"psk\"\n" + certificate + secret, AuthPubkey, AuthPSK, true},
		{"local_auth = \"psk\"\nremote_auth = \"pubkey\"\n" + secret + authority, AuthPSK, AuthPubkey, true},
		{"auth = \"psk\"\nremote_auth = \"pubkey\"\n" + secret + authority, AuthPSK, AuthPubkey, true},
	} {
		cfg, err := parseConnections(edited(t, `psk_file = "office.psk"`, strings.TrimSuffix(c.text, "\n")))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		n := &cfg.Connections[0]
		if n.LocalAuth != c.local || n.RemoteAuth != c.remote || n.PSK.Len() > 0 != c.psk {
			t.Errorf("%s: got %v and %v, secret %v", c.text, n.LocalAuth, n.RemoteAuth, n.PSK)
		}
	}
}

// TestConnectionsNeedNoNeighbour: the host stack resolves link addresses, but a static tunnel beside them has to know its own.
func TestConnectionsNeedNoNeighbour(t *testing.T) {
	const route = "[[route]]\nto = \"0.0.0.0/0\"\nvia = \"192.0.2.254\"\nport = \"wan\"\n"
	if _, err := parseConnections(gatewayPorts + route + strings.Replace(twelve, "192.0.2.2", "198.51.100.2", 1)); err != nil {
		t.Error(err)
	}
	_, err := parseConnections(gatewayPorts + route)
	checkProblems(t, err, []string{`13: key "route[1].via": got "192.0.2.254", expected a [[neighbour]] with this address on port "wan": its link address is needed`})
}

// TestConnectionsInPolicyOrder: SPD-001, children take part in the order of the file.
func TestConnectionsInPolicyOrder(t *testing.T) {
	const between = "[[policy]]\nname = \"between\"\naction = \"discard\"\nlocal = [\"10.1.0.0/24\"]\nremote = [\"10.2.0.0/16\"]\n"
	text := edited(t, `[[connection.child]]`, "[[connection.child]]\nname = \"first\"\nlocal_ts = [\"10.1.1.0/24\"]\nremote_ts = [\"10.2.0.0/16\"]\n"+between+"[[connection.child]]")
	c, err := parseConnections(text)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range c.Policies {
		got = append(got, fmt.Sprint(p.Name, p.Connection, p.Child))
	}
	want := []string{"office/first0 0", "between-1 -1", "office/net0 1"}
	if d := cmp.Diff(want, got); d != "" || c.Connections[0].Children[1].Policy != 2 || c.PolicyOf(0, 1).Name != "office/net" {
		t.Errorf("SPD-001 child 2 has entry %d, -want +got\n%s", c.Connections[0].Children[1].Policy, d)
	}
}

// TestLIM16_Retransmission: by default an established peer has at least 165 s to answer. Each wait is 1.8 times the one before,
// 60 s at most.
func TestLIM16_Retransmission(t *testing.T) {
	c, err := parseConnections(gatewayPorts + twelve)
	if err != nil {
		t.Fatal(err)
	}
	n := &c.Connections[0]
	total, wait := 0.0, n.RetransmitTimeout.Seconds()
	for range 1 + n.RetransmitTries {
		total += wait
		wait = min(wait*1.8, 60)
	}
	if total < 165 || n.RetransmitTimeout != 2*time.Second {
		t.Errorf("%v and %d tries take %.0f s", n.RetransmitTimeout, n.RetransmitTries, total)
	}
}

// TestLIM07_HalfOpenDefaults: cookies from 30 half-open IKE SAs in all, refusal from 5 of one address, and a cap.
func TestLIM07_HalfOpenDefaults(t *testing.T) {
	c, err := parseConnections(gatewayPorts)
	if err != nil {
		t.Fatal(err)
	}
	if c.IKE.HalfOpenCookies != 30 || c.IKE.HalfOpenPerSource != 5 || c.IKE.HalfOpenTotal < 30 {
		t.Errorf("got %+v", c.IKE)
	}
}
