package appliance

import (
	"time"

	"stillwater/appliance/dataplane"
	"stillwater/pmd/mbuf"
)

// attendEvery is how often the control core looks at events and punted packets.
const attendEvery = 2 * time.Millisecond

// attend serves the control side of the rings until the returned function is called: events become log lines and counts,
// punted packets go back to their pools (the host stack that will answer them attaches here), and the clock is checked
// against the kernel's once a second.
func (a *Appliance) attend() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(attendEvery)
		defer tick.Stop()
		checkAt := time.Now().Add(time.Second)
		for {
			a.attendOnce()
			select {
			case <-done:
				a.attendOnce()
				return
			case now := <-tick.C:
				if now.After(checkAt) {
					checkAt = now.Add(time.Second)
					a.checkClock()
				}
			}
		}
	}()
	return func() { close(done); <-ended }
}

// attendOnce empties the event and punt rings once.
func (a *Appliance) attendOnce() {
	for l := range a.plane.Lcores() {
		for {
			e, ok := a.plane.TakeEvent(l)
			if !ok {
				break
			}
			a.record(&e)
		}
		punts, _ := a.plane.Punts(l)
		for {
			m, ok := punts.Pop()
			if !ok {
				break
			}
			m.Pool().Return(m)
			a.statusMu.Lock()
			a.punted++
			a.statusMu.Unlock()
		}
	}
}

// record counts an event and logs the first of its kind; the counters tell the rest.
func (a *Appliance) record(e *dataplane.Event) {
	kind := eventName(e)
	a.statusMu.Lock()
	a.events[kind] += max(e.Count, 1)
	first := a.events[kind] == max(e.Count, 1)
	a.statusMu.Unlock()
	if !first && e.Kind == dataplane.EventDrop {
		return
	}
	switch e.Kind {
	case dataplane.EventDrop:
		a.log.Warn("packet dropped", "verdict", mbuf.Verdict(e.Verdict).String(), "lcore", e.Lcore, "spi", e.SPI, "sequence", e.Seq, "count", e.Count)
	case dataplane.EventLimit:
		a.log.Warn("lifetime reached", "limit", e.Limit.Kind.String(), "lcore", e.Lcore, "spi", e.SPI)
	case dataplane.EventPanic:
		a.log.Error("lcore ended", "lcore", e.Lcore)
	}
}

// eventName is the key an event is counted under.
func eventName(e *dataplane.Event) string {
	switch e.Kind {
	case dataplane.EventDrop:
		return "drop:" + mbuf.Verdict(e.Verdict).String()
	case dataplane.EventLimit:
		return "limit:" + e.Limit.Kind.String()
	case dataplane.EventAcquire:
		return "acquire"
	case dataplane.EventPanic:
		return "panic"
	}
	return "other"
}

func (a *Appliance) checkClock() {
	if a.clock == nil {
		return
	}
	if ppm, err := a.clock.Check(); err != nil {
		a.log.Warn("clock", "source", a.clock.Source(), "drift_ppm", ppm, "error", err)
	}
}
