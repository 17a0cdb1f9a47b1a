package bench

import "iter"

// abba yields 0 to n-1 and back again: each number twice in a round, at the same mean distance from its middle. What
// drifts evenly during a round adds the same to all of them and drops out of every comparison.
func abba(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range 2 * n {
			if !yield(min(i, 2*n-1-i)) {
				return
			}
		}
	}
}
