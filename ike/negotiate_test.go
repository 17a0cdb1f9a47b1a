package ike

import (
	"errors"
	"slices"
	"testing"

	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// Transforms in the words of the registries.
func encr(id, bits uint16) wire.Transform {
	return wire.Transform{Type: wire.TransformENCR, ID: id, KeyBits: bits}
}
func prfOf(id uint16) wire.Transform   { return wire.Transform{Type: wire.TransformPRF, ID: id} }
func integOf(id uint16) wire.Transform { return wire.Transform{Type: wire.TransformINTEG, ID: id} }
func keOf(id uint16) wire.Transform    { return wire.Transform{Type: wire.TransformKE, ID: id} }
func snOf(id uint16) wire.Transform    { return wire.Transform{Type: wire.TransformSN, ID: id} }

func ikeOffer(ts ...wire.Transform) wire.Proposal {
	return wire.Proposal{Number: 1, Protocol: wire.ProtoIKE, Transforms: ts}
}
func espOffer(ts ...wire.Transform) wire.Proposal {
	return wire.Proposal{Number: 1, Protocol: wire.ProtoESP, SPI: []byte{1, 2, 3, 4}, Transforms: ts}
}

var (
	gcm128 = encr(20, 128)
	gcm256 = encr(20, 256)
	cbc256 = encr(12, 256)
	chacha = encr(28, 0)
)

// TestIKE062_ChooseIKE: one own proposal, one transform of each proposed type, unmodified.
func TestIKE062_ChooseIKE(t *testing.T) {
	own := ikeProposals("aes256gcm16-aes128gcm16-prfsha384-prfsha256-x25519-ecp256", "aes256-sha256-prfsha256-modp2048")
	bad := gcm128
	bad.Bad = true
	for _, c := range []struct {
		name   string
		offer  []wire.Transform
		method uint16
		want   string // suite; empty: NO_PROPOSAL_CHOSEN
	}{
		{"the configured order decides", []wire.Transform{gcm128, gcm256, prfOf(5), prfOf(6), keOf(31)}, 31, "aes256gcm16-prfsha384-x25519"},
		{"only what is offered", []wire.Transform{gcm128, prfOf(5), keOf(19)}, 19, "aes128gcm16-prfsha256-ecp256"},
		{"the KE payload at hand", []wire.Transform{gcm256, prfOf(5), keOf(31), keOf(19)}, 19, "aes256gcm16-prfsha256-ecp256"},
		{"IKE-064 unknown transform ID beside a known one", []wire.Transform{gcm256, prfOf(99), prfOf(5), keOf(31)}, 31, "aes256gcm16-prfsha256-x25519"},
		{"IKE-064 unknown transform type", []wire.Transform{gcm256, prfOf(5), keOf(31), {Type: 99, ID: 1}}, 31, ""},
		{"MKE-005 additional key exchange", []wire.Transform{gcm256, prfOf(5), keOf(31), {Type: wire.TransformADDKE1, ID: 36}}, 31, ""},
		{"IKE-064 unknown attribute", []wire.Transform{bad, prfOf(5), keOf(31)}, 31, ""},
		{"IKE-064 the same beside a good one", []wire.Transform{bad, gcm256, prfOf(5), keOf(31)}, 31, "aes256gcm16-prfsha256-x25519"},
		{"HAZ-02 no KE", []wire.Transform{gcm256, prfOf(5)}, 0, ""},
		{"IKE-065 no PRF", []wire.Transform{gcm256, keOf(31)}, 31, ""},
		{"IKE-065 no ENCR", []wire.Transform{prfOf(5), keOf(31)}, 31, ""},
		{"IKE-066 AEAD with INTEG NONE", []wire.Transform{gcm256, integOf(0), prfOf(5), keOf(31)}, 31, "aes256gcm16-prfsha256-x25519"},
		{"IKE-066 AEAD with a real INTEG", []wire.Transform{gcm256, integOf(12), prfOf(5), keOf(31)}, 31, ""},
		{"IKE-066 the CBC of a mixed proposal", []wire.Transform{gcm256, cbc256, integOf(12), prfOf(5), keOf(14)}, 14, "aes256-sha256-prfsha256-modp2048"},
		{"IKE-070 CBC without INTEG", []wire.Transform{cbc256, prfOf(5), keOf(14)}, 14, ""},
		{"IKE-070 CBC with INTEG NONE", []wire.Transform{cbc256, integOf(0), prfOf(5), keOf(14)}, 14, ""},
		{"IKE-067 no Key Length", []wire.Transform{encr(20, 0), prfOf(5), keOf(31)}, 31, ""},
		{"IKE-071 implemented and not configured", []wire.Transform{gcm256, prfOf(7), keOf(31)}, 31, ""},
		{"IKE-073 KE NONE", []wire.Transform{gcm256, prfOf(5), keOf(0)}, 0, ""},
		{"a transform of another protocol", []wire.Transform{gcm256, prfOf(5), keOf(31), snOf(0)}, 31, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, s, err := chooseIKE([]wire.Proposal{ikeOffer(c.offer...)}, own, c.method)
			var e *negotiationError
			switch {
			case c.want == "" && (!errors.As(err, &e) || e.Notify != wire.NoProposalChosen):
				t.Errorf("chosen %v with %v, want NO_PROPOSAL_CHOSEN", s, err)
			case c.want != "" && (err != nil || s.String() != c.want):
				t.Errorf("chosen %v with %v, want %s", s, err, c.want)
			case c.want != "":
				checkChoice(t, p, c.offer)
			}
		})
	}
}

