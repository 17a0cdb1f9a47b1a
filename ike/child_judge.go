package ike

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"stillwater/crypto/prf"
	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// errAnswer marks an answer to an offer that this end cannot live with; errSelectors and errMode say what is wrong.
var (
	errAnswer    = errors.New("unacceptable answer")
	errSelectors = fmt.Errorf("%w: traffic selectors", errAnswer)
	errMode      = fmt.Errorf("%w: USE_AGGFRAG", errAnswer)
)

// judge holds the answer against the offer and is the Child SA that they make, with a bundle, not yet known to anyone.
// keyed says that the answer brought a key exchange.
func (o *childOffer) judge(m *message, keyed bool) (*childSA, error) {
	sa, tsi, tsr := m.sa(), m.tsi(), m.tsr()
	if sa == nil || tsi == nil || tsr == nil {
		return nil, fmt.Errorf("%w: no SA, TSi or TSr payload", errAnswer)
	}
	p, choice, err := checkESP(sa.Proposals, o.proposals)
	if err != nil {
		return nil, err
	}
	if (choice.ke != suite.KENone) != keyed {
		return nil, fmt.Errorf("%w: method %d chosen, KE payload %v", errAnswer, choice.ke, keyed)
	}
	if err := o.judgeSelectors(tsi.Selectors, tsr.Selectors); err != nil {
		return nil, err
	}
	mode, flags, err := o.judgeAggfrag(m)
	if err != nil {
		return nil, err
	}
	c := &childSA{spiIn: o.spi, spiOut: binary.BigEndian.Uint32(p.SPI), lcore: o.lcore, suite: choice.suite, esn: choice.esn,
		replaces: o.o.replaces}
	if c.bundle = o.o.joins(); c.bundle == nil {
		c.bundle = o.s.newBundle(o.child, tsi.Selectors, tsr.Selectors)
		c.bundle.mode = mode
		c.bundle.ours, c.bundle.shared = true, o.resources && m.notify(wire.SAResourceInfo) != nil
	} else if o.o.resource && m.notify(wire.SAResourceInfo) == nil {
		c.bundle.shared = false // RSC-002: an ordinary SA, and no more of them
	}
	c.bundle.suite, c.bundle.esn, c.bundle.peerFlags = choice.suite, choice.esn, flags
	c.fallback = o.fallback()
	return c, nil
}

// fallback says what the new SA is in its bundle.
func (o *childOffer) fallback() bool {
	switch {
	case o.o.replaces != nil:
		return o.o.replaces.fallback
	case o.o.bundle != nil:
		return !o.s.hasFallback(o.o.bundle)
	}
	return true
}

// judgeSelectors: the answer lies within the offer (RFC 7296 2.9), and has not less than what a rekeyed SA had (2.9.2)
// nor anything else than the bundle's first SA (RFC 9611 3).
func (o *childOffer) judgeSelectors(local, remote []wire.Selector) error {
	if len(local) == 0 || len(remote) == 0 || !covered(local, o.local) || !covered(remote, o.remote) {
		return fmt.Errorf("%w %s are not within the offer", errSelectors, describePair(local, remote))
	}
	if b := o.o.joins(); b != nil && !(covered(b.local, local) && covered(b.remote, remote)) {
		return fmt.Errorf("%w %s are narrower than those in use", errSelectors, describePair(local, remote))
	}
	return nil
}

// judgeAggfrag: an answer enables AGGFRAG only where that was asked for (RFC 9347 5.1), and keeps the mode of its bundle.
func (o *childOffer) judgeAggfrag(m *message) (Mode, byte, error) {
	flags, agreed := readAggfrag(m)
	agreed = agreed && o.aggfrag
	b := o.o.joins()
	switch {
	case agreed && !understood(flags):
		return 0, 0, fmt.Errorf("%w flags %#02x ask for what this end does not do", errMode, flags)
	case agreed && b != nil && o.o.resource && b.peerFlags != flags:
		return 0, 0, fmt.Errorf("%w flags %#02x, the bundle has %#02x", errMode, flags, b.peerFlags)
	case agreed:
		return ModeAggfrag, flags, nil
	case b != nil && b.mode == ModeAggfrag:
		return 0, 0, fmt.Errorf("%w is declined, the bundle has it", errMode)
	case o.aggfrag && o.child.IPTFS == IPTFSRequire:
		return 0, 0, fmt.Errorf("%w is declined by the peer, and iptfs = require demands it", errMode)
	}
	return ModeTunnel, 0, nil
}

// childKeys is the key material of a Child SA by the exchange's initiator: the keys of its outbound direction come first
// (RFC 7296 2.17, IKE-092).
func (s *ikeSA) childKeys(suite suite.ESP, ni, nr, secret []byte) (in, out []byte) {
	n := suite.KeymatLen()
	all, err := prf.Keymat(s.prf, s.keys.D, secret, ni, nr, 2*n)
	if err != nil {
		panic("ike: key material of a suite in the table: " + err.Error())
	}
	clear(secret)
	return all[n : 2*n : 2*n], all[:n:n]
}

// lowest is the lower of an exchange's nonces: octet by octet, and a nonce that ends first is lower (RFC 7296 2.8.1).
func lowest(ni, nr []byte) []byte {
	if bytes.Compare(ni, nr) <= 0 {
		return bytes.Clone(ni)
	}
	return bytes.Clone(nr)
}
