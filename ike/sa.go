package ike

import (
	"encoding/binary"
	"errors"

	"stillwater/crypto/prf"
	"stillwater/crypto/suite"
	"stillwater/ike/auth"
	"stillwater/ike/wire"
)

// state is how far an IKE SA has come. It only grows.
type state uint8

const (
	stateInit        state = iota // initiator: IKE_SA_INIT is out. Responder: its answer is being computed
	stateHalfOpen                 // responder: IKE_SA_INIT is answered, IKE_AUTH is awaited
	stateAuth                     // initiator: keys exist, IKE_AUTH is out
	stateEstablished              // both ends are authenticated
	stateReplaced                 // rekeyed, waits for its Delete
	stateClosing                  // our Delete is out
	stateFailed                   // responder: refused; kept for a while to answer retransmissions
	stateClosed                   // forgotten
)

// ikeSA is one IKE SA. Owned by the engine's goroutine.
type ikeSA struct {
	e    *Engine
	conn *Connection // responder: the first that fits until IDi has chosen

	state         state
	initiator     bool // original initiator: I flag, order of SPIs, direction of keys
	authenticated bool // the peer has proven its identity
	quiet         bool // its end is wanted: the connection is not brought up again because of it
	spiI, spiR    uint64
	outer         Outer // where messages to the peer go, and ESP

	suite suite.IKE
	prf   prf.PRF
	keys  *prf.Keys
	iv    uint64 // counter IV of this end's direction (RFC 5282 3.1, IKE-095)

	peerFragments bool // IKEV2_FRAGMENTATION_SUPPORTED
	peerChildless bool // CHILDLESS_IKEV2_SUPPORTED
	fragmentSize  int  // of datagrams to the peer, 0: never in pieces
	setup         *setup

	localID, remoteID auth.Identity // remoteID: authenticated
	pair              string        // its key in Engine.byPeer, empty: not there

	wants    []want // Child SAs that are to come up
	children []*childSA
	bundles  []*bundle

	created, rekeyAt, expireAt, lastSeen, lastSent int64

	requests requester
	replies  responder

	alarm    alarm
	plans    []plan
	lastPlan uint32

	rekeys, retransmits uint64

	childState
}

// want is a Child SA that is to come up, and the packet that asks for it, if one does.
type want struct {
	child   *Child
	trigger *Trigger
}

// errClosed is why tasks fail when their SA goes away in order.
var errClosed = errors.New("the IKE SA closed")

// newSA is an IKE SA in stateInit. register makes it known.
func (e *Engine) newSA(now int64, c *Connection, initiator bool) *ikeSA {
	s := &ikeSA{e: e, conn: c, initiator: initiator, created: now, lastSeen: now, lastSent: now}
	s.alarm = newAlarm(s.tick)
	return s
}

// newSPI draws an IKE SPI that is not in use here: never zero (IKE-003).
func (e *Engine) newSPI() uint64 {
	var b [8]byte
	for {
		e.random(b[:])
		spi := binary.BigEndian.Uint64(b[:])
		if _, used := e.sas[spi]; spi != 0 && !used {
			return spi
		}
	}
}

// register makes the SA findable by its own SPI.
func (e *Engine) register(s *ikeSA) { e.sas[s.localSPI()] = s }

func (s *ikeSA) localSPI() uint64 {
	if s.initiator {
		return s.spiI
	}
	return s.spiR
}

func (s *ikeSA) remoteSPI() uint64 {
	if s.initiator {
		return s.spiR
	}
	return s.spiI
}

