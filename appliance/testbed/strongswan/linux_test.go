package strongswan

import (
	"testing"

	"stillwater/appliance/testbed/umlpeer"
)

// linuxCase is one way to set up strongSwan 6.1 and our side of it.
type linuxCase struct {
	name    string
	peer    []string
	ours    settings
	listed  string // what the peer's list says
	packets []int
	rekey   bool // go through rekeys too
}

// constant is mode constant on a machine that may take the core away: packets wait as long as they must.
const constant = "mode = \"constant\"\nl3_fixed_rate = \"20m\"\npath_is_mine = true\nmax_aggregation_time = \"10s\"\n"

var linuxCases = []linuxCase{
	{"plain tunnel mode, iptfs preferred", []string{"-m", "tunnel"}, settings{}, `INSTALLED, TUNNEL, ESP:AES_GCM_16-128/ESN`, smallPackets, false},
	{"plain tunnel mode in UDP", []string{"-m", "tunnel", "-U"}, settings{child: `mode = "tunnel"`}, `INSTALLED, TUNNEL-in-UDP, ESP:`, smallPackets, false},
	{"we force UDP", nil, settings{connection: "iptfs = \"require\"\nencap = \"udp\""}, `INSTALLED, IPTFS-in-UDP, ESP:`, somePackets, false},
	{"the peer takes no fragments", []string{"-f", "accept_fragments = no"}, settings{connection: `iptfs = "require"`}, `INSTALLED, IPTFS,`, smallPackets, false},
	{"we send no fragments", nil, settings{connection: `iptfs = "require"`, child: "dont_fragment = true"}, `INSTALLED, IPTFS,`, smallPackets, false},
	{"small outer packets", []string{"-f", "packet_size = 700", "-f", "init_delay = 1000"}, settings{connection: `iptfs = "require"`, child: "outer_packet_size = 600"}, `INSTALLED, IPTFS,`, somePackets, false},
	{"no ESN", []string{"-e", "aes256gcm16"}, settings{connection: `iptfs = "require"`}, `INSTALLED, IPTFS, ESP:AES_GCM_16-256$`, somePackets, false},
	{"AES-CBC", []string{"-e", "aes256-sha512-ecp256-esn", "-p", "aes256-sha512-ecp256"}, settings{connection: `iptfs = "require"`, proposals: `["aes256-sha512-ecp256"]`, child: `esp_proposals = ["aes256-sha512-ecp256-esn"]`}, `INSTALLED, IPTFS, ESP:AES_CBC-256/HMAC_SHA2_512_256(/ECP_256)?/ESN`, somePackets, false},
	{"ChaCha20", []string{"-e", "chacha20poly1305-esn"}, settings{connection: `iptfs = "require"`}, `INSTALLED, IPTFS, ESP:CHACHA20_POLY1305/ESN`, somePackets, false},
	{"the defaults of both", []string{"-p", "default", "-e", "default"}, settings{proposals: ours}, `INSTALLED, IPTFS, ESP:`, somePackets, false},
	{"constant rate", nil, settings{child: constant}, `INSTALLED, IPTFS,`, smallPackets, true},
	{"constant rate, small outer packets", nil, settings{child: constant + "outer_packet_size = 800"}, `INSTALLED, IPTFS,`, somePackets, false},
}

// What else an operator may set on either side of a connection between us and Linux 7.2. Each side begins every other time.
func TestLinux(t *testing.T) {
	for i, c := range linuxCases {
		who := bothBegin[i%2]
		t.Run(c.name+", "+string(who), func(t *testing.T) {
			n := newNetwork(t, nobody, c.packets[len(c.packets)-1])
			p := startDaemon(n, umlpeer.StrongSwan, c.peer...)
			g := startGateway(n, c.ours)
			up(t, g, p, who)
			awaitSAs(t, p, "(?m)"+c.listed)
			tr := newTraffic(n, p, true, c.packets)
			tr.both()
			if c.rekey {
				for _, r := range rekeys {
					tr.during(linuxLoses, func() { r.perform(g, p, g.awaitUp(1)) })
				}
				tr.both()
			}
			down(t, g, p, who)
		})
	}
}
