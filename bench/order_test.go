package bench

import (
	"slices"
	"testing"
)

func TestABBA(t *testing.T) {
	for _, c := range []struct {
		n    int
		want []int
	}{{1, []int{0, 0}}, {2, []int{0, 1, 1, 0}}, {4, []int{0, 1, 2, 3, 3, 2, 1, 0}}} {
		if got := slices.Collect(abba(c.n)); !slices.Equal(got, c.want) {
			t.Errorf("abba(%d) = %v, want %v", c.n, got, c.want)
		}
	}
}

// TestABBACancelsDrift: what grows evenly during a round adds the same to everyone.
func TestABBACancelsDrift(t *testing.T) {
	const n = 7
	var drift [n]int
	at := 0
	for i := range abba(n) {
		drift[i] += at
		at++
	}
	for i, d := range drift {
		if d != drift[0] {
			t.Errorf("subject %d collects a drift of %d, subject 0 of %d", i, d, drift[0])
		}
	}
}

func TestABBAStops(t *testing.T) {
	seen := 0
	for range abba(5) {
		if seen++; seen == 3 {
			break
		}
	}
	if seen != 3 {
		t.Errorf("%d steps, want 3", seen)
	}
}
