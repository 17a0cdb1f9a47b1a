package control

import (
	"stillwater/appliance/dataplane"
	"stillwater/crypto/esp"
	"stillwater/ike"
)

// halfState is where an SA is between control and its lcore.
type halfState uint8

const (
	absent halfState = iota
	coming           // its install is under way
	there
	going // its removal is under way
)

// half is one SA of a pair. The engine may want it gone while it is still coming: it leaves as soon as it is there.
type half struct {
	state halfState
	slot  uint32
	leave []func(now int64) // the engine wants it gone; called when it is
	last  esp.Counters      // of an SA that is going or has gone
}

// pair is one SA pair. State, slot, last and sends are written under Core.mu, because Pairs reads them.
type pair struct {
	bundle        *bundle
	spiIn, spiOut uint32
	lcore         int
	suite         string
	fallback      bool
	in, out       half
	sends         bool               // every lcore knows that its outbound half is there
	outer         ike.Outer          // where the outbound half sends
	sent          dataplane.SA       // the outbound half without its keys, for Redirect
	install       *dataplane.Command // of the inbound half, while the lcores have not seen the bundle
}

// newPair makes a pair known, on behalf of its inbound half.
func (c *Core) newPair(b *bundle, p *ike.Pair) *pair {
	out := &pair{bundle: b, spiIn: p.SPIIn, spiOut: p.SPIOut, lcore: p.Lcore, suite: suiteName(p), fallback: p.Fallback}
	out.in.state = coming
	b.pairs++
	c.mu.Lock()
	c.pairs[out.spiIn] = out
	c.mu.Unlock()
	return out
}

// set moves a half to another state. An SA that is about to go keeps its counters as they are: its slot may be another's
// before control hears that it has gone.
func (c *Core) set(p *pair, h *half, to halfState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if to == going {
		h.last = c.plane.SACounters(p.lcore, h.slot, h == &p.in)
	}
	if h.state = to; h == &p.out {
		p.sends = false
	}
}

// settled ends what waits for a half that has gone, or never came, and forgets the pair with the second of them.
func (c *Core) settled(now int64, p *pair, h *half) {
	c.set(p, h, absent)
	leave := h.leave
	h.leave = nil
	for _, f := range leave {
		f(now)
	}
	if p.in.state != absent || p.out.state != absent || c.pairs[p.spiIn] != p {
		return
	}
	c.mu.Lock()
	delete(c.pairs, p.spiIn)
	c.mu.Unlock()
	p.bundle.pairs--
	c.retire(p.bundle)
}

// counters are what a half has carried. The caller holds mu.
func (c *Core) counters(p *pair, h *half) esp.Counters {
	if h.state == there {
		return c.plane.SACounters(p.lcore, h.slot, h == &p.in)
	}
	return h.last
}
