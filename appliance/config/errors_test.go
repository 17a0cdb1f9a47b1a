package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestAllProblemsAreListed: one reading reports problems of keys, of combinations and of missing keys together.
func TestAllProblemsAreListed(t *testing.T) {
	text := string(replaced(t, 5, `lcores = "two"`))
	text = strings.Replace(text, `mac = "52:54:00:00:00:fe"`, `mac = "none"`, 1)
	text = strings.Replace(text, `path_is_mine = true`, `path_is_mine = false`, 1)
	text = strings.Replace(text, `spi_in = 4099`, `spi_im = 4099`, 1)
	_, err := Parse("f.toml", []byte(text))
	checkProblems(t, err, []string{
		`5: key "system.lcores": got "two", expected "auto" or an integer from 1 to 1024`,
		`22: key "neighbour[1].mac": got "none", expected ` + wantMAC,
		`43: key "tunnel.office.path_is_mine": got false, expected true: a constant rate ignores congestion and is allowed only where every link of the path is the operator's own (RFC 9347 2.4.1)`,
		`78: key "tunnel.lab.sa[1].spi_in": got no value, expected this key, it is required: SPI of the packets we receive`,
		`79: key "tunnel.lab.sa[1].spi_im": got an unknown key, expected ` + wantKeys + `; nearest valid key: "spi_in"`,
	})
	var p *Problem
	if !errors.As(err, &p) || p.Line != 5 || p.File != "f.toml" || p.Key != "system.lcores" {
		t.Errorf("errors.As gives %+v, want the first problem", p)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range MaxProblems + 7 {
		fmt.Fprintf(&b, "k%d = 1\n", i)
	}
	_, err := Parse("f.toml", []byte(b.String()))
	var e *Errors
	if !errors.As(err, &e) || len(e.Problems) != MaxProblems || e.Omitted != 8 { // and the missing [[port]]
		t.Fatalf("got %d problems and %d more, want %d and 8", len(e.Problems), e.Omitted, MaxProblems)
	}
	if !strings.HasSuffix(e.Error(), "\nf.toml: and 8 more problems") {
		t.Errorf("got %q", e.Error())
	}
}

func TestWholeFileProblems(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", `1: key "port": got no value, expected this key, it is required: a network port`},
		{"no ports", "port = []", `1: key "port": got an empty array, expected at least one table: a network port`},
		{"value for an array of tables", "port = 1", `1: key "port": got 1, expected an array of tables, [[port]]`},
		{"array of values", "port = [1]", `1: key "port": got an array, expected an array of tables, [[port]]`},
		{"value for a table", "port = []\nsystem = 1", `2: key "system": got 1, expected a table, [system]`},
		{"too deep", "x = " + strings.Repeat("[", 10_000), ``},
		{"too long", strings.Repeat("#", maxFile+1), ``},
		{"not UTF-8", "x = \"\xff\"", `1: got text that is not TOML, expected TOML 1.0: invalid UTF-8 byte: 0xff`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("f.toml", []byte(c.text))
			var e *Errors
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Errors", err)
			}
			if c.want != "" && !strings.Contains(err.Error(), "f.toml:"+c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := Parse("f.toml", []byte("x = "+strings.Repeat("[", 10_000))); !strings.Contains(err.Error(), "nested too deep") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(t.TempDir() + "/none.toml"); err == nil || !strings.Contains(err.Error(), "none.toml") {
		t.Errorf("missing file: got %v", err)
	}
	if _, err := LoadKeys(t.TempDir()); err == nil {
		t.Error("a folder was read as a file")
	}
}
