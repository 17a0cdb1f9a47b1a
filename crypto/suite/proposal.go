package suite

import (
	"fmt"
	"slices"
	"strings"
)

// IKEProposal is what one IKE proposal offers or accepts: the alternatives of each transform type in order of
// preference. Its encryption algorithms either all authenticate by themselves, and Integ is empty, or none does, and
// Integ is not (RFC 5282 8). Its slices belong to who holds the value.
type IKEProposal struct {
	Encr  []Encr
	Integ []Integ
	PRF   []PRF
	KE    []KE
}

// ESPProposal is what one ESP proposal offers or accepts: the alternatives of each transform type in order of
// preference. The rule for Encr and Integ is that of IKEProposal. Its slices belong to who holds the value.
type ESPProposal struct {
	Encr  []Encr
	Integ []Integ
	KE    []KE     // empty: no key exchange of its own; with NONE among them, optional
	SN    []uint16 // SNPart64, SNLow32 or both
}

// ProposalError reports a proposal whose words are all valid and which still is none. Immutable value.
type ProposalError struct {
	Protocol string // "IKE" or "ESP"
	Proposal string // what was given
	Reason   string // what is wrong and what was expected
}

// Error names the proposal, what is wrong with it and what was expected.
func (e *ProposalError) Error() string {
	return fmt.Sprintf("%s proposal %q: %s", e.Protocol, e.Proposal, e.Reason)
}

// ParseIKEProposal reads a proposal for an IKE SA in strongSwan's spelling: names of encryption, integrity, PRF and key
// exchange, joined by hyphens, alternatives of one type in order of preference, types in any order. Where no PRF is
// named, the integrity algorithms name it, as in strongSwan; beside an AEAD they do nothing else. The error is a
// *NameError or a *ProposalError.
func ParseIKEProposal(s string) (IKEProposal, error) {
	d, err := ikeWords.read(s)
	if err != nil {
		return IKEProposal{}, err
	}
	d.namePRFs()
	if reason := d.fault(); reason != "" {
		return IKEProposal{}, &ProposalError{"IKE", s, reason}
	}
	// RFC 7296 3.3.3: these two are mandatory.
	switch {
	case len(d.prf) == 0:
		return IKEProposal{}, &ProposalError{"IKE", s, "no PRF: want one of " + strings.Join(labels(prfs[:]), ", ")}
	case len(d.ke) == 0:
		return IKEProposal{}, &ProposalError{"IKE", s, "no key exchange: want one of " + strings.Join(labels(ikeWords.kes), ", ")}
	}
	return IKEProposal{d.encr, d.integ, d.prf, d.ke}, nil
}

// ParseESPProposal reads a proposal for a Child SA in strongSwan's spelling: names of encryption, integrity, key
// exchange and "esn" or "noesn", joined by hyphens, alternatives of one type in order of preference, types in any order.
// Where neither of the last two is named, both are offered, 64-bit sequence numbers first. The error is a *NameError or
// a *ProposalError.
func ParseESPProposal(s string) (ESPProposal, error) {
	d, err := espWords.read(s)
	if err != nil {
		return ESPProposal{}, err
	}
	if reason := d.fault(); reason != "" {
		return ESPProposal{}, &ProposalError{"ESP", s, reason}
	}
	p := ESPProposal{Encr: d.encr, Integ: d.integ, KE: d.ke}
	// A constant rate spends sequence numbers while idle, so that 32 bits run out within hours.
	for _, n := range d.sn {
		p.SN = append(p.SN, n.id)
	}
	if len(p.SN) == 0 {
		p.SN = []uint16{SNPart64, SNLow32}
	}
	return p, nil
}

// DefaultIKE is what is offered and accepted where the configuration names no IKE proposal: AEAD first, then AES-CBC for
// peers without, both with every PRF here. The caller owns the slices.
func DefaultIKE() []IKEProposal {
	const rest = "-prfsha256-prfsha384-prfsha512-x25519-ecp256-ecp384-modp2048-modp3072"
	return mustParse(ParseIKEProposal, "aes256gcm16-aes128gcm16"+rest, "aes256-aes128-sha256"+rest)
}

// DefaultESP is what is offered and accepted where the configuration names no ESP proposal: AEAD first, then AES-CBC for
// peers without, 64-bit sequence numbers before 32-bit ones. A new key exchange for later Child SAs (PFS) is wanted and not
// insisted on: some peers demand one by default, others refuse one, and NONE beside methods fits both (RFC 7296 3.3.6). The
// caller owns the slices.
func DefaultESP() []ESPProposal {
	const rest = "-x25519-ecp256-ecp384-modp3072-modp2048-none"
	return mustParse(ParseESPProposal, "aes256gcm16-aes128gcm16-chacha20poly1305"+rest, "aes256-aes128-sha256"+rest)
}

// mustParse panics on a default that does not parse: a mistake in the program.
func mustParse[P any](parse func(string) (P, error), defaults ...string) (ps []P) {
	for _, s := range defaults {
		p, err := parse(s)
		if err != nil {
			panic(err)
		}
		ps = append(ps, p)
	}
	return ps
}

// String is the proposal in strongSwan's spelling, which ParseIKEProposal reads back to an equal value.
func (p IKEProposal) String() string {
	return strings.Join(slices.Concat(labels(p.Encr), labels(p.Integ), labels(p.PRF), labels(p.KE)), "-")
}

// String is the proposal in strongSwan's spelling, which ParseESPProposal reads back to an equal value.
func (p ESPProposal) String() string {
	words := slices.Concat(labels(p.Encr), labels(p.Integ), labels(p.KE))
	for _, id := range p.SN {
		for _, n := range sns {
			if n.id == id {
				words = append(words, n.name)
			}
		}
	}
	return strings.Join(words, "-")
}