// checkChoice: what is chosen was offered, one of each proposed type.
func checkChoice(t *testing.T, p wire.Proposal, offer []wire.Transform) {
	t.Helper()
	count := map[wire.TransformType]int{}
	for _, x := range p.Transforms {
		count[x.Type]++
		if !slices.Contains(offer, x) {
			t.Errorf("%+v was not offered", x)
		}
	}
	for _, x := range offer {
		if count[x.Type] != 1 {
			t.Errorf("%d transforms of type %v, want 1", count[x.Type], x.Type)
		}
	}
}

// RFC 7296 2.7: the number that is echoed is the peer's.
func TestIKE062_EchoesTheNumber(t *testing.T) {
	offer := []wire.Proposal{
		ikeOffer(gcm256, prfOf(99), keOf(31)),
		{Number: 2, Protocol: wire.ProtoIKE, SPI: []byte("12345678"), Transforms: []wire.Transform{gcm256, prfOf(5), keOf(31)}},
	}
	p, _, err := chooseIKE(offer, ikeProposals("aes256gcm16-prfsha256-x25519"), 31)
	if err != nil || p.Number != 2 || string(p.SPI) != "12345678" {
		t.Errorf("proposal %d with SPI %q, %v", p.Number, p.SPI, err)
	}
}

// RFC 7296 1.2: another method than the KE payload's is asked for by its number.
func TestIKE044_InvalidKE(t *testing.T) {
	_, _, err := chooseIKE([]wire.Proposal{ikeOffer(gcm256, prfOf(5), keOf(14), keOf(19))}, ikeProposals("aes256gcm16-prfsha256-x25519-ecp256"), 14)
	var e *negotiationError
	if !errors.As(err, &e) || e.Notify != wire.InvalidKEPayload || !slices.Equal(e.data(), []byte{0, 19}) {
		t.Errorf("%v, want INVALID_KE_PAYLOAD for 19", err)
	}
}

