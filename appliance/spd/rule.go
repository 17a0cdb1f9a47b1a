package spd

// The families, as index into per-family fields.
const (
	family4 = iota
	family6
	families
)

// every in span.n stands for all values there are, so that the common ANY costs one comparison.
const every = ^uint32(0)

// span is a run of ranges in one of the arenas of ruleSet: n of them from first on, or all values.
type span struct {
	first, n uint32
}

// rule is one selector set, compiled: pointer-free and one cache line, because a lookup walks over several.
type rule struct {
	local, remote           [families]span // into ruleSet.addrs
	localPorts, remotePorts span           // into ruleSet.ports
	tunnel                  uint32
	entry                   uint32 // position in the SPD
	proto                   Protocol
	action                  Action
	localOpaque             bool
	remoteOpaque            bool
}

// keyRange is an inclusive range of addresses.
type keyRange struct {
	first, last key
}

// ruleSet holds compiled rules and the ranges they refer to. Immutable once compiled.
type ruleSet struct {
	rules []rule
	addrs []keyRange  // each span sorted and disjoint
	ports []PortRange // each span sorted and disjoint
}

// query is a packet seen from one side: local and remote instead of source and destination.
type query struct {
	local, remote         key
	localPort, remotePort uint16
	proto                 Protocol
	family                uint8
	hasPorts              bool
	noOpaque              bool
}

// setOutbound fills q for a packet that leaves: its source is local.
func (q *query) setOutbound(p *Packet) {
	q.local, q.remote = keyOf(p.Src), keyOf(p.Dst)
	q.localPort, q.remotePort = p.SrcPort, p.DstPort
	q.setRest(p)
}

// setInbound fills q for a packet that arrived: its source is remote.
func (q *query) setInbound(p *Packet) {
	q.local, q.remote = keyOf(p.Dst), keyOf(p.Src)
	q.localPort, q.remotePort = p.DstPort, p.SrcPort
	q.setRest(p)
}

// setRest fills what does not depend on the direction.
func (q *query) setRest(p *Packet) {
	q.proto = Protocol(p.Proto)
	if p.HiddenProto {
		q.proto = OpaqueProtocol
	}
	q.family = family6
	if p.Src.Is4() {
		q.family = family4
	}
	q.hasPorts, q.noOpaque = p.HasPorts, p.NoOpaque
}

// match reports whether rule i of t matches q. ANY is tested here, ahead of the calls, because it is the common case.
func (t *ruleSet) match(i uint32, q *query) bool {
	r := &t.rules[i]
	if r.proto != AnyProtocol && r.proto != q.proto {
		return false
	}
	remote, local := r.remote[q.family&1], r.local[q.family&1]
	return (remote.n == every || t.hasAddr(remote, q.remote)) && (local.n == every || t.hasAddr(local, q.local)) &&
		(r.remotePorts.n == every || t.hasPort(r.remotePorts, r.remoteOpaque, q.remotePort, q)) &&
		(r.localPorts.n == every || t.hasPort(r.localPorts, r.localOpaque, q.localPort, q))
}

// hasAddr reports whether k is in one of the ranges of s, which is not every.
func (t *ruleSet) hasAddr(s span, k key) bool {
	rs := t.addrs[s.first : s.first+s.n]
	for len(rs) > 1 { // the last range that begins at or below k is in what remains
		if half := len(rs) / 2; k.less(rs[half].first) {
			rs = rs[:half]
		} else {
			rs = rs[half:]
		}
	}
	return len(rs) == 1 && !k.less(rs[0].first) && !rs[0].last.less(k)
}

// hasPort reports whether the selector of one side, which is not ANY, takes the packet: OPAQUE takes those without ports.
func (t *ruleSet) hasPort(s span, opaque bool, port uint16, q *query) bool {
	if !q.hasPorts {
		return opaque && !q.noOpaque
	}
	for _, r := range t.ports[s.first : s.first+s.n] {
		if port <= r.Last {
			return port >= r.First
		}
	}
	return false
}
