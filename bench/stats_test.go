package bench

import (
	"slices"
	"testing"
)

// TestSignRank compares with the table of the sign test at 5 %, two-sided, that statistics textbooks print: the rank from
// each end that bounds the median, counted from 1 there and from 0 here. Below six values the table has no entry.
func TestSignRank(t *testing.T) {
	for _, c := range []struct{ n, rank int }{
		{6, 1}, {8, 1}, {9, 2}, {11, 2}, {12, 3}, {15, 4}, {17, 5}, {20, 6}, {25, 8}, {30, 10}, {40, 14}, {50, 18},
	} {
		if got := signRank(c.n); got != c.rank-1 {
			t.Errorf("signRank(%d) = %d, want %d", c.n, got, c.rank-1)
		}
	}
	for n := 1; n < 6; n++ {
		if got := signRank(n); got != 0 {
			t.Errorf("signRank(%d) = %d, want the extremes", n, got)
		}
	}
}

// TestSignRankOfMany checks the largest series against the normal approximation: 1000/2 - 1.96*sqrt(1000)/2 = 469.01.
func TestSignRankOfMany(t *testing.T) {
	if got := signRank(MaxRounds); got < 467 || got > 470 {
		t.Errorf("signRank(%d) = %d, want about 468", MaxRounds, got)
	}
}

func TestSpreads(t *testing.T) {
	ten := []float64{7, 1, 9, 3, 10, 5, 8, 2, 6, 4}
	before := slices.Clone(ten)
	for _, c := range []struct {
		name      string
		got, want Spread
	}{
		{"extremes of ten", extremes(ten), Spread{5.5, 1, 10}},
		{"interval of ten: second to ninth", interval(ten), Spread{5.5, 2, 9}},
		{"interval of three is the extremes", interval([]float64{3, 1, 2}), Spread{2, 1, 3}},
		{"one value", extremes([]float64{4}), Spread{4, 4, 4}},
		{"interval of one value", interval([]float64{4}), Spread{4, 4, 4}},
	} {
		if c.got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, c.got, c.want)
		}
	}
	if !slices.Equal(ten, before) {
		t.Errorf("the series was sorted in place: %v", ten)
	}
}

func TestOutlierDoesNotMoveTheMedian(t *testing.T) {
	if got := extremes([]float64{100, 101, 99, 100, 1e6}).Median; got != 100 {
		t.Errorf("median %v, want 100", got)
	}
}
