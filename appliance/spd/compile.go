package spd

import (
	"cmp"
	"net/netip"
	"slices"
)

// allOf holds the whole space of each family.
var allOf = [families]keyRange{
	family4: {keyOf(netip.AddrFrom4([4]byte{})), keyOf(netip.AddrFrom4([4]byte{255, 255, 255, 255}))},
	family6: {key{}, key{^uint64(0), ^uint64(0)}},
}

// add compiles one selector and appends it as a rule; what the rule decides is the caller's to fill in.
func (t *ruleSet) add(s *Selector) (*rule, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	t.rules = append(t.rules, rule{
		local:        t.addAddrs(s.Local),
		remote:       t.addAddrs(s.Remote),
		localPorts:   t.addPorts(s.LocalPorts),
		remotePorts:  t.addPorts(s.RemotePorts),
		localOpaque:  s.LocalPorts.Opaque,
		remoteOpaque: s.RemotePorts.Opaque,
		proto:        s.Protocol,
	})
	return &t.rules[len(t.rules)-1], nil
}

// addAddrs stores the ranges of each family, sorted and with neighbours joined.
func (t *ruleSet) addAddrs(rs []AddrRange) (out [families]span) {
	if len(rs) == 0 {
		return [families]span{{n: every}, {n: every}}
	}
	var byFamily [families][]keyRange
	for _, r := range rs {
		f := family6
		if r.First.Is4() {
			f = family4
		}
		byFamily[f] = append(byFamily[f], keyRange{keyOf(r.First), keyOf(r.Last)})
	}
	for f, ks := range byFamily {
		ks = joinKeys(ks)
		if len(ks) == 1 && ks[0] == allOf[f] {
			out[f] = span{n: every}
			continue
		}
		out[f] = span{uint32(len(t.addrs)), uint32(len(ks))}
		t.addrs = append(t.addrs, ks...)
	}
	return out
}

// joinKeys sorts ranges and joins those that overlap or touch.
func joinKeys(ks []keyRange) []keyRange {
	slices.SortFunc(ks, func(a, b keyRange) int {
		return cmp.Or(cmp.Compare(a.first.hi, b.first.hi), cmp.Compare(a.first.lo, b.first.lo))
	})
	out := ks[:0]
	for _, k := range ks {
		// A first of zero behind another range starts at zero too, so the wrap of next never joins by mistake.
		if n := len(out); n > 0 && !out[n-1].last.next().less(k.first) || n > 0 && !out[n-1].last.less(k.first) {
			if out[n-1].last.less(k.last) {
				out[n-1].last = k.last
			}
			continue
		}
		out = append(out, k)
	}
	return out
}

// addPorts stores the ranges of a port selector, sorted and with neighbours joined. All ports at once are not ANY: ANY
// also matches packets without ports.
func (t *ruleSet) addPorts(p Ports) span {
	if len(p.Ranges) == 0 && !p.Opaque {
		return span{n: every}
	}
	rs := slices.Clone(p.Ranges)
	slices.SortFunc(rs, func(a, b PortRange) int { return cmp.Compare(a.First, b.First) })
	s := span{first: uint32(len(t.ports))}
	for _, r := range rs {
		if last := len(t.ports) - 1; last >= int(s.first) && uint32(r.First) <= uint32(t.ports[last].Last)+1 {
			t.ports[last].Last = max(t.ports[last].Last, r.Last)
			continue
		}
		t.ports = append(t.ports, r)
	}
	s.n = uint32(len(t.ports)) - s.first
	return s
}

// prefixes returns the shortest list of prefixes that covers exactly r, in order.
func (r keyRange) prefixes(family int) (out []netip.Prefix) {
	for first := r.first; ; {
		bits := first.blockWithin(r.last)
		length := 128 - bits
		if family == family4 {
			length -= 96
		}
		out = append(out, netip.PrefixFrom(first.addr(family == family4), length))
		last := key{first.hi | onesBelow(max(bits-64, 0)), first.lo | onesBelow(min(bits, 64))}
		if last == r.last {
			return out
		}
		first = last.next()
	}
}

// blockWithin returns the size, as a power of two, of the largest aligned block that starts at k and ends at or before
// last.
func (k key) blockWithin(last key) int {
	bits := 0
	for bits < 128 {
		n := bits + 1
		high := key{k.hi | onesBelow(max(n-64, 0)), k.lo | onesBelow(min(n, 64))}
		aligned := k.hi&onesBelow(max(n-64, 0)) == 0 && k.lo&onesBelow(min(n, 64)) == 0
		if !aligned || last.less(high) {
			break
		}
		bits = n
	}
	return bits
}
