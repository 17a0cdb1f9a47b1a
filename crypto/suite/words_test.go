package suite

import (
	"errors"
	"strings"
	"testing"
)

// TestRefusedWords proves ALG-001 and ALG-002 as an operator meets them: what the RFCs advise against is refused with
// the reason, what does not exist with the nearest name.
func TestRefusedWords(t *testing.T) {
	for _, c := range []struct{ protocol, word, reason, nearest string }{
		{"IKE", "3des", "RFC 8247 2.1", ""},
		{"IKE", "des", "MUST NOT be used, RFC 8247 2.1", ""},
		{"IKE", "null", "RFC 7296 5", ""},
		{"IKE", "sha1", "RFC 8247 2.3", ""},
		{"IKE", "md5", "MUST NOT be used, RFC 8247 2.3", ""},
		{"IKE", "prfsha1", "RFC 8247 2.2", ""},
		{"IKE", "prfmd5", "MUST NOT be used, RFC 8247 2.2", ""},
		{"IKE", "modp768", "MUST NOT be used, RFC 8247 2.4", ""},
		{"IKE", "modp1024", "SHOULD NOT be used, RFC 8247 2.4", "modp2048"},
		{"IKE", "modp1536", "SHOULD NOT be used, RFC 8247 2.4", "modp4096"},
		{"IKE", "modp2048s256", "SHOULD NOT be used, RFC 8247 2.4", "modp2048"},
		{"IKE", "none", "needs a key exchange", ""},
		{"IKE", "modpnone", "needs a key exchange", ""},
		{"IKE", "esn", "belongs in an ESP proposal", ""},
		{"IKE", "aes128gcm8", "8-octet ICV", "aes128gcm16"},
		{"IKE", "aes256gcm16iiv", "RFC 8750 7", "aes256gcm16"},
		{"IKE", "aes128gmac", "encrypts nothing", ""},
		{"IKE", "chacha20poly1305", "for ESP only", ""},
		{"IKE", "aes128ccm16", "AES-CCM", "aes128gcm16"},
		{"ESP", "modp1024", "SHOULD NOT be used, RFC 8247 2.4", "modp2048"},
		{"IKE", "ke1_mlkem768", "RFC 9370", ""},
		{"ESP", "prfsha256", "belongs in an IKE proposal", ""},
		{"ESP", "3des", "RFC 8221 5", ""},
		{"ESP", "md5", "MUST NOT be used, RFC 8221 6", ""},
		{"ESP", "sha1", "MUST- in RFC 8221 6", ""},
		{"IKE", "aes256gmc16", "", "aes256gcm16"},
		{"IKE", "ecp25", "", "ecp256"},
		{"IKE", "AES256GCM16", "", "aes256gcm16"},
		{"IKE", "modp2048!", "", "modp2048"},
		{"IKE", "", "", ""},
		{"ESP", "x25591", "", "x25519"},
		{"ESP", "non", "", "none"},
	} {
		name := refusal(t, c.protocol, c.word)
		if name == nil {
			continue
		}
		if (c.reason == "") != (name.Reason == "") || !strings.Contains(name.Reason, c.reason) {
			t.Errorf("%s %q: %v, want the reason %q", c.protocol, c.word, name, c.reason)
		}
		if c.nearest != "" && name.Nearest != c.nearest {
			t.Errorf("%s %q: nearest is %q, want %q", c.protocol, c.word, name.Nearest, c.nearest)
		}
	}
}

// refusal is the error for one word in front of a good proposal.
func refusal(t *testing.T, protocol, word string) *NameError {
	t.Helper()
	_, err := ParseESPProposal(word + "-aes128gcm16")
	if protocol == "IKE" {
		_, err = ParseIKEProposal(word + "-aes128gcm16-prfsha256-x25519")
	}
	var name *NameError
	if !errors.As(err, &name) {
		t.Errorf("%s %q: error %v, want a NameError", protocol, word, err)
		return nil
	}
	if name.Table != protocol+" proposal" || name.Name != word {
		t.Errorf("%s %q: %v", protocol, word, err)
	}
	return name
}

// TestWordsAreApart: no word belongs to two transform types of one protocol, none is refused, and an alias leads to a
// word and is none.
func TestWordsAreApart(t *testing.T) {
	every := map[string]bool{}
	for _, w := range []words{ikeWords, espWords} {
		seen := map[string]bool{}
		for _, name := range w.names() {
			if seen[name] {
				t.Errorf("%s: %q is two words", w.protocol, name)
			}
			if reason := w.refused(name); reason != "" {
				t.Errorf("%s: %q is refused: %s", w.protocol, name, reason)
			}
			seen[name], every[name] = true, true
		}
	}
	for from, to := range proposalAliases {
		if !every[to] || every[from] {
			t.Errorf("alias %q leads to %q", from, to)
		}
	}
}

// TestPRFsAreNamedAfterIntegrity: each integrity algorithm has a PRF of its name and length, which a proposal without a
// PRF relies on.
func TestPRFsAreNamedAfterIntegrity(t *testing.T) {
	for _, i := range Integs() {
		p, err := ParseIKEProposal("aes128-" + i.Name + "-x25519")
		if err != nil || len(p.PRF) != 1 || p.PRF[0].Name != "prf"+i.Name || p.PRF[0].Len != i.KeyLen {
			t.Errorf("%s: %v, %v", i.Name, p, err)
		}
	}
}

// FuzzParseProposal: any string is a proposal that reads back to itself, obeys the rule for AEADs and names nothing
// twice, or an error of the two types.
func FuzzParseProposal(f *testing.F) {
	for _, p := range DefaultIKE() {
		f.Add(p.String())
	}
	for _, p := range DefaultESP() {
		f.Add(p.String())
	}
	f.Add("aes256gcm16-sha384-ecp384")
	f.Add("aes128-aes128gcm16-modp1024")
	f.Add("--")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 512 {
			return
		}
		ike, err := ParseIKEProposal(s)
		if judge(t, err, ike.Encr, ike.Integ) {
			if again, err := ParseIKEProposal(ike.String()); err != nil || again.String() != ike.String() {
				t.Errorf("%q reads back as %q, %v", ike, again, err)
			}
		}
		esp, err := ParseESPProposal(s)
		if judge(t, err, esp.Encr, esp.Integ) {
			if again, err := ParseESPProposal(esp.String()); err != nil || again.String() != esp.String() {
				t.Errorf("%q reads back as %q, %v", esp, again, err)
			}
		}
	})
}

// judge reports whether there is a proposal to look at.
func judge(t *testing.T, err error, encr []Encr, integ []Integ) bool {
	var name *NameError
	var fault *ProposalError
	if err != nil {
		if !errors.As(err, &name) && !errors.As(err, &fault) || len(encr)+len(integ) > 0 {
			t.Errorf("error %v beside %v, %v", err, encr, integ)
		}
		return false
	}
	for _, e := range encr {
		if e.Kind.SelfAuth() != (len(integ) == 0) {
			t.Errorf("%s beside %d integrity algorithms", e.Name, len(integ))
		}
	}
	return len(encr) > 0
}
