package spd

import "fmt"

// Selectors are the traffic selectors of one SA, compiled for the check that follows decryption (RFC 4301 5.2, step 4).
// They are few, so they are tried one after the other. Immutable after NewSelectors, safe for concurrent use.
type Selectors struct {
	set ruleSet
}

// NewSelectors compiles the selectors of an SA, as seen from this end: Local is the side behind this appliance. No
// selectors match nothing.
func NewSelectors(list []Selector) (*Selectors, error) {
	s := &Selectors{}
	for i := range list {
		if _, err := s.set.add(&list[i]); err != nil {
			return nil, fmt.Errorf("selector %d: %w", i, err)
		}
	}
	return s, nil
}

// Match reports whether the SA may carry the packet. Inbound, the packet's source is the remote side. A nil Selectors
// matches nothing.
func (s *Selectors) Match(p *Packet, inbound bool) bool {
	if s == nil {
		return false
	}
	var q query
	if inbound {
		q.setInbound(p)
	} else {
		q.setOutbound(p)
	}
	for i := range s.set.rules {
		if s.set.match(uint32(i), &q) {
			return true
		}
	}
	return false
}
