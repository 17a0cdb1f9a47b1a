package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"stillwater/appliance/testbed"
)

// liveTable prints a line a second of what has changed since the one before.
type liveTable struct {
	out    io.Writer
	lines  int
	inner  testbed.Tally
	outer  uint64
	octets uint64
	at     time.Duration
}

// headerEvery is how many lines pass before the header is printed again.
const headerEvery = 20

func (t *liveTable) line(at time.Duration, pair *testbed.Pair) {
	if t.lines%headerEvery == 0 {
		fmt.Fprintf(t.out, "%6s %12s %12s %12s %12s %8s\n", "s", "inner pps", "inner Mb/s", "outer pps", "outer Mb/s", "missing")
	}
	t.lines++
	inner, outer, octets := pair.Traffic.Tally(), pair.Observer.Packets(), pair.Observer.Octets()
	d := (at - t.at).Seconds()
	fmt.Fprintf(t.out, "%6.1f %12.0f %12.1f %12.0f %12.1f %8d\n", at.Seconds(),
		float64(inner.Received-t.inner.Received)/d, float64(inner.Octets-t.inner.Octets)*8/d/1e6,
		float64(outer-t.outer)/d, float64(octets-t.octets)*8/d/1e6, inner.Sent-inner.Received)
	t.at, t.inner, t.outer, t.octets = at, inner, outer, octets
}

// sizesInWords names up to three sizes of outer packets.
func sizesInWords(sizes map[int]uint64) string {
	switch n := len(sizes); {
	case n == 0:
		return "no sizes"
	case n > 3:
		keys := slices.Sorted(maps.Keys(sizes))
		return fmt.Sprintf("%d sizes from %d to %d octets", n, keys[0], keys[n-1])
	default:
		return fmt.Sprintf("sizes %v", slices.Sorted(maps.Keys(sizes)))
	}
}

func sortedKeys(m map[string]uint64) []string { return slices.Sorted(maps.Keys(m)) }
