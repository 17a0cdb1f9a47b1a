package ike

import (
	"bytes"
	"errors"
	"time"

	"stillwater/ike/wire"
)

// rekeyRetry is the time between attempts to rekey what the peer does not want rekeyed.
const rekeyRetry = 30 * time.Second

// rekeyTask replaces a Child SA (RFC 7296 1.3.3, 2.8).
type rekeyTask struct {
	childExchange
	old *childSA
}

// rekeyOne queues the rekey of an SA, unless either end is about it already.
func (s *ikeSA) rekeyOne(now int64, c *childSA) {
	if c.phase != childUp || c.rekeying != nil || c.rival != nil && c.rival.known() || s.state != stateEstablished {
		return
	}
	t := &rekeyTask{childExchange{s: s, child: c.bundle.child, o: childOptions{replaces: c}}, c}
	t.ended = t.end
	c.rekeying = t
	s.enqueue(now, t)
}

func (t *rekeyTask) move(to *ikeSA) { t.s = to }

// start finds out whether the SA still has to be rekeyed: the peer may have been faster.
func (t *rekeyTask) start(now int64) {
	if t.old.phase != childUp || t.collided() {
		t.old.rekeying = nil
		t.s.pointless(now)
		return
	}
	t.begin(now)
}

func (t *rekeyTask) fail(now int64, _ error) {
	t.old.rekeying = nil
	t.undo(now)
}

// collided says that the peer has rekeyed or deleted the SA in the meantime.
func (t *rekeyTask) collided() bool {
	return !t.old.live() || t.old.rival != nil && t.old.rival.known()
}

// end goes on with the new SA, or without one.
func (t *rekeyTask) end(now int64, c *childSA, err error) {
	s := t.s
	t.old.rekeying = nil
	switch {
	case err != nil:
		s.rekeyFailed(now, t, err)
		s.done(now)
	case t.loses(c):
		s.granted()
		s.deleteChild(now, c, "")
		s.done(now)
	default:
		s.granted()
		s.replaceChild(now, t.old, c)
	}
}

// loses says that of two simultaneous rekeys the peer's stays: ours is the one with the lowest of the four nonces, so this
// end closes what it made (RFC 7296 2.8.1, IKE-133). A peer that has deleted the old SA has decided the same.
func (t *rekeyTask) loses(c *childSA) bool {
	rival := t.old.rival
	switch {
	case rival == nil:
		return false
	case t.old.phase >= childLingering:
		return true
	}
	return rival.live() && bytes.Compare(c.lowest, rival.lowest) < 0
}

// replaceChild lets the new SA take over and deletes the old one; an SA that the peer made meanwhile is for the peer to
// delete.
func (s *ikeSA) replaceChild(now int64, old, c *childSA) {
	rival := old.rival
	old.decided = true
	s.takeOver(now, c, func(now int64, err error) {
		if err == nil && rival != nil && rival.live() {
			s.succeed(now, rival)
		}
		// The peer may have rekeyed the new SA before it sends here: then that one's heir stands for both.
		if old.decided = err == nil || c.rival != nil && c.rival.live(); old.decided {
			s.deleteChild(now, old, "")
		}
		s.done(now)
	})
}

// rekeyFailed decides what becomes of an SA that could not be rekeyed.
func (s *ikeSA) rekeyFailed(now int64, t *rekeyTask, err error) {
	if t.collided() {
		return // RFC 7296 2.8.1: that explains it (IKE-134)
	}
	old := t.old
	var no *childRefusal
	if errors.As(err, &no) {
		switch no.notify.Notify {
		case wire.TemporaryFailure:
			if when, ok := s.backOff(now); ok {
				old.retry(now, when)
			}
			return
		case wire.ChildSANotFound:
			s.recreate(now, old)
			return
		}
	}
	s.childFailed(now, wire.ExchangeCreateChildSA, err)
	if s.state == stateEstablished {
		old.retry(now, now+int64(rekeyRetry)+s.e.uniform(int64(rekeyRetry)))
	}
}

// recreate makes a Child SA from scratch in the place of one that the peer does not have: no Delete for that (RFC 7296
// 2.25, IKE-144).
func (s *ikeSA) recreate(now int64, lost *childSA) {
	s.childEvent(now, EventChildDown, lost, "the peer does not have it")
	o := childOptions{bundle: lost.bundle, resource: !lost.fallback, lcore: lost.lcore}
	lost.bundle.holds++
	lost.discard()
	s.create(now, lost.bundle.child, o)
	lost.bundle.holds--
}

// rekeyChild rekeys the Child SAs of that configuration, with an empty name all.
func (s *ikeSA) rekeyChild(now int64, name string) bool {
	found := false
	for _, c := range append([]*childSA(nil), s.children...) {
		if name == "" || c.bundle.child.Name == name {
			found = true
			s.rekeyOne(now, c)
		}
	}
	return found
}
