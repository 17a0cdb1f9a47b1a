package config

import (
	"math"
	"net/netip"
	"slices"
)

// The limits that keys share, octets.
const (
	minPacket = 576   // the smallest MTU and outer packet (RFC 791: every host takes 576)
	minIPv6   = 1280  // the smallest MTU of IPv6 (RFC 8200 5)
	maxPacket = 9216  // the largest MTU and inner packet: the jumbo mbuf
	minBucket = 16    // below this TFC padding hides less than ESP's own alignment
	minTail   = 6     // min_fragment: an IPv6 length field (RFC 9347 2.2.3.1)
	maxWindow = 65472 // replay window: 64*(1024-1), see RFC 6479
)

// fileDraft is a Config while its parts are read; names are not resolved yet.
type fileDraft struct {
	unsafeKeys  bool
	system      systemDraft
	ports       []portDraft
	neighbours  []neighbourDraft
	routes      []routeDraft
	tunnels     []tunnelDraft
	connections []connectionDraft
	policies    []policyDraft
	admin       Admin
	ike         ikeDraft
	at          *place
}

// systemDraft is a System and where it stands.
type systemDraft struct {
	System
	at *place
}

// portDraft is a Port and where it stands.
type portDraft struct {
	Port
	at *place
}

// neighbourDraft is a Neighbour with the name of its port.
type neighbourDraft struct {
	Neighbour
	port string
	at   *place
}

// routeDraft is a Route with the name of its port.
type routeDraft struct {
	Route
	port string
	at   *place
}

// tunnelDraft is a Tunnel with its tables as they were read.
type tunnelDraft struct {
	Tunnel
	traffic  trafficDraft
	policies []policyDraft
	sas      []saDraft
	at       *place
}

// policyDraft is a Policy and where it stands.
type policyDraft struct {
	Policy
	at *place
}

// saDraft is an SA with keys that may be in files.
type saDraft struct {
	SA
	keyInFile, keyOutFile string
	at                    *place
}

// fileTable is the schema of the appliance's file.
var fileTable = table[fileDraft]{
	place: func(f *fileDraft, at *place) { f.at = at },
	rows: []row[fileDraft]{
		key("unsafe_static_keys", boolKind, false, "accept SAs with keys that are never changed: tests and benches only (RFC 8221 3)",
			func(f *fileDraft) *bool { return &f.unsafeKeys }),
		one("system", &systemTable, "the machine", func(f *fileDraft) *systemDraft { return &f.system }),
		many("port", &portTable, true, "a network port", func(f *fileDraft) *[]portDraft { return &f.ports }),
		many("neighbour", &neighbourTable, false, "a static link address", func(f *fileDraft) *[]neighbourDraft { return &f.neighbours }),
		many("route", &routeTable, false, "a route; the prefixes of port addresses are routes already", func(f *fileDraft) *[]routeDraft { return &f.routes }),
		many("tunnel", &tunnelTable, false, "a tunnel with its policies and SAs", func(f *fileDraft) *[]tunnelDraft { return &f.tunnels }),
		many("connection", &connectionTable, false, "a peer, and what IKE sets up with it", func(f *fileDraft) *[]connectionDraft { return &f.connections }),
		many("policy", &policyTable, false, "traffic that bypasses or is discarded; the order of the file, tunnels and connections included, is the order of the SPD",
			func(f *fileDraft) *[]policyDraft { return &f.policies }),
		one("ike", &ikeTable, "what all connections share", func(f *fileDraft) *ikeDraft { return &f.ike }),
		one("admin", &adminTable, "how the operator talks to the running appliance", func(f *fileDraft) *Admin { return &f.admin }),
	},
}

// systemTable is the schema of [system].
var systemTable = table[systemDraft]{
	place: func(s *systemDraft, at *place) { s.at = at },
	rows: []row[systemDraft]{
		key("name", nameKind, "stillwater", "name of the appliance in logs and metrics", func(s *systemDraft) *string { return &s.Name }),
		key("lcores", integerOr("auto", 0, 1, 1024), "auto", "busy-polling threads", func(s *systemDraft) *int { return &s.Lcores }),
		key("poll", choice[Poll](pollWords...), "busy", "adaptive sleeps when idle and is refused beside a constant tunnel", func(s *systemDraft) *Poll { return &s.Poll }),
		key("hugepages", boolKind, true, "packet memory in hugepages where the machine has them", func(s *systemDraft) *bool { return &s.Hugepages }),
		key("mbufs", integer[int](512, 1<<20), int64(16384), "packet buffers of 2048 octets per lcore", func(s *systemDraft) *int { return &s.Mbufs }),
		key("max_inner", integer[int](minPacket, 65535), int64(maxPacket), "largest inner packet, octets", func(s *systemDraft) *int { return &s.MaxInner }),
	},
}

