package bench

// Row is one line of a report. Rows of one size were measured side by side. Values and their reference are in Unit.
type Row struct {
	Measure string  `json:"measure"`
	Size    int     `json:"size"` // octets of the inner packet
	Lcores  int     `json:"lcores"`
	SAs     int     `json:"sas"`
	Backend string  `json:"backend"`
	Value   float64 `json:"value"` // median over rounds
	Unit    string  `json:"unit"`
	Min     float64 `json:"min"` // of the rounds
	Max     float64 `json:"max"`
	Rounds  int     `json:"rounds"`

	// ReferenceMeasure is the measure that Value is compared with, Reference its value; null where there is none.
	ReferenceMeasure *string  `json:"reference_measure"`
	Reference        *float64 `json:"reference"`
	// Ratio is the median of value/reference over rounds.
	Ratio *float64 `json:"ratio"`
	// Over is by how many nanoseconds a packet costs more than the reference: the median of the paired differences, and
	// the interval in which their median lies with 95 % confidence. Only where both are nanoseconds.
	Over        *Spread  `json:"over,omitempty"`
	OverPercent *float64 `json:"over_percent,omitempty"`
	// Aim is what the comparison ought to reach, Verdict whether it did.
	Aim     string  `json:"aim,omitempty"`
	Verdict Verdict `json:"verdict,omitempty"`
}

// The units.
const (
	unitCost = "ns/packet"
	unitRate = "packets/s"
)

// results are the series of one size by the name of their measure, nanoseconds per packet.
type results map[string][]float64

// rowsOf makes the rows of one scenario; everything they refer to is in rs already.
func (rs results) rowsOf(s *scenario, size int) []Row {
	var rows []Row
	for _, m := range s.rows {
		rows = append(rows, rs.row(derived{name: m.name, of: m.name, against: m.against, unit: unitCost, aim: m.aim}, size))
	}
	for _, d := range s.derived {
		rows = append(rows, rs.row(d, size))
	}
	return rows
}

// row compares one measure with its reference, round by round.
func (rs results) row(d derived, size int) Row {
	value, reference, scale := rs[d.of], rs[d.against], scales[d.unit]
	row := newRow(d.name, size, d.unit, each(value, scale))
	if d.against == "" {
		return row
	}
	row.compare(d.against, each(value, scale), each(reference, scale))
	if d.unit == unitCost {
		row.over(value, reference)
	}
	if d.aim != nil && (d.aimSize == 0 || d.aimSize == size) {
		row.Aim, row.Verdict = d.aim.text, d.aim.judge(value, reference)
	}
	return row
}

func newRow(name string, size int, unit string, value []float64) Row {
	e := extremes(value)
	return Row{
		Measure: name, Size: size, Lcores: 1, SAs: 1, Backend: backend,
		Value: e.Median, Unit: unit, Min: e.Low, Max: e.High, Rounds: len(value),
	}
}

// compare fills in the reference and the ratio to it.
func (row *Row) compare(name string, value, reference []float64) {
	middle := extremes(reference).Median
	ratio := extremes(paired(value, reference, func(v, r float64) float64 { return v / r })).Median
	row.ReferenceMeasure, row.Reference, row.Ratio = &name, &middle, &ratio
}

// over fills in the difference to the reference.
func (row *Row) over(value, reference []float64) {
	over := interval(paired(value, reference, func(v, r float64) float64 { return v - r }))
	percent := 100 * over.Median / *row.Reference
	row.Over, row.OverPercent = &over, &percent
}

// scales turn nanoseconds per packet into each unit.
var scales = map[string]func(ns float64) float64{
	unitCost: func(ns float64) float64 { return ns },
	unitRate: func(ns float64) float64 { return 1e9 / ns },
}

func each(series []float64, f func(float64) float64) []float64 {
	out := make([]float64, len(series))
	for i, v := range series {
		out[i] = f(v)
	}
	return out
}
