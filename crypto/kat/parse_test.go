package kat

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	vs, err := parse("# head\n\n[aes-cbc a/b]\n7 valid 01 02 - 0304 05ff -\n[hmac-sha256 c]\nx invalid 01 - - 02 - 03")
	if err != nil {
		t.Fatal(err)
	}
	if len(vs) != 2 {
		t.Fatalf("%d vectors, want 2", len(vs))
	}
	v := vs[0]
	if v.Primitive != AESCBC || v.ID != "a/b#7" || !v.Valid || !bytes.Equal(v.Sealed, []byte{5, 0xff}) || v.AAD != nil {
		t.Errorf("first vector is %+v", v)
	}
	if w := vs[1]; w.Primitive != HMACSHA256 || w.ID != "c#x" || w.Valid || !bytes.Equal(w.Tag, []byte{3}) {
		t.Errorf("second vector is %+v", w)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no section":         {"1 valid - - - - - -", "line 1: vector before"},
		"section open":       {"[aes-cbc x", "line 1: section"},
		"section nameless":   {"[aes-cbc]", "want [primitive origin]"},
		"section originless": {"[aes-cbc ]", "want [primitive origin]"},
		"primitive":          {"[des x]", `unknown primitive "des"`},
		"too few":            {"[aes-cbc x]\n1 valid - - - - -", "line 2: 7 fields, want 8"},
		"too many":           {"[aes-cbc x]\n1 valid - - - - - - -", "9 fields, want 8"},
		"verdict":            {"[aes-cbc x]\n1 maybe - - - - - -", `verdict "maybe"`},
		"empty field":        {"[aes-cbc x]\n1 valid  - - - - -", `want "-"`},
		"odd hex":            {"[aes-cbc x]\n1 valid 123 - - - - -", `field "123"`},
		"not hex":            {"[aes-cbc x]\n1 valid zz - - - - -", `field "zz"`},
	} {
		t.Run(name, func(t *testing.T) {
			if vs, err := parse(c.text); err == nil || vs != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d vectors and error %v, want one with %q", len(vs), err, c.want)
			}
		})
	}
}

// FuzzParse: any text parses or fails, and never yields a vector that a line of its own cannot have held.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"rfc.txt", "esp.txt"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text[:1000]))
	}
	f.Add("[aes-gcm x]\n1 valid 00 - - - - ff")
	f.Fuzz(func(t *testing.T, text string) {
		vs, err := parse(text)
		if err != nil && vs != nil {
			t.Fatalf("%d vectors beside error %v", len(vs), err)
		}
		if lines := strings.Count(text, "\n") + 1; len(vs) > lines {
			t.Fatalf("%d vectors from %d lines", len(vs), lines)
		}
		for _, v := range vs {
			if len(v.Key)*2 > len(text) || !strings.Contains(v.ID, "#") {
				t.Fatalf("vector %q with key of %d octets from %d characters", v.ID, len(v.Key), len(text))
			}
		}
	})
}
