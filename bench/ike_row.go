package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// IKERow is one line of an IKEReport. Value and Reference are in Unit.
type IKERow struct {
	Measure   string  `json:"measure"`
	Value     float64 `json:"value"` // median over rounds; where a responder fills up, over all of it
	Unit      string  `json:"unit"`
	Reference float64 `json:"reference"` // measured elsewhere on a machine of the same class, or an aim; 0: none
	Ratio     float64 `json:"ratio"`     // Value/Reference; 0: none
	Min       float64 `json:"min"`       // of the rounds, or of the tenths of filling up
	Max       float64 `json:"max"`
	Rounds    int     `json:"rounds"`
	// Collector is the part of the CPU time that collections took on other threads, percent; it is in Value.
	Collector float64 `json:"collector_percent"`
	Aim       string  `json:"aim,omitempty"`
	Verdict   Verdict `json:"verdict,omitempty"`
}

// The units of IKE.
const (
	unitSetups = "setups per core-second"
	unitMemory = "octets per tunnel"
)

// The aims of IKE.
const (
	memoryAim      = 16 << 10 // octets per tunnel
	memoryAimText  = "at most 16 KiB"
	twofoldAimText = "at least 2x"
)

// twofold is what set-ups ought to reach; both series are set-ups per core-second.
var twofold = &aim{text: twofoldAimText, margin: func(value, reference float64) float64 { return value/reference - 2 }}

// setupRow makes a row of the bills of all rounds.
func setupRow(name string, reference float64, bills []bill) IKERow {
	rates, shares, references := make([]float64, len(bills)), make([]float64, len(bills)), make([]float64, len(bills))
	for i := range bills {
		rates[i], shares[i], references[i] = bills[i].rate(), bills[i].share(), reference
	}
	e := extremes(rates)
	return IKERow{
		Measure: name, Value: e.Median, Unit: unitSetups, Reference: reference, Ratio: e.Median / reference, Min: e.Low, Max: e.High,
		Rounds: len(bills), Collector: extremes(shares).Median, Aim: twofold.text, Verdict: twofold.judge(rates, references),
	}
}

// fillingRow makes a row of the bills of the parts in which a responder filled up.
func fillingRow(name string, reference float64, parts []bill) IKERow {
	row := setupRow(name, reference, parts)
	var time, collector float64
	setups := 0
	for i := range parts {
		time += parts[i].perSetup() * float64(parts[i].setups)
		collector += parts[i].collector()
		setups += parts[i].setups
	}
	row.Value, row.Rounds = 1e9*float64(setups)/time, 1
	row.Ratio, row.Collector = row.Value/reference, 100*collector/time
	row.Aim, row.Verdict = "", ""
	return row
}

// memoryRow makes a row of octets per tunnel. Only the total has an aim.
func memoryRow(name string, octets float64, total bool) IKERow {
	row := IKERow{Measure: name, Value: octets, Unit: unitMemory, Reference: memoryAim, Ratio: octets / memoryAim, Min: octets, Max: octets, Rounds: 1}
	if total {
		row.Aim, row.Verdict = memoryAimText, Pass
		if octets > memoryAim {
			row.Verdict = Fail
		}
	}
	return row
}

// IKEReport is everything "swbench ike" found out.
type IKEReport struct {
	Command string   `json:"command"`
	Machine Machine  `json:"machine"`
	Rows    []IKERow `json:"rows"`
}

// WriteJSON writes the report as one JSON object.
func (r *IKEReport) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteTable writes the report for people.
func (r *IKEReport) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "%s\n%s\n", r.Command, r.Machine)
	fmt.Fprint(w, "CPU time of the responder, collector included; median, smallest and largest of the rounds (filling: whole, least and most of the tenths)\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "\tvalue\tmin\tmax\t\treference\tratio\tcollector\tverdict\n")
	for i := range r.Rows {
		row := &r.Rows[i]
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f\t%s\t%.0f\t%.2f\t%.1f %%\t%s\n", row.Measure, row.Value, row.Min, row.Max, row.Unit, row.Reference,
			row.Ratio, row.Collector, row.verdict())
	}
	return t.Flush()
}

func (row *IKERow) verdict() string {
	if row.Aim == "" {
		return ""
	}
	return fmt.Sprintf("%s: %s", row.Verdict, row.Aim)
}
