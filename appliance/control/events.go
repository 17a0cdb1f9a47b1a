package control

import (
	"net/netip"

	"stillwater/appliance/dataplane"
	"stillwater/crypto/esp"
	"stillwater/ike"
	"stillwater/pmd/mbuf"
)

// takeEvents gives what lcores tell to whom it concerns.
func (c *Core) takeEvents(now int64) int {
	work := 0
	for l := range c.plane.Lcores() {
		for {
			e, ok := c.plane.TakeEvent(l)
			if !ok {
				break
			}
			c.record(&e)
			c.react(now, &e)
			work++
		}
	}
	return work
}

// takeDeaths tells the engine of lcores that have ended. It asks the data plane: the event may have found its ring full.
func (c *Core) takeDeaths(now int64) (n int) {
	for l, known := range c.lost {
		if !known && c.plane.Dead(l) {
			c.lost[l] = true
			c.count("panic", 1)
			c.log.Error("lcore ended", "lcore", l)
			c.engine.LcoreDead(now, l)
			n++
		}
	}
	return n
}

// react tells the engine or the host stack.
func (c *Core) react(now int64, e *dataplane.Event) {
	switch e.Kind {
	case dataplane.EventAcquire:
		c.acquire(now, e)
	case dataplane.EventResource:
		if b := c.bundleAt(e.Child); b != nil {
			c.engine.Resource(now, b.id, int(e.Lcore), trigger(&e.Flow))
		}
	case dataplane.EventLimit:
		if p := c.pairOf(e); p != nil {
			c.engine.Limit(now, p.spiIn, e.Limit.Kind == esp.HardPackets || e.Limit.Kind == esp.HardOctets || e.Limit.Kind == esp.HardSeq)
		}
	case dataplane.EventMoved:
		if p := c.pairs[e.SPI]; p != nil {
			c.engine.Moved(now, p.spiIn, e.Flow.Source())
		}
	case dataplane.EventMiss:
		c.resolve(int(e.Port), e.NextHop.IP())
	case dataplane.EventDrop:
		if mbuf.Verdict(e.Verdict) == mbuf.UnknownSPI && e.Flow != (dataplane.Flow{}) {
			c.engine.UnknownSPI(now, e.Flow.Destination(), e.Flow.Source(), e.SPI)
		}
	}
}

// acquire asks the engine for a Child SA: of a trap, or of a bundle that has lost its SAs.
func (c *Core) acquire(now int64, e *dataplane.Event) {
	at, ok := c.trapAt(e.Child)
	if b := c.bundleAt(e.Child); b != nil {
		at, ok = trap{b.conn, b.child}, true
	}
	if ok {
		conn := c.conns[at.conn]
		c.engine.Acquire(now, conn.Name, conn.Children[at.child].Name, trigger(&e.Flow))
	}
}

// trigger is the packet that made an lcore ask, its local side first. A packet that is not known is none.
func trigger(f *dataplane.Flow) *ike.Trigger {
	if *f == (dataplane.Flow{}) {
		return nil
	}
	return &ike.Trigger{Protocol: f.Proto, Src: f.Source(), Dst: f.Destination()}
}

// trapAt is the trap with a child index.
func (c *Core) trapAt(index uint32) (trap, bool) {
	k := int(index) - len(c.cfg.Tunnels)
	if k < 0 || k >= len(c.traps) {
		return trap{}, false
	}
	return c.traps[k], true
}

// bundleAt is the open bundle with a child index.
func (c *Core) bundleAt(index uint32) *bundle { return c.byIndex[index] }

// seat is where an outbound SA sits: the slot of an lcore.
type seat struct {
	lcore uint8
	slot  uint32
}

// pairOf is the pair whose SA reached a limit. An outbound SA is known by its seat, where another may sit by now: SPIs that
// peers have chosen name nobody by themselves.
func (c *Core) pairOf(e *dataplane.Event) *pair {
	if e.Inbound {
		return c.pairs[e.SPI]
	}
	if p := c.seats[seat{e.Lcore, e.Slot}]; p != nil && p.spiOut == e.SPI {
		return p
	}
	return nil
}

// record counts an event and logs the first of its kind; the counters tell the rest.
func (c *Core) record(e *dataplane.Event) {
	if e.Kind == dataplane.EventPanic {
		return // takeDeaths sees it
	}
	kind, n := eventName(e), max(e.Count, 1)
	c.mu.Lock()
	c.counts.events[kind] += n
	first := c.counts.events[kind] == n
	c.mu.Unlock()
	if !first && e.Kind == dataplane.EventDrop {
		return
	}
	switch e.Kind {
	case dataplane.EventDrop:
		c.log.Warn("packet dropped", "verdict", mbuf.Verdict(e.Verdict).String(), "lcore", e.Lcore, "spi", e.SPI, "sequence", e.Seq, "count", e.Count, "from", source(e))
	case dataplane.EventLimit:
		c.log.Info("lifetime reached", "limit", e.Limit.Kind.String(), "lcore", e.Lcore, "spi", e.SPI)
	}
}

// source is where a packet came from, as text; empty where that is not known.
func source(e *dataplane.Event) string {
	if a := e.Flow.Source(); e.Flow != (dataplane.Flow{}) && a.Addr() != (netip.Addr{}) {
		return a.Addr().String()
	}
	return ""
}

// count adds to an event counter of the control core's own.
func (c *Core) count(kind string, n uint64) {
	c.mu.Lock()
	c.counts.events[kind] += n
	c.mu.Unlock()
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
	case dataplane.EventResource:
		return "resource"
	case dataplane.EventMoved:
		return "moved"
	case dataplane.EventMiss:
		return "miss"
	}
	return "other"
}
