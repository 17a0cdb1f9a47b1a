package ke

import (
	"bytes"
	_ "embed"
	"errors"
	"strings"
	"testing"
)

//go:embed testdata/exchanges.txt
var exchangesText string

// TestExchanges: whole exchanges of others, from both sides: the public values that follow from the private ones, and
// the secret (RFC 5903 8, RFC 7748 6.1, OpenSSL for MODP).
func TestExchanges(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(exchangesText) {
		if line[0] == '#' {
			continue
		}
		f := strings.Fields(line)
		seen[f[0]] = true
		t.Run(f[0], func(t *testing.T) {
			initiator, responder, secret := known(t, f[0], octets(t, f[1])), known(t, f[0], octets(t, f[3])), octets(t, f[5])
			meet(t, initiator, octets(t, f[2]), octets(t, f[4]), secret)
			meet(t, responder, octets(t, f[4]), octets(t, f[2]), secret)
		})
	}
	if len(seen) != len(groups) {
		t.Errorf("vectors of %d methods, want %d", len(seen), len(groups))
	}
}

// meet checks one side of an exchange.
func meet(t *testing.T, p *Private, public, peer, secret []byte) {
	t.Helper()
	if !bytes.Equal(p.Public(), public) {
		t.Errorf("public value is %x, want %x", p.Public(), public)
	}
	if have, err := p.Shared(peer); err != nil || !bytes.Equal(have, secret) {
		t.Errorf("secret is %x, %v, want %x", have, err, secret)
	}
}

//go:embed testdata/wycheproof.txt
var wycheproofText string

// TestIKE049_Wycheproof: points off the curve, of another form or of small order are refused; edge cases that are none
// of these, such as non-canonical Curve25519 values, are computed.
func TestIKE049_Wycheproof(t *testing.T) {
	sections := strings.Split(wycheproofText, "\n[")[1:]
	if len(sections) != 4 {
		t.Fatalf("%d sections, want 4", len(sections))
	}
	for _, section := range sections {
		name, text, _ := strings.Cut(section, "]\n")
		t.Run(name, func(t *testing.T) {
			verdicts := map[string]int{}
			for line := range strings.Lines(text) {
				if f := strings.Fields(line); len(f) == 5 {
					verdicts[f[1]]++
					judge(t, name, f)
				}
			}
			if verdicts["valid"] < 100 || verdicts["invalid"] < 15 || len(verdicts) != 2 {
				t.Errorf("too few vectors: %v", verdicts)
			}
		})
	}
}

// judge runs one vector: id, verdict, private and public value, secret.
func judge(t *testing.T, name string, f []string) {
	t.Helper()
	have, err := known(t, name, octets(t, f[2])).Shared(octets(t, f[3]))
	var refused *Error
	switch {
	case f[1] == "valid" && (err != nil || !bytes.Equal(have, octets(t, f[4]))):
		t.Errorf("%s: secret %x, %v, want %s", f[0], have, err, f[4])
	case f[1] == "invalid" && (!errors.As(err, &refused) || have != nil):
		t.Errorf("%s: secret %x, %v, want an Error", f[0], have, err)
	}
}
