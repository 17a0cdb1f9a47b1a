package bench

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func runMain(args ...string) (status int, stdout, stderr string) {
	var out, err strings.Builder
	status = Main(args, &out, &err)
	return status, out.String(), err.String()
}

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "swbench core"},
		{"cores", `no verb "cores"`},
		{"core extra", `argument "extra", expected none`},
		{"core -rounds 0", "-rounds 0, expected 1 to 1000"},
		{"core -rounds 1001", "-rounds 1001, expected 1 to 1000"},
		{"core -rounds x", `invalid value "x" for flag -rounds`},
		{"core -sizes 64,big", `size "big", expected 40 to 9000 octets`},
		{"core -sizes 39", `size "39", expected 40 to 9000 octets`},
		{"core -sizes 9001", `size "9001"`},
		{"core -sizes 64,512,64", "64 is there twice"},
		{"core -sizes ,", `size ""`},
		{"core -colour", "flag provided but not defined: -colour"},
		{"help me", `argument "me", expected none`},
	} {
		status, stdout, stderr := runMain(strings.Fields(c.args)...)
		if status != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("swbench %s: status %d, stdout %q, stderr %q; want status %d and %q", c.args, status, stdout, stderr, exitUsage, c.want)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"-h"}, {"--help"}, {"core", "-h"}} {
		status, stdout, stderr := runMain(args...)
		if status != exitOK || stderr != "" {
			t.Errorf("%v: status %d, stderr %q", args, status, stderr)
		}
		for _, s := range scenarios {
			if !strings.Contains(stdout, s.help) {
				t.Errorf("%v: nothing about %s", args, s.name)
			}
		}
	}
}

// TestCore is a run of one round: every row is there for every size, in the order of the table, with a reference that is a
// row of the same size. How long anything took is not looked at.
func TestCore(t *testing.T) {
	rows, err := Core(Options{Rounds: 1, Sizes: []int{64, 1400}, Sample: 1, Progress: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, size := range []int{64, 1400} {
		have := map[string]bool{}
		for _, want := range measureNames() {
			if at == len(rows) {
				t.Fatalf("%d rows, the first missing is %s at %d", at, want, size)
			}
			row := rows[at]
			at++
			have[row.Measure] = true
			if row.Measure != want || row.Size != size || row.Rounds != 1 || row.Value == 0 {
				t.Errorf("row %d: %+v, want %s at %d octets", at, row, want, size)
			}
			if row.ReferenceMeasure != nil && !have[*row.ReferenceMeasure] {
				t.Errorf("%s is compared with %s, which is no row before it", row.Measure, *row.ReferenceMeasure)
			}
			if (row.Aim == "") != (row.Verdict == "") {
				t.Errorf("%s: aim %q, verdict %q", row.Measure, row.Aim, row.Verdict)
			}
		}
	}
	if at != len(rows) {
		t.Errorf("%d rows, want %d", len(rows), at)
	}
}

// measureNames are the rows of one size.
func measureNames() (names []string) {
	for _, s := range scenarios {
		for _, m := range s.rows {
			names = append(names, m.name)
		}
		for _, d := range s.derived {
			names = append(names, d.name)
		}
	}
	return names
}

// TestJSONOutput: stdout holds one JSON object and nothing else, progress is on stderr.
func TestJSONOutput(t *testing.T) {
	status, stdout, stderr := runMain("core", "-json", "-rounds", "1", "-sizes", "64")
	if status != exitOK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	var r Report
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || d.More() {
		t.Fatalf("stdout is not one JSON object: %v", err)
	}
	if r.Command != "swbench core -json -rounds 1 -sizes 64" || len(r.Rows) != len(measureNames()) || r.Machine.Go == "" {
		t.Errorf("command %q, %d rows, machine %+v", r.Command, len(r.Rows), r.Machine)
	}
	if !strings.Contains(stderr, "64 octets: round 1 of 1") {
		t.Errorf("no progress on stderr: %q", stderr)
	}
}
