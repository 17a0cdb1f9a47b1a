package appliance

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// rowStatuses are the words a row may have for its state; true says that the row must name the test that proves it.
var rowStatuses = map[string]bool{
	"done": true, "met": true, "proven": true,
	"done, in part": false, "in part": false, "shared": false,
	"elsewhere": false, "open": false, "note": false, "fact": false,
}

var (
	// namedTest is a test of the same folder, or pkg.TestX of another; behind a slash the case, which may end in a star.
	namedTest = regexp.MustCompile("\\b(?:([a-z][a-z0-9/]*)\\.)?((?:Test|Fuzz)[A-Z]\\w*)(?:/([^`|]*))?")
	tableRule = regexp.MustCompile(`^\|(?:-+\|)+$`)
	rowRange  = regexp.MustCompile(`^(.*?)(\d+) to (.*?)(\d+)$`)
)

// TestConformance keeps every CONFORMANCE.md honest: the tests it names are there, and each row has one state.
func TestConformance(t *testing.T) {
	violations, lists, named, err := conformanceViolations(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	if lists < 15 || named < 1000 {
		t.Fatalf("%d lists name %d tests: lists or rows are lost", lists, named)
	}
	for _, v := range violations {
		t.Error(v)
	}
}

// TestConformanceCatchesViolations plants one violation of each kind, beside what is allowed, and expects it to be named.
func TestConformanceCatchesViolations(t *testing.T) {
	const head = "| id | status | test |\n|---|---|---|\n"
	list := func(rows string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(head + rows)} }
	source := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte("package x\n" + text)} }
	tree := fstest.MapFS{
		"go.mod":    {Data: []byte("module stillwater\n")},
		"a/a.go":    source("func TestInProduct() {}"),
		"a/b/tests": source("func TestNoGoFile() {}"),
		"a/a_test.go": source(`func TestHere() { for range []c{{"A-1 good case"}} {} }; func FuzzHere() {}; type c struct{ s string }
			func (c) TestMethod() {}; /* func TestComment() {} */`),
		"a/b/b_test.go":                  source(`func TestBelow() {}; func TestRuns() { t.Run("a run", nil) }; var _ = m{"a key": {}, {name: "a name"}}`),
		"a/testdata/CONFORMANCE.md":      list("| T-1 | whatever | TestNowhere |\n"),
		"other/go.mod":                   {Data: []byte("module other\n")},
		"other/CONFORMANCE.md":           list("| T-1 | whatever | TestNowhere |\n"),
		"a/CONFORMANCE.md":               list("| A-1 | done | TestHere, `TestHere/A-1 good case`, `TestHere/A-1_*`, FuzzHere, b.TestBelow, a/b.TestBelow |\n| A-2 | open | why |\n"),
		"a/b/CONFORMANCE.md":             list("| A-1 | done | `TestRuns/a run`, `TestRuns/a key`, `TestRuns/a_name` |\n"),
		"case/a_test.go":                 source(`func TestHere() { _ = "good case" }`),
		"case/CONFORMANCE.md":            list("| A-1 | done | `TestHere/good case`, `TestHere/good_*` |\n"),
		"duplicate/a_test.go":            source("func TestHere() {}"),
		"duplicate/CONFORMANCE.md":       list("| A-1, A-09 | done | TestHere |\n| A-08 to A-11 | done | TestHere |\n\n" + head + "| A-1 | open | why |\n"),
		"missing/CONFORMANCE.md":         list("| A-1 | done | TestHere, a.TestNowhere, a.TestInProduct, a.TestMethod, a.TestComment, b.TestHere, b.TestNoGoFile |\n"),
		"none/CONFORMANCE.md":            list("| A-1 | open | why |\n"),
		"prose/CONFORMANCE.md":           {Data: []byte("`TestProse` checks this, and so does a.TestHere.\n")},
		"status/a_test.go":               source("func TestHere() {}"),
		"status/CONFORMANCE.md":          list("| A-1 | almost | TestHere |\n| A-2 | done |  |\n| A-3 | TestHere |\n| A-4 | proven | clearly |\n"),
		"status/withhead/a_test.go":      source("func TestHere() {}"),
		"status/withhead/CONFORMANCE.md": {Data: []byte("| id | status | test |\n| A-1 | done | TestHere |\n")},
	}
	got, lists, named, err := conformanceViolations(tree)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"case/CONFORMANCE.md: TestHere/good case is named but does not exist",
		"case/CONFORMANCE.md: TestHere/good_* is named but does not exist",
		"duplicate/CONFORMANCE.md: row A-09 stands twice",
		"duplicate/CONFORMANCE.md: row A-1 stands twice",
		"missing/CONFORMANCE.md: TestHere is named but does not exist",
		"missing/CONFORMANCE.md: a.TestComment is named but does not exist",
		"missing/CONFORMANCE.md: a.TestInProduct is named but does not exist",
		"missing/CONFORMANCE.md: a.TestMethod is named but does not exist",
		"missing/CONFORMANCE.md: a.TestNowhere is named but does not exist",
		"missing/CONFORMANCE.md: b.TestHere is named but does not exist",
		"missing/CONFORMANCE.md: b.TestNoGoFile is named but does not exist",
		"none/CONFORMANCE.md: no test is named",
		"prose/CONFORMANCE.md: TestProse is named but does not exist",
		"prose/CONFORMANCE.md: there is no row",
		`status/CONFORMANCE.md: "| A-2 | done |  |" is not a row of id, status and text`,
		`status/CONFORMANCE.md: "| A-3 | TestHere |" is not a row of id, status and text`,
		`status/CONFORMANCE.md: row A-1 has the unknown status "almost"`,
		"status/CONFORMANCE.md: row A-4 is proven but names no test",
		`status/withhead/CONFORMANCE.md: row id has the unknown status "status"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("violations:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if lists != 9 || named != 25 {
		t.Errorf("%d lists naming %d tests, want 9 and 25", lists, named)
	}
}

// testFolder is what the _test.go files of one folder offer to be named.
type testFolder struct {
	functions map[string]bool
	cases     map[string]bool // spaces as underscores, the way go test writes them
}

// conformanceViolations returns one line for each untruth in a CONFORMANCE.md, sorted, how many of these files there are
// and how many tests they name.
func conformanceViolations(fsys fs.FS) (violations []string, lists, named int, err error) {
	folders := map[string]testFolder{}
	texts := map[string]string{}
	err = fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			_, nested := fs.Stat(fsys, path.Join(name, "go.mod"))
			if name != "." && (nested == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
				return fs.SkipDir
			}
		case d.Name() == "CONFORMANCE.md":
			text, err := fs.ReadFile(fsys, name)
			texts[name] = string(text)
			return err
		case strings.HasSuffix(name, "_test.go"):
			src, err := fs.ReadFile(fsys, name)
			if err != nil {
				return err
			}
			return addTests(folders, name, src)
		}
		return nil
	})
	for name, text := range texts {
		names := namedTest.FindAllStringSubmatch(text, -1)
		named += len(names)
		for _, bad := range slices.Concat(missingTests(folders, path.Dir(name), names), rowViolations(text)) {
			violations = append(violations, name+": "+bad)
		}
	}
	slices.Sort(violations)
	return violations, len(texts), named, err
}

// addTests adds the functions of one test file to its folder, and the strings that stand where cases get their names: first
// in a table's entry, as key or value of a field, in a call of Run.
func addTests(folders map[string]testFolder, name string, src []byte) error {
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	folder, ok := folders[path.Dir(name)]
	if !ok {
		folder = testFolder{map[string]bool{}, map[string]bool{}}
		folders[path.Dir(name)] = folder
	}
	addCase := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				folder.cases[strings.ReplaceAll(text, " ", "_")] = true
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil {
				folder.functions[n.Name.Name] = true
			}
		case *ast.CompositeLit:
			if len(n.Elts) > 0 {
				addCase(n.Elts[0])
			}
		case *ast.KeyValueExpr:
			addCase(n.Key)
			addCase(n.Value)
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Run" && len(n.Args) > 0 {
				addCase(n.Args[0])
			}
		}
		return true
	})
	return nil
}

// missingTests returns a line for each name without a function or without its case, and one if nothing is named.
func missingTests(folders map[string]testFolder, home string, names [][]string) (bad []string) {
	if len(names) == 0 {
		return []string{"no test is named"}
	}
	for _, n := range names {
		found := false
		for dir, folder := range folders {
			inside := dir == home
			if n[1] != "" {
				inside = strings.HasSuffix("/"+dir, "/"+n[1])
			}
			found = found || inside && folder.functions[n[2]] && folder.hasCase(n[3])
		}
		if !found {
			bad = append(bad, n[0]+" is named but does not exist")
		}
	}
	return bad
}

func (f testFolder) hasCase(name string) bool {
	name = strings.ReplaceAll(name, " ", "_")
	start, star := strings.CutSuffix(name, "*")
	if !star {
		return name == "" || f.cases[name]
	}
	for c := range f.cases {
		if strings.HasPrefix(c, start) {
			return true
		}
	}
	return false
}

// rowViolations checks the form of the tables: an id that stands nowhere else, a known status, a test or a reason.
func rowViolations(text string) (bad []string) {
	rows, seen := 0, map[string]bool{}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		heads := i+1 < len(lines) && tableRule.MatchString(lines[i+1])
		if !strings.HasPrefix(line, "|") || heads || tableRule.MatchString(line) {
			continue
		}
		rows++
		cells := strings.SplitN(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | ", 3)
		if len(cells) != 3 || cells[0] == "" || strings.TrimSpace(cells[2]) == "" {
			bad = append(bad, fmt.Sprintf("%q is not a row of id, status and text", line))
			continue
		}
		proof, known := rowStatuses[cells[1]]
		switch {
		case !known:
			bad = append(bad, fmt.Sprintf("row %s has the unknown status %q", cells[0], cells[1]))
		case proof && !namedTest.MatchString(cells[2]):
			bad = append(bad, fmt.Sprintf("row %s is %s but names no test", cells[0], cells[1]))
		}
		for _, id := range rowIDs(cells[0]) {
			if seen[id] {
				bad = append(bad, fmt.Sprintf("row %s stands twice", id))
			}
			seen[id] = true
		}
	}
	if rows == 0 {
		bad = append(bad, "there is no row")
	}
	return bad
}

// rowIDs spells out a cell such as "SPD-020 to SPD-024, SPD-070".
func rowIDs(cell string) (ids []string) {
	for item := range strings.SplitSeq(cell, ", ") {
		m := rowRange.FindStringSubmatch(item)
		if m == nil {
			ids = append(ids, item)
			continue
		}
		first, _ := strconv.Atoi(m[2]) // the pattern admits digits only
		last, _ := strconv.Atoi(m[4])
		for n := first; n <= last; n++ {
			ids = append(ids, fmt.Sprintf("%s%0*d", m[1], len(m[2]), n))
		}
	}
	return ids
}
