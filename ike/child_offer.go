package ike

import (
	"encoding/binary"
	"fmt"
	"slices"

	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// childOptions says what kind of Child SA is wanted.
type childOptions struct {
	first    bool     // in IKE_AUTH, without a key exchange of its own (IKE-074)
	trigger  *Trigger // the packet that wants it
	replaces *childSA // it is a rekey
	bundle   *bundle  // it joins this bundle
	resource bool     // it is for the resource lcore (RFC 9611)
	lcore    int
}

// childOffer is what this end has proposed for one Child SA, until the answer is there.
type childOffer struct {
	s             *ikeSA
	child         *Child
	o             childOptions
	spi           uint32
	lcore         int
	proposals     []wire.Proposal
	local, remote []wire.Selector
	aggfrag       bool
	resources     bool
}

// childRefusal is an error notification in the place of a Child SA.
type childRefusal struct{ notify wire.Notify }

func (e *childRefusal) Error() string {
	return "the peer refuses the Child SA: " + e.notify.Notify.String()
}

// offerChild draws the inbound SPI and builds the payloads of the offer in the order of RFC 7296 1.3: notifications, SA,
// TSi, TSr. End it with accepted or abandon.
func (s *ikeSA) offerChild(_ int64, c *Child, o childOptions) (*childOffer, []wire.Payload, error) {
	offer := &childOffer{s: s, child: c, o: o, lcore: s.placeOffer(o)}
	spi, err := s.e.drawSPI(offer.lcore)
	if err != nil {
		return nil, nil, fmt.Errorf("no SPI for lcore %d: %w", offer.lcore, err)
	}
	offer.spi = spi
	offer.proposals = offerESP(offer.menu(), o.first, binary.BigEndian.AppendUint32(nil, spi))
	offer.aggfrag = s.wantsAggfrag(c, o.joins())
	offer.resources = s.conn.Resources > 0 && (o.joins() == nil || o.joins().shared)
	offer.local, offer.remote = offer.selectors()
	if b := o.joins(); b != nil {
		b.holds++
	}
	return offer, offer.payloads(), nil
}

// joins is the bundle that the new SA belongs to, nil for one that founds a bundle.
func (o *childOptions) joins() *bundle {
	if o.replaces != nil {
		return o.replaces.bundle
	}
	return o.bundle
}

// placeOffer is the lcore of a new SA: a rekey stays where it is (RSC-006).
func (s *ikeSA) placeOffer(o childOptions) int {
	switch {
	case o.replaces != nil:
		return o.replaces.lcore
	case o.resource:
		return o.lcore
	}
	return s.e.cfg.Place()
}

// menu is the proposals: as configured for a new bundle; those of the suite in use for another SA of one (RSC-007). A rekey
// is not to change algorithms (RFC 7296 2.8), so that suite comes first, and the others only behind it.
func (o *childOffer) menu() []suite.ESPProposal {
	b := o.o.joins()
	if b == nil {
		return o.child.Proposals
	}
	return o.s.rekeyMenu(b, o.o.replaces != nil)
}

// rekeyMenu is what is offered or taken for an SA of a bundle: any configured suite for the rekey of a lone one.
func (s *ikeSA) rekeyMenu(b *bundle, rekey bool) []suite.ESPProposal {
	menu := b.onlySuite()
	if rekey && len(s.members(b)) < 2 {
		menu = append(menu, b.child.Proposals...)
	}
	return menu
}

// onlySuite is the configured proposals, each cut down to the bundle's suite.
func (b *bundle) onlySuite() (menu []suite.ESPProposal) {
	sn := suite.SNLow32
	if b.esn {
		sn = suite.SNPart64
	}
	for _, p := range b.child.Proposals {
		if !slices.Contains(p.Encr, b.suite.Encr) || !slices.Contains(p.SN, sn) {
			continue
		}
		only := suite.ESPProposal{Encr: []suite.Encr{b.suite.Encr}, KE: p.KE, SN: []uint16{sn}}
		if !b.suite.Encr.Kind.SelfAuth() {
			if !slices.Contains(p.Integ, b.suite.Integ) {
				continue
			}
			only.Integ = []suite.Integ{b.suite.Integ}
		}
		menu = append(menu, only)
	}
	return menu
}

// selectors is what is proposed, the triggering packet's first (RFC 7296 2.9). A rekey has no such packet (2.9.2).
func (o *childOffer) selectors() (local, remote []wire.Selector) {
	local, remote = o.child.Local, o.child.Remote
	if b := o.o.joins(); b != nil {
		local, remote = b.local, b.remote
	}
	t := o.o.trigger
	if t == nil {
		return local, remote
	}
	l, r := t.particular()
	if !covered([]wire.Selector{l}, local) || !covered([]wire.Selector{r}, remote) {
		return local, remote
	}
	return lead(l, local), lead(r, remote)
}

// lead puts a selector first; one that is there already is not said twice.
func lead(first wire.Selector, rest []wire.Selector) []wire.Selector {
	if slices.Contains(rest, first) {
		return rest
	}
	return append([]wire.Selector{first}, rest[:min(len(rest), maxSelectors-1)]...)
}

func (o *childOffer) payloads() (ps []wire.Payload) {
	if old := o.o.replaces; old != nil {
		ps = append(ps, wire.Notify{Protocol: wire.ProtoESP, SPI: binary.BigEndian.AppendUint32(nil, old.spiIn), Notify: wire.RekeySA})
	}
	if o.aggfrag {
		ps = append(ps, aggfragNotify(o.child))
	}
	if o.resources {
		ps = append(ps, o.resourceNotify())
	}
	return append(ps, wire.SA{Proposals: o.proposals}, wire.TS{Selectors: o.local}, wire.TS{Responder: true, Selectors: o.remote})
}

// accepted checks the answer, derives the keys and installs both halves. then gets the SA that works, or why there is
// none; a refused Child SA never ends the IKE SA (IKE-101).
func (o *childOffer) accepted(now int64, m *message, ni, nr, secret []byte, then func(now int64, err error)) {
	o.establish(now, m, ni, nr, secret, func(now int64, c *childSA, err error) {
		if err != nil {
			o.s.firstFailed(now, o, err)
			then(now, err)
			return
		}
		o.s.finishChild(now, c, then)
	})
}

// establish is accepted as far as the inbound half, which is what the initiator of a rekey needs before it knows which of
// two SAs stays.
func (o *childOffer) establish(now int64, m *message, ni, nr, secret []byte, then func(now int64, c *childSA, err error)) {
	if n := m.errorNotify(); n != nil {
		o.abandon(now)
		then(now, nil, &childRefusal{*n})
		return
	}
	c, err := o.judge(m, secret != nil)
	if err != nil {
		o.refuse(now, m)
		then(now, nil, err)
		return
	}
	if o.aggfrag && c.bundle.mode == ModeTunnel {
		o.s.event(now, Event{Kind: EventNote, Child: o.child.Name, Text: "the peer declines USE_AGGFRAG: plain tunnel mode"})
	}
	in, out := o.s.childKeys(c.suite, ni, nr, secret)
	c.keymat, c.lowest = out, lowest(ni, nr)
	o.s.addChild(c)
	o.letGo()
	c.installInbound(in, func(now int64, err error) {
		if err != nil {
			o.s.deleteChild(now, c, "inbound SA not installed: "+err.Error())
			then(now, nil, err)
			return
		}
		c.phase = childReady
		then(now, c, nil)
	})
}

// refuse answers an unacceptable answer: what the peer has made of the offer is deleted (RFC 7296 1.3.1, 2.9).
func (o *childOffer) refuse(now int64, m *message) {
	if m.sa() == nil {
		o.abandon(now)
		return
	}
	o.letGo()
	o.s.enqueue(now, &orphanTask{s: o.s, spi: o.spi, lcore: o.lcore})
}

// abandon ends an offer of which nothing came. The peer never had an SA with this SPI, so it may be offered again.
func (o *childOffer) abandon(int64) {
	o.letGo()
	o.s.e.spareSPI(o.lcore, o.spi)
}

// letGo ends the offer's hold of its bundle.
func (o *childOffer) letGo() {
	if b := o.o.joins(); b != nil {
		b.holds--
		b.sa.release(b)
	}
}

// drawSPI is an unused inbound SPI that steers to the lcore.
func (e *Engine) drawSPI(lcore int) (uint32, error) {
	if free := e.spare[lcore]; len(free) > 0 {
		e.spare[lcore] = free[:len(free)-1]
		return free[len(free)-1], nil
	}
	return e.cfg.NewSPI(lcore)
}

// spareSPI keeps an SPI that was drawn and not used for the next one that is needed.
func (e *Engine) spareSPI(lcore int, spi uint32) {
	if e.spare == nil {
		e.spare = map[int][]uint32{}
	}
	e.spare[lcore] = append(e.spare[lcore], spi)
}
