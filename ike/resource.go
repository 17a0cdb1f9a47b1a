package ike

import (
	"encoding/binary"
	"slices"
	"time"

	"stillwater/ike/wire"
)

// resourceNotify is SA_RESOURCE_INFO of an offer: empty for a fallback SA, a running number for another one. That number is
// all that the peer learns (RFC 9611 7, RSC-010).
func (o *childOffer) resourceNotify() wire.Notify {
	n := wire.Notify{Notify: wire.SAResourceInfo}
	if b := o.o.joins(); b != nil && !o.fallback() {
		n.Data = b.nextResource()
	}
	return n
}

// resourceID is what the answer says of an SA that is not the fallback.
func (a *childAnswer) resourceID() []byte {
	if !a.o.resource {
		return nil
	}
	return a.bundle.nextResource()
}

func (b *bundle) nextResource() []byte {
	b.resources++
	return binary.BigEndian.AppendUint32(nil, b.resources)
}

// resource asks for an SA of an lcore's own where both ends want such SAs and the lcore has none (RSC-004, RSC-009).
func (e *Engine) resource(now int64, id BundleID, lcore int, t *Trigger) {
	b := e.bundles[id]
	if b == nil || b.sa.state != stateEstablished || lcore < 0 || lcore >= e.cfg.Lcores {
		return
	}
	s := b.sa
	if !b.shared || b.full || s.load(b)[lcore] > 0 || len(s.members(b))+s.wanted(b) > s.conn.Resources {
		return
	}
	if !s.initiator && !b.insists(now, lcore) {
		return
	}
	e.guard(now, s, func() { s.create(now, b.child, childOptions{bundle: b, resource: true, lcore: lcore, trigger: t}) })
}

// peerFirst is how long the original responder leaves the first move to the initiator. A variable, so that tests of other
// things need not wait.
var peerFirst = 500 * time.Millisecond

// insists reports whether an lcore has wanted an SA for a while. Lcores of both ends notice at the same moment that they have
// none; if both ends ask, each gets two (RSC-009). One who has asked long ago and not since begins anew.
func (b *bundle) insists(now int64, lcore int) bool {
	first, asked := b.asks[lcore]
	if !asked || now-first > 5*int64(peerFirst) {
		if b.asks == nil {
			b.asks = map[int]int64{}
		}
		b.asks[lcore], first = now, now
	}
	return now-first >= int64(peerFirst)
}

// fillBundle makes all SAs of a bundle that is to have them at once. The end that made the first one makes the others, so
// that there are not twice as many.
func (s *ikeSA) fillBundle(now int64, b *bundle) {
	if !b.ours || !b.shared {
		return
	}
	for len(s.members(b))+s.wanted(b) < b.child.UpFront && !b.full {
		s.create(now, b.child, childOptions{bundle: b, resource: true, lcore: s.leastLoaded(b)})
	}
}

// wanted is how many SAs of the bundle are being asked for.
func (s *ikeSA) wanted(b *bundle) (n int) {
	for _, t := range s.asked {
		if t.o.bundle == b {
			n++
		}
	}
	return n
}

// load is the bundle's SAs on each lcore, those that are being asked for too.
func (s *ikeSA) load(b *bundle) []int {
	n := make([]int, s.e.cfg.Lcores)
	for _, c := range s.members(b) {
		n[c.lcore]++
	}
	for _, t := range s.asked {
		if t.o.bundle == b && t.o.resource {
			n[t.o.lcore]++
		}
	}
	return n
}

// leastLoaded is the living lcore with the fewest SAs of the bundle (RFC 9611 4).
func (s *ikeSA) leastLoaded(b *bundle) int {
	best, load := -1, s.load(b)
	for l, n := range load {
		if !s.e.dead[l] && (best < 0 || n < load[best]) {
			best = l
		}
	}
	return max(best, 0)
}

// checkLimits holds a new SA of the peer's against what an IKE SA and a bundle may have (LIM-12). asked says that it came with
// SA_RESOURCE_INFO; such an SA is never refused with NO_ADDITIONAL_SAS (RFC 9611 6, RSC-003).
func (s *ikeSA) checkLimits(a *childAnswer, asked bool) *denial {
	most := s.e.limits.Children
	if most == 0 {
		most = 4*s.e.cfg.Lcores + 8
	}
	again := asked && s.conn.Resources == 0 && slices.ContainsFunc(s.bundles, func(b *bundle) bool {
		return b.child == a.child && sameSelectors(b.local, a.local) && sameSelectors(b.remote, a.remote)
	})
	switch {
	case again, a.bundle != nil && len(s.members(a.bundle)) >= s.resourceLimit():
		return &denial{notify: wire.TSMaxQueue, key: "per_resource_sas", reason: "no more Child SAs with these selectors"}
	case s.count() < most:
		return nil
	case asked:
		return &denial{notify: wire.TSMaxQueue, reason: "the limit of Child SAs is reached"}
	}
	return &denial{notify: wire.NoAdditionalSAs, reason: "the limit of Child SAs is reached"}
}

// resourceLimit is how many SAs a bundle may have: twice what either end could want, because both may ask at once and rekeys
// come on top (RFC 9611 6, RSC-008).
func (s *ikeSA) resourceLimit() int { return 2 * max(s.e.cfg.Lcores, s.conn.Resources+1) }

// count is the Child SAs that are not deleted.
func (s *ikeSA) count() (n int) {
	for _, c := range s.children {
		if c.known() {
			n++
		}
	}
	return n
}

// lcoreDead deletes the SAs of an lcore that is gone (IKE-031). A fallback SA is made again elsewhere, others when their
// lcore asks, which this one will not.
func (e *Engine) lcoreDead(now int64, lcore int) {
	if e.dead == nil {
		e.dead = map[int]bool{}
	}
	e.dead[lcore] = true
	delete(e.spare, lcore)
	for _, c := range e.onLcore(lcore) {
		s := c.sa
		e.guard(now, s, func() { s.loseChild(now, c) })
	}
}

// onLcore is the Child SAs of an lcore, in the order of their SPIs.
func (e *Engine) onLcore(lcore int) (list []*childSA) {
	for _, c := range e.children {
		if c.lcore == lcore {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b *childSA) int { return int(int64(a.spiIn) - int64(b.spiIn)) })
	return list
}

func (s *ikeSA) loseChild(now int64, c *childSA) {
	again := c.live() && c.fallback && s.state == stateEstablished && (c.replaces == nil || !c.replaces.live())
	b := c.bundle
	b.holds++
	s.deleteChild(now, c, "its lcore is dead")
	if again {
		s.create(now, b.child, childOptions{bundle: b})
	}
	b.holds--
	s.release(b)
}
