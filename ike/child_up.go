package ike

import (
	"fmt"
	"slices"
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

// The responder of a new SA looks more often, as nothing may be there to send on in the meantime (RFC 7296 2.8): first after
// useCheck, then after as long again, and never after more than useChecks.
const (
	useCheck  = 25 * time.Millisecond
	useChecks = 200 * time.Millisecond
)

// It waits for a sign of the peer no longer than so: with an IKE SA's first SA, and with a later one. Variables, so that tests
// of other things need not wait.
var firstUse, laterUse = 100 * time.Millisecond, 5 * time.Second

// finishChild installs the outbound half of a new SA. then may be told that the SA was deleted meanwhile.
func (s *ikeSA) finishChild(now int64, c *childSA, then func(now int64, err error)) {
	c.installOutbound(func(now int64, err error) {
		s := c.sa // it may have been rekeyed meanwhile
		if err = s.working(now, c, err); err != nil {
			then(now, err)
			return
		}
		s.childUp(now, c)
		s.childEvent(now, EventChildUp, c, c.String())
		s.fillBundle(now, c.bundle)
		then(now, nil)
	})
}

// working is why an SA does not work both ways after the outbound half was to be installed; such an SA is deleted.
func (s *ikeSA) working(now int64, c *childSA, err error) error {
	if err == nil && c.phase != childReady {
		err = errChildGone
	}
	if err != nil {
		s.deleteChild(now, c, "outbound SA not installed: "+err.Error())
	}
	return err
}

// childUp starts the life of an SA that works both ways.
func (s *ikeSA) childUp(now int64, c *childSA) {
	c.phase, c.created = childUp, now
	c.plan(now)
}

// String is what an operator wants to know of an SA in one line.
func (c *childSA) String() string {
	name := c.suite.String()
	if c.esn {
		name += "-esn"
	}
	return fmt.Sprintf("%s, lcore %d, %s", name, c.lcore, describePair(c.bundle.local, c.bundle.remote))
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

// awaitUse is the responder's side of a new SA: the initiator cannot receive on it before it has the answer, so that
// packets wait for a sign that it has, or for long enough (RFC 7296 2.8).
func (s *ikeSA) awaitUse(now int64, c *childSA, most time.Duration) {
	c.created, c.useBy = now, now+int64(most)
	if most == 0 {
		s.use(now, c)
		return
	}
	c.wake(now + int64(useCheck))
}

// use installs the outbound half of a new SA that has waited for it.
func (s *ikeSA) use(now int64, c *childSA) {
	c.useBy = 0
	s.finishChild(now, c, func(int64, error) {})
}

// peerWentOn uses every new SA that has waited: a further request means that the peer has had the answers to all before.
func (s *ikeSA) peerWentOn(now int64) {
	for _, c := range slices.Clone(s.children) {
		if c.phase == childReady && c.useBy != 0 {
			s.use(now, c)
		}
	}
}

// takeOver lets an SA send in the place of the one that it replaces, if that still is there, and continues.
func (s *ikeSA) takeOver(now int64, c *childSA, then func(now int64, err error)) {
	c.installOutbound(func(now int64, err error) {
		s := c.sa
		if err = s.working(now, c, err); err != nil {
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
		c.bundle.full = false // RSC-003: room for another one
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
		s.checkReady(now, c)
	case childUp:
		s.checkLifetime(now, c)
	case childReplaced:
		s.deleteChild(now, c, "replaced and not deleted by the peer")
	case childLingering:
		c.discard()
	}
}

// checkReady looks whether the peer uses a new SA yet. Of a rekey no time is long enough to go without that sign: the answer to the
// peer may have been lost many times.
func (s *ikeSA) checkReady(now int64, c *childSA) {
	if c.outbound {
		return // under way
	}
	heard := s.e.cfg.LastReceived(c.spiIn) != 0
	switch {
	case c.useBy != 0 && (heard || now >= c.useBy):
		s.use(now, c)
	case c.useBy != 0:
		// Twice the age is soon enough: a peer that is slow to begin is not missed by much.
		pause := min(max(now-c.created, int64(useCheck)), int64(useChecks))
		c.wake(min(now+pause, c.useBy))
	case heard:
		s.takeOver(now, c, func(int64, error) {})
	default:
		c.wake(now + int64(switchCheck))
	}
}
