package ike

import "stillwater/ike/wire"

// The requirement flags of USE_AGGFRAG (RFC 9347 6.1.4). Each end states its own.
const (
	aggfragDontFragment = 1 << 0 // D: this end takes no fragments of inner packets
	aggfragCongestion   = 1 << 1 // C: the other end has to report congestion; nobody here does
)

// wantsAggfrag says whether an offer for the child asks for AGGFRAG. Where the SA joins a bundle its mode decides (AGG-003).
func (s *ikeSA) wantsAggfrag(c *Child, b *bundle) bool {
	if b != nil {
		return b.mode == ModeAggfrag
	}
	return c.Mode == ModeAggfrag && c.IPTFS != IPTFSOff
}

// aggfragNotify is this end's USE_AGGFRAG: always one octet of flags (AGG-005).
func aggfragNotify(c *Child) wire.Notify {
	var flags byte
	if c.DontFragment {
		flags |= aggfragDontFragment
	}
	return wire.Notify{Notify: wire.UseAggfrag, Data: []byte{flags}}
}

// readAggfrag is the peer's flags. Peers exist that send none, which means 0; of several octets the first counts (AGG-005).
func readAggfrag(m *message) (flags byte, present bool) {
	n := m.notify(wire.UseAggfrag)
	if n == nil {
		return 0, false
	}
	if len(n.Data) > 0 {
		flags = n.Data[0]
	}
	return flags, true
}

// understood says that this end can do what the peer's flags demand. A flag that is not understood rules AGGFRAG out
// (RFC 9347 5.1).
func understood(flags byte) bool { return flags&^aggfragDontFragment == 0 }

// answerAggfrag is the responder's decision for an SA of that configuration, in a bundle where it joins one.
func (s *ikeSA) answerAggfrag(m *message, c *Child, b *bundle) (Mode, byte, *denial) {
	flags, asked := readAggfrag(m)
	// RFC 9347 5.1: not together with transport mode.
	agree := asked && understood(flags) && m.notify(wire.UseTransportMode) == nil && s.wantsAggfrag(c, b)
	switch {
	case b != nil && agree != (b.mode == ModeAggfrag):
		return 0, 0, &denial{notify: wire.NoProposalChosen, reason: "USE_AGGFRAG differs from the SA in use", key: "iptfs"}
	case agree:
		return ModeAggfrag, flags, nil
	case c.IPTFS == IPTFSRequire && c.Mode == ModeAggfrag:
		return 0, 0, &denial{notify: wire.NoProposalChosen, reason: "no usable USE_AGGFRAG, which iptfs = require demands", key: "iptfs"}
	}
	return ModeTunnel, 0, nil
}
