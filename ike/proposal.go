package ike

import (
	"fmt"
	"slices"
	"strings"

	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// menu is one configured proposal of either protocol, in the form that negotiation works on. A list that its protocol does
// not have is empty.
type menu struct {
	encr  []suite.Encr
	integ []suite.Integ
	prf   []suite.PRF
	ke    []suite.KE
	sn    []uint16
	name  string
}

func ikeMenus(configured []suite.IKEProposal) []menu {
	menus := make([]menu, len(configured))
	for i, c := range configured {
		menus[i] = menu{encr: c.Encr, integ: c.Integ, prf: c.PRF, ke: c.KE, name: c.String()}
	}
	return menus
}

// espMenus leaves the key exchange out in IKE_AUTH, where a Child SA cannot have its own (IKE-074).
func espMenus(configured []suite.ESPProposal, inAuth bool) []menu {
	menus := make([]menu, len(configured))
	for i, c := range configured {
		menus[i] = menu{encr: c.Encr, integ: c.Integ, ke: c.KE, sn: c.SN, name: c.String()}
		if inAuth {
			menus[i].ke = nil
		}
	}
	return menus
}

// transforms is all that the menu offers, in the order of the types' numbers. An AEAD goes without an integrity transform
// rather than with NONE, as RFC 5282 8 recommends.
func (m menu) transforms() (ts []wire.Transform) {
	for _, e := range m.encr {
		ts = append(ts, encrTransform(e))
	}
	for _, p := range m.prf {
		ts = append(ts, wire.Transform{Type: wire.TransformPRF, ID: p.ID})
	}
	ts = append(ts, m.integs()...)
	ts = append(ts, m.kes()...)
	for _, n := range m.sn {
		ts = append(ts, wire.Transform{Type: wire.TransformSN, ID: n})
	}
	return ts
}

// alternatives is what the menu would take of type t beside that cipher, the best first. The method of the KE payload at
// hand comes before other ones.
func (m menu) alternatives(t wire.TransformType, encr suite.Encr, keMethod uint16) []wire.Transform {
	switch t {
	case wire.TransformENCR:
		return []wire.Transform{encrTransform(encr)}
	case wire.TransformINTEG:
		if encr.Kind.SelfAuth() {
			return []wire.Transform{none(t)}
		}
		return m.integs()
	case wire.TransformKE:
		kes := m.kes()
		if len(kes) == 0 {
			return []wire.Transform{none(t)}
		}
		if i := slices.Index(kes, wire.Transform{Type: t, ID: keMethod}); i > 0 && keMethod != suite.KENone {
			kes[0], kes[i] = kes[i], kes[0]
		}
		return kes
	case wire.TransformPRF, wire.TransformSN:
		return slices.DeleteFunc(m.transforms(), func(x wire.Transform) bool { return x.Type != t })
	}
	return nil
}

func (m menu) integs() (ts []wire.Transform) {
	for _, i := range m.integ {
		ts = append(ts, wire.Transform{Type: wire.TransformINTEG, ID: i.ID})
	}
	return ts
}

func (m menu) kes() (ts []wire.Transform) {
	for _, k := range m.ke {
		ts = append(ts, wire.Transform{Type: wire.TransformKE, ID: k.ID})
	}
	return ts
}

// offerIKE is the proposals of an SA payload, numbered from 1. The SPI is empty for a first IKE SA and of 8 octets for a
// rekey (IKE-061).
func offerIKE(configured []suite.IKEProposal, spi []byte) []wire.Proposal {
	return offer(ikeMenus(configured), wire.ProtoIKE, spi)
}

// offerESP is the same for a Child SA, without key exchange in IKE_AUTH.
func offerESP(configured []suite.ESPProposal, inAuth bool, spi []byte) []wire.Proposal {
	return offer(espMenus(configured, inAuth), wire.ProtoESP, spi)
}

func offer(menus []menu, protocol wire.Protocol, spi []byte) []wire.Proposal {
	ps := make([]wire.Proposal, len(menus))
	for i, m := range menus {
		ps[i] = wire.Proposal{Number: uint8(i + 1), Protocol: protocol, SPI: spi, Transforms: m.transforms()}
	}
	return ps
}

// withoutKE is the proposals without their key exchange methods.
func withoutKE(ps []wire.Proposal) []wire.Proposal {
	ps = slices.Clone(ps)
	for i := range ps {
		ps[i].Transforms = slices.DeleteFunc(slices.Clone(ps[i].Transforms),
			func(t wire.Transform) bool { return t.Type == wire.TransformKE })
	}
	return ps
}

func encrTransform(e suite.Encr) wire.Transform {
	return wire.Transform{Type: wire.TransformENCR, ID: e.ID, KeyBits: uint16(e.KeyBits)}
}

// none is the transform that says that a type is not used.
func none(t wire.TransformType) wire.Transform { return wire.Transform{Type: t} }

// proposed says that transforms of that type are there, good ones or bad.
func proposed(ts []wire.Transform, t wire.TransformType) bool {
	return slices.ContainsFunc(ts, func(x wire.Transform) bool { return x.Type == t })
}

// optional says that the alternatives of type t allow its absence.
func optional(alternatives []wire.Transform, t wire.TransformType) bool {
	return len(alternatives) == 0 || slices.Contains(alternatives, none(t))
}

// foreign says that a transform has a type that the protocol does not have.
func foreign(ts []wire.Transform, rules []transformRule) bool {
	return slices.ContainsFunc(ts, func(x wire.Transform) bool {
		return !slices.ContainsFunc(rules, func(r transformRule) bool { return r.t == x.Type })
	})
}

// idOf is the transform ID of that type in a choice, 0 when it has none.
func idOf(ts []wire.Transform, t wire.TransformType) uint16 {
	for _, x := range ts {
		if x.Type == t {
			return x.ID
		}
	}
	return 0
}

func keyBitsOf(ts []wire.Transform) int {
	for _, x := range ts {
		if x.Type == wire.TransformENCR {
			return int(x.KeyBits)
		}
	}
	return 0
}

// ikeSuite is the suite that a choice names. NONE with a cipher that needs integrity is none (IKE-070).
func ikeSuite(p wire.Proposal) (s suite.IKE, ok bool) {
	var found [4]bool
	s.Encr, found[0] = suite.LookupIKEEncr(idOf(p.Transforms, wire.TransformENCR), keyBitsOf(p.Transforms))
	s.Integ, found[1] = suite.LookupInteg(idOf(p.Transforms, wire.TransformINTEG))
	s.PRF, found[2] = suite.LookupPRF(idOf(p.Transforms, wire.TransformPRF))
	s.KE, found[3] = suite.LookupKE(idOf(p.Transforms, wire.TransformKE))
	integrity := s.Encr.Kind.SelfAuth() == (s.Integ == suite.Integ{})
	return s, found == [4]bool{true, true, true, true} && integrity && s.KE.ID != suite.KENone
}

func espSuite(p wire.Proposal) (c espChoice, ok bool) {
	c.suite, ok = suite.FromTransforms(idOf(p.Transforms, wire.TransformENCR), keyBitsOf(p.Transforms), idOf(p.Transforms, wire.TransformINTEG))
	c.esn = idOf(p.Transforms, wire.TransformSN) == suite.SNPart64
	c.ke = idOf(p.Transforms, wire.TransformKE)
	return c, ok
}

// describe is proposals in an operator's words, unknown transforms by type and number.
func describe(ps []wire.Proposal) string {
	var words []string
	for _, p := range ps {
		var names []string
		for _, t := range p.Transforms {
			names = append(names, transformName(t))
		}
		words = append(words, strings.Join(names, "-"))
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

func describeMenus(menus []menu) string {
	var names []string
	for _, m := range menus {
		names = append(names, m.name)
	}
	return strings.Join(names, ", ")
}

// transformName is the configuration's word for a transform, or its numbers.
func transformName(t wire.Transform) string {
	switch t.Type {
	case wire.TransformENCR:
		for _, e := range suite.Encrs() {
			if e.ID == t.ID && e.KeyBits == int(t.KeyBits) {
				return e.Name
			}
		}
	case wire.TransformPRF:
		if p, ok := suite.LookupPRF(t.ID); ok {
			return p.Name
		}
	case wire.TransformINTEG:
		if i, ok := suite.LookupInteg(t.ID); ok && i.ID != suite.IntegNone {
			return i.Name
		}
	case wire.TransformKE:
		if k, ok := suite.LookupKE(t.ID); ok {
			return k.Name
		}
	case wire.TransformSN:
		if t.ID <= suite.SNPart64 {
			return [...]string{"noesn", "esn"}[t.ID]
		}
	}
	return fmt.Sprintf("type%d/%d/%d", t.Type, t.ID, t.KeyBits)
}
