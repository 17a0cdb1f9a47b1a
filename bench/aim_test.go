package bench

import "testing"

// series is n rounds of one value.
func series(n int, v float64) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = v
	}
	return s
}

func TestMargins(t *testing.T) {
	for _, c := range []struct {
		name             string
		aim              *aim
		value, reference float64
		want             float64
	}{
		{"40 ns counts for small packets", nearAEAD, 130, 100, 10},
		{"on the line", nearAEAD, 140, 100, 0},
		{"missed", nearAEAD, 150, 100, -10},
		{"5 % counts for large packets", nearAEAD, 2050, 2000, 50},
		{"faster than the reference", nearAEAD, 90, 100, 50},
		{"four times the rate", threefold, 25, 100, 1},
		{"three times the rate", threefold, 50, 150, 0},
		{"twice the rate", threefold, 50, 100, -1},
	} {
		if got := c.aim.margin(c.value, c.reference); got != c.want {
			t.Errorf("%s: margin %v, want %v", c.name, got, c.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	spread := []float64{130, 132, 135, 138, 142, 145, 148, 150} // around 140
	for _, c := range []struct {
		name  string
		value []float64
		want  Verdict
	}{
		{"all rounds within", series(8, 120), Pass},
		{"on the line is reached", series(8, 140), Pass},
		{"all rounds beyond", series(8, 141), Fail},
		{"rounds on both sides", spread, Inconclusive},
		{"one round of sixty beyond", append(series(59, 120), 500), Pass},
		{"one round of sixty within", append(series(59, 160), 100), Fail},
		{"five rounds within: too few to tell", series(5, 120), Inconclusive},
		{"six rounds within", series(6, 120), Pass},
	} {
		if got := nearAEAD.judge(c.value, series(len(c.value), 100)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestVerdictIsPaired: both series swing by 100 ns from round to round, their difference does not.
func TestVerdictIsPaired(t *testing.T) {
	var value, reference []float64
	for i := range 10 {
		reference = append(reference, 100+100*float64(i%2))
		value = append(value, reference[i]+30)
	}
	if got := nearAEAD.judge(value, reference); got != Pass {
		t.Errorf("verdict %s on differences of 30 ns, want %s", got, Pass)
	}
}
