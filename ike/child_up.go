package ike

import (
	"fmt"
	"time"
)

// linger is how long the inbound half of a replaced SA hears packets that were on their way when it was deleted (DESIGN.md
// 6, IKE-131).
const linger = 5 * time.Second

// The responder of a rekey looks at these intervals whether the peer sends on the new SA, and it leaves the Delete of an SA
// that nobody uses any more to the peer for so long.
const (
	switchCheck = 2 * time.Second
	deleteWait  = time.Minute
)

// finishChild installs the outbound half of a new SA. then may be told that the SA was deleted meanwhile.
func (s *ikeSA) finishChild(now int64, c *childSA, then func(now int64, err error)) {
	c.installOutbound(func(now int64, err error) {
		if err == nil && c.phase != childReady {
			err = errChildGone
		}
		if err != nil {
			s.deleteChild(now, c, "outbound SA not installed: "+err.Error())
			then(now, err)
			return
		}
		s.childUp(now, c)
		s.childEvent(now, EventChildUp, c, c.String())
		s.fillBundle(now, c.bundle)
		then(now, nil)
	})
}

// childUp starts the life of an SA that works both ways.
func (s *ikeSA) childUp(now int64, c *childSA) {
	c.phase, c.created = childUp, now
	c.plan(now)
}

// String is what an operator wants to know of an SA in one line.
func (c *childSA) String() string {
	return fmt.Sprintf("%v, lcore %d, %v = %v", c.suite, c.lcore, c.bundle.local, c.bundle.remote)
}

// awaitSwitch is the responder's side of a rekey: the old SA goes on sending until the peer has shown that it receives on
// the new one, by a packet on it or by deleting the old one (RFC 7296 2.8).
func (s *ikeSA) awaitSwitch(now int64, c, old *childSA) {
	if !old.known() {
		s.takeOver(now, c, func(int64, error) {})
		return
	}
	c.wake(now + int64(switchCheck))
}

// takeOver lets an SA send in the place of the one that it replaces, if that still is there, and continues.
func (s *ikeSA) takeOver(now int64, c *childSA, then func(now int64, err error)) {
	c.installOutbound(func(now int64, err error) {
		if err == nil && c.phase != childReady {
			err = errChildGone
		}
		if err != nil {
			s.deleteChild(now, c, "outbound SA not installed: "+err.Error())
			then(now, err)
			return
		}
		old := c.replaces
		s.childUp(now, c)
		s.childEvent(now, EventRekeyed, c, c.String())
		if old != nil {
			s.succeed(now, old)
		}
		then(now, nil)
	})
}

// succeed ends the sending life of an SA that another one has taken over from.
func (s *ikeSA) succeed(now int64, old *childSA) {
	old.uninstallOutbound()
	old.succeeded = true
	if old.live() {
		old.phase = childReplaced
		old.wake(now + int64(deleteWait))
	}
}

// closeChild ends an SA that is deleted on both ends.
func (s *ikeSA) closeChild(now int64, c *childSA) {
	c.uninstallOutbound()
	if !c.succeeded {
		c.discard()
		return
	}
	c.phase = childLingering
	c.wake(now + int64(linger))
}

// wake plans the next look at the SA.
func (c *childSA) wake(when int64) {
	c.alarm.stop()
	c.wakeAt = when
	c.alarm = c.sa.at(when, c.look)
}

// look does what is due for the SA in its phase.
func (c *childSA) look(now int64) {
	s := c.sa
	c.wakeAt = 0
	switch c.phase {
	case childReady:
		s.checkSwitch(now, c)
	case childUp:
		s.checkLifetime(now, c)
	case childReplaced:
		s.deleteChild(now, c, "replaced and not deleted by the peer")
	case childLingering:
		c.discard()
	}
}

// checkSwitch looks whether the peer uses a new SA yet. No time is long enough to go without that sign: the answer to the
// peer may have been lost many times.
func (s *ikeSA) checkSwitch(now int64, c *childSA) {
	if c.outbound {
		return // under way
	}
	if s.e.cfg.LastReceived(c.spiIn) == 0 {
		c.wake(now + int64(switchCheck))
		return
	}
	s.takeOver(now, c, func(int64, error) {})
}
