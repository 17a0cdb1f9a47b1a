package bench

import (
	"math"
	"slices"
)

// Spread is the middle of a series and how far it is known or spreads; what Low and High are is said where it is used.
type Spread struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// extremes returns the median of a series with its smallest and largest value. The series is not empty.
func extremes(series []float64) Spread {
	s := slices.Sorted(slices.Values(series))
	return Spread{Median: middle(s), Low: s[0], High: s[len(s)-1]}
}

// interval returns the median of a series with the bounds between which the median of what it was drawn from lies with a
// confidence of at least 95 %: those of the sign test, which asks nothing of the distribution. Fewer than
// enoughRounds values cannot give that much, and Low and High are the extremes then. The series is not empty.
func interval(series []float64) Spread {
	s := slices.Sorted(slices.Values(series))
	k := signRank(len(s))
	return Spread{Median: middle(s), Low: s[k], High: s[len(s)-1-k]}
}

// middle is the median of a sorted series.
func middle(s []float64) float64 {
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// signRank returns how many values at each end of n sorted ones lie outside the interval: the most for which at most 2.5 %
// of series of n fair coins have that few heads or fewer; 0 where there is no such number.
func signRank(n int) int {
	const tail = 0.025
	term := math.Exp2(-float64(n)) // the chance of exactly k heads; not 0, since n is at most MaxRounds
	for k, sum := 0, 0.0; ; k++ {
		if sum += term; sum > tail {
			return max(k-1, 0)
		}
		term *= float64(n-k) / float64(k+1)
	}
}
