package veth

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// tunnel is what the tests vary.
type tunnel struct {
	mode   string // "aggregate", "constant" or "tunnel"
	encap  string // "none" or "udp"
	outer6 bool   // outer IPv6
	rate   string // l3_fixed_rate of mode constant
}

func (c tunnel) String() string {
	family := "IPv4"
	if c.outer6 {
		family = "IPv6"
	}
	return fmt.Sprintf("%s over %s, encap %s", c.mode, family, c.encap)
}

// routeMTU is what the hosts may send: AGGFRAG carries packets of any size, a plain tunnel does not.
func (c tunnel) routeMTU() int {
	if c.mode == "tunnel" {
		return plainMTU
	}
	return insideMTU
}

// modeLines are the settings that only some modes take. Packets wait as long as they must: a core that the machine takes
// away costs time only.
func (c tunnel) modeLines() string {
	const patience = "max_aggregation_time = \"10s\"\n"
	switch c.mode {
	case "constant":
		return fmt.Sprintf("l3_fixed_rate = %q\npath_is_mine = true\n", c.rate) + patience
	case "aggregate":
		return patience
	}
	return ""
}

// outer returns the outer addresses by site.
func (c tunnel) outer(n *network) [2]string {
	if c.outer6 {
		return [2]string{n[0].outside6.String(), n[1].outside6.String()}
	}
	return [2]string{n[0].outside4.String(), n[1].outside4.String()}
}

// spiFrom is the SPI of what site i sends.
func spiFrom(i int) uint32 { return 0x1001 + uint32(i)*0x1000 }

// texts writes the configuration files of both gateways. system is more lines for [system].
func (c tunnel) texts(n *network, system string) [2]string {
	outer, keys := c.outer(n), [2]string{newKey(), newKey()}
	var out [2]string
	for i, s := range n {
		other := n[1-i]
		out[i] = strings.NewReplacer(
			"{I}", fmt.Sprint(i), "{SYSTEM}", system, "{WAN4}", s.outside4.String(), "{WAN6}", s.outside6.String(),
			"{LAN4}", s.inside4.String(), "{LAN6}", s.inside6.String(), "{HOST4}", s.host4.String(), "{HOST6}", s.host6.String(),
			"{HOSTMAC}", s.hostMAC, "{PEERMAC}", other.wanMAC, "{PEER4}", other.outside4.String(), "{PEER6}", other.outside6.String(),
			"{LOCAL}", outer[i], "{REMOTE}", outer[1-i], "{MODE}", c.mode, "{ENCAP}", c.encap, "{MODELINES}", c.modeLines(),
			"{LTS4}", s.prefix4, "{LTS6}", s.prefix6, "{RTS4}", other.prefix4, "{RTS6}", other.prefix6,
			"{SPIOUT}", fmt.Sprint(spiFrom(i)), "{SPIIN}", fmt.Sprint(spiFrom(1-i)), "{KEYOUT}", keys[i], "{KEYIN}", keys[1-i],
		).Replace(gatewayText)
	}
	return out
}

// newKey draws key and salt of aes128gcm16.
func newKey() string {
	b := make([]byte, 20)
	rand.Read(b)
	return hex.EncodeToString(b)
}

const gatewayText = `unsafe_static_keys = true
[system]
name = "gateway-{I}"
{SYSTEM}
[[port]]
name = "wan"
device = "afpacket:wan"
role = "outside"
address = ["{WAN4}/24", "{WAN6}/64"]
[[port]]
name = "lan"
device = "afpacket:lan"
role = "inside"
mtu = 9000
address = ["{LAN4}/16", "{LAN6}/64"]
[[neighbour]]
address = "{PEER4}"
mac = "{PEERMAC}"
port = "wan"
[[neighbour]]
address = "{PEER6}"
mac = "{PEERMAC}"
port = "wan"
[[neighbour]]
address = "{HOST4}"
mac = "{HOSTMAC}"
port = "lan"
[[neighbour]]
address = "{HOST6}"
mac = "{HOSTMAC}"
port = "lan"
[[tunnel]]
name = "t"
local = "{LOCAL}"
remote = "{REMOTE}"
mode = "{MODE}"
encap = "{ENCAP}"
{MODELINES}
[[tunnel.policy]]
local_ts = ["{LTS4}", "{LTS6}"]
remote_ts = ["{RTS4}", "{RTS6}"]
[[tunnel.sa]]
spi_out = {SPIOUT}
spi_in = {SPIIN}
encr = "aes128gcm16"
key_out = "{KEYOUT}"
key_in = "{KEYIN}"
`
