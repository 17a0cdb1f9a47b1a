package bench

import (
	"encoding/json"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater/ike"
)

// ikeMeasures are the rows of a report, in order.
func ikeMeasures() (names []string) {
	for _, s := range setups {
		names = append(names, s.name)
	}
	return append(names, setups[0].name+"_filling", setups[1].name+"_filling",
		"memory_engine", "memory_control", "memory_data_plane", "memory_total")
}

// TestIKE is the shortest run: every row is there with a value and a reference. How long anything took is not looked at.
func TestIKE(t *testing.T) {
	rows, err := IKE(IKEOptions{Duration: time.Nanosecond, Rounds: 1, Tunnels: 300, Progress: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range rows {
		names = append(names, row.Measure)
		if row.Value <= 0 || row.Reference <= 0 || math.Abs(row.Ratio-row.Value/row.Reference) > 1e-9 || row.Rounds < 1 {
			t.Errorf("%+v, expected a value above 0 with its ratio", row)
		}
		if row.Unit == unitSetups && (row.Min > row.Value || row.Value > row.Max) {
			t.Errorf("%s: %v is not between %v and %v", row.Measure, row.Value, row.Min, row.Max)
		}
		if (row.Aim == "") != (row.Verdict == "") {
			t.Errorf("%s: aim %q, verdict %q", row.Measure, row.Aim, row.Verdict)
		}
	}
	if !slices.Equal(names, ikeMeasures()) {
		t.Errorf("rows %v, expected %v", names, ikeMeasures())
	}
	total := len(rows) - 1
	if sum := rows[total-3].Value + rows[total-2].Value + rows[total-1].Value; math.Abs(sum-rows[total].Value) > 1e-6 {
		t.Errorf("the parts of the memory are %v octets, the total %v", sum, rows[total].Value)
	}
}

// TestIKEOutput: stdout holds one JSON object and nothing else, progress is on stderr.
func TestIKEOutput(t *testing.T) {
	call := "ike -json -duration 1ns -rounds 1 -tunnels 10"
	status, stdout, stderr := runMain(strings.Fields(call)...)
	if status != exitOK {
		t.Fatalf("status %d: %s", status, stderr)
	}
	var r IKEReport
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || d.More() {
		t.Fatalf("stdout is not one JSON object: %v", err)
	}
	if r.Command != "swbench "+call || len(r.Rows) != len(ikeMeasures()) || r.Machine.Go == "" {
		t.Errorf("command %q, %d rows, machine %+v", r.Command, len(r.Rows), r.Machine)
	}
	if !strings.Contains(stderr, "set-ups: round 1 of 1") {
		t.Errorf("no progress on stderr: %q", stderr)
	}
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, name := range ikeMeasures() {
		if !strings.Contains(table.String(), name+" ") {
			t.Errorf("the table has no %s", name)
		}
	}
}

func TestIKEUsageErrors(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"ike extra", `argument "extra", expected none`},
		{"ike -rounds 0", "-rounds 0, expected 1 to 1000"},
		{"ike -rounds 1001", "-rounds 1001, expected 1 to 1000"},
		{"ike -tunnels 0", "-tunnels 0, expected 1 to 100000"},
		{"ike -tunnels 100001", "-tunnels 100001, expected 1 to 100000"},
		{"ike -duration 0s", "-duration 0s, expected more than 0 and at most 1h0m0s"},
		{"ike -duration 61m", "-duration 1h1m0s, expected more than 0"},
		{"ike -colour", "flag provided but not defined: -colour"},
	} {
		status, stdout, stderr := runMain(strings.Fields(c.args)...)
		if status != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("swbench %s: status %d, stdout %q, stderr %q; want status %d and %q", c.args, status, stdout, stderr, exitUsage, c.want)
		}
	}
}

// ownThread keeps a test on its thread, whose clock responders have the time from.
func ownThread(t *testing.T) {
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
}

// TestPartiesComeAndGo brings clients up and down on every kind of responder, more than once: nothing is left of them.
func TestPartiesComeAndGo(t *testing.T) {
	for i := range setups {
		t.Run(setups[i].name, func(t *testing.T) {
			ownThread(t)
			p, err := newParty(&setups[i], 5)
			if err != nil {
				t.Fatal(err)
			}
			defer p.r.close()
			var b bill
			for range 3 {
				if err := p.fleet.connect(p.r, &b, p.fleet.clients); err != nil {
					t.Fatal(err)
				}
				if n := p.r.tunnels(); n != 5 {
					t.Errorf("%d tunnels, expected 5", n)
				}
				if err := p.fleet.disconnect(p.r, p.fleet.clients); err != nil {
					t.Fatal(err)
				}
			}
			if n := p.r.tunnels(); n != 0 || b.setups != 15 {
				t.Errorf("%d tunnels left, %d set-ups billed, expected 0 and 15", n, b.setups)
			}
		})
	}
}

// TestClientsWithoutTunnel: a client that is turned away is an error and not a fast set-up.
func TestClientsWithoutTunnel(t *testing.T) {
	for i := range setups {
		t.Run(setups[i].name, func(t *testing.T) {
			ownThread(t)
			p, err := newParty(&setups[i], 0)
			if err != nil {
				t.Fatal(err)
			}
			defer p.r.close()
			other, err := newRealm(setups[i].certificates)
			if err != nil {
				t.Fatal(err)
			}
			f, err := newFleet(other, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.connect(p.r, new(bill), f.clients); err == nil || !strings.Contains(err.Error(), "has no tunnel") {
				t.Errorf("clients of another realm: %v", err)
			}
		})
	}
}

// TestFillBeyondRoom: a responder whose tables are full is an error.
func TestFillBeyondRoom(t *testing.T) {
	ownThread(t)
	realm, err := newRealm(false)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newWholeAppliance(realm, 4, ike.DefaultLimits.CookiesAt)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if _, err := fillUp(a, realm, 5); err == nil {
		t.Error("5 tunnels in 4 slots")
	}
}
