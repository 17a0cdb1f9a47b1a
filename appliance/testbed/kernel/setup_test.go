package kernel

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"stillwater/appliance/testbed/umlpeer"
)

// The addresses of both ends. The inside of the kernel is a dummy interface, ours is the test host's wire.
var (
	kernelOuter = [2]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
	ourOuter    = [2]netip.Addr{netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::2")}
	kernelInner = [2]netip.Prefix{netip.MustParsePrefix("10.9.0.1/24"), netip.MustParsePrefix("fd00:9::1/64")}
	ourInner    = [2]netip.Prefix{netip.MustParsePrefix("10.9.1.0/24"), netip.MustParsePrefix("fd00:9:1::/64")}
)

// The SPIs are the kernel's view: spiIn is what we send with.
const (
	spiIn  = 0x1001
	spiOut = 0x2001
)

// The kernel's services.
const (
	echoPort  = 7
	countPort = 5001
)

// wireMTU is what the kernel's network card takes.
const wireMTU = 1500

// rate is the l3_fixed_rate of mode constant, which the kernel can take.
const rate = "20m"

// jumboRoute lets the kernel's IPv4 packets of 9000 octets get to its IP-TFS in one piece. It is half of the network that
// the connection routes as a whole.
const jumboRoute = "route 10.9.1.0/25 dev vec0 src 10.9.0.1 mtu 9500"

// cutMTU is what sources cut their packets to where the tunnel does not: less than any outer header leaves.
const cutMTU = 1400

// setup is one kind of connection, seen from our side.
type setup struct {
	name   string
	mode   string // of our tunnel
	size   int    // outer_packet_size; 0: 1500
	suite  suite  // zero: AES-128-GCM
	esn    bool
	outer6 bool
	whole  bool          // neither side fragments
	impair impairment    // what the test will tell the tap to do
	timer  time.Duration // how long both ends wait for a missing outer packet; 0: longer than a machine takes a core away
}

// withDefaults fills in what was left zero.
func (s setup) withDefaults() setup {
	if s.suite == (suite{}) {
		s.suite = aes128gcm
	}
	if s.size == 0 {
		s.size = wireMTU
	}
	if s.timer == 0 {
		s.timer = 5 * time.Second
	}
	return s
}

// family is the index of the outer addresses.
func (s setup) family() int {
	if s.outer6 {
		return 1
	}
	return 0
}

// cuts reports whether inner packets must fit into one outer packet, so that their sources have to cut them.
func (s setup) cuts() bool { return s.mode == "tunnel" || s.whole }

// innerMTU is what sources on our side cut their packets to.
func (s setup) innerMTU() int {
	if s.cuts() {
		return cutMTU
	}
	return 9216
}

// largest is the largest packet that the kernel is to send. In tunnel mode it cuts the outer packet, not the inner one, and
// with dont-frag it drops what is larger.
func (s setup) largest() int {
	if s.cuts() {
		return cutMTU
	}
	return 9000
}

// keymat is the key material of an SA: no octet of it is the same in two SAs.
func (s setup) keymat(spi uint32) []byte {
	k := make([]byte, s.suite.key+s.suite.auth)
	for i := range k {
		k[i] = byte(int(spi>>8) + i)
	}
	return k
}

// script returns the kernel's side.
func (s setup) script() (string, error) {
	c := umlpeer.Connection{
		Kernel: kernelOuter[s.family()], Ours: ourOuter[s.family()], Mode: umlpeer.IPTFS,
		In: s.kernelSA(spiIn), Out: s.kernelSA(spiOut),
	}
	if s.mode == "tunnel" {
		c.Mode = umlpeer.Tunnel
	} else {
		c.In.Flags += fmt.Sprintf(" -drop-time %d -reorder %d", s.timer.Microseconds(), depth)
		c.Out.Flags += fmt.Sprintf(" -init-delay 1000 -pkt-size %d", s.kernelSize())
	}
	if s.whole {
		c.Out.Flags += " -dont-frag"
	}
	sc := umlpeer.Scenario{MTU: wireMTU, Inner: kernelInner[:]}
	for f := range kernelOuter {
		sc.Outer = append(sc.Outer, netip.PrefixFrom(kernelOuter[f], kernelInner[f].Bits()))
		c.Inner = append(c.Inner, umlpeer.Subnets{Kernel: kernelInner[f].Masked(), Ours: ourInner[f]})
	}
	sc.Connections = []umlpeer.Connection{c}
	sc.Extra = []string{
		"sysctl net.core.rmem_default 8388608", "sysctl net.core.wmem_default 8388608", // of the sockets of echo and count
		"sysctl net.ipv4.icmp_ratelimit 0", "sysctl net.ipv4.icmp_msgs_per_sec 1000000", "sysctl net.ipv4.icmp_msgs_burst 1000000",
		"sysctl net.ipv6.icmp.ratelimit 0", fmt.Sprintf("echo %d", echoPort), fmt.Sprintf("count %d", countPort),
	}
	if !s.cuts() {
		sc.Extra = append(sc.Extra, jumboRoute)
	}
	return sc.Script()
}

// kernelSA is one SA as the kernel installs it.
func (s setup) kernelSA(spi uint32) umlpeer.SA {
	k := s.keymat(spi)
	sa := umlpeer.SA{SPI: spi, Key: k[:s.suite.key], Alg: s.suite.alg, ESN: s.esn, Flags: "-replay 128"}
	if s.suite.auth > 0 {
		sa.Flags += " -authkey " + hex.EncodeToString(k[s.suite.key:])
	}
	return sa
}

// toml returns our side.
func (s setup) toml() string {
	r := strings.NewReplacer(
		"{MTU}", fmt.Sprint(wireMTU), "{MAC}", umlpeer.KernelMAC,
		"{OURS4}", ourOuter[0].String(), "{OURS6}", ourOuter[1].String(),
		"{KERNEL4}", kernelOuter[0].String(), "{KERNEL6}", kernelOuter[1].String(),
		"{LOCAL}", ourOuter[s.family()].String(), "{REMOTE}", kernelOuter[s.family()].String(),
		"{INNER4}", ourInner[0].String(), "{INNER6}", ourInner[1].String(),
		"{PEER4}", kernelInner[0].Masked().String(), "{PEER6}", kernelInner[1].Masked().String(),
		"{MODE}", s.mode, "{SIZE}", fmt.Sprint(s.size), "{EXTRA}", s.modeLines(),
		"{SPI_IN}", fmt.Sprint(spiOut), "{SPI_OUT}", fmt.Sprint(spiIn), "{ENCR}", s.suite.encr, "{INTEG}", s.integ(),
		"{KEY_IN}", hex.EncodeToString(s.keymat(spiOut)), "{KEY_OUT}", hex.EncodeToString(s.keymat(spiIn)), "{ESN}", fmt.Sprint(s.esn),
	)
	return r.Replace(ourText)
}

func (s setup) integ() string {
	if s.suite.integ == "" {
		return "none"
	}
	return s.suite.integ
}

// kernelSize bounds the kernel's outer packets. With AES-CBC it forgets the block length and comes out above the MTU, and
// then sends fragments of the outer packet.
func (s setup) kernelSize() int {
	if s.suite == cbc {
		return cutMTU
	}
	return 0
}

// modeLines are the settings that only some modes take. Packets may wait as long as they must: the source is closed-loop.
func (s setup) modeLines() string {
	if s.mode == "tunnel" {
		return ""
	}
	lines := fmt.Sprintf("max_aggregation_time = \"60s\"\nlost_packet_timer = %q\nwindow_size = %d\n", s.timer, depth)
	if s.mode == "constant" {
		lines += fmt.Sprintf("l3_fixed_rate = %q\npath_is_mine = true\n", rate)
	}
	if s.whole {
		lines += "dont_fragment = true\n"
	}
	return lines
}

// newDecoders returns the decoders of both directions.
func (s setup) newDecoders() [2]*decoder {
	return [2]*decoder{
		toKernel:   newDecoder(s.suite, spiIn, s.esn, bytes.Clone(s.keymat(spiIn))),
		fromKernel: newDecoder(s.suite, spiOut, s.esn, bytes.Clone(s.keymat(spiOut))),
	}
}

const ourText = `unsafe_static_keys = true
[system]
name = "gateway"
lcores = 1
hugepages = false
mbufs = 8192
[[port]]
name = "outside"
device = "test:outside"
role = "outside"
mtu = {MTU}
address = ["{OURS4}/24", "{OURS6}/64"]
[[port]]
name = "inside"
device = "test:inside"
role = "inside"
mtu = 9216
[[neighbour]]
address = "{KERNEL4}"
mac = "{MAC}"
port = "outside"
[[neighbour]]
address = "{KERNEL6}"
mac = "{MAC}"
port = "outside"
[[route]]
to = "{INNER4}"
port = "inside"
[[route]]
to = "{INNER6}"
port = "inside"
[[tunnel]]
name = "kernel"
local = "{LOCAL}"
remote = "{REMOTE}"
mode = "{MODE}"
outer_packet_size = {SIZE}
{EXTRA}
[[tunnel.policy]]
local_ts = ["{INNER4}", "{INNER6}"]
remote_ts = ["{PEER4}", "{PEER6}"]
[[tunnel.sa]]
spi_in = {SPI_IN}
spi_out = {SPI_OUT}
encr = "{ENCR}"
integ = "{INTEG}"
key_in = "{KEY_IN}"
key_out = "{KEY_OUT}"
esn = {ESN}
`