// portTable is the schema of [[port]].
var portTable = table[portDraft]{
	place: func(p *portDraft, at *place) { p.at = at }, label: byName,
	rows: []row[portDraft]{
		key("name", nameKind, must{}, "name of the port", func(p *portDraft) *string { return &p.Name }),
		key("device", deviceKind, must{}, "driver and its arguments", func(p *portDraft) *string { return &p.Device }),
		key("role", choice[Role](roleWords...), must{}, "side of the port: ESP outside, clear traffic inside", func(p *portDraft) *Role { return &p.Role }),
		key("address", listOf(ownKind), nil, "own addresses with the length of their on-link prefix", func(p *portDraft) *[]netip.Prefix { return &p.Addresses }),
		key("mtu", integer[int](minPacket, maxPacket), int64(1500), "largest network-layer packet, octets", func(p *portDraft) *int { return &p.MTU }),
		key("queues", integerOr("auto", 0, 1, 1024), "auto", "receive queues; auto is one per lcore", func(p *portDraft) *int { return &p.Queues }),
		key("vrf", integer[uint16](0, 4095), int64(0), "routing instance of the port", func(p *portDraft) *uint16 { return &p.VRF }),
	},
}

// neighbourTable is the schema of [[neighbour]].
var neighbourTable = table[neighbourDraft]{
	place: func(n *neighbourDraft, at *place) { n.at = at }, label: byNumber,
	rows: []row[neighbourDraft]{
		key("address", addrKind, must{}, "on-link address", func(n *neighbourDraft) *netip.Addr { return &n.Address }),
		key("mac", macKind, must{}, "link address", func(n *neighbourDraft) *MAC { return &n.MAC }),
		key("port", nameKind, must{}, "name of the port it is on", func(n *neighbourDraft) *string { return &n.port }),
	},
}

// routeTable is the schema of [[route]].
var routeTable = table[routeDraft]{
	place: func(r *routeDraft, at *place) { r.at = at }, label: byNumber,
	rows: []row[routeDraft]{
		key("to", prefixKind, must{}, "destination", func(r *routeDraft) *netip.Prefix { return &r.To }),
		key("via", viaKind, "", `next hop; "" for on-link`, func(r *routeDraft) *netip.Addr { return &r.Via }),
		key("port", nameKind, must{}, "name of the port it leaves by", func(r *routeDraft) *string { return &r.port }),
	},
}

// tunnelTable is the schema of [[tunnel]].
var tunnelTable = table[tunnelDraft]{
	place: func(t *tunnelDraft, at *place) { t.at, t.traffic.at = at, at }, label: byName,
	rows: slices.Concat([]row[tunnelDraft]{
		key("name", nameKind, must{}, "name of the tunnel", func(t *tunnelDraft) *string { return &t.Name }),
		key("local", addrKind, must{}, "own outer address, of an outside port", func(t *tunnelDraft) *netip.Addr { return &t.Local }),
		key("remote", addrKind, must{}, "the peer's outer address", func(t *tunnelDraft) *netip.Addr { return &t.Remote }),
		key("encap", choice[Encap](encapWords...), "none", "udp: ESP in UDP port 4500 (RFC 3948)", func(t *tunnelDraft) *Encap { return &t.Encap }),
	}, lift(trafficRows, func(t *tunnelDraft) *trafficDraft { return &t.traffic }), []row[tunnelDraft]{
		key("soft_packets", lifeKind, int64(0), "report an SA that sent so many packets; 0: never", func(t *tunnelDraft) *uint64 { return &t.Lifetime.SoftPackets }),
		key("life_packets", lifeKind, int64(0), "stop an SA that sent so many packets; 0: never", func(t *tunnelDraft) *uint64 { return &t.Lifetime.Packets }),
		key("soft_bytes", lifeKind, int64(0), "report an SA that encrypted so many octets; 0: never", func(t *tunnelDraft) *uint64 { return &t.Lifetime.SoftBytes }),
		key("life_bytes", lifeKind, int64(0), "stop an SA that encrypted so many octets; 0: never", func(t *tunnelDraft) *uint64 { return &t.Lifetime.Bytes }),
		many("policy", &tunnelPolicyTable, true, "traffic that the tunnel carries", func(t *tunnelDraft) *[]policyDraft { return &t.policies }),
		many("sa", &saTable, true, "a pair of static SAs; one lcore owns it", func(t *tunnelDraft) *[]saDraft { return &t.sas }),
	}),
}

