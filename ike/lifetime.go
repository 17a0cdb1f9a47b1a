package ike

import (
	"errors"
	"time"
)

// childState is what an IKE SA needs for its Child SAs and for its own life after IKE_AUTH. Owned by the engine's goroutine.
type childState struct {
	asked          []*createTask // new Child SAs that are queued, under way or postponed
	postponed      []postponed
	postponedTimer timer
	settling       int             // installations under way
	settled        func(now int64) // what waits for their end

	refusals     int // TEMPORARY_FAILURE in a row
	refusedSince int64

	rekeyTimer, expiryTimer, livenessTimer, graveTimer timer

	candidate *candidate // what the peer's rekey of this IKE SA made while ours was out
	buried    bool       // the peer has deleted it; it only answers again
	undecided *ikeSA     // on a candidate: the SA that it may come to replace
	hinted    int64      // when a hint of the peer last led to a check
	strays    []stray    // the oldest first
}

// settle ends one installation.
func (s *ikeSA) settle(now int64) {
	s.settling--
	if then := s.settled; s.settling == 0 && then != nil {
		s.settled = nil
		// What the end of the installation does comes first, so that it finds the IKE SA it began with.
		s.at(now, then)
	}
}

// established starts the life of an IKE SA: lifetimes, liveness, and the Child SAs that are to come up.
func (s *ikeSA) established(now int64) {
	if s.state != stateEstablished {
		return
	}
	s.planLifetime(now)
	s.planLiveness(now)
	wants := s.wants
	s.wants = nil
	for _, w := range wants {
		s.initiateChild(now, w.child, w.trigger)
	}
}

// jittered is a lifetime shortened at random by up to so many percent: so that the two ends do not rekey at the same moment
// (RFC 7296 2.8).
func (e *Engine) jittered(life time.Duration, percent int) int64 {
	return int64(life) - e.uniform(int64(life)/100*int64(percent))
}

// planLifetime plans rekey and end of the IKE SA.
func (s *ikeSA) planLifetime(now int64) {
	s.rekeyTimer.stop()
	s.expiryTimer.stop()
	c := s.conn
	if c.RekeyTime == 0 {
		return
	}
	s.rekeyAt = now + s.e.jittered(c.RekeyTime, c.RekeyJitter)
	s.expireAt = now + int64(c.RekeyTime+c.OverTime)
	s.rekeyTimer = s.at(s.rekeyAt, s.rekey)
	if c.OverTime > 0 {
		s.expiryTimer = s.at(s.expireAt, s.expired)
	}
}

// errExpired is why an SA ends that could not be replaced in time.
var errExpired = errors.New("lifetime is over and rekeying failed")

// expired closes an IKE SA one of whose SAs must not be used any longer and could not be replaced (RFC 7296 2.8, IKE-145).
func (s *ikeSA) expired(now int64) { s.shut(now, errExpired.Error()) }

// plan gives a Child SA that has come up its lifetime.
func (c *childSA) plan(now int64) {
	child := c.bundle.child
	c.alarm.stop()
	c.wakeAt = 0
	if child.RekeyTime == 0 {
		return
	}
	c.rekeyAt = now + c.sa.e.jittered(child.RekeyTime, child.RekeyJitter)
	if child.OverTime > 0 {
		c.expireAt = now + int64(child.RekeyTime+child.OverTime)
	}
	c.wake(c.rekeyAt)
}

// retry plans another attempt to rekey.
func (c *childSA) retry(now, when int64) {
	c.rekeyAt = when
	c.planNext(now)
}

// planNext wakes the SA for what comes first.
func (c *childSA) planNext(now int64) {
	switch {
	case c.rekeyAt > now && (c.expireAt == 0 || c.rekeyAt < c.expireAt):
		c.wake(c.rekeyAt)
	case c.expireAt != 0:
		c.wake(c.expireAt)
	}
}

// checkLifetime rekeys an SA that is old enough, and ends one that is too old.
func (s *ikeSA) checkLifetime(now int64, c *childSA) {
	if c.expireAt != 0 && now >= c.expireAt {
		s.limit(now, c, true)
		return
	}
	if c.rekeyAt != 0 && now >= c.rekeyAt {
		s.rekeyOne(now, c)
	}
	c.planNext(now)
}

// limitGrace is how long a rekey that is under way may take when the data plane has stopped using the SA.
const limitGrace = 30 * time.Second

// limit reacts to a limit that the data plane has found. Beyond a hard one the SA is dead, and only another SA helps: one
// that is there and waits, one that is under way, or those of a new IKE SA (IKE-132, IKE-145).
func (s *ikeSA) limit(now int64, c *childSA, hard bool) {
	switch {
	case c.phase != childUp:
	case c.rival != nil && c.rival.phase == childReady && !c.rival.outbound:
		if hard {
			s.takeOver(now, c.rival, func(int64, error) {})
		}
	case !hard:
		s.rekeyOne(now, c)
	case c.rekeying != nil && !c.late:
		c.late = true
		c.expireAt = now + int64(limitGrace)
		c.wake(c.expireAt)
	default:
		s.expired(now)
	}
}
