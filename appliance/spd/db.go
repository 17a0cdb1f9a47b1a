package spd

import (
	"fmt"
	"net/netip"
)

// none is the number of no rule and of no entry.
const none = ^uint32(0)

// NoEntry in Decision.Entry: nothing matched, and the nominal last entry of every SPD discards (RFC 4301 4.4.1).
const NoEntry = none

// Decision is what the SPD says about a packet.
type Decision struct {
	Action Action
	Tunnel uint32 // with Protect: Entry.Tunnel
	Entry  uint32 // position of the entry that matched, or NoEntry
}

// smallVRF is the number of rules up to which trying them in order beats two longest-prefix matches.
const smallVRF = 6

// DB is a Security Policy Database: ordered entries, first match decides. A lookup finds the entries that cover the
// packet's local address and those that cover its remote one, and tries the shorter list in order; the answer is always
// the one of a linear search. It is immutable after New, safe for concurrent use.
type DB struct {
	set  ruleSet
	vrfs []vrf // by VRF number
}

// vrf holds the rules of one VRF.
type vrf struct {
	rules         []uint32 // in order
	local, remote *index   // nil with few rules
}

// New compiles entries, in the administrator's order. An entry without selectors matches nothing. The error names the
// first bad entry by its position.
func New(entries []Entry) (*DB, error) {
	db := &DB{}
	for i := range entries {
		if err := db.addEntry(uint32(i), &entries[i]); err != nil {
			return nil, fmt.Errorf("spd entry %d: %w", i, err)
		}
	}
	for i := range db.vrfs {
		if v := &db.vrfs[i]; len(v.rules) > smallVRF {
			db.buildIndexes(v)
		}
	}
	return db, nil
}

// addEntry compiles the selectors of one entry.
func (db *DB) addEntry(i uint32, e *Entry) error {
	if e.Action > Protect {
		return fmt.Errorf("%v: expected discard, bypass or protect", e.Action)
	}
	for len(db.vrfs) <= int(e.VRF) {
		db.vrfs = append(db.vrfs, vrf{})
	}
	v := &db.vrfs[e.VRF]
	for j := range e.Selectors {
		r, err := db.set.add(&e.Selectors[j])
		if err != nil {
			return fmt.Errorf("selector %d: %w", j, err)
		}
		r.entry, r.action, r.tunnel = i, e.Action, e.Tunnel
		v.rules = append(v.rules, uint32(len(db.set.rules)-1))
	}
	return nil
}

// buildIndexes makes the two indexes of a VRF.
func (db *DB) buildIndexes(v *vrf) {
	var local, remote []attachment
	for _, i := range v.rules {
		r := &db.set.rules[i]
		local = db.set.attachments(local, i, r.local, r.remote)
		remote = db.set.attachments(remote, i, r.remote, r.local)
	}
	v.local, v.remote = newIndex(local), newIndex(remote)
}

// Outbound looks up a clear packet that is to leave: its source is the local side (RFC 4301 5.1).
func (db *DB) Outbound(p *Packet) Decision {
	var q query
	q.setOutbound(p)
	return db.decide(db.find(p.VRF, p.Src, p.Dst, &q))
}

// Inbound looks up a packet that arrived without protection: its source is the remote side (RFC 4301 5.2). Where an entry
// says Protect the answer is Discard, with the entry: such traffic has to come through its SA.
func (db *DB) Inbound(p *Packet) Decision {
	var q query
	q.setInbound(p)
	d := db.decide(db.find(p.VRF, p.Dst, p.Src, &q))
	if d.Action == Protect {
		d.Action = Discard
	}
	return d
}

// find returns the first rule that matches q, or none.
func (db *DB) find(number uint16, local, remote netip.Addr, q *query) uint32 {
	if int(number) >= len(db.vrfs) {
		return none
	}
	v := &db.vrfs[number]
	if v.local == nil {
		return db.set.firstOf(v.rules, q)
	}
	r, ok := v.remote.table.Lookup(remote)
	if !ok {
		return none
	}
	l, ok := v.local.table.Lookup(local)
	if !ok {
		return none
	}
	if v.remote.nodes[r].total <= v.local.nodes[l].total {
		return v.remote.first(r, &db.set, q)
	}
	return v.local.first(l, &db.set, q)
}

// firstOf returns the first rule of a list that matches q, or none.
func (t *ruleSet) firstOf(list []uint32, q *query) uint32 {
	for _, i := range list {
		if t.match(i, q) {
			return i
		}
	}
	return none
}

// decide reads the decision of rule i.
func (db *DB) decide(i uint32) Decision {
	if i == none {
		return Decision{Action: Discard, Entry: NoEntry}
	}
	r := &db.set.rules[i]
	return Decision{Action: r.action, Tunnel: r.tunnel, Entry: r.entry}
}
