package bench

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// exampleResults are ten rounds: the reference at 100 ns, ESP 30 above it, IP-TFS at a quarter of ESP.
func exampleResults() results {
	return results{bareSeal: series(10, 100), espOut: series(10, 130), iptfsOut: series(10, 32.5)}
}

func TestRowOfACost(t *testing.T) {
	row := exampleResults().row(derived{name: espOut, of: espOut, against: bareSeal, unit: unitCost, aim: nearAEAD}, 64)
	switch {
	case row.Value != 130 || row.Min != 130 || row.Max != 130 || row.Rounds != 10 || row.Unit != "ns/packet":
		t.Errorf("value: %+v", row)
	case *row.Reference != 100 || *row.ReferenceMeasure != bareSeal || *row.Ratio != 1.3:
		t.Errorf("reference: %v %v %v", *row.Reference, *row.ReferenceMeasure, *row.Ratio)
	case row.Over.Median != 30 || *row.OverPercent != 30:
		t.Errorf("over it: %v, %v %%", row.Over, *row.OverPercent)
	case row.Verdict != Pass || row.Aim != nearAEAD.text:
		t.Errorf("verdict %q on %q", row.Verdict, row.Aim)
	}
}

func TestRowOfARate(t *testing.T) {
	d := derived{name: "iptfs.rate.out", of: iptfsOut, against: espOut, unit: unitRate, aim: threefold, aimSize: 64}
	row := exampleResults().row(d, 64)
	if row.Unit != "packets/s" || row.Value != 1e9/32.5 || *row.Reference != 1e9/130 || *row.Ratio != 4 || row.Over != nil {
		t.Errorf("%+v, reference %v, ratio %v", row, *row.Reference, *row.Ratio)
	}
	if row.Verdict != Pass {
		t.Errorf("four times the rate: %s", row.Verdict)
	}
	if row = exampleResults().row(d, 1400); row.Verdict != "" || row.Aim != "" {
		t.Errorf("the aim is about 64 octets, at 1400 the row says %q", row.Verdict)
	}
}

// TestJSONShape: the keys that readers of the report rely on are there in every row, null where there is nothing to say.
func TestJSONShape(t *testing.T) {
	rs := exampleResults()
	r := Report{Command: "swbench core", Machine: Machine{CPU: "x", Features: []string{}}, Rows: []Row{
		rs.row(derived{name: bareSeal, of: bareSeal, unit: unitCost}, 64),
		rs.row(derived{name: espOut, of: espOut, against: bareSeal, unit: unitCost, aim: nearAEAD}, 64),
	}}
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, "report", got, "command", "machine", "rows")
	wantKeys(t, "machine", got["machine"].(map[string]any), "cpu", "cpus", "features", "virtual", "kernel", "go", "platform")
	common := []string{"measure", "size", "lcores", "sas", "backend", "value", "unit", "min", "max", "rounds",
		"reference_measure", "reference", "ratio"}
	rows := got["rows"].([]any)
	first, second := rows[0].(map[string]any), rows[1].(map[string]any)
	wantKeys(t, "row without reference", first, common...)
	wantKeys(t, "row with aim", second, append(common, "over", "over_percent", "aim", "verdict")...)
	wantKeys(t, "over", second["over"].(map[string]any), "median", "low", "high")
	if first["reference"] != nil || second["reference"] != 100.0 || second["backend"] != "std" || second["verdict"] != "pass" {
		t.Errorf("values: %v, %v", first, second)
	}
}

func wantKeys(t *testing.T, what string, object map[string]any, want ...string) {
	t.Helper()
	var got []string
	for k := range object {
		got = append(got, k)
	}
	slices.Sort(got)
	if want = slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
		t.Errorf("%s has keys %v, want %v", what, got, want)
	}
}

func TestTable(t *testing.T) {
	rs := exampleResults()
	r := Report{Command: "swbench core -rounds 10", Rows: []Row{
		rs.row(derived{name: bareSeal, of: bareSeal, unit: unitCost}, 64),
		rs.row(derived{name: espOut, of: espOut, against: bareSeal, unit: unitCost, aim: nearAEAD}, 64),
		rs.row(derived{name: "iptfs.rate.out", of: iptfsOut, against: espOut, unit: unitRate}, 1400),
	}}
	var b strings.Builder
	if err := r.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"swbench core -rounds 10", "64 octets", "1400 octets", "+30.0 ns (+30 %) [+30.0, +30.0]",
		"pass: within 40 ns or 5 %", "30.77", "Mpps"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestReadCPUInfo(t *testing.T) {
	var m Machine
	m.readCPUInfo("processor\t: 0\nmodel name\t: Example 1\nflags\t\t: fpu aes vaes hypervisor\n\nprocessor\t: 1\nmodel name\t: Example 2\n")
	if m.CPU != "Example 1" || !m.Virtual || !slices.Equal(m.Features, []string{"aes", "vaes"}) {
		t.Errorf("%+v", m)
	}
	m = Machine{}
	if m.readCPUInfo(""); m.CPU != "" || m.Virtual || m.Features == nil {
		t.Errorf("of nothing: %+v", m)
	}
}
