package spd

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"
)

// index finds the rules that cover an address on one side. Every prefix of a rule's ranges has a node; a node holds the
// rules attached to exactly its prefix and points to the node of the next shorter prefix. All rules that cover an address
// are then on the path from its longest match upwards. Each rule is stored once per prefix of its own, so memory stays
// linear where copying the covering rules into every prefix would not.
type index struct {
	table bart.Table[uint32] // prefix -> node
	nodes []node             // nodes[0] is the end of every path
	lists []uint32           // rule numbers, ascending within a node
}

// node is one prefix of an index.
type node struct {
	first, n uint32 // its rules in index.lists
	parent   uint32 // next shorter prefix; 0: none
	total    uint32 // rules on the path from here upwards: the cost of a search
}

// attachment puts a rule at a prefix, while an index is built.
type attachment struct {
	prefix netip.Prefix
	rule   uint32
}

// newIndex builds the index of all attachments.
func newIndex(as []attachment) *index {
	slices.SortStableFunc(as, func(a, b attachment) int { // short prefixes first: parents before children
		return cmp.Or(cmp.Compare(a.prefix.Bits(), b.prefix.Bits()), a.prefix.Addr().Compare(b.prefix.Addr()),
			cmp.Compare(a.rule, b.rule))
	})
	x := &index{nodes: make([]node, 1)}
	for len(as) > 0 {
		run := 1
		for run < len(as) && as[run].prefix == as[0].prefix {
			run++
		}
		x.addNode(as[:run])
		as = as[run:]
	}
	return x
}

// addNode adds the node of one prefix, whose shorter prefixes are all there.
func (x *index) addNode(as []attachment) {
	pfx := as[0].prefix
	n := node{first: uint32(len(x.lists)), n: uint32(len(as))}
	n.parent, _ = x.table.LookupPrefix(pfx)
	n.total = x.nodes[n.parent].total + n.n
	for _, a := range as {
		x.lists = append(x.lists, a.rule)
	}
	x.table.Insert(pfx, uint32(len(x.nodes)))
	x.nodes = append(x.nodes, n)
}

// first returns the lowest rule on the path from node at upwards that matches q, or none.
func (x *index) first(at uint32, t *ruleSet, q *query) uint32 {
	best := none
	for ; at != 0; at = x.nodes[at].parent {
		n := &x.nodes[at]
		for _, i := range x.lists[n.first : n.first+n.n] {
			if i >= best {
				break
			}
			if t.match(i, q) {
				best = i
				break
			}
		}
	}
	return best
}

// attachments lists where a rule belongs on one side, for the families that the other side has too.
func (t *ruleSet) attachments(as []attachment, i uint32, side, other [families]span) []attachment {
	for f := range families {
		if side[f].n == 0 || other[f].n == 0 {
			continue
		}
		ranges := []keyRange{allOf[f]}
		if side[f].n != every {
			ranges = t.addrs[side[f].first : side[f].first+side[f].n]
		}
		for _, r := range ranges {
			for _, p := range r.prefixes(f) {
				as = append(as, attachment{p, i})
			}
		}
	}
	return as
}
