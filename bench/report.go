package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// Report is everything one command found out.
type Report struct {
	Command string  `json:"command"`
	Machine Machine `json:"machine"`
	Rows    []Row   `json:"rows"`
}

// WriteJSON writes the report as one JSON object.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteTable writes the report for people: one table for each size.
func (r *Report) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "%s\n%s\n", r.Command, r.Machine)
	fmt.Fprint(w, "CPU time of one thread; median, smallest and largest of the rounds; differences are paired, [interval of 95 %]\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range r.Rows {
		row := &r.Rows[i]
		if i == 0 || row.Size != r.Rows[i-1].Size {
			t.Flush()
			fmt.Fprintf(t, "\n%d octets\tmedian\tmin\tmax\t\tagainst\tratio\tover it\tverdict\n", row.Size)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", row.Measure, row.number(row.Value), row.number(row.Min), row.number(row.Max),
			shortUnit[row.Unit], row.comparison())
	}
	return t.Flush()
}

// shortUnit is how the table names a unit and its scale.
var shortUnit = map[string]string{unitCost: "ns", unitRate: "Mpps"}

// number formats a value in the table's scale.
func (row *Row) number(v float64) string {
	if row.Unit == unitRate {
		return fmt.Sprintf("%.2f", v/1e6)
	}
	return fmt.Sprintf("%.1f", v)
}

// comparison is the right half of a line of the table.
func (row *Row) comparison() string {
	if row.Reference == nil {
		return "-\t\t\t"
	}
	over, verdict := "", ""
	if row.Over != nil {
		over = fmt.Sprintf("%+.1f ns (%+.0f %%) [%+.1f, %+.1f]", row.Over.Median, *row.OverPercent, row.Over.Low, row.Over.High)
	}
	if row.Aim != "" {
		verdict = fmt.Sprintf("%s: %s", row.Verdict, row.Aim)
	}
	return fmt.Sprintf("%s\t%.2f\t%s\t%s", *row.ReferenceMeasure, *row.Ratio, over, verdict)
}
