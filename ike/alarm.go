package ike

// alarm is one deadline in the engine's heap: the earliest timer of an SA, or the next attempt of a connection.
type alarm struct {
	when int64
	at   int // index in the heap, -1 when it is not set
	fire func(now int64)
}

func newAlarm(fire func(now int64)) alarm { return alarm{at: -1, fire: fire} }

// alarms is a binary min-heap by time that knows where each alarm is, so that one can be moved in O(log n). container/heap
// would do the same behind an interface call per comparison.
type alarms []*alarm

// set plans an alarm, or moves it.
func (h *alarms) set(a *alarm, when int64) {
	if a.at < 0 {
		a.at = len(*h)
		*h = append(*h, a)
	}
	a.when = when
	h.down(a.at)
	h.up(a.at)
}

// drop takes an alarm out; one that is not set stays so.
func (h *alarms) drop(a *alarm) {
	i, last := a.at, len(*h)-1
	if i < 0 {
		return
	}
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	a.at = -1
	if i < last {
		h.down(i)
		h.up(i)
	}
}

// due takes out the earliest alarm that is not later than now, nil when there is none.
func (h *alarms) due(now int64) *alarm {
	if len(*h) == 0 || (*h)[0].when > now {
		return nil
	}
	a := (*h)[0]
	h.drop(a)
	return a
}

func (h alarms) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

func (h alarms) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].when <= h[i].when {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h alarms) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if right := child + 1; right < len(h) && h[right].when < h[child].when {
			child = right
		}
		if h[i].when <= h[child].when {
			return
		}
		h.swap(i, child)
		i = child
	}
}