// TestIKE072_ChooseESP is the same for Child SAs, whose key exchange and integrity are optional.
func TestIKE072_ChooseESP(t *testing.T) {
	type want struct {
		suite string
		esn   bool
		ke    uint16
	}
	for _, c := range []struct {
		name   string
		own    string
		offer  []wire.Transform
		inAuth bool
		method uint16
		want   want
		notify wire.NotifyType
	}{
		{"IKE-069 64-bit numbers first", "aes128gcm16", []wire.Transform{gcm128, snOf(0), snOf(1)}, false, 0, want{"aes128gcm16", true, 0}, 0},
		{"IKE-069 the peer cannot", "aes128gcm16", []wire.Transform{gcm128, snOf(0)}, false, 0, want{"aes128gcm16", false, 0}, 0},
		{"IKE-069 we cannot", "aes128gcm16-noesn", []wire.Transform{gcm128, snOf(1)}, false, 0, want{}, wire.NoProposalChosen},
		{"IKE-065 no SN", "aes128gcm16", []wire.Transform{gcm128}, false, 0, want{}, wire.NoProposalChosen},
		{"GIK-001 no replay protection", "aes128gcm16", []wire.Transform{gcm128, snOf(2)}, false, 0, want{}, wire.NoProposalChosen},
		{"PFS", "aes128gcm16-x25519", []wire.Transform{gcm128, keOf(31), snOf(1)}, false, 31, want{"aes128gcm16", true, 31}, 0},
		{"PFS missing", "aes128gcm16-x25519", []wire.Transform{gcm128, snOf(1)}, false, 0, want{}, wire.NoProposalChosen},
		{"PFS unwanted", "aes128gcm16", []wire.Transform{gcm128, keOf(31), snOf(1)}, false, 31, want{}, wire.NoProposalChosen},
		{"PFS optional for the peer", "aes128gcm16", []wire.Transform{gcm128, keOf(31), keOf(0), snOf(1)}, false, 31, want{"aes128gcm16", true, 0}, 0},
		{"PFS optional for us", "aes128gcm16-x25519-none", []wire.Transform{gcm128, snOf(1)}, false, 0, want{"aes128gcm16", true, 0}, 0},
		{"PFS, no payload", "aes128gcm16-x25519", []wire.Transform{gcm128, keOf(31), snOf(1)}, false, 0, want{}, wire.InvalidKEPayload},
		{"PFS, other payload", "aes128gcm16-ecp256", []wire.Transform{gcm128, keOf(31), keOf(19), snOf(1)}, false, 31, want{}, wire.InvalidKEPayload},
		{"IKE-074 methods in IKE_AUTH are ignored", "aes128gcm16-x25519", []wire.Transform{gcm128, keOf(19), snOf(1)}, true, 0, want{"aes128gcm16", true, 0}, 0},
		{"CBC with HMAC", "aes256-sha512", []wire.Transform{cbc256, integOf(14), snOf(0)}, false, 0, want{"aes256-sha512", false, 0}, 0},
		{"HAZ-27 NULL without INTEG", "null-sha256", []wire.Transform{encr(11, 0), snOf(0)}, false, 0, want{}, wire.NoProposalChosen},
		{"IKE-067 ChaCha20 with a Key Length", "chacha20poly1305", []wire.Transform{encr(28, 256), snOf(0)}, false, 0, want{}, wire.NoProposalChosen},
		{"ChaCha20", "chacha20poly1305", []wire.Transform{chacha, snOf(0)}, false, 0, want{"chacha20poly1305", false, 0}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, got, err := chooseESP([]wire.Proposal{espOffer(c.offer...)}, espProposals(c.own), c.inAuth, c.method)
			var e *negotiationError
			if c.notify != 0 {
				if !errors.As(err, &e) || e.Notify != c.notify {
					t.Errorf("chosen %v with %v, want %v", got, err, c.notify)
				}
				return
			}
			if err != nil || (want{got.suite.String(), got.esn, got.ke}) != c.want {
				t.Errorf("chosen %+v with %v, want %+v", got, err, c.want)
			}
			if c.inAuth && idOf(p.Transforms, wire.TransformKE) != 0 {
				t.Error("a key exchange in IKE_AUTH")
			}
		})
	}
}

// A proposal for AH is none for ESP.
func TestIKE062_OtherProtocol(t *testing.T) {
	p := espOffer(gcm128, snOf(0))
	p.Protocol = wire.ProtoAH
	if _, _, err := chooseESP([]wire.Proposal{p}, espProposals("aes128gcm16"), false, 0); err == nil {
		t.Error("AH was chosen")
	}
}

