package ike

import (
	"encoding/binary"
	"slices"

	"stillwater/ike/wire"
)

// deleteTask deletes Child SAs by their inbound SPIs (RFC 7296 1.4.1).
type deleteTask struct {
	s        *ikeSA
	children []*childSA
}

func (t *deleteTask) exchange() wire.ExchangeType { return wire.ExchangeInformational }
func (t *deleteTask) move(to *ikeSA)              { t.s = to }

// start leaves out what the peer has deleted in the meantime.
func (t *deleteTask) start(now int64) {
	t.children = slices.DeleteFunc(t.children, func(c *childSA) bool { return c.phase != childDeleting })
	if len(t.children) == 0 {
		t.s.pointless(now)
		return
	}
	d := wire.Delete{Protocol: wire.ProtoESP}
	for _, c := range t.children {
		c.deleteSent = true
		d.SPIs = append(d.SPIs, binary.BigEndian.AppendUint32(nil, c.spiIn))
	}
	t.s.request(now, d)
}

// answer closes the inbound halves, whatever the peer says: a Delete for the pair where it had not sent one of its own.
func (t *deleteTask) answer(now int64, _ *message) {
	for _, c := range t.children {
		if c.phase == childDeleting {
			t.s.closeChild(now, c)
		}
	}
	t.s.done(now)
}

func (t *deleteTask) fail(int64, error) {}

// deleteChild closes an SA from this end: it stops sending at once and hears until the peer has agreed. why is for the
// operator, empty where a rekey has said it all.
func (s *ikeSA) deleteChild(now int64, c *childSA, why string) {
	if c.phase >= childDeleting {
		return
	}
	if why != "" {
		s.childEvent(now, EventChildDown, c, why)
	}
	c.uninstallOutbound()
	c.phase = childDeleting
	c.alarm.stop()
	c.wakeAt = 0
	s.enqueue(now, &deleteTask{s: s, children: []*childSA{c}})
}

// orphanTask deletes an SA that the peer made and this end never had, because the answer was unacceptable.
type orphanTask struct {
	s     *ikeSA
	spi   uint32
	lcore int
}

func (t *orphanTask) exchange() wire.ExchangeType { return wire.ExchangeInformational }
func (t *orphanTask) move(to *ikeSA)              { t.s = to }

func (t *orphanTask) start(now int64) {
	t.s.request(now, wire.Delete{Protocol: wire.ProtoESP, SPIs: [][]byte{binary.BigEndian.AppendUint32(nil, t.spi)}})
}

func (t *orphanTask) answer(now int64, _ *message) {
	t.s.e.spareSPI(t.lcore, t.spi)
	t.s.done(now)
}

func (t *orphanTask) fail(int64, error) { t.s.e.spareSPI(t.lcore, t.spi) }

// closeTask deletes the IKE SA, and with it all that it has (RFC 7296 1.4.1). It is the last task of its SA.
type closeTask struct {
	s   *ikeSA
	why string
}

// newDeleteIKE is the last task of an IKE SA. why is for the operator.
func newDeleteIKE(s *ikeSA, why string) task { return &closeTask{s, why} }

func (t *closeTask) exchange() wire.ExchangeType { return wire.ExchangeInformational }

func (t *closeTask) start(now int64) {
	if t.s.buried {
		t.s.close(now, nil)
		return
	}
	t.s.request(now, wire.Delete{Protocol: wire.ProtoIKE})
}

func (t *closeTask) answer(now int64, _ *message) { t.s.close(now, closeReason(t.why)) }

func (t *closeTask) fail(int64, error) {}

// closeReason is why an SA ended that this end deleted; nil, in order, where nobody has to be told.
func closeReason(why string) error {
	if why == "" {
		return nil
	}
	return deletedError(why)
}

// deletedError is the reason of a Delete of this end.
type deletedError string

func (e deletedError) Error() string { return string(e) }

// deletedByPeer handles the Delete payloads of a request and returns the payloads of the answer: the inbound halves of what
// was deleted, and none where this end's Delete is out as well (RFC 7296 1.4.1). whole says that the IKE SA itself is gone.
func (s *ikeSA) deletedByPeer(now int64, m *message) (answer []wire.Payload, whole bool) {
	var pairs [][]byte
	for _, d := range m.deletes() {
		switch d.Protocol {
		case wire.ProtoIKE:
			whole = true
		case wire.ProtoESP:
			for _, spi := range d.SPIs {
				if c := s.childByPeer(spi); c != nil && s.peerDeletes(now, c) == answerDelete {
					pairs = append(pairs, binary.BigEndian.AppendUint32(nil, c.spiIn))
				}
			}
		}
	}
	if whole || len(pairs) == 0 {
		return nil, whole
	}
	return []wire.Payload{wire.Delete{Protocol: wire.ProtoESP, SPIs: pairs}}, false
}

// peerDeletes closes one SA at the peer's request and says how that is answered.
func (s *ikeSA) peerDeletes(now int64, c *childSA) ruling {
	v := childRuling(requestDelete, c)
	switch {
	case v != answerDelete:
		// Our Delete is out: the outbound half goes now, the inbound one with the answer.
		c.uninstallOutbound()
	case c.rival != nil && c.rival.phase == childReady:
		heir := c.rival
		c.phase = childLingering
		c.wake(now + int64(linger))
		if !heir.outbound {
			s.takeOver(now, heir, func(int64, error) {})
		}
	default:
		if c.phase == childUp {
			s.childEvent(now, EventChildDown, c, "deleted by the peer")
		}
		s.peerRekeyFailed(now, c)
		s.closeChild(now, c)
	}
	return v
}

// peerRekeyFailed looks after an SA that the peer has rekeyed and whose rekey it deletes again: this end may want one of
// its own.
func (s *ikeSA) peerRekeyFailed(now int64, c *childSA) {
	if old := c.replaces; old != nil && old.rival == c && old.phase == childUp && old.rekeyAt != 0 {
		old.retry(now, max(old.rekeyAt, now+int64(rekeyRetry)))
	}
}
