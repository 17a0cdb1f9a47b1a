package auth

import (
	"strings"
	"testing"

	"stillwater/ike/wire"
)

// TestSPD080_Patterns: which identities an entry of the PAD admits (RFC 4301 4.4.3.1, RFC 4945 3.1.5).
func TestSPD080_Patterns(t *testing.T) {
	for text, c := range map[string]struct{ yes, no []string }{
		"%any":           {yes: []string{"a", "a@b", "192.0.2.1", "keyid:x", "CN=x"}},
		"*":              {yes: []string{"a", "2001:db8::1"}},
		"gw.example.org": {yes: []string{"GW.example.org"}, no: []string{"gw.example.or", "x.gw.example.org", "keyid:gw.example.org"}},
		"*.example.org": {
			yes: []string{"a.example.org", "a.b.Example.ORG"},
			no:  []string{"example.org", "fqdn:.example.org", "a.example.org.evil.test", "aexample.org", "email:a.example.org", "keyid:a.example.org"},
		},
		"*@example.org":  {yes: []string{"a@example.org"}, no: []string{"email:@example.org", "a@b.example.org", "fqdn:a@example.org"}},
		"192.0.2.0/24":   {yes: []string{"192.0.2.0", "192.0.2.255"}, no: []string{"192.0.3.0", "::ffff:192.0.2.1", "keyid:0xc0000201", "@192.0.2.1"}},
		"2001:db8::/32":  {yes: []string{"2001:db8:1::1"}, no: []string{"2001:db9::", "192.0.2.1"}},
		"O=Ex, CN=*":     {yes: []string{"O=ex, CN=anything"}, no: []string{"O=Ex", "O=Ex, CN=a, OU=b", "CN=a, O=Ex", "O=Ey, CN=a"}},
		"O=Ex, OU=Br, *": {yes: []string{"O=Ex, OU=Br", "C=CH, OU=Br, CN=x, O=ex"}, no: []string{"O=Ex", "O=Ex, OU=Bx, CN=y", "@O=Ex"}},
		"keyid:*":        {yes: []string{"keyid:*"}, no: []string{"keyid:a"}},
	} {
		p, err := ParsePattern(text)
		if err != nil || p.String() != text {
			t.Errorf("%q: %v, %v", text, p, err)
			continue
		}
		for _, id := range c.yes {
			if !p.Match(ident(id)) {
				t.Errorf("%s does not admit %s", text, id)
			}
		}
		for _, id := range c.no {
			if p.Match(ident(id)) {
				t.Errorf("%s admits %s", text, id)
			}
		}
		if p.Match(Identity{}) {
			t.Errorf("%s admits nobody", text)
		}
	}
}

func TestPatternErrors(t *testing.T) {
	for text, word := range map[string]string{
		"":            "want one identity",
		"*example":    "want *.domain",
		"*.":          "want *.domain",
		"*.*.org":     "want *.domain",
		"a*.org":      "want one identity",
		"*.a b":       "want a name",
		"O=E*":        "a star stands for a whole value",
		"XX=*":        "unknown",
		"192.0.2.256": "want an IP address",
	} {
		if p, err := ParsePattern(text); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v, %v, want %q", text, p, err, word)
		}
	}
}

// TestPatternKinds: Exact and IsAny tell what a pattern is; the zero value admits nobody.
func TestPatternKinds(t *testing.T) {
	id := ident("gw.example.org")
	if got, ok := Exactly(id).Exact(); !ok || !got.Equal(id) || !Exactly(id).Match(id) || Exactly(id).String() != "gw.example.org" {
		t.Errorf("exactly: %v, %t", got, ok)
	}
	if _, ok := pattern("*.example.org").Exact(); ok || pattern("*.example.org").IsAny() || !pattern("%any").IsAny() {
		t.Error("kinds are mixed up")
	}
	var none Pattern
	if none.Match(id) || none.IsAny() {
		t.Error("the zero pattern admits somebody")
	}
}

// TestHAZ30_PatternsTakeAnything: no pattern panics on identities whose form nobody checked.
func TestHAZ30_PatternsTakeAnything(t *testing.T) {
	for _, text := range []string{"%any", "a", "*.a", "192.0.2.0/24", "O=*", "O=a, *"} {
		for kind := range 256 {
			for _, data := range []string{"", "\x30", "\x30\x00", "abcd", strings.Repeat("a", 70000)} {
				pattern(text).Match(Identity{wire.IDType(kind), []byte(data)})
			}
		}
	}
}