// TestIKE063_CheckAnswer: the answer is one own proposal with exactly one transform of each type.
func TestIKE063_CheckAnswer(t *testing.T) {
	offered := offerIKE(ikeProposals("aes256gcm16-aes128gcm16-prfsha256-x25519-ecp256", "aes256-sha256-prfsha256-x25519"), nil)
	good := []wire.Transform{gcm256, prfOf(5), keOf(31)}
	classic := []wire.Transform{cbc256, integOf(12), prfOf(5), keOf(31)}
	with := func(ts []wire.Transform, more ...wire.Transform) []wire.Transform {
		return append(slices.Clone(ts), more...)
	}
	answer := func(number uint8, ts []wire.Transform) []wire.Proposal {
		return []wire.Proposal{{Number: number, Protocol: wire.ProtoIKE, Transforms: ts}}
	}
	for _, c := range []struct {
		name   string
		answer []wire.Proposal
		ok     bool
	}{
		{"as offered", answer(1, good), true},
		{"the second proposal", answer(2, classic), true},
		{"IKE-066 INTEG NONE with an AEAD", answer(1, with(good, integOf(0))), true},
		{"INTEG added", answer(1, with(good, integOf(12))), false},
		{"KE dropped", answer(1, good[:2]), false},
		{"INTEG dropped", answer(2, with(classic[:1], classic[2:]...)), false},
		{"INTEG NONE for CBC", answer(2, []wire.Transform{cbc256, integOf(0), prfOf(5), keOf(31)}), false},
		{"key length changed", answer(1, []wire.Transform{encr(20, 192), prfOf(5), keOf(31)}), false},
		{"two ENCRs", answer(1, with(good, gcm128)), false},
		{"another KE", answer(1, []wire.Transform{gcm256, prfOf(5), keOf(14)}), false},
		{"transforms of another proposal", answer(1, classic), false},
		{"a number not offered", answer(3, good), false},
		{"another type", answer(1, with(good, snOf(0))), false},
		{"two proposals", append(answer(1, good), answer(2, classic)...), false},
		{"none", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, s, err := checkIKE(c.answer, offered); (err == nil) != c.ok {
				t.Errorf("%v, %v; want it accepted: %v", s, err, c.ok)
			}
		})
	}
}

// TestIKE063_CheckChildAnswer: a key exchange may be left out only where NONE was offered.
func TestIKE063_CheckChildAnswer(t *testing.T) {
	answer := func(ts ...wire.Transform) []wire.Proposal { return []wire.Proposal{espOffer(ts...)} }
	strict := offerESP(espProposals("aes128gcm16-x25519-esn"), false, []byte{5, 6, 7, 8})
	loose := offerESP(espProposals("aes128gcm16-x25519-none-esn-noesn"), false, []byte{5, 6, 7, 8})
	for _, c := range []struct {
		name    string
		answer  []wire.Proposal
		offered []wire.Proposal
		ok      bool
	}{
		{"with KE", answer(gcm128, keOf(31), snOf(1)), strict, true},
		{"KE left out", answer(gcm128, snOf(1)), strict, false},
		{"KE NONE, not offered", answer(gcm128, keOf(0), snOf(1)), strict, false},
		{"KE left out where optional", answer(gcm128, snOf(1)), loose, true},
		{"KE NONE where optional", answer(gcm128, keOf(0), snOf(1)), loose, true},
		{"SN left out", answer(gcm128, keOf(31)), loose, false},
		{"SN 0, not offered", answer(gcm128, keOf(31), snOf(0)), strict, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, s, err := checkESP(c.answer, c.offered); (err == nil) != c.ok {
				t.Errorf("%v, %v; want it accepted: %v", s, err, c.ok)
			}
		})
	}
}

// RFC 5282 8: an AEAD is offered without INTEG; RFC 7296 3.3.3: what must be there is.
func TestIKE066_Offers(t *testing.T) {
	for _, p := range offerIKE(suite.DefaultIKE(), nil) {
		checkOffer(t, p, wire.TransformPRF, wire.TransformKE)
	}
	for _, p := range offerESP(suite.DefaultESP(), false, []byte{1, 2, 3, 4}) {
		checkOffer(t, p, wire.TransformSN)
	}
	for _, p := range offerESP(espProposals("aes128gcm16-x25519"), true, []byte{1, 2, 3, 4}) {
		if proposed(p.Transforms, wire.TransformKE) {
			t.Error("IKE-074: a key exchange method is offered in IKE_AUTH")
		}
	}
}

func checkOffer(t *testing.T, p wire.Proposal, needs ...wire.TransformType) {
	t.Helper()
	aead := idOf(p.Transforms, wire.TransformENCR) == suite.EncrAESGCM16 || idOf(p.Transforms, wire.TransformENCR) == suite.EncrChaCha20Poly1305
	if aead == proposed(p.Transforms, wire.TransformINTEG) {
		t.Errorf("proposal %d: AEAD %v with INTEG %v", p.Number, aead, !aead)
	}
	for _, n := range append(needs, wire.TransformENCR) {
		if !proposed(p.Transforms, n) {
			t.Errorf("proposal %d has no %v", p.Number, n)
		}
	}
}
