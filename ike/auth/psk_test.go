package auth

import (
	"bytes"
	"strings"
	"testing"
)

// TestIKE091_SecretTable: the secret is that of the pair of identities; exact ones before patterns, patterns in order.
func TestIKE091_SecretTable(t *testing.T) {
	table := NewPSKs()
	for _, row := range [][3]string{
		{"a.test", "*.example.org", "all of them"},
		{"a.test", "*.b.example.org", "never reached"},
		{"a.test", "gw.example.org", "the gateway"},
		{"%any", "keyid:7", "key 7"},
	} {
		if err := table.Add(pattern(row[0]), pattern(row[1]), []byte(row[2])); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ local, remote, want string }{
		{"A.test", "GW.example.org", "the gateway"},
		{"a.test", "x.b.example.org", "all of them"},
		{"whoever", "keyid:7", "key 7"},
		{"b.test", "gw.example.org", ""},
		{"a.test", "gw.example.net", ""},
		{"a.test", "keyid:gw.example.org", ""},
	} {
		secret, ok := table.Lookup(ident(c.local), ident(c.remote))
		if ok != (c.want != "") || ok && string(secret) != c.want {
			t.Errorf("%s, %s: %q, %t, want %q", c.local, c.remote, secret, ok, c.want)
		}
	}
}

// TestIKE100_DecoySecret: who is not in the table gets a secret of 32 random octets, not an empty one, and every time the
// same.
func TestIKE100_DecoySecret(t *testing.T) {
	table := NewPSKs()
	one, ok := table.Lookup(ident("a"), ident("b"))
	two, _ := table.Lookup(Identity{}, ident("c"))
	if ok || len(one) != 32 || !bytes.Equal(one, two) || bytes.Equal(one, make([]byte, 32)) {
		t.Errorf("%d octets, %t", len(one), ok)
	}
}

// TestSecretTableErrors: they name the pair, never the secret.
func TestSecretTableErrors(t *testing.T) {
	table := NewPSKs()
	add := func(local, remote Pattern, secret string) error { return table.Add(local, remote, []byte(secret)) }
	if err := add(pattern("a"), pattern("b"), "sesame"); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"twice":          add(pattern("A"), pattern("b"), "sesame 2"),
		"empty (HAZ-25)": add(pattern("a"), pattern("c"), ""),
		"anyone":         add(pattern("a"), pattern("%any"), "sesame"),
		"nobody":         add(pattern("a"), Pattern{}, "sesame"),
		"by nobody":      add(Pattern{}, pattern("a"), "sesame"),
	} {
		if err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSecretTableWipe: all secrets are zero afterwards.
func TestSecretTableWipe(t *testing.T) {
	table := NewPSKs()
	exact, wild := []byte("exact"), []byte("wild")
	table.Add(pattern("a"), pattern("b"), exact)
	table.Add(pattern("a"), pattern("*.b"), wild)
	table.Wipe()
	if !bytes.Equal(exact, make([]byte, 5)) || !bytes.Equal(wild, make([]byte, 4)) {
		t.Errorf("%q, %q", exact, wild)
	}
}

// TestIKE084_SecretText: text as it is, at least 64 octets of it, or hexadecimal; no NUL is added (RFC 7296 2.15).
func TestIKE084_SecretText(t *testing.T) {
	long := strings.Repeat("x", 300)
	for text, want := range map[string]string{
		"secret":     "secret",
		"secret\n":   "secret",
		"secret\r\n": "secret",
		"secret\n\n": "secret\n",
		" s p ":      " s p ",
		"0x00ff":     "\x00\xff",
		"0x00FF\n":   "\x00\xff",
		long:         long,
		"0":          "0",
	} {
		if got, err := ParsePSK([]byte(text)); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "\n", "0x", "0x123", "0xsesame"} {
		if got, err := ParsePSK([]byte(text)); err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	content := []byte("secret")
	secret := must(ParsePSK(content))
	clear(content)
	if string(secret) != "secret" {
		t.Error("the secret aliases the file's content")
	}
}
