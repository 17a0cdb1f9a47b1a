package ike

import (
	"encoding/binary"
	"errors"
	"fmt"

	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// denial says why the peer's request for a Child SA is refused.
type denial struct {
	notify              wire.NotifyType
	data                []byte
	offered, configured string
	key, reason         string
}

// childAnswer is what this end has decided about the peer's request, until the SA is installed.
type childAnswer struct {
	s             *ikeSA
	o             childOptions
	child         *Child
	bundle        *bundle         // that it joins, nil: it founds one
	local, remote []wire.Selector // as answered
	proposal      wire.Proposal   // as chosen, with the peer's SPI
	choice        espChoice
	mode          Mode
	flags         byte
	resources     bool // SA_RESOURCE_INFO was asked for and is answered
	lcore         int
	spi           uint32
}

// answerChild answers a request for a Child SA and continues with the payloads of the answer once the inbound half is
// installed: in the order of RFC 7296 1.3 with notifications first, or a sole error notification (IKE-101).
func (s *ikeSA) answerChild(now int64, m *message, o childOptions, ni, nr, secret []byte, then func(now int64, ps []wire.Payload)) {
	a, no := s.considerChild(m, o)
	if no != nil {
		s.deny(now, m, no)
		then(now, []wire.Payload{notify(no.notify, no.data)})
		return
	}
	a.install(now, ni, nr, secret, then)
}

// considerChild decides about everything but keys. It changes nothing but the SPIs in use and the bundle's holds: end the
// answer with install or drop.
func (s *ikeSA) considerChild(m *message, o childOptions) (*childAnswer, *denial) {
	a := &childAnswer{s: s, o: o}
	steps := []func(*message) *denial{a.chooseSelectors, a.chooseBundle, a.chooseProposal, a.chooseMode, a.chooseLcore}
	for _, step := range steps {
		if no := step(m); no != nil {
			return nil, no
		}
	}
	if a.bundle != nil {
		a.bundle.holds++
	}
	return a, nil
}

// chooseSelectors finds the configured child and narrows. A rekey keeps what is in use, which must have been offered
// (RFC 7296 2.9.2).
func (a *childAnswer) chooseSelectors(m *message) *denial {
	theirs, ours := m.tsi().Selectors, m.tsr().Selectors
	if old := a.o.replaces; old != nil {
		a.child, a.local, a.remote = old.bundle.child, old.bundle.local, old.bundle.remote
		if !covered(a.local, ours) || !covered(a.remote, theirs) {
			return a.unacceptable(m, "the rekey offers less than what is in use")
		}
		return nil
	}
	if a.matchChild(ours, theirs); a.child == nil {
		return a.unacceptable(m, "no configured child has selectors in common")
	}
	return nil
}

func (a *childAnswer) unacceptable(m *message, reason string) *denial {
	return &denial{notify: wire.TSUnacceptable, offered: describePair(m.tsr().Selectors, m.tsi().Selectors),
		configured: a.s.describeChildren(), key: "local_ts, remote_ts", reason: reason}
}

// chooseBundle sorts out whether this is another SA with the selectors of one that exists (RFC 9611), and holds it against
// the limits.
func (a *childAnswer) chooseBundle(m *message) *denial {
	asked := m.notify(wire.SAResourceInfo) != nil
	if a.o.replaces != nil {
		a.bundle = a.o.replaces.bundle
		a.resources = asked && a.bundle.shared
		return nil
	}
	a.resources = asked && a.s.conn.Resources > 0
	if asked {
		a.bundle = a.s.sameBundle(a.child, a.local, a.remote)
		a.o.resource = a.bundle != nil
	}
	return a.s.checkLimits(a, asked)
}

// chooseProposal: any configured suite for the first SA of a bundle; its suite for another resource (RSC-007); for a rekey that
// before others.
func (a *childAnswer) chooseProposal(m *message) *denial {
	menu := a.child.Proposals
	if a.bundle != nil {
		menu = a.s.rekeyMenu(a.bundle, a.o.replaces != nil)
	}
	var method uint16
	if k := m.ke(); k != nil {
		method = k.Method
	}
	p, choice, err := chooseESP(m.sa().Proposals, menu, a.o.first, method)
	if err != nil {
		var e *negotiationError
		errors.As(err, &e)
		return &denial{notify: e.Notify, data: e.data(), offered: e.Offered, configured: e.Configured, key: "esp_proposals", reason: e.Reason}
	}
	a.proposal, a.choice = p, choice
	return nil
}

func (a *childAnswer) chooseMode(m *message) (no *denial) {
	a.mode, a.flags, no = a.s.answerAggfrag(m, a.child, a.bundle)
	if no == nil && a.o.resource && a.flags != a.bundle.peerFlags {
		no = &denial{notify: wire.NoProposalChosen, key: "iptfs",
			reason: fmt.Sprintf("USE_AGGFRAG flags %#02x differ from %#02x of the first SA (RFC 9611 3)", a.flags, a.bundle.peerFlags)}
	}
	return no
}

// chooseLcore draws the SPI too. A rekey stays on its lcore (RSC-006), another SA for a resource goes where there are
// fewest (RFC 9611 4); the peer's resource identifier has no part in it (RSC-001).
func (a *childAnswer) chooseLcore(*message) *denial {
	switch {
	case a.o.replaces != nil:
		a.lcore = a.o.replaces.lcore
	case a.o.resource:
		a.lcore = a.s.leastLoaded(a.bundle)
	default:
		a.lcore = a.s.e.cfg.Place()
	}
	spi, err := a.s.e.drawSPI(a.lcore)
	if err != nil {
		return &denial{notify: a.exhausted(), reason: fmt.Sprintf("no SPI for lcore %d: %v", a.lcore, err)}
	}
	a.spi = spi
	return nil
}

// exhausted is how the lack of room for this SA is told. NO_ADDITIONAL_SAS would rule out other selectors too, and at a rekey
// the IKE SA (RFC 9611 6, RSC-003).
func (a *childAnswer) exhausted() wire.NotifyType {
	switch {
	case a.o.replaces != nil:
		return wire.TemporaryFailure
	case a.o.resource:
		return wire.TSMaxQueue
	}
	return wire.NoAdditionalSAs
}

// drop ends an answer that is not given.
func (a *childAnswer) drop() {
	a.s.e.spareSPI(a.lcore, a.spi)
	a.letGo()
}

func (a *childAnswer) letGo() {
	if a.bundle != nil {
		a.bundle.holds--
		a.bundle.sa.release(a.bundle)
	}
}

// install derives the keys, installs the inbound half and continues with the answer. The outbound half follows when the peer
// has shown that it has the answer.
func (a *childAnswer) install(now int64, ni, nr, secret []byte, then func(now int64, ps []wire.Payload)) {
	s, c := a.s, a.make()
	out, in := s.childKeys(c.suite, ni, nr, secret)
	c.keymat, c.lowest = out, lowest(ni, nr)
	c.installInbound(in, func(now int64, err error) {
		if err != nil {
			s.deny(now, nil, &denial{notify: a.exhausted(), reason: fmt.Sprintf("lcore %d: %v", c.lcore, err)})
			c.discard()
			then(now, []wire.Payload{notify(a.exhausted(), nil)})
			return
		}
		c.phase = childReady
		then(now, a.payloads())
		switch {
		case c.phase == childGone:
		case a.o.replaces != nil:
			s.awaitSwitch(now, c, a.o.replaces)
		case a.o.resource && len(s.members(c.bundle)) > 1:
			s.awaitUse(now, c, laterUse) // others send meanwhile
		default:
			s.awaitUse(now, c, firstUse)
		}
	})
}

// make is the Child SA as decided, known to the IKE SA.
func (a *childAnswer) make() *childSA {
	c := &childSA{spiIn: a.spi, spiOut: binary.BigEndian.Uint32(a.proposal.SPI), lcore: a.lcore, suite: a.choice.suite,
		esn: a.choice.esn, bundle: a.bundle, fallback: true, replaces: a.o.replaces}
	switch {
	case a.bundle == nil:
		c.bundle = a.s.newBundle(a.child, a.local, a.remote)
		c.bundle.mode, c.bundle.suite, c.bundle.esn, c.bundle.shared = a.mode, c.suite, c.esn, a.resources
	case a.o.replaces != nil:
		c.fallback, a.o.replaces.rival = a.o.replaces.fallback, c
		c.bundle.suite, c.bundle.esn = c.suite, c.esn
	default:
		c.fallback = !a.s.hasFallback(a.bundle)
	}
	c.bundle.peerFlags = a.flags
	a.s.addChild(c)
	a.letGo()
	return c
}

func (a *childAnswer) payloads() (ps []wire.Payload) {
	if a.mode == ModeAggfrag {
		ps = append(ps, aggfragNotify(a.child))
	}
	if a.resources {
		ps = append(ps, wire.Notify{Notify: wire.SAResourceInfo, Data: a.resourceID()})
	}
	p := a.proposal
	p.SPI = binary.BigEndian.AppendUint32(nil, a.spi)
	return append(ps, wire.SA{Proposals: []wire.Proposal{p}},
		wire.TS{Selectors: a.remote}, wire.TS{Responder: true, Selectors: a.local})
}

// keyed says that the chosen proposal has a key exchange of its own.
func (a *childAnswer) keyed() bool { return a.choice.ke != suite.KENone }
