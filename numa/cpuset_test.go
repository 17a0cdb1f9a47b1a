package numa

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestParseCPUList(t *testing.T) {
	for _, c := range []struct {
		list string
		want []int
		text string // printed form, where it differs
	}{
		{"", nil, ""},
		{"\n", nil, ""},
		{"0", []int{0}, "0"},
		{"0-3,8,10-11\n", []int{0, 1, 2, 3, 8, 10, 11}, "0-3,8,10-11"},
		{"5,3,4", []int{3, 4, 5}, "3-5"},
		{"2-2,1-3", []int{1, 2, 3}, "1-3"},
		{"63-64,127,1023", []int{63, 64, 127, 1023}, "63-64,127,1023"},
	} {
		got, err := ParseCPUList(c.list)
		if err != nil {
			t.Errorf("%q: %v", c.list, err)
			continue
		}
		if cpus := slices.Collect(got.All()); !slices.Equal(cpus, c.want) || got.Len() != len(c.want) {
			t.Errorf("%q: got %v of length %d, expected %v", c.list, cpus, got.Len(), c.want)
		}
		if got.String() != c.text {
			t.Errorf("%q: printed as %q, expected %q", c.list, got, c.text)
		}
	}
}

func TestParseCPUListRefusesGarbage(t *testing.T) {
	for _, list := range []string{
		",", "0,", ",0", "-", "1-", "-1", "3-1", "+1", "0x1", "1 2", "0-3:2", "1024", "0-1024", "70000", "0--1", "all",
		"99999999999999999999", "0-3,8,ten", strings.Repeat("x", 1000),
	} {
		set, err := ParseCPUList(list)
		if err == nil || set != (CPUSet{}) {
			t.Errorf("%q: got %q, %v; expected an error and the empty set", list, set, err)
		} else if len(err.Error()) > 250 {
			t.Errorf("%d octets of garbage make an error of %d", len(list), len(err.Error()))
		}
	}
	_, err := ParseCPUList("0-3,8-")
	const want = `cpu list "0-3,8-": got "8-", expected a number below 1024 or a range such as "0-3"`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, expected %s", err, want)
	}
}

// What parses is printed in a form that parses to the same set, and no list reaches beyond MaxCPUs.
func FuzzParseCPUList(f *testing.F) {
	for _, s := range []string{"", "0", "0-3,8,10-11\n", "1023", "0-1023", "3-1", "1,,2", "0-3:2", "\x00", "4294967296"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, list string) {
		set, err := ParseCPUList(list)
		if err != nil {
			return
		}
		again, err := ParseCPUList(set.String())
		if err != nil || again != set {
			t.Errorf("%q printed as %q, which parses to %q, %v", list, set, again, err)
		}
		if set.Len() > MaxCPUs {
			t.Errorf("%q has %d CPUs", list, set.Len())
		}
	})
}

func TestCPUSetOperations(t *testing.T) {
	a, b := NewCPUSet(1, 2, 64, 1023), NewCPUSet(2, 3, 1023)
	if got := a.And(b); got != NewCPUSet(2, 1023) {
		t.Errorf("and: %s", got)
	}
	if got := a.AndNot(b); got != NewCPUSet(1, 64) {
		t.Errorf("and not: %s", got)
	}
	if a != NewCPUSet(1, 2, 64, 1023) {
		t.Errorf("an operation changed its operand to %s", a)
	}
	a.Remove(1)
	a.Remove(700)
	if a.Min() != 2 || a.Len() != 3 || (CPUSet{}).Min() != -1 {
		t.Errorf("minimum %d of %s, length %d", a.Min(), a, a.Len())
	}
	for _, cpu := range []int{-1, 0, 1024, 1 << 40} {
		if a.Has(cpu) {
			t.Errorf("%s has %d", a, cpu)
		}
	}
	for range a.All() {
		break // an iteration may end early
	}
}

func TestCPUSetJSON(t *testing.T) {
	in := struct{ CPUs CPUSet }{NewCPUSet(0, 1, 2, 9)}
	text, err := json.Marshal(in)
	if err != nil || string(text) != `{"CPUs":"0-2,9"}` {
		t.Fatalf("got %s, %v", text, err)
	}
	out := in
	out.CPUs = CPUSet{}
	if err := json.Unmarshal(text, &out); err != nil || out != in {
		t.Errorf("came back as %s, %v", out.CPUs, err)
	}
	if err := json.Unmarshal([]byte(`{"CPUs":"many"}`), &out); err == nil {
		t.Error(`"many" was taken for a CPU list`)
	}
}
