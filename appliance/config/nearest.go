package config

import (
	"iter"
	"strings"
)

// minContained is the shortest key that is looked for inside others.
const minContained = 3

// nearest returns the name that contains got, or else differs least from it; "" where all of them differ in more than
// half of their octets.
func nearest(got string, names iter.Seq[string]) string {
	got = strings.ToLower(got)
	best, bestDistance := "", 0
	for n := range names {
		d := distance(got, n)
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

// distance is the number of octets to insert, delete or replace to get from a to b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
