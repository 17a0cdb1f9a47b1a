package config

import (
	"iter"
	"strings"

	"stillwater/crypto/suite"
)

// minContained is the shortest key that is looked for inside others.
const minContained = 3

// nearest returns the name that contains got, or else differs least from it; "" where all of them differ in more than
// half of their octets.
func nearest(got string, names iter.Seq[string]) string {
	got = strings.ToLower(got)
	best, bestDistance := "", 0
	for n := range names {
		d := suite.Distance(got, n)
		if len(got) >= minContained && strings.Contains(n, got) {
			d = 0
		}
		near := d <= max(len(got), len(n))/2
		if near && (best == "" || d < bestDistance || d == bestDistance && n < best) {
			best, bestDistance = n, d
		}
	}
	return best
}
