package bench

// Verdict says whether a comparison reached its aim.
type Verdict string

// The verdicts. Inconclusive means that this run cannot tell: the interval of the paired margins crosses the line, or there
// were too few rounds to give one.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive"
)

// aim is what a comparison ought to reach. Both arguments of margin are nanoseconds per packet of one round; it returns by
// how much the aim is reached, negative where it is missed.
type aim struct {
	text   string
	margin func(value, reference float64) float64
}

// The aims of the core.
var (
	// nearAEAD is what ESP may cost beyond the cipher.
	nearAEAD = &aim{
		text: "within 40 ns or 5 %, whichever is more",
		margin: func(value, reference float64) float64 {
			return max(40, reference*0.05) - (value - reference)
		},
	}
	// threefold is what aggregation of small packets ought to bring.
	threefold = &aim{
		text:   "at least 3x the packet rate",
		margin: func(value, reference float64) float64 { return reference/value - 3 },
	}
)

// enoughRounds is the fewest rounds that an interval of 95 % can be made of.
const enoughRounds = 6

// judge compares two series of one run, round by round.
func (a *aim) judge(value, reference []float64) Verdict {
	if len(value) < enoughRounds {
		return Inconclusive
	}
	margins := paired(value, reference, a.margin)
	switch m := interval(margins); {
	case m.Low >= 0:
		return Pass
	case m.High < 0:
		return Fail
	}
	return Inconclusive
}

// paired applies f to the values of each round.
func paired(a, b []float64, f func(a, b float64) float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = f(a[i], b[i])
	}
	return out
}
