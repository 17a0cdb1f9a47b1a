package ike

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestConformance keeps CONFORMANCE.md honest: every test it names is there, and every row has one status.
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
	names := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w*`).FindAllString(string(list), -1)
	if len(names) < 100 {
		t.Fatalf("only %d tests named", len(names))
	}
	for _, name := range names {
		if !strings.Contains(source.String(), "func "+name+"(") {
			t.Errorf("%s is named but does not exist", name)
		}
	}
	status := regexp.MustCompile(`^\| [A-Z].* \| (done|done, in part|elsewhere|open) \| \S`)
	for line := range strings.SplitSeq(string(list), "\n") {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| id |") && !status.MatchString(line) {
			t.Errorf("row without a known status and a reason: %s", line)
		}
	}
}
