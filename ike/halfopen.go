package ike

import (
	"errors"
	"net/netip"
	"time"
)

// prefix is what stands for one peer in counts: an IPv4 address, or a /64 of IPv6, since whoever has one address there has
// them all.
type prefix = netip.Prefix

func prefixOf(a netip.Addr) prefix {
	bits := 32
	if a = a.Unmap(); a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// halfOpen counts the SAs that this end keeps as responder and whose peer has not proven anything (LIM-07). It has entries
// for such SAs only, so its size is theirs.
type halfOpen struct {
	all      int
	byPrefix map[prefix]int
}

var errHalfOpen = errors.New("the peer did not authenticate in time")

// enterHalfOpen counts the SA and plans its end.
func (s *ikeSA) enterHalfOpen(now int64) {
	h := &s.e.halves
	h.all++
	h.byPrefix[prefixOf(s.outer.Remote.Addr())]++
	s.setup.half = prefixOf(s.outer.Remote.Addr())
	s.e.inits[s.setup.init] = s
	s.setup.expire = s.at(now+int64(s.e.limits.HalfOpenTime), s.halfOpenOver)
}

// halfOpenOver ends an SA that was half-open for too long, or one that was refused and has been kept long enough.
func (s *ikeSA) halfOpenOver(now int64) {
	if s.state != stateFailed {
		s.e.counters.HalfOpenExpired++
	}
	s.close(now, errHalfOpen)
}

// leaveHalfOpen takes the SA out of the count. It may be called again.
func (s *ikeSA) leaveHalfOpen() {
	if s.setup == nil || s.setup.half == (prefix{}) {
		return
	}
	h := &s.e.halves
	h.all--
	if h.byPrefix[s.setup.half]--; h.byPrefix[s.setup.half] == 0 {
		delete(h.byPrefix, s.setup.half)
	}
	delete(s.e.inits, s.setup.init)
	s.setup.half = prefix{}
	s.setup.expire.stop()
}

// refused keeps an SA whose IKE_AUTH was answered with an error only as long as retransmissions of the request may come:
// without keys, and counted as half-open, so that failing is no way around the limits.
func (s *ikeSA) refused(now int64) {
	if s.state == stateClosed {
		return
	}
	s.state = stateFailed
	if s.keys != nil {
		s.keys.Wipe()
		s.keys = nil
	}
	s.setup.forget()
	s.setup.expire.stop()
	s.setup.expire = s.at(now+int64(refusedTime), s.halfOpenOver)
}

// refusedTime outlasts the first retransmissions of any peer.
const refusedTime = 10 * time.Second

// admission is what becomes of an IKE_SA_INIT request before anything is spent on it.
type admission uint8

const (
	admitted admission = iota
	admitWithCookie
	admitNone
)

// admitInit judges a request from the address by the half-open SAs there are. proven says that the request has a cookie of
// ours, so its source address is real; the limits hold nevertheless.
func (e *Engine) admitInit(from netip.Addr, proven bool) admission {
	lim, here := &e.limits, e.halves.byPrefix[prefixOf(from)]
	switch {
	case !proven && (e.halves.all >= lim.CookiesAt || here >= lim.CookiesAtPeer):
		return admitWithCookie
	case e.halves.all >= lim.HalfOpen || here >= lim.HalfOpenPeer:
		return admitNone
	}
	return admitted
}
