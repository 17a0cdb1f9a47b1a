package ike

import (
	"stillwater/crypto/ke"
	"stillwater/crypto/sign"
	"stillwater/ike/auth"
	"stillwater/ike/wire"
)

// setup is what an SA needs until both ends are authenticated, and nothing later.
type setup struct {
	init1, init2 []byte // RealMessage1 and 2 as they were sent or received last (RFC 7296 2.15)
	ni, nr       []byte
	digital      bool        // both announced SIGNATURE_HASH_ALGORITHMS (RFC 7427 4)
	hashes       []sign.Hash // the peer's
	methods      []auth.Announcement

	// Initiator.
	offered []wire.Proposal
	private *ke.Private
	nat     []wire.Payload // NAT_DETECTION notifies: the forced ones are random and stay over retries

	// Responder.
	candidates []*Connection // those that fit the addresses and the chosen suite
	chosen     []wire.Proposal
	init       digest // of the IKE_SA_INIT request
	half       prefix // where it is counted as half-open; zero: it is not
	expire     timer
}

// wipe clears secrets.
func (u *setup) wipe() {
	if u != nil && u.private != nil {
		u.private.Wipe()
	}
}

// forget drops what a refused SA has no use for.
func (u *setup) forget() {
	u.init1, u.init2, u.ni, u.nr, u.candidates, u.chosen, u.hashes, u.methods = nil, nil, nil, nil, nil, nil, nil, nil
}

// authExchange is what IKE_SA_INIT settled for the proofs of both ends.
func (s *ikeSA) authExchange() auth.Exchange {
	return auth.Exchange{PRF: s.prf, Digital: s.setup.digital, Hashes: s.setup.hashes, Methods: s.setup.methods}
}

// announced reads what the peer says about itself in IKE_SA_INIT.
func (s *ikeSA) announced(m *message) {
	s.peerFragments = m.notify(wire.IKEv2FragmentationSupported) != nil
	s.peerChildless = m.notify(wire.ChildlessIKEv2Supported) != nil
	if n := m.notify(wire.SignatureHashAlgorithms); n != nil {
		s.setup.digital, s.setup.hashes = true, sign.ParseHashes(n.Data)
	}
	if n := m.notify(wire.SupportedAuthMethods); n != nil {
		s.setup.methods = auth.ParseMethods(n.Data)
	}
}

// announcements is what this end says about itself in either IKE_SA_INIT message.
func (s *ikeSA) announcements() []wire.Payload {
	ps := []wire.Payload{}
	if s.fragmentSize > 0 {
		ps = append(ps, notify(wire.IKEv2FragmentationSupported, nil))
	}
	return append(ps, notify(wire.SignatureHashAlgorithms, sign.AppendHashes(nil, sign.SupportedHashes())))
}
