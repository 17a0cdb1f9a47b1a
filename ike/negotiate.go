package ike

import (
	"fmt"
	"slices"

	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// negotiationError says why no proposal was agreed on. Notify is what the peer is told: NO_PROPOSAL_CHOSEN, or
// INVALID_KE_PAYLOAD with the method that this end would take. Immutable value.
type negotiationError struct {
	Notify     wire.NotifyType
	Method     uint16 // with INVALID_KE_PAYLOAD: the key exchange method to use instead
	Offered    string // as the peer put it
	Configured string // as this end would have it
	Reason     string
}

func (e *negotiationError) Error() string {
	return fmt.Sprintf("%v: %s; offered %s, configured %s", e.Notify, e.Reason, e.Offered, e.Configured)
}

// data is the notification data that goes with Notify (RFC 7296 3.10.1).
func (e *negotiationError) data() []byte {
	if e.Notify != wire.InvalidKEPayload {
		return nil
	}
	return []byte{byte(e.Method >> 8), byte(e.Method)}
}

// transformRule says how often a transform type stands in the proposals of a protocol: exactly once in an answer when
// mandatory, at most once otherwise (RFC 7296 3.3.3, IKE-065).
type transformRule struct {
	t         wire.TransformType
	mandatory bool
}

// The transform types of the two protocols. Any other type makes a proposal unacceptable (RFC 7296 3.3.6), the additional
// key exchanges of RFC 9370 too as long as they are not negotiated.
var (
	ikeRules = []transformRule{
		{wire.TransformENCR, true}, {wire.TransformPRF, true}, {wire.TransformINTEG, false}, {wire.TransformKE, true},
	}
	espRules = []transformRule{
		{wire.TransformENCR, true}, {wire.TransformINTEG, false}, {wire.TransformKE, false}, {wire.TransformSN, true},
	}
)

// chooseIKE is the responder's choice for an IKE SA (RFC 7296 2.7): the first own proposal that some offered one meets. The
// chosen proposal has the peer's number and SPI and one transform of each proposed type. keMethod is the method of the
// peer's KE payload, which is preferred where it is acceptable, since every other one costs another exchange. The error is
// a *negotiationError.
func chooseIKE(offered []wire.Proposal, configured []suite.IKEProposal, keMethod uint16) (wire.Proposal, suite.IKE, error) {
	menus := ikeMenus(configured)
	p, err := choose(offered, wire.ProtoIKE, menus, ikeRules, keMethod)
	if err != nil {
		return wire.Proposal{}, suite.IKE{}, err
	}
	s, ok := ikeSuite(p)
	if !ok {
		return wire.Proposal{}, suite.IKE{}, refusal(offered, menus, "the agreed transforms make no IKE suite")
	}
	return p, s, nil
}

// espChoice is a negotiated ESP suite with what belongs to it.
type espChoice struct {
	suite suite.ESP
	esn   bool
	ke    uint16 // method of the Child SA's own key exchange, 0: none
}

// chooseESP is the responder's choice for a Child SA. In IKE_AUTH there is no key exchange and methods in proposals are
// ignored (IKE-074); otherwise keMethod is the method of the KE payload, 0 when there is none. The error is a
// *negotiationError.
func chooseESP(offered []wire.Proposal, configured []suite.ESPProposal, inAuth bool, keMethod uint16) (wire.Proposal, espChoice, error) {
	if inAuth {
		offered = withoutKE(offered)
	}
	menus := espMenus(configured, inAuth)
	p, err := choose(offered, wire.ProtoESP, menus, espRules, keMethod)
	if err != nil {
		return wire.Proposal{}, espChoice{}, err
	}
	c, ok := espSuite(p)
	if !ok {
		return wire.Proposal{}, espChoice{}, refusal(offered, menus, "the agreed transforms make no ESP suite")
	}
	return p, c, nil
}

// choose finds the first menu and offered proposal that have a choice in common.
func choose(offered []wire.Proposal, protocol wire.Protocol, menus []menu, rules []transformRule, keMethod uint16) (wire.Proposal, error) {
	for _, own := range menus {
		for _, o := range offered {
			if o.Protocol != protocol {
				continue
			}
			transforms := pick(o.Transforms, own, rules, keMethod)
			if transforms == nil {
				continue
			}
			method := idOf(transforms, wire.TransformKE)
			// RFC 7296 1.3: a choice with another method than the KE payload's is no choice yet. With NONE chosen the
			// payload is ignored (IKE-072).
			if method != keMethod && method != suite.KENone {
				e := refusal(offered, menus, fmt.Sprintf("KE payload of method %d, want %d", keMethod, method))
				e.Notify, e.Method = wire.InvalidKEPayload, method
				return wire.Proposal{}, e
			}
			return wire.Proposal{Number: o.Number, Protocol: protocol, SPI: o.SPI, Transforms: transforms}, nil
		}
	}
	return wire.Proposal{}, refusal(offered, menus, "no proposal in common")
}

// pick is one transform of each type in offered that the menu has as well, nil when there is no such set. Integrity goes
// with the cipher (RFC 5282 8), so ciphers are tried in turn.
func pick(offered []wire.Transform, own menu, rules []transformRule, keMethod uint16) []wire.Transform {
	if foreign(offered, rules) {
		return nil
	}
	for _, encr := range own.encr {
		if chosen := pickWith(offered, own, encr, rules, keMethod); chosen != nil {
			return chosen
		}
	}
	return nil
}

// pickWith is pick for one cipher.
func pickWith(offered []wire.Transform, own menu, encr suite.Encr, rules []transformRule, keMethod uint16) (chosen []wire.Transform) {
	for _, r := range rules {
		wanted := own.alternatives(r.t, encr, keMethod)
		i := slices.IndexFunc(wanted, func(w wire.Transform) bool { return slices.Contains(offered, w) })
		switch {
		case i >= 0:
			chosen = append(chosen, wanted[i])
		case r.mandatory || proposed(offered, r.t) || !optional(wanted, r.t):
			return nil
		}
	}
	return chosen
}

// check is the initiator's look at the answer (IKE-063): exactly one proposal, with the number of an own one, of which it
// has exactly one transform of each type.
func check(answer, offered []wire.Proposal, rules []transformRule) (wire.Proposal, error) {
	wrong := func(reason string) (wire.Proposal, error) {
		return wire.Proposal{}, &negotiationError{Notify: wire.NoProposalChosen, Offered: describe(answer), Configured: describe(offered), Reason: reason}
	}
	if len(answer) != 1 {
		return wrong(fmt.Sprintf("answer of %d proposals, want 1", len(answer)))
	}
	a := answer[0]
	i := slices.IndexFunc(offered, func(o wire.Proposal) bool { return o.Number == a.Number && o.Protocol == a.Protocol })
	if i < 0 {
		return wrong(fmt.Sprintf("answer is proposal %d of protocol %d, which was not offered", a.Number, a.Protocol))
	}
	own := offered[i].Transforms
	if foreign(a.Transforms, rules) {
		return wrong("answer has a transform of a type that was not offered")
	}
	for _, r := range rules {
		if reason := checkType(a.Transforms, own, r.t); reason != "" {
			return wrong(reason)
		}
	}
	return a, nil
}

// checkType is why the answer's transforms of one type are wrong, empty when they are right. NONE is the same as absence
// for a type that may be absent (RFC 7296 3.3.2, RFC 5282 8).
func checkType(answer, own []wire.Transform, t wire.TransformType) string {
	var found []wire.Transform
	for _, a := range answer {
		if a.Type == t && !(t == wire.TransformINTEG && a == none(t)) {
			found = append(found, a)
		}
	}
	switch {
	case len(found) > 1:
		return fmt.Sprintf("answer has %d transforms of type %d, want 1", len(found), t)
	case len(found) == 1 && !slices.Contains(own, found[0]):
		return fmt.Sprintf("answer has transform %d of %d bits of type %d, which was not offered", found[0].ID, found[0].KeyBits, t)
	case len(found) == 0 && proposed(own, t) && (t == wire.TransformSN || !slices.Contains(own, none(t))):
		return fmt.Sprintf("answer has no transform of type %d", t)
	}
	return ""
}

// checkIKE is what the peer chose for an IKE SA; the error is a *negotiationError.
func checkIKE(answer, offered []wire.Proposal) (wire.Proposal, suite.IKE, error) {
	p, err := check(answer, offered, ikeRules)
	if err != nil {
		return wire.Proposal{}, suite.IKE{}, err
	}
	s, ok := ikeSuite(p)
	if !ok {
		return wire.Proposal{}, suite.IKE{}, &negotiationError{Notify: wire.NoProposalChosen, Offered: describe(answer),
			Configured: describe(offered), Reason: "the answer makes no IKE suite"}
	}
	return p, s, nil
}

// checkESP is what the peer chose for a Child SA; the error is a *negotiationError.
func checkESP(answer, offered []wire.Proposal) (wire.Proposal, espChoice, error) {
	p, err := check(answer, offered, espRules)
	if err != nil {
		return wire.Proposal{}, espChoice{}, err
	}
	c, ok := espSuite(p)
	if !ok {
		return wire.Proposal{}, espChoice{}, &negotiationError{Notify: wire.NoProposalChosen, Offered: describe(answer),
			Configured: describe(offered), Reason: "the answer makes no ESP suite"}
	}
	return p, c, nil
}

func refusal(offered []wire.Proposal, menus []menu, reason string) *negotiationError {
	return &negotiationError{Notify: wire.NoProposalChosen, Offered: describe(offered), Configured: describeMenus(menus), Reason: reason}
}
