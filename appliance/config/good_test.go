package config

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sameKey and the comparers of netip let cmp look into a Config.
var (
	sameKey  = cmp.Comparer(func(a, b Key) bool { return a.Equal(b) })
	sameAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	samePfx  = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
)

// counting returns the key whose octets count up from first.
func counting(first byte, n int) Key {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return NewKey(b)
}

// span returns the range between two addresses.
func span(first, last string) AddrRange {
	return AddrRange{netip.MustParseAddr(first), netip.MustParseAddr(last)}
}

// wantGood is testdata/good.toml as a reader of the file understands it, but for the third SA's keys.
func wantGood() *Config {
	addr, pfx := netip.MustParseAddr, netip.MustParsePrefix
	all4 := span("0.0.0.0", "255.255.255.255")
	plain := Tunnel{Local: addr("192.0.2.1"), Traffic: Traffic{
		L2Overhead: 38, MinFragment: 40, WindowSize: 3, MaxAggregationTime: 10 * time.Millisecond, ReplayWindow: 1984, TTL: 64,
	}}
	office, lab := plain, plain
	office.Name, office.Remote, office.Mode, office.OuterPacketSize = "office", addr("198.51.100.1"), ModeConstant, 1400
	office.PathIsMine, office.Rate = true, Rate{RateL3, 1_000_000_000}
	office.SAs = []SA{
		{SPIIn: 0x1001, SPIOut: 0x2001, Encr: "aes128gcm16", KeyIn: counting(0, 20), KeyOut: counting(0x20, 20), ESN: true},
		{SPIIn: 0x1002, SPIOut: 0x2002, Encr: "aes128", Integ: "sha256", KeyIn: counting(0x40, 48), KeyOut: counting(0x80, 48)},
	}
	lab.Name, lab.Remote, lab.OuterPacketSize = "lab", addr("198.51.100.2"), 1500
	lab.SAs = []SA{{SPIIn: 0x1003, SPIOut: 0x2003, Encr: "chacha20poly1305", KeyIn: counting(0xc0, 36), ESN: true}}
	return &Config{
		File: "testdata/good.toml", UnsafeStaticKeys: true,
		System: System{Name: "gw1", Lcores: 2, Hugepages: true, Mbufs: 16384, MaxInner: 9216},
		Ports: []Port{
			{Name: "wan", Device: "soft:wan,end=a", Addresses: []netip.Prefix{pfx("192.0.2.1/24"), pfx("2001:db8::1/64")}, MTU: 1500},
			{Name: "lan", Device: "soft:lan,end=a", Addresses: []netip.Prefix{pfx("10.1.0.1/16")}, MTU: 9000, Role: RoleInside},
		},
		Neighbours: []Neighbour{{Address: addr("192.0.2.254"), MAC: MAC{0x52, 0x54, 0, 0, 0, 0xfe}}},
		Routes:     []Route{{To: pfx("0.0.0.0/0"), Via: addr("192.0.2.254")}},
		Tunnels:    []Tunnel{office, lab},
		Admin:      Admin{Socket: "/run/stillwater.sock"},
		IKE:        IKE{HalfOpenCookies: 30, HalfOpenPerSource: 5, HalfOpenTotal: 10_000},
		Policies: []Policy{
			{Name: "no-telnet", Tunnel: -1, Connection: -1, Child: -1, Local: []AddrRange{span("10.0.0.0", "10.255.255.255")}, Protocol: 6,
				Remote:      []AddrRange{all4, span("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")},
				RemotePorts: Ports{Ranges: []PortRange{{23, 23}}}},
			{Name: "office[1]", Action: ActionProtect, Tunnel: 0, Connection: -1, Child: -1, Protocol: AnyProtocol,
				Local:  []AddrRange{span("10.1.0.0", "10.1.255.255")},
				Remote: []AddrRange{span("10.2.0.0", "10.2.255.255"), span("10.3.0.5", "10.3.0.9")}},
			{Name: "lab[1]", Action: ActionProtect, Tunnel: 1, Connection: -1, Child: -1, Protocol: 1,
				Local: []AddrRange{span("10.1.9.0", "10.1.9.255")}, Remote: []AddrRange{span("10.4.0.0", "10.4.255.255")},
				ICMP: []PortRange{{0x0800, 0x08ff}, {0x0300, 0x030f}}},
			{Name: "rest", Tunnel: -1, Connection: -1, Child: -1, Protocol: AnyProtocol, Local: []AddrRange{all4}, Remote: []AddrRange{all4}},
		},
	}
}

func TestGoodFile(t *testing.T) {
	got, err := Load("testdata/good.toml")
	if err != nil {
		t.Fatal(err)
	}
	if got.Tunnels[1].SAs[0].KeyOut.Len() != 36 {
		t.Errorf("key_out of lab: %v, want 36 octets", got.Tunnels[1].SAs[0].KeyOut)
	}
	got.Tunnels[1].SAs[0].KeyOut = Key{}
	if d := cmp.Diff(wantGood(), got, sameKey, sameAddr, samePfx); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if p := got.PoliciesOf(1); len(p) != 1 || p[0].Name != "lab[1]" {
		t.Errorf("policies of lab: %+v", p)
	}
}

