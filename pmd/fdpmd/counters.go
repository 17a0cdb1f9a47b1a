package fdpmd

import "sync/atomic"

// counters are the figures of one queue. The lcore that owns the queue writes them once per burst, anyone may read them.
type counters struct {
	packets, octets, dropped, errors atomic.Uint64
}

// tally is what one burst adds to counters; it stays in registers while the burst lasts.
type tally struct{ packets, octets, dropped, errors uint64 }

// add publishes a burst. Atomic additions are dear, so those of nothing are left out.
func (c *counters) add(t tally) {
	if t.packets > 0 {
		c.packets.Add(t.packets)
		c.octets.Add(t.octets)
	}
	if t.dropped > 0 {
		c.dropped.Add(t.dropped)
	}
	if t.errors > 0 {
		c.errors.Add(t.errors)
	}
}
