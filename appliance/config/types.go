package config

import "net/netip"

// Config is the whole of one appliance file, validated, with every default filled in. Cross references between tables are
// indexes into the slices here. It is immutable after Load, except for Wipe.
type Config struct {
	File             string // as given to Load or Parse
	UnsafeStaticKeys bool   // the operator accepts keys that are never changed (RFC 8221 3)
	System           System
	Ports            []Port
	Neighbours       []Neighbour
	Routes           []Route
	Tunnels          []Tunnel
	Connections      []Connection
	Policies         []Policy // the SPD in order: first match decides (RFC 4301 4.4.1)
	Admin            Admin
	IKE              IKE
	Warnings         []string // what is allowed but hardly meant, one line each, as an error would say it
}

// Wipe overwrites every key and pre-shared key. Call it once the SAs are installed and the secrets are where IKE looks for
// them.
func (c *Config) Wipe() {
	for i := range c.Connections {
		c.Connections[i].PSK.Wipe()
	}
	for i := range c.Tunnels {
		for j := range c.Tunnels[i].SAs {
			c.Tunnels[i].SAs[j].KeyIn.Wipe()
			c.Tunnels[i].SAs[j].KeyOut.Wipe()
		}
	}
}

// System is the table [system]: the machine.
type System struct {
	Name      string // of the appliance, in logs and metrics
	Lcores    int    // 0: as many as the machine allows
	Poll      Poll
	Hugepages bool
	Mbufs     int // 2,048-octet mbufs per lcore
	MaxInner  int // largest inner packet, octets
}

// Port is one [[port]]: a network port and the appliance's own addresses on it.
type Port struct {
	Name      string
	Device    string         // "driver:arguments", for pmd.Open
	Addresses []netip.Prefix // own address with the length of its on-link prefix
	MTU       int            // largest network-layer packet, octets
	Role      Role
	Queues    int // 0: one per lcore
	VRF       uint16
}

// Neighbour is one [[neighbour]]: a static link address.
type Neighbour struct {
	Address netip.Addr
	MAC     MAC
	Port    int // index into Config.Ports
}

// Route is one [[route]], in the VRF of its port.
type Route struct {
	To   netip.Prefix
	Via  netip.Addr // the zero Addr: on-link
	Port int        // index into Config.Ports
}

// Tunnel is one [[tunnel]]: what its static SAs have in common.
type Tunnel struct {
	Name   string
	Local  netip.Addr // outer source: an address of Port
	Remote netip.Addr // outer destination
	Port   int        // index into Config.Ports of the outside port that owns Local
	Encap  Encap
	Traffic
	Lifetime Lifetime
	SAs      []SA
}

// Lifetime holds the limits of each SA of a tunnel; 0 is none (RFC 4301 4.4.2.1).
type Lifetime struct {
	SoftPackets, SoftBytes uint64 // report
	Packets, Bytes         uint64 // stop
}

// SA is one [[tunnel.sa]]: a pair of static SAs that one lcore owns.
type SA struct {
	SPIIn, SPIOut uint32
	Encr, Integ   string // canonical names of crypto/suite; Integ is empty for combined-mode algorithms
	KeyIn, KeyOut Key    // KEYMAT: cipher key then salt, or cipher key then integrity key
	ESN           bool   // 64-bit sequence numbers
}

// Policy is one entry of the SPD: a [[tunnel.policy]] or [[connection.child]] (ActionProtect), or a [[policy]]. The order of
// the file is the order of the SPD. With ActionProtect either Tunnel or Connection and Child name what protects; what does not
// apply is -1.
type Policy struct {
	Name        string
	Action      Action
	Tunnel      int // index into Config.Tunnels, or -1
	Connection  int // index into Config.Connections, or -1
	Child       int // index into Connection.Children, or -1
	VRF         uint16
	Local       []AddrRange // never empty
	Remote      []AddrRange // never empty
	Protocol    int         // 0..255, or AnyProtocol
	LocalPorts  Ports
	RemotePorts Ports
	ICMP        []PortRange // type*256+code (RFC 4301 4.4.1.1); empty: any
}

// AnyProtocol in Policy.Protocol matches every next layer protocol.
const AnyProtocol = -1

// AddrRange is an inclusive range of addresses of one family.
type AddrRange struct {
	First, Last netip.Addr
}

// Contains reports whether an address is in the range.
func (r AddrRange) Contains(a netip.Addr) bool {
	return a.Is4() == r.First.Is4() && !a.Less(r.First) && !r.Last.Less(a)
}

// Ports is a port selector. The zero value is ANY. Otherwise a packet matches when its port is in a range, or, with
// Opaque, when it has no port that can be read: a non-initial fragment (RFC 4301 4.4.1.1, 7).
type Ports struct {
	Opaque bool
	Ranges []PortRange
}

// PortRange is an inclusive range of ports.
type PortRange struct {
	First, Last uint16
}

// PoliciesOf returns the entries of one tunnel in order: the traffic selectors of each of its SAs.
func (c *Config) PoliciesOf(tunnel int) []Policy {
	var out []Policy
	for _, p := range c.Policies {
		if p.Action == ActionProtect && p.Tunnel == tunnel {
			out = append(out, p)
		}
	}
	return out
}

// PolicyOf returns the one entry of a child: the traffic selectors that it proposes.
func (c *Config) PolicyOf(connection, child int) Policy {
	return c.Policies[c.Connections[connection].Children[child].Policy]
}
