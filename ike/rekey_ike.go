package ike

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"stillwater/crypto/ke"
	"stillwater/crypto/prf"
	"stillwater/ike/wire"
)

// graveTime is how long an IKE SA that is nobody's any more waits for the peer's Delete.
const graveTime = 3 * time.Minute

// ikeRekeyTask replaces the IKE SA (RFC 7296 1.3.2, 2.18).
type ikeRekeyTask struct {
	s       *ikeSA
	sent    bool // the request is out, or its answer is being worked on
	spi     uint64
	offered []wire.Proposal
	method  uint16
	private *ke.Private
	ni      []byte
	rounds  int
}

// rekey queues the rekey of the IKE SA.
func (s *ikeSA) rekey(now int64) {
	for _, t := range append(s.requests.queued(), s.current()) {
		if _, queued := t.(*ikeRekeyTask); queued {
			return
		}
	}
	if s.state == stateEstablished {
		s.enqueue(now, &ikeRekeyTask{s: s})
	}
}

func (t *ikeRekeyTask) exchange() wire.ExchangeType { return wire.ExchangeCreateChildSA }

func (t *ikeRekeyTask) start(now int64) {
	s := t.s
	if s.state != stateEstablished {
		s.pointless(now)
		return
	}
	t.spi = s.e.newSPI()
	t.offered = offerIKE(s.conn.Proposals, binary.BigEndian.AppendUint64(nil, t.spi))
	t.method = s.suite.KE.ID // the peer has taken it before
	t.generate(now)
}

func (t *ikeRekeyTask) generate(now int64) {
	t.s.makeKey(t.method, func(now int64, private *ke.Private, err error) {
		if err != nil {
			t.retry(now, err)
			return
		}
		t.private = private
		t.send(now)
	})
}

// send sends the request, unless the peer has rekeyed the IKE SA in the meantime.
func (t *ikeRekeyTask) send(now int64) {
	s := t.s
	if s.state != stateEstablished {
		t.wipe()
		s.pointless(now)
		return
	}
	t.sent = true
	t.ni = s.e.nonce(s.prf.Len())
	s.request(now, withKeys([]wire.Payload{wire.SA{Proposals: t.offered}}, t.ni, kePayload(t.private))...)
}

func (t *ikeRekeyTask) wipe() {
	if t.private != nil {
		t.private.Wipe()
		t.private = nil
	}
}

// fail forgets the attempt: the peer has closed the IKE SA, or rekeyed it without noticing ours (RFC 7296 2.8.2).
func (t *ikeRekeyTask) fail(int64, error) { t.wipe() }

func (t *ikeRekeyTask) answer(now int64, m *message) {
	s := t.s
	if n := m.errorNotify(); n != nil {
		if method, ok := suggested(n); ok && n.Notify == wire.InvalidKEPayload && t.another(method) {
			t.generate(now)
			return
		}
		t.wipe()
		t.retry(now, &ikeRefusal{*n})
		return
	}
	next, err := t.judge(m)
	if err != nil {
		t.wipe()
		s.shut(now, err.Error()) // the peer has made an SA that this end has not
		s.done(now)
		return
	}
	public, private := m.ke().Data, t.private
	t.private = nil
	s.work(func() any {
		defer private.Wipe()
		return next.finish(private.Shared(public))
	}, func(now int64, result any) { t.derived(now, next, result.(keyResult)) })
}

func (t *ikeRekeyTask) another(method uint16) bool {
	if method == t.method || t.rounds >= t.s.e.limits.MethodRounds || !offersMethod(t.offered, method) {
		return false
	}
	t.wipe()
	t.rounds++
	t.method = method
	return true
}

// ikeRefusal is an error notification in the place of an IKE SA.
type ikeRefusal struct{ notify wire.Notify }

func (e *ikeRefusal) Error() string {
	return "the peer refuses to rekey the IKE SA: " + e.notify.Notify.String()
}

// judge holds the answer against the offer.
func (t *ikeRekeyTask) judge(m *message) (*nextIKE, error) {
	s := t.s
	p, st, err := checkIKE(m.sa().Proposals, t.offered)
	switch {
	case err != nil:
		return nil, err
	case len(p.SPI) != 8:
		return nil, fmt.Errorf("%w: SPI of %d octets, want 8", errAnswer, len(p.SPI))
	case m.ke() == nil || m.ke().Method != t.method || st.KE.ID != t.method:
		return nil, fmt.Errorf("%w: key exchange by method %d, want %d", errAnswer, st.KE.ID, t.method)
	}
	return s.nextIKE(st, t.ni, m.nonce().Data, t.spi, binary.BigEndian.Uint64(p.SPI))
}

// derived continues when nothing is being installed for the Child SAs, which are about to change hands.
func (t *ikeRekeyTask) derived(now int64, next *nextIKE, r keyResult) {
	s := t.s
	if r.err != nil {
		s.e.counters.BadKE++
		s.shut(now, "the peer's public value is invalid") // IKE-049
		s.done(now)
		return
	}
	if s.settling > 0 {
		s.settled = func(now int64) { t.finish(now, next, r.keys) }
		return
	}
	t.finish(now, next, r.keys)
}

// finish is the end of our exchange. Where the peer has rekeyed as well, the SA with the lowest of the four nonces goes, by the
// hand of the end that asked for it (RFC 7296 2.8.2, IKE-135).
func (t *ikeRekeyTask) finish(now int64, next *nextIKE, keys *prf.Keys) {
	s := t.s
	n := s.successor(now, true, next.spiI, next.spiR, next.suite, keys)
	rival := s.candidate
	switch {
	case s.state != stateEstablished, rival != nil && bytes.Compare(lowest(next.ni, next.nr), rival.lowest) < 0:
		n.quiet = true
		n.shut(now, "")
		if s.state == stateEstablished {
			s.replaceBy(now, rival.sa)
		}
	default:
		s.candidate = nil
		if rival != nil {
			rival.sa.abandonCandidate(now)
		}
		s.replaceBy(now, n)
		s.enqueue(now, newDeleteIKE(s, ""))
	}
	s.done(now)
}

// retry decides what follows a refusal.
func (t *ikeRekeyTask) retry(now int64, err error) {
	s := t.s
	var no *ikeRefusal
	refused := errors.As(err, &no)
	switch {
	case s.candidate != nil:
		s.replaceBy(now, s.candidate.sa) // the peer has rekeyed and closes this SA: its rekey stands
	case refused && no.notify.Notify == wire.TemporaryFailure:
		if when, ok := s.backOff(now); ok {
			s.replanRekey(when)
		}
	case refused && no.notify.Notify == wire.InvalidSyntax:
		s.close(now, err)
	default:
		f := Failure{Stage: wire.ExchangeCreateChildSA.String(), Reason: err.Error(), Offered: describe(t.offered), Key: "proposals"}
		if refused {
			f.Notify, f.FromPeer = no.notify.Notify, true
		}
		s.failed(now, f)
		s.replanRekey(now + int64(rekeyRetry) + s.e.uniform(int64(rekeyRetry)))
	}
	s.done(now)
}

func (s *ikeSA) replanRekey(when int64) {
	s.rekeyTimer.stop()
	s.rekeyAt = when
	s.rekeyTimer = s.at(when, s.rekey)
}
