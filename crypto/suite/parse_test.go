package suite

import (
	"errors"
	"strings"
	"testing"
)

// TestParseESP: every suite is reached by its own names, and by what operators call it elsewhere.
func TestParseESP(t *testing.T) {
	for _, s := range All() {
		if have, err := ParseESP(s.Encr.Name, s.Integ.Name); err != nil || have != s {
			t.Errorf("%q, %q: %v, %v, want %v", s.Encr.Name, s.Integ.Name, have, err, s)
		}
	}
	for _, c := range []struct {
		encr, integ string
		want        Alg
	}{
		{"aes128gcm16", "none", AES128GCM16},
		{"aes128gcm", "", AES128GCM16},
		{"aes256gcm128", "", AES256GCM16},
		{"aes", "sha256", AES128CBCSHA256},
		{"aes128cbc", "sha256_128", AES128CBCSHA256},
		{"aes192cbc", "sha2_384_192", AES192CBCSHA384},
		{"aes256cbc", "sha2_512", AES256CBCSHA512},
		{"null", "sha2_256", NullSHA256},
	} {
		if have, err := ParseESP(c.encr, c.integ); err != nil || have.Alg != c.want {
			t.Errorf("%q, %q: %v, %v, want %v", c.encr, c.integ, have, err, c.want)
		}
	}
}

// TestAliasesLeadSomewhere: an alias names a row, and is not itself one.
func TestAliasesLeadSomewhere(t *testing.T) {
	for from, to := range aliases {
		_, encr := findEncr(to)
		_, integ := findInteg(to)
		if !encr && !integ {
			t.Errorf("alias %q leads to %q, which is no row", from, to)
		}
		if _, ok := findEncr(from); ok {
			t.Errorf("alias %q is a row", from)
		}
	}
}

func TestParseESPUnknownName(t *testing.T) {
	for _, c := range []struct{ encr, integ, table, nearest string }{
		{"aes128gmc16", "", "encryption", "aes128gcm16"},
		{"aes256-gcm16", "", "encryption", "aes256gcm16"},
		{"AES256GCM16", "", "encryption", "aes256gcm16"},
		{"chacha20", "", "encryption", "chacha20poly1305"},
		{"aes256gcm16-iiv", "", "encryption", "aes256gcm16iiv"},
		{"nul", "", "encryption", "null"},
		{"none", "sha256", "encryption", "null"},
		{"aes128", "sha25", "integrity", "sha256"},
		{"aes128", "sha-512", "integrity", "sha512"},
		{"aes128", "hmac_sha384", "integrity", "sha384"},
	} {
		_, err := ParseESP(c.encr, c.integ)
		var name *NameError
		if !errors.As(err, &name) {
			t.Errorf("%q, %q: error %v, want a NameError", c.encr, c.integ, err)
			continue
		}
		if name.Table != c.table || name.Nearest != c.nearest || name.Reason != "" {
			t.Errorf("%q, %q: %v, want nearest %s name %q", c.encr, c.integ, err, c.table, c.nearest)
		}
		for _, valid := range append(name.Valid, `unknown`, `"`+c.nearest+`"`) {
			if !strings.Contains(err.Error(), valid) {
				t.Errorf("%q does not name %s", err, valid)
			}
		}
	}
}

// TestESP033_RefusedNames: algorithms that exist but are left out say why, the short ICVs of GCM first.
func TestESP033_RefusedNames(t *testing.T) {
	for _, c := range []struct{ encr, integ, reason, nearest string }{
		{"aes128gcm8", "", "8-octet ICV", "aes128gcm16"},
		{"aes256gcm8", "", "8-octet ICV", "aes256gcm16"},
		{"aes256gcm64", "", "8-octet ICV", "aes256gcm16"},
		{"aes192gcm12", "", "12-octet ICV", "aes192gcm16"},
		{"aes192gcm96", "", "12-octet ICV", "aes192gcm16"},
		{"aes128ccm16", "", "AES-CCM", "aes128gcm16"},
		{"3des", "sha256", "RFC 8221", ""},
		{"aes128", "sha1", "RFC 8221", "sha512"},
		{"aes128", "md5", "RFC 8221", ""},
		{"aes128", "sha256_96", "RFC 4868", "sha256"},
	} {
		_, err := ParseESP(c.encr, c.integ)
		var name *NameError
		if !errors.As(err, &name) || !strings.Contains(name.Reason, c.reason) || !strings.Contains(err.Error(), name.Reason) {
			t.Errorf("%q, %q: error %v, want one with %q", c.encr, c.integ, err, c.reason)
			continue
		}
		if c.nearest != "" && name.Nearest != c.nearest {
			t.Errorf("%q, %q: nearest is %q, want %q", c.encr, c.integ, name.Nearest, c.nearest)
		}
	}
}

// TestValidNamesAreNotRefused: no prefix in the list of refusals catches a name of the tables.
func TestValidNamesAreNotRefused(t *testing.T) {
	for _, name := range append(encrNames(), integNames()...) {
		if r := refused(name); r != "" {
			t.Errorf("%q is refused: %s", name, r)
		}
	}
}

func TestParseESPPair(t *testing.T) {
	for _, c := range []struct{ encr, integ, want string }{
		{"aes128", "", `"aes128" does not authenticate: want an integrity algorithm, one of sha256, sha384, sha512`},
		{"null", "none", `"null" does not authenticate`},
		{"aes128gcm16", "sha256", `"aes128gcm16" authenticates by itself: want no integrity algorithm, have "sha256"`},
		{"aes128gmac", "sha512", `"aes128gmac" authenticates by itself`},
		{"chacha20poly1305iiv", "sha384", `authenticates by itself`},
	} {
		s, err := ParseESP(c.encr, c.integ)
		var pair *PairError
		if !errors.As(err, &pair) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, %q: error %v, want one with %s", c.encr, c.integ, err, c.want)
		}
		if s != (ESP{}) {
			t.Errorf("%q, %q: suite %v beside an error", c.encr, c.integ, s)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0},
		{"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"saturday", "sunday", 3},
	} {
		if have := Distance(c.a, c.b); have != c.want {
			t.Errorf("%q to %q: %d edits, want %d", c.a, c.b, have, c.want)
		}
		if have := Distance(c.b, c.a); have != c.want {
			t.Errorf("%q to %q: %d edits, want %d", c.b, c.a, have, c.want)
		}
	}
}

// FuzzParseESP: any two names give a suite that looks itself up again, or an error with a name that is valid.
func FuzzParseESP(f *testing.F) {
	for _, s := range All() {
		f.Add(s.Encr.Name, s.Integ.Name)
	}
	f.Add("aes128gcm8", "none")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, encr, integ string) {
		if len(encr) > 256 || len(integ) > 256 {
			return
		}
		s, err := ParseESP(encr, integ)
		if err == nil {
			if again, ok := Lookup(s.Alg); !ok || again != s {
				t.Fatalf("%q, %q: %+v is in no table", encr, integ, s)
			}
			return
		}
		var name *NameError
		var pair *PairError
		switch {
		case errors.As(err, &name):
			_, isEncr := findEncr(name.Nearest)
			_, isInteg := findInteg(name.Nearest)
			if !isEncr && !isInteg {
				t.Fatalf("%q, %q: nearest name %q is no row", encr, integ, name.Nearest)
			}
		case !errors.As(err, &pair):
			t.Fatalf("%q, %q: error of type %T", encr, integ, err)
		}
	})
}