// successor is the IKE SA that replaces s: established, with the same peer, fresh message IDs and windows (IKE-022).
func (s *ikeSA) successor(now int64, initiator bool, spiI, spiR uint64, chosen suite.IKE, keys *prf.Keys) *ikeSA {
	p, err := prf.New(chosen.PRF.ID)
	if err != nil {
		panic("ike: negotiated PRF is not in the table: " + err.Error())
	}
	n := s.e.newSA(now, s.conn, initiator)
	n.state, n.authenticated = stateEstablished, true
	n.spiI, n.spiR, n.outer = spiI, spiR, s.outer
	n.suite, n.prf, n.keys = chosen, p, keys
	n.peerFragments, n.peerChildless, n.fragmentSize = s.peerFragments, s.peerChildless, s.fragmentSize
	n.localID, n.remoteID = s.localID, s.remoteID
	n.rekeys = s.rekeys
	s.e.register(n)
	s.e.join(n)
	n.keepalive(now)
	return n
}

// close ends the SA without a word to the peer: tasks fail, Child SAs go down, keys are wiped. err says why; nil: in order.
func (s *ikeSA) close(now int64, err error) {
	if s.state == stateClosed {
		return
	}
	if s.authenticated {
		s.event(now, Event{Kind: EventDown, Text: reason(err)})
	}
	tasks := s.forget()
	if err == nil {
		err = errClosed
	}
	for _, t := range tasks {
		t.fail(now, err)
	}
	s.dropChildren(now)
	s.e.redial(now, s)
	s.wipe()
}

func reason(err error) string {
	if err == nil {
		return "deleted"
	}
	return err.Error()
}

// forget takes the SA out of every table, so that nothing finds it any more, and returns its unfinished tasks.
func (s *ikeSA) forget() []task {
	e := s.e
	s.state = stateClosed
	if e.sas[s.localSPI()] == s {
		delete(e.sas, s.localSPI())
	}
	e.leave(s)
	s.leaveHalfOpen()
	s.plans = nil
	e.alarms.drop(&s.alarm)
	return s.requests.abandon()
}

// wipe clears what must not outlive the SA (RFC 7296 2.12).
func (s *ikeSA) wipe() {
	if s.keys != nil {
		s.keys.Wipe()
	}
	s.setup.wipe()
	s.setup, s.wants = nil, nil
	s.replies.forget()
}

// shut ends the SA in order: a Delete exchange, then close. An SA without an authenticated peer just closes.
func (s *ikeSA) shut(now int64, why string) {
	switch {
	case s.state == stateClosed || s.state == stateClosing:
	case !s.authenticated:
		s.close(now, errors.New(why))
	default:
		s.state = stateClosing
		for _, t := range s.requests.flush() {
			t.fail(now, errClosed)
		}
		s.enqueue(now, newDeleteIKE(s, why))
	}
}

// event records something about this SA; SA, time and connection are filled in.
func (s *ikeSA) event(now int64, ev Event) {
	ev.Time, ev.SPIi, ev.SPIr = now, s.spiI, s.spiR
	if s.conn != nil {
		ev.Connection = s.conn.Name
	}
	s.e.effects.Events = append(s.e.effects.Events, ev)
}

// failed records why a negotiation on this SA failed.
func (s *ikeSA) failed(now int64, f Failure) {
	if s.conn != nil && f.Connection == "" {
		f.Connection = s.conn.Name
	}
	f.Remote = s.outer.Remote
	s.e.fail(now, f)
	s.event(now, Event{Kind: EventFailed, Text: f.Reason, Failure: &f})
}

// header is that of a message of this SA from this end.
func (s *ikeSA) header(x wire.ExchangeType, id uint32, response bool) wire.Header {
	h := wire.Header{SPIi: s.spiI, SPIr: s.spiR, Version: wire.Version, Exchange: x, MessageID: id}
	if s.initiator {
		h.Flags |= wire.FlagInitiator
	}
	if response {
		h.Flags |= wire.FlagResponse
	}
	return h
}

// outKeys are the SK_e and SK_a of this end's messages, inKeys those of the peer's.
func (s *ikeSA) outKeys() (encr, integ []byte) {
	if s.initiator {
		return s.keys.Ei, s.keys.Ai
	}
	return s.keys.Er, s.keys.Ar
}

func (s *ikeSA) inKeys() (encr, integ []byte) {
	if s.initiator {
		return s.keys.Er, s.keys.Ar
	}
	return s.keys.Ei, s.keys.Ai
}
