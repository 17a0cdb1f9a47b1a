package config

import (
	"errors"
	"testing"
)

// noFiles keeps the fuzzer from opening what it finds.
type noFiles struct{}

func (noFiles) key(string) (Key, error)               { return Key{}, errors.New("no files") }
func (noFiles) secret(string) (Key, error)            { return counting(1, 8), nil }
func (noFiles) find(s string, _ bool) (string, error) { return s, nil }

// FuzzParse: no text makes the reader of the appliance's file panic, and it returns a Config or problems, never both.
func FuzzParse(f *testing.F) {
	f.Add(readTestdata(f, "good.toml"))
	for _, c := range badFiles {
		f.Add([]byte(c.text))
	}
	f.Add(readTestdata(f, "connections.toml"))
	for _, c := range badConnections {
		f.Add([]byte(gatewayPorts + "[[connection]]\nname = \"a\"\nremote = \"192.0.2.2\"\n" + c.text))
	}
	f.Add([]byte("port = [{name = \"a\", device = \"soft:a\", role = \"inside\"}]"))
	f.Add([]byte("x = [[[[{a.b = '''\n''''}]]]]\n[[a.b]]\n[a.b.c]\n\"\\u0041\" = \"\"\"\\\n\"\"\""))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := (&reader{file: "f.toml", files: noFiles{}}).config(text)
		checkOutcome(t, c != nil, err)
	})
}

// FuzzParseKeys: the same for key files.
func FuzzParseKeys(f *testing.F) {
	f.Add(readTestdata(f, "keys.toml"))
	for _, c := range badKeys {
		f.Add([]byte(c.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseKeys("f.toml", text)
		checkOutcome(t, s != nil, err)
	})
}

// checkOutcome refuses both or neither of a result and an *Errors within its bounds.
func checkOutcome(t *testing.T, result bool, err error) {
	t.Helper()
	var e *Errors
	switch {
	case err == nil && result:
		return
	case err == nil || result:
		t.Fatalf("result %v with error %v", result, err)
	case !errors.As(err, &e) || len(e.Problems) == 0 || len(e.Problems) > MaxProblems:
		t.Fatalf("got %v", err)
	}
	for _, p := range e.Problems {
		if p.File != "f.toml" || p.Line < 0 || p.Got == "" || p.Want == "" {
			t.Fatalf("incomplete problem %+v", p)
		}
	}
}

// FuzzParseSecret: no content of a file makes a secret longer than itself, or an empty one.
func FuzzParseSecret(f *testing.F) {
	for _, s := range []string{"secret\n", "0x00ff\r\n", "0x1", "", "\r"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := parseSecret(text)
		if (err == nil) != (k.Len() > 0) || k.Len() > len(text) {
			t.Fatalf("%d octets of %d, error %v", k.Len(), len(text), err)
		}
	})
}
