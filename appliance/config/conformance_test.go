package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConformance keeps CONFORMANCE.md honest: every test and case it names is there.
func TestConformance(t *testing.T) {
	list, err := os.ReadFile("CONFORMANCE.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(b)
	}
	names := regexp.MustCompile("`(Test[A-Z]\\w*)(?:/([^`]*))?`").FindAllStringSubmatch(string(list), -1)
	if len(names) < minNamed {
		t.Fatalf("only %d tests named, want %d at the least", len(names), minNamed)
	}
	for _, n := range names {
		if !strings.Contains(source.String(), "func "+n[1]+"(") || n[2] != "" && !strings.Contains(source.String(), `{"`+n[2]+`"`) {
			t.Errorf("%s is named but does not exist", n[0])
		}
	}
}

// minNamed guards against a list that lost its rows.
const minNamed = 20