// lifeKind reads a limit of an SA.
var lifeKind = integer[uint64](0, math.MaxInt64)

// saTable is the schema of [[tunnel.sa]].
var saTable = table[saDraft]{
	place: func(s *saDraft, at *place) { s.at = at }, label: byNumber,
	rows: []row[saDraft]{
		key("spi_in", ownSPIKind, must{}, "SPI of the packets we receive", func(s *saDraft) *uint32 { return &s.SPIIn }),
		key("spi_out", ownSPIKind, must{}, "SPI of the packets we send", func(s *saDraft) *uint32 { return &s.SPIOut }),
		key("encr", algKind, "aes256gcm16", "encryption algorithm", func(s *saDraft) *string { return &s.Encr }),
		key("integ", algKind, "none", "integrity algorithm, with those that do not authenticate themselves", func(s *saDraft) *string { return &s.Integ }),
		key("key_in", keyKind, nil, "key and salt, or key and integrity key, inbound", func(s *saDraft) *Key { return &s.KeyIn }),
		key("key_out", keyKind, nil, "the same, outbound", func(s *saDraft) *Key { return &s.KeyOut }),
		key("key_in_file", pathKind, nil, "file with key_in, readable by its owner only", func(s *saDraft) *string { return &s.keyInFile }),
		key("key_out_file", pathKind, nil, "file with key_out, readable by its owner only", func(s *saDraft) *string { return &s.keyOutFile }),
		key("esn", boolKind, true, "64-bit sequence numbers", func(s *saDraft) *bool { return &s.ESN }),
	},
}

// tunnelPolicyTable is the schema of [[tunnel.policy]].
var tunnelPolicyTable = table[policyDraft]{
	place: func(p *policyDraft, at *place) { p.at = at }, label: byNumber,
	rows: protectRows,
}

// policyTable is the schema of [[policy]].
var policyTable = table[policyDraft]{
	place: func(p *policyDraft, at *place) { p.at = at }, label: byName,
	rows: append([]row[policyDraft]{
		key("name", nameKind, must{}, "name of the entry", func(p *policyDraft) *string { return &p.Name }),
		key("action", choice[Action](actionWords[:ActionProtect]...), must{}, "what happens to the traffic", func(p *policyDraft) *Action { return &p.Action }),
		key("local", listOf(rangeKind), must{}, "addresses on our side", func(p *policyDraft) *[]AddrRange { return &p.Local }),
		key("remote", listOf(rangeKind), must{}, "addresses on the other side", func(p *policyDraft) *[]AddrRange { return &p.Remote }),
		key("vrf", integer[uint16](0, 4095), int64(0), "routing instance", func(p *policyDraft) *uint16 { return &p.VRF }),
	}, selectorRows...),
}

// protectRows are the selectors of what is protected.
var protectRows = slices.Concat([]row[policyDraft]{
	key("local_ts", listOf(rangeKind), must{}, "addresses on our side", func(p *policyDraft) *[]AddrRange { return &p.Local }),
	key("remote_ts", listOf(rangeKind), must{}, "addresses on the peer's side", func(p *policyDraft) *[]AddrRange { return &p.Remote }),
}, selectorRows)

// selectorRows are the selectors that both kinds of policy have.
var selectorRows = []row[policyDraft]{
	key("protocol", protocolKind, "any", "next layer protocol", func(p *policyDraft) *int { return &p.Protocol }),
	key("local_port", portsKind, "any", "ports on our side; opaque: fragments without ports", func(p *policyDraft) *Ports { return &p.LocalPorts }),
	key("remote_port", portsKind, "any", "ports on the other side; opaque: fragments without ports", func(p *policyDraft) *Ports { return &p.RemotePorts }),
	key("icmp", icmpKind, "any", "ICMP types and codes", func(p *policyDraft) *[]PortRange { return &p.ICMP }),
}
