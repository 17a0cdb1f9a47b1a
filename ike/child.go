package ike

import (
	"encoding/binary"
	"errors"
	"slices"

	"stillwater/crypto/suite"
)

// childPhase is how far a Child SA has come.
type childPhase uint8

const (
	childBorn      childPhase = iota // its inbound half is being installed
	childReady                       // that works; the outbound half waits for the end of a rekey (RFC 7296 2.8)
	childUp                          // both work
	childReplaced                    // another SA sends in its place; the peer is to delete it
	childDeleting                    // this end deletes it
	childLingering                   // deleted on both ends; the inbound half hears what is still on its way
	childGone
)

// childSA is one pair of ESP SAs. Owned by the engine's goroutine.
type childSA struct {
	sa            *ikeSA
	bundle        *bundle
	spiIn, spiOut uint32
	lcore         int
	suite         suite.ESP
	esn           bool
	fallback      bool
	phase         childPhase
	inbound       bool // this half is in the data plane
	outbound      bool
	deleteSent    bool       // our Delete is out
	decided       bool       // our rekey of it is done, and its successor about to take over
	late          bool       // a hard limit is reached, and its rekey has the last chance
	succeeded     bool       // another SA sends in its place, so that packets of it may still be on their way
	rekeying      *rekeyTask // our rekey of it, from when it is queued to its end
	replaces      *childSA   // what it is the rekey of, while that exists
	rival         *childSA   // what the peer's rekey of it made
	lowest        []byte     // of the two nonces of its exchange (RFC 7296 2.8.1), until its rekey is over
	keymat        []byte     // of the outbound half, until that is installed

	created, rekeyAt, expireAt int64 // rekeyAt, expireAt: 0 never
	wakeAt                     int64
	useBy                      int64 // of a new SA in childReady: when it is used without a sign of the peer
	alarm                      timer
}

// errChildGone is why an SA does not come up that was deleted meanwhile.
var errChildGone = errors.New("the Child SA was deleted meanwhile")

// live says that the SA is in use or about to be, and not about to be closed.
func (c *childSA) live() bool { return c.phase <= childUp }

// known says that the peer may still speak about the SA.
func (c *childSA) known() bool { return c.phase <= childDeleting }

// addChild makes a Child SA findable, from before the data plane hears of it.
func (s *ikeSA) addChild(c *childSA) {
	c.sa = s
	s.children = append(s.children, c)
	s.e.children[c.spiIn] = c
}

// childByPeer is the Child SA that the peer receives on with that SPI, nil when there is none.
func (s *ikeSA) childByPeer(spi []byte) *childSA {
	if len(spi) != 4 {
		return nil
	}
	i := slices.IndexFunc(s.children, func(c *childSA) bool { return c.known() && c.spiOut == binary.BigEndian.Uint32(spi) })
	if i < 0 {
		return nil
	}
	return s.children[i]
}

// installInbound puts the inbound half into the data plane and continues when its lcore listens.
func (c *childSA) installInbound(keymat []byte, then func(now int64, err error)) {
	c.sa.announce(c.bundle)
	p := c.pair()
	p.KeymatIn = keymat
	c.install(Operation{Kind: AddInbound, Pair: p}, &c.inbound, then)
}

// installOutbound puts the outbound half into the data plane, in the place of another SA's where it replaces one.
func (c *childSA) installOutbound(then func(now int64, err error)) {
	p := c.pair()
	p.KeymatOut, c.keymat = c.keymat, nil
	op := Operation{Kind: AddOutbound, Pair: p}
	if c.replaces != nil && c.replaces.outbound {
		op.Replaces = c.replaces.spiIn
	}
	c.install(op, &c.outbound, then)
}

// install is one step of an installation, of one half. An IKE SA with such a step under way is not rekeyed, because what follows belongs
// to the SA that began it.
func (c *childSA) install(op Operation, half *bool, then func(now int64, err error)) {
	s := c.sa
	op.Bundle, op.Child = c.bundle.id, c.bundle.child
	s.settling++
	*half = true
	s.operate(op, func(now int64, err error) {
		s.settle(now)
		switch {
		case c.phase == childGone:
			err = errChildGone
		case err != nil:
			*half = false
		}
		then(now, err)
	})
}

// uninstallOutbound takes the outbound half away; what is in its framer leaves first.
func (c *childSA) uninstallOutbound() {
	clear(c.keymat)
	c.keymat = nil
	if c.outbound {
		c.outbound = false
		c.sa.operate(Operation{Kind: RemoveOutbound, Bundle: c.bundle.id, Child: c.bundle.child, Pair: c.pair()}, nil)
	}
}

// pair names the SA to the data plane.
func (c *childSA) pair() *Pair {
	return &Pair{SPIIn: c.spiIn, SPIOut: c.spiOut, Lcore: c.lcore, Suite: c.suite, ESN: c.esn, Fallback: c.fallback,
		PeerDontFragment: c.bundle.peerFlags&aggfragDontFragment != 0}
}

// discard takes the whole SA away. Its SPI is free again once the data plane says so.
func (c *childSA) discard() {
	if c.phase == childGone {
		return
	}
	s := c.sa
	s.remember(stray{c.spiIn, strayGone})
	c.uninstallOutbound()
	c.phase = childGone
	c.alarm.stop()
	c.lowest = nil
	if c.inbound {
		c.inbound = false
		s.operate(Operation{Kind: RemoveInbound, Bundle: c.bundle.id, Child: c.bundle.child, Pair: c.pair()}, nil)
	} else {
		s.e.spareSPI(c.lcore, c.spiIn)
	}
	s.unlink(c)
	s.release(c.bundle)
}

// unlink makes everything forget the SA.
func (s *ikeSA) unlink(c *childSA) {
	delete(s.e.children, c.spiIn)
	s.children = slices.DeleteFunc(s.children, func(x *childSA) bool { return x == c })
	for _, x := range s.children {
		if x.replaces == c {
			x.replaces, x.lowest = nil, nil
		}
		if x.rival == c {
			x.rival = nil
		}
	}
}

// dropChildren takes every Child SA and bundle out of the data plane at once, because the IKE SA is gone, which says it all.
func (s *ikeSA) dropChildren(int64) {
	for len(s.children) > 0 {
		s.children[len(s.children)-1].discard()
	}
	for len(s.bundles) > 0 {
		b := s.bundles[len(s.bundles)-1]
		b.holds = 0
		s.release(b)
	}
}

func (s *ikeSA) childEvent(now int64, kind EventKind, c *childSA, text string) {
	s.event(now, Event{Kind: kind, Child: c.bundle.child.Name, SPIIn: c.spiIn, Bundle: c.bundle.id, Text: text})
}
