package config

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

func TestMarks(t *testing.T) {
	const text = "\ufeff# [comment]\r\n" + // 1
		"a = 1 # b = 2\n" + // 2
		"b.c.d = \"x # ] = \\\" y\"\n" + // 3
		"'q.r' = '''\n" + // 4
		"z = 1\n" + // 5
		"''''\n" + // 6
		"\"s\\u0041\" = [ # [\n" + // 7
		"  1, [2,\n" + // 8
		"  3], # ,\n" + // 9
		"  { k = 1, l.m = [\"]\"] },\n" + // 10
		"]\n" + // 11
		"t = \"\"\"a\\\n" + // 12
		"  \\\"\"\" b\"\"\"\n" + // 13
		"u = 1979-05-27T07:32:00Z\n" + // 14
		"[v.w]\n" + // 15
		"x = {}\n" + // 16
		"[[v.y]]\n" + // 17
		"[[v.y]]\n" + // 18
		"[[v.y.z]]\n" + // 19
		"i = true\n" + // 20
		"[v.y.o]\n" + // 21
		"j = \"\"" // 22
	if _, err := toml.Decode(text, &map[string]any{}); err != nil {
		t.Fatalf("the test's text: %v", err)
	}
	root, err := scanMarks(text)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"a": 2, "b/c/d": 3, "q.r": 4, "sA": 7, "sA/1": 8, "sA/1/1": 9, "sA/2": 10, "sA/2/k": 10, "sA/2/l/m": 10, "t": 12,
		"u": 14, "v/w": 15, "v/w/x": 16, "v/y/0": 17, "v/y/1": 18, "v/y/1/z/0": 19, "v/y/1/z/0/i": 20, "v/y/1/o/j": 22,
	} {
		if m := markAt(root, path); m == nil || m.line != want {
			t.Errorf("%s: got %+v, want line %d", path, m, want)
		}
	}
	if markAt(root, "z") != nil || markAt(root, "comment") != nil {
		t.Error("text inside a string or comment was taken for a key")
	}
}

// TestMarksDepth: what counts is how deep arrays nest, not how many there are.
func TestMarksDepth(t *testing.T) {
	flat := strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)
	if _, err := scanMarks(strings.Repeat("x = "+flat+"\n", 3)); err != nil {
		t.Errorf("depth %d three times: %v", maxDepth, err)
	}
	if _, err := scanMarks("x = [" + flat + "]"); err == nil {
		t.Errorf("depth %d was accepted", maxDepth+1)
	}
}

// markAt follows a path of keys and numbers of elements.
func markAt(m *mark, path string) *mark {
	for part := range strings.SplitSeq(path, "/") {
		if m == nil {
			return nil
		}
		var i int
		if _, err := fmt.Sscanf(part, "%d", &i); err == nil && m.keys[part] == nil {
			if i >= len(m.items) {
				return nil
			}
			m = m.items[i]
			continue
		}
		m = m.keys[part]
	}
	return m
}

// TestMarksFindEveryKey: in files of random layout the scanner knows every key that the TOML library knows, on its line.
func TestMarksFindEveryKey(t *testing.T) {
	r := newRand(t)
	for range 2000 {
		text, want := randomTOML(r)
		var raw map[string]any
		if _, err := toml.Decode(text, &raw); err != nil {
			t.Fatalf("the test's text: %v\n%s", err, text)
		}
		root, err := scanMarks(text)
		if err != nil {
			t.Fatal(err)
		}
		checkMarks(t, root, raw, text)
		for key, line := range want {
			if root.keys[key] == nil || root.keys[key].line != line {
				t.Fatalf("key %s: got %+v, want line %d in\n%s", key, root.keys[key], line, text)
			}
		}
	}
}

// randomTOML returns top-level keys with values of all shapes, and the line of each.
func randomTOML(r *rand.Rand) (string, map[string]int) {
	values := []string{
		"1", "-0.5", "true", `"a=b"`, `'c]d'`, "\"\"\"\n#\n[x]\n\"\"\"", "'''\n'\n'''", "[]", "[1,\n# ]\n2,]", "[[\"}\"],\n[]]",
		"{a=1,b.c='}'}", "[{a=[1,\n2]},{}]", "1979-05-27", "0xff",
	}
	seps := []string{" ", "\n", "\n# c = [\n", "\r\n\t"}
	var b strings.Builder
	want := map[string]int{}
	for i := range 1 + r.IntN(8) {
		key := fmt.Sprintf("k%d", i)
		b.WriteString(strings.TrimPrefix(seps[r.IntN(len(seps))], "\x00"))
		want[key] = 1 + strings.Count(b.String(), "\n")
		fmt.Fprintf(&b, "%s = %s\n", key, values[r.IntN(len(values))])
	}
	return b.String(), want
}

// checkMarks compares the shape of marks and values.
func checkMarks(t *testing.T, m *mark, raw any, text string) {
	t.Helper()
	switch v := raw.(type) {
	case map[string]any:
		for k := range v {
			if m.keys[k] == nil {
				t.Fatalf("no mark for %s in\n%s", k, text)
			}
			checkMarks(t, m.keys[k], v[k], text)
		}
	case []any:
		if len(m.items) != len(v) {
			t.Fatalf("%d marks for %d elements in\n%s", len(m.items), len(v), text)
		}
		for i := range v {
			checkMarks(t, m.items[i], v[i], text)
		}
	case []map[string]any:
		for i := range v {
			checkMarks(t, m.items[i], v[i], text)
		}
	}
}