// TestPolicyOrder: SPD-001, the administrator's order is the order of the file, across tables.
func TestPolicyOrder(t *testing.T) {
	c, err := Parse("f.toml", replaced(t, 47, "[[tunnel.policy]]\nlocal_ts = [\"10.1.0.0/24\"]\nremote_ts = [\"10.2.0.0/24\"]\n"+
		"[[policy]]\nname = \"between\"\naction = \"discard\"\nlocal = [\"10.1.0.0/24\"]\nremote = [\"10.2.0.0/16\"]\n[[tunnel.policy]]"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range c.Policies {
		got = append(got, p.Name)
	}
	want := []string{"no-telnet", "office[1]", "between", "office[2]", "lab[1]", "rest"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("SPD-001 -want +got\n%s", d)
	}
}

// TestInlineSpelling: the same tables written inline mean the same, lines included.
func TestInlineSpelling(t *testing.T) {
	const text = `port = [
  { name = "wan", device = "soft:a", role = "outside", address = ["192.0.2.1/24"] },
  { name = "lan", device = "soft:b", role = "inside" },
]
policy = [{name = "p1", action = "discard", local = ["::/0"], remote = ["::/0"]}]
system.lcores = 3
`
	c, err := Parse("f.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Ports) != 2 || c.Ports[1].Name != "lan" || c.System.Lcores != 3 || c.Policies[0].Name != "p1" {
		t.Errorf("got %+v", c)
	}
	_, err = Parse("f.toml", []byte(text+"x = 1\n"))
	checkProblems(t, err, []string{`7: key "x": got an unknown key, expected ` + wantKeys})
}

// TestDefaultsThatDepend: without a value some keys follow others.
func TestDefaultsThatDepend(t *testing.T) {
	for _, c := range []struct {
		text     string
		size     int
		wait     time.Duration
		interval time.Duration
	}{
		{"l3_fixed_rate = \"1g\"", 1500, 10 * time.Millisecond, 12 * time.Microsecond},                     // TFS-T62
		{"l2_fixed_rate = \"1g\"", 1500, 10 * time.Millisecond, 12304 * time.Nanosecond},                   // + 38 octets
		{"l2_fixed_rate = \"1g\"\nl2_overhead = 42", 1500, 10 * time.Millisecond, 12336 * time.Nanosecond}, // + a tag
		{"packets_per_second = 3", 1500, 1333333332 * time.Nanosecond, 333333333 * time.Nanosecond},
		{"l3_fixed_rate = \"1m\"", 1500, 48 * time.Millisecond, 12 * time.Millisecond}, // 4 slots, or packets would be dropped idle
	} {
		text := strings.Replace(string(replaced(t, 44, c.text)), "outer_packet_size = 1400\n", "", 1)
		cfg, err := Parse("f.toml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		office := cfg.Tunnels[0]
		if office.OuterPacketSize != c.size || office.MaxAggregationTime != c.wait || office.SendInterval() != c.interval {
			t.Errorf("%s: size %d, wait %v, interval %v, want %d, %v, %v", c.text,
				office.OuterPacketSize, office.MaxAggregationTime, office.SendInterval(), c.size, c.wait, c.interval)
		}
	}
}

func TestGoodKeys(t *testing.T) {
	got, err := LoadKeys("testdata/keys.toml")
	if err != nil {
		t.Fatal(err)
	}
	want := &KeySet{File: "testdata/keys.toml", SAs: []CaptureSA{
		{SPI: 0x80001001, Encr: "aes128gcm16", Key: counting(0, 20), ESN: true, ESNInitialHi: 7, Encap: EncapUDP,
			Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("198.51.100.1"), SrcPort: 4500, DstPort: 4501,
			ReorderWindow: 64, LostPacketTimer: 1500 * time.Microsecond, OuterSize: 1400, ReplayWindow: 1984},
		{SPI: 4098, Encr: "aes128", Integ: "sha256", Key: counting(0x40, 48), Mode: CaptureTunnel, ReorderWindow: 1024},
		{SPI: 4099, Encr: "aes128gcm16iiv", Key: counting(0x20, 20), ReorderWindow: 1024, ReplayWindow: 1984},
	}}
	if d := cmp.Diff(want, got, sameKey, sameAddr); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

// readTestdata returns a file of testdata.
func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestKeysOfPrograms reads a key file as a program writes it, with every key for every SA: what has no meaning for one is no
// mistake.
func TestKeysOfPrograms(t *testing.T) {
	got, err := ParseKeys("k.toml", []byte(`[[sa]]
spi = 0x1001
encr = "aes128gcm16"
integ = ""
key = "000102030405060708090a0b0c0d0e0f10111213"
mode = "tunnel"
esn = false
esn_initial_hi = 0
src = ""
dst = "192.0.2.2"
encap = "none"
reorder_window = 65535
lost_packet_timer_ms = 1000
`))
	if err != nil {
		t.Fatal(err)
	}
	if s := got.SAs[0]; s.Integ != "" || s.Src.IsValid() || s.Mode != CaptureTunnel || s.ReorderWindow != 65535 || s.Key.Len() != 20 {
		t.Errorf("got %+v", s)
	}
}
