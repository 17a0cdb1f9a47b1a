package spd

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/gaissmai/bart"
)

// Egress is a port as forwarding sees it.
type Egress struct {
	Port uint16  // the dataplane's number of the port
	VRF  uint16  // whose routes it serves
	Raw  bool    // packets go out without a link header; no neighbours
	MAC  [6]byte // own link address
	VLAN uint16  // 802.1Q VLAN ID of everything that leaves here; 0: untagged
	MTU  uint16  // largest network-layer packet, octets
}

// Route sends a prefix to a next hop. Without NextHop the prefix is on-link: every address of it is its own next hop.
type Route struct {
	Prefix  netip.Prefix
	VRF     uint16
	Port    uint16 // Egress.Port; ignored with Local
	NextHop netip.Addr
	Local   bool // the appliance's own addresses: punt
}

// Neighbour is the link address of an on-link address.
type Neighbour struct {
	Addr netip.Addr
	Port uint16
	MAC  [6]byte
}

// ErrRoute is wrapped by every error about a route, port or neighbour that cannot be compiled.
var ErrRoute = errors.New("invalid route")

// Routes is a forwarding table: longest prefix match to an adjacency. Neighbours of on-link prefixes are host routes in
// it, so that one match finds the link header. It is immutable after NewRoutes, safe for concurrent use.
type Routes struct {
	vrfs []bart.Table[uint32] // prefix -> index of adjs
	adjs []Adjacency
	hops []netip.Addr // cold, by the same index: the next hop; zero for on-link and local
}

// neighbourKey finds a neighbour while a table is built: link-local addresses repeat from port to port.
type neighbourKey struct {
	port uint16
	addr netip.Addr
}

// routesBuilder holds what NewRoutes looks up and Routes does not need.
type routesBuilder struct {
	r          *Routes
	ports      map[uint16]*Egress
	neighbours map[neighbourKey]*Neighbour
}

// NewRoutes compiles a forwarding table. A next hop without neighbour, and the rest of an on-link prefix, give adjacencies
// that are not Valid.
func NewRoutes(routes []Route, neighbours []Neighbour, ports []Egress) (*Routes, error) {
	b := routesBuilder{&Routes{}, map[uint16]*Egress{}, map[neighbourKey]*Neighbour{}}
	for i := range ports {
		b.ports[ports[i].Port] = &ports[i]
		b.grow(ports[i].VRF)
	}
	for i := range neighbours {
		n := &neighbours[i]
		if b.ports[n.Port] == nil {
			return nil, fmt.Errorf("%w: neighbour %v: no port %d", ErrRoute, n.Addr, n.Port)
		}
		b.neighbours[neighbourKey{n.Port, n.Addr}] = n
	}
	for i := range routes {
		if err := b.addRoute(&routes[i]); err != nil {
			return nil, err
		}
	}
	for i := range neighbours {
		b.addNeighbour(&neighbours[i])
	}
	return b.r, nil
}

// grow makes room for a VRF.
func (b *routesBuilder) grow(vrf uint16) {
	if need := int(vrf) + 1; len(b.r.vrfs) < need {
		b.r.vrfs = append(b.r.vrfs, make([]bart.Table[uint32], need-len(b.r.vrfs))...)
	}
}

// addRoute compiles one route.
func (b *routesBuilder) addRoute(rt *Route) error {
	port := b.ports[rt.Port]
	switch {
	case !rt.Prefix.IsValid() || rt.Prefix != rt.Prefix.Masked():
		return fmt.Errorf("%w: prefix %v, expected one without host bits", ErrRoute, rt.Prefix)
	case rt.Prefix.Addr().Is4In6():
		return fmt.Errorf("%w: prefix %v, expected plain IPv4 or IPv6", ErrRoute, rt.Prefix)
	case !rt.Local && port == nil:
		return fmt.Errorf("%w: %v: no port %d", ErrRoute, rt.Prefix, rt.Port)
	case !rt.Local && port.VRF != rt.VRF:
		return fmt.Errorf("%w: %v in VRF %d: port %d is in VRF %d", ErrRoute, rt.Prefix, rt.VRF, rt.Port, port.VRF)
	}
	b.grow(rt.VRF)
	if _, dup := b.r.vrfs[rt.VRF].Get(rt.Prefix); dup {
		return fmt.Errorf("%w: %v: second route in VRF %d", ErrRoute, rt.Prefix, rt.VRF)
	}
	adj := Adjacency{Local: rt.Local}
	if !rt.Local {
		adj = newAdjacency(port, b.neighbours[neighbourKey{rt.Port, rt.NextHop}], rt.Prefix.Addr().Is4())
	}
	b.insert(rt.VRF, rt.Prefix, adj, rt.NextHop)
	return nil
}

// addNeighbour adds a host route where the address is on-link on the neighbour's own port.
func (b *routesBuilder) addNeighbour(n *Neighbour) {
	port := b.ports[n.Port]
	table := &b.r.vrfs[port.VRF]
	at, ok := table.Lookup(n.Addr)
	if !ok || b.r.hops[at].IsValid() || b.r.adjs[at].Local || b.r.adjs[at].Port != n.Port {
		return
	}
	host := netip.PrefixFrom(n.Addr, n.Addr.BitLen())
	b.insert(port.VRF, host, newAdjacency(port, n, n.Addr.Is4()), netip.Addr{})
}

// insert stores an adjacency under a prefix.
func (b *routesBuilder) insert(vrf uint16, p netip.Prefix, a Adjacency, hop netip.Addr) {
	b.r.vrfs[vrf].Insert(p, uint32(len(b.r.adjs)))
	b.r.adjs = append(b.r.adjs, a)
	b.r.hops = append(b.r.hops, hop)
}

// Lookup returns the number of the adjacency for an address; false: no route.
func (r *Routes) Lookup(vrf uint16, addr netip.Addr) (uint32, bool) {
	if int(vrf) >= len(r.vrfs) {
		return 0, false
	}
	return r.vrfs[vrf].Lookup(addr)
}

// Adjacency returns adjacency i, a number from Lookup on the same Routes. It must not be written to.
func (r *Routes) Adjacency(i uint32) *Adjacency { return &r.adjs[i] }

// NextHop returns the address to resolve for a packet to dst whose adjacency is i.
func (r *Routes) NextHop(i uint32, dst netip.Addr) netip.Addr {
	if hop := r.hops[i]; hop.IsValid() {
		return hop
	}
	return dst
}
