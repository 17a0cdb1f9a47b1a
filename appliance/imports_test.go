package appliance

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// module is the import path prefix of this repository.
const module = "stillwater"

// importRule is one row of the import rule: packages that match pattern may import, inside the module, what allow lists.
// "dir" is that package alone, "dir/..." the package and everything below it, "-dir" takes something away again.
type importRule struct {
	pattern string
	allow   []string
}

// importRules is the table of the architecture, one way only. The first row that matches a package counts.
var importRules = []importRule{
	{"numa", nil},
	{"pmd/mbuf", nil},
	{"pmd/ring", nil},
	{"pmd/tsc", nil},
	{"ike/wire", nil},
	{"ike/tcpencap", nil},
	{"crypto/suite", nil},
	{"pmd/...", []string{"numa", "pmd/..."}},
	{"crypto/esp", []string{"crypto/aead", "crypto/suite", "pmd/mbuf"}},
	{"crypto/...", []string{"crypto/...", "-crypto/esp"}},
	{"iptfs", []string{"pmd/mbuf"}},
	{"ike/...", []string{"ike/...", "crypto/...", "-crypto/esp"}},
	{"appliance/config", []string{"crypto/suite"}},
	{"appliance/spd", nil},
	{"appliance/dataplane", []string{"numa", "pmd/...", "crypto/aead", "crypto/esp", "crypto/suite", "iptfs", "appliance/spd"}},
	{"appliance/hoststack", []string{"pmd/mbuf", "pmd/ring"}},
	{"appliance/mgmt/...", []string{"appliance/mgmt/...", "appliance/config", "appliance/dataplane", "appliance/control"}},
	{"appliance/control", []string{"...", "-appliance", "-appliance/mgmt/...", "-appliance/testbed/...", "-appliance/cli", "-appliance/cmd/...", "-bench/..."}},
	{"appliance", []string{"...", "-appliance/testbed/...", "-appliance/cli", "-appliance/cmd/...", "-bench/..."}},
	{"appliance/testbed/...", []string{"...", "-appliance/cli", "-appliance/cmd/...", "-bench/..."}},
	{"appliance/cli", []string{"...", "-bench/...", "-appliance/cmd/..."}},
	{"appliance/cmd/...", []string{"appliance/cli", "pmd/..."}},
	{"bench/cmd/...", []string{"bench/...", "appliance/cli", "pmd/..."}},
	{"bench/...", []string{"...", "-appliance/cmd/...", "-bench/cmd/..."}},
}

// strangers are pairs that never see each other, test files included.
var strangers = [][2]string{{"iptfs", "crypto/esp"}, {"ike", "appliance/dataplane"}}

// TestImportRule walks the sources with go/parser, because a "go list" in a test is answered from the test cache.
func TestImportRule(t *testing.T) {
	violations, files, err := importViolations(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Fatalf("looked at %d files: the walk does not start at the module root", files)
	}
	for _, v := range violations {
		t.Error(v)
	}
}

// TestImportRuleCatchesViolations plants one violation of each kind and expects it to be named.
func TestImportRuleCatchesViolations(t *testing.T) {
	tree := fstest.MapFS{
		"go.mod":                          {Data: []byte("module stillwater\n")},
		"iptfs/framer.go":                 {Data: []byte(`package iptfs; import _ "stillwater/crypto/esp"`)},
		"iptfs/framer_test.go":            {Data: []byte(`package iptfs; import _ "stillwater/crypto/esp"`)},
		"appliance/dataplane/worker.go":   {Data: []byte(`package dataplane; import _ "stillwater/ike"`)},
		"numa/topology.go":                {Data: []byte(`package numa; import _ "stillwater/pmd/mbuf"`)},
		"crypto/aead/std.go":              {Data: []byte(`package aead; import _ "stillwater/crypto/suite"`)},
		"nowhere/x.go":                    {Data: []byte(`package x; import _ "stillwater/numa"`)},
		"pmd/dpdk/go.mod":                 {Data: []byte("module stillwater/pmd/dpdk\n")},
		"pmd/dpdk/cmd/dpdk/main.go":       {Data: []byte(`package main; import _ "stillwater/appliance/cli"`)},
		"appliance/control/testdata/x.go": {Data: []byte(`package x; import _ "stillwater/bench"`)},
	}
	got, _, err := importViolations(tree)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"appliance/dataplane/worker.go: appliance/dataplane must not import ike",
		"iptfs/framer.go: iptfs must not import crypto/esp",
		"iptfs/framer_test.go: iptfs must not import crypto/esp",
		"nowhere/x.go: nowhere has no row in the import rule",
		"numa/topology.go: numa must not import pmd/mbuf",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("violations:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// importViolations returns one line for each import that the rule forbids, sorted, and how many files were read. Folders
// with a go.mod of their own and testdata are not part of the module.
func importViolations(fsys fs.FS) (violations []string, files int, err error) {
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name == "." {
				return nil
			}
			_, nested := fs.Stat(fsys, path.Join(name, "go.mod"))
			if nested == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		files++
		src, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		bad, err := fileViolations(name, src)
		violations = append(violations, bad...)
		return err
	})
	sort.Strings(violations)
	return violations, files, err
}

// fileViolations checks the imports of one source file.
func fileViolations(name string, src []byte) ([]string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	from, isTest := path.Dir(name), strings.HasSuffix(name, "_test.go")
	var bad []string
	for _, spec := range f.Imports {
		full, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		to, inside := strings.CutPrefix(full, module+"/")
		if !inside || to == from {
			continue
		}
		rule := findRule(from)
		switch {
		case rule == nil:
			bad = append(bad, fmt.Sprintf("%s: %s has no row in the import rule", name, from))
		case areStrangers(from, to), !isTest && !allows(rule.allow, to):
			bad = append(bad, fmt.Sprintf("%s: %s must not import %s", name, from, to))
		}
	}
	return bad, nil
}

func findRule(pkg string) *importRule {
	for i := range importRules {
		if matches(importRules[i].pattern, pkg) {
			return &importRules[i]
		}
	}
	return nil
}

// allows applies the list in order; the last entry that matches decides.
func allows(list []string, pkg string) bool {
	ok := false
	for _, p := range list {
		if not, isNot := strings.CutPrefix(p, "-"); isNot {
			ok = ok && !matches(not, pkg)
		} else if matches(p, pkg) {
			ok = true
		}
	}
	return ok
}

func matches(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	if dir, below := strings.CutSuffix(pattern, "/..."); below {
		return pkg == dir || strings.HasPrefix(pkg, dir+"/")
	}
	return pkg == pattern
}

func areStrangers(a, b string) bool {
	for _, s := range strangers {
		if matches(s[0]+"/...", a) && matches(s[1]+"/...", b) || matches(s[1]+"/...", a) && matches(s[0]+"/...", b) {
			return true
		}
	}
	return false
}
