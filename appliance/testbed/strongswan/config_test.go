package strongswan

import (
	"fmt"
	"strings"
)

// The identities, and the names of the connection and of its child on both sides.
const (
	ourID      = "a.test"
	peerID     = "b.test"
	connection = "t"
	child      = "net"
)

// settings are what the cases vary of our side.
type settings struct {
	connection string // more lines of the connection
	child      string // more lines of the child
	auth       string // lines of the credentials; empty: the shared secret
	outer6     bool
	anyone     bool      // the peer may come from anywhere: we only answer
	lcores     int       // 0: one
	start      string    // what begins the connection; empty: nothing but an order
	proposals  string    // TOML, or ours; empty: what the kit's peers have
	ids        [2]string // ours and the peer's; empty: ourID and peerID
}

// ours stands for the proposals that an appliance has without being told.
const ours = "ours"

// secret is the shared secret of both sides.
const secret = "interop-psk: 0 and 1, and more than 16 octets"

// text is the configuration file.
func (s settings) text(n *network) string {
	local, remote, routes := n.ours(), n.seen(them), ""
	if n.behind == us {
		routes = "[[route]]\nto = \"0.0.0.0/0\"\nvia = \"" + natInside + "\"\nport = \"wan\"\n"
	}
	if s.outer6 {
		local, remote = ours6, peers6
	}
	if s.anyone {
		remote = "%any"
	}
	if s.auth == "" {
		s.auth = "psk_file = \"psk\""
	}
	if s.start == "" {
		s.start = "none"
	}
	ids := s.ids
	if ids == [2]string{} {
		ids = [2]string{ourID, peerID}
	}
	switch s.proposals {
	case "":
		s.proposals = `proposals = ["aes128gcm16-prfsha256-x25519"]`
	case ours:
		s.proposals = ""
	default:
		s.proposals = "proposals = " + s.proposals
	}
	return strings.NewReplacer(
		"{START}", s.start, "{OURS}", ids[0], "{PEERS}", ids[1], "{PROPOSALS}", s.proposals,
		"{LCORES}", fmt.Sprint(max(s.lcores, 1)), "{WAN4}", n.ours(), "{WAN6}", ours6, "{ROUTES}", routes,
		"{LOCAL}", local, "{REMOTE}", remote, "{AUTH}", s.auth, "{CONNECTION}", s.connection, "{CHILD}", s.child,
	).Replace(gatewayText)
}

const gatewayText = `[system]
lcores = {LCORES}
[admin]
socket = ""
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
address = ["` + lanInner4 + `/16", "` + lanInner6 + `/64"]
{ROUTES}
[[connection]]
name = "` + connection + `"
local = "{LOCAL}"
remote = "{REMOTE}"
local_id = "{OURS}"
remote_id = "{PEERS}"
start_action = "{START}"
{PROPOSALS}
rekey_jitter = 0
{AUTH}
{CONNECTION}
[[connection.child]]
name = "` + child + `"
local_ts = ["` + ourNet4 + `", "` + ourNet6 + `"]
remote_ts = ["` + peerNet4 + `", "` + peerNet6 + `"]
rekey_jitter = 0
{CHILD}
`
