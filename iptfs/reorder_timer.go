package iptfs

// The bounds of a lost-packet interval that was not configured, in nanoseconds (TFS-069). The upper one also serves
// until the peer's rate has been measured; it is what Linux uses.
const (
	minLostTimer = 1e6
	maxLostTimer = 1e9
)

// gapWeight is the weight of the past in the smoothed arrival gap: a new sample moves it by one part in gapWeight.
const gapWeight = 8

// lostTimer knows how long a missing payload is waited for before it counts as lost. The interval is the configured one,
// or four windows of the peer's packet gap: shorter would give up packets that are merely late, longer would hold up
// what waits behind them (RFC 9347 2.2.3). Owned by one lcore.
type lostTimer struct {
	interval int64 // ns
	windows  int64 // packets in four windows; 0 for a configured interval, which is never changed
	gap      int64 // smoothed ns per sequence number; 0 before the first sample
	seq      uint64
	at       int64 // when seq was received
}

func newLostTimer(window int, configured int64) lostTimer {
	if configured > 0 {
		return lostTimer{interval: configured}
	}
	return lostTimer{interval: maxLostTimer, windows: 4 * (int64(window) + 1)}
}

// partial is how long a packet in reassembly is kept when nothing follows. Nothing says then that anything was lost: the peer
// may merely have been held up, and only one buffer waits. So a measured interval does not shorten it (TFS-069).
func (t *lostTimer) partial() int64 {
	if t.windows == 0 {
		return t.interval
	}
	return maxLostTimer
}

// observe measures the peer's gap by sequence numbers rather than arrivals: lost packets were sent too, and a burst
// received at one instant counts as the many packets it was.
func (t *lostTimer) observe(seq uint64, now int64) {
	if t.windows == 0 {
		return
	}
	if t.seq == 0 {
		t.seq, t.at = seq, now
		return
	}
	if seq <= t.seq || now <= t.at {
		return
	}
	sample := int64(min(uint64(now-t.at)/(seq-t.seq), maxLostTimer))
	if t.gap == 0 {
		t.gap = sample
	} else {
		t.gap += (sample - t.gap) / gapWeight
	}
	t.seq, t.at = seq, now
	t.interval = min(max(t.windows*t.gap, minLostTimer), maxLostTimer)
}
