package control

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConformance keeps CONFORMANCE.md honest: every test it names is there.
func TestConformance(t *testing.T) {
	list, err := os.ReadFile("CONFORMANCE.md")
	must(t, err)
	var source strings.Builder
	for _, pattern := range []string{"*_test.go", "../testbed/*_test.go"} {
		files, err := filepath.Glob(pattern)
		must(t, err)
		for _, name := range files {
			b, err := os.ReadFile(name)
			must(t, err)
			source.Write(b)
		}
	}
	names := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w*`).FindAllString(string(list), -1)
	if len(names) < 20 {
		t.Fatalf("only %d tests named", len(names))
	}
	for _, name := range names {
		if !strings.Contains(source.String(), "func "+name+"(") {
			t.Errorf("%s is named but does not exist", name)
		}
	}
}
