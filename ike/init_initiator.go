package ike

import (
	"errors"
	"fmt"

	"stillwater/crypto/ke"
	"stillwater/crypto/prf"
	"stillwater/ike/wire"
)

// initTask is IKE_SA_INIT as initiator (RFC 7296 1.2). Nobody has authenticated the answers, so most errors in them are
// noted and the wait for a better one goes on (RFC 7296 2.21.1, IKE-048).
type initTask struct {
	s       *ikeSA
	method  uint16
	cookie  []byte
	cookies int // rounds so far (IKE-043)
	methods int // other key exchange methods so far (IKE-044)
	busy    bool
	refused bool // an unauthenticated refusal came, and the operator knows
}

func (t *initTask) exchange() wire.ExchangeType { return wire.ExchangeSAInit }

// start draws what stays the same over cookies and other methods, and makes the first key pair.
func (t *initTask) start(now int64) {
	s := t.s
	s.setup = &setup{ni: s.e.nonce(longestPRF), offered: offerIKE(s.conn.Proposals, nil)}
	t.generate(now, s.conn.Proposals[0].KE[0].ID)
}

// longestPRF is the key of PRF_HMAC_SHA2_512: the nonce is drawn before the PRF is known.
const longestPRF = 64

// generate makes a fresh key pair (IKE-049) and sends the request with it.
func (t *initTask) generate(now int64, method uint16) {
	t.method, t.busy = method, true
	t.s.makeKey(method, t.generated)
}

func (t *initTask) generated(now int64, private *ke.Private, err error) {
	s := t.s
	t.busy = false
	if err != nil {
		s.close(now, err)
		return
	}
	s.setup.wipe()
	s.setup.private = private
	t.send(now)
}

// send puts the request together and sends it. A cookie is its first payload, everything else is as before (IKE-041); so is
// the list of proposals after another method was asked for (IKE-044).
func (t *initTask) send(now int64) {
	s := t.s
	h := s.header(wire.ExchangeSAInit, 0, false)
	var ps []wire.Payload
	if t.cookie != nil {
		ps = append(ps, notify(wire.Cookie, t.cookie))
	}
	ps = append(ps, wire.SA{Proposals: s.setup.offered}, wire.KE{Method: t.method, Data: s.setup.private.Public()},
		wire.Nonce{Data: s.setup.ni})
	if s.setup.nat == nil {
		s.setup.nat = s.e.natNotifies(h, s.outer.Local, s.outer.Remote, s.conn.ForceEncap)
	}
	ps = append(ps, s.setup.nat...)
	ps = append(ps, s.announcements()...)
	m := wire.Message{Header: h, Payloads: ps}
	s.setup.init1 = m.Append(nil)
	s.launch(now, [][]byte{s.setup.init1})
}

// receiveInitResponse takes an answer to IKE_SA_INIT off the network.
func (s *ikeSA) receiveInitResponse(now int64, d Datagram, h wire.Header) {
	t := s.requests.current.(*initTask)
	m, err := parseInit(d, h)
	switch {
	case err != nil || d.Remote.Addr() != s.outer.Remote.Addr():
		s.e.counters.Malformed++
	case t.busy:
		s.e.counters.Unexpected++
	case m.notify(wire.Cookie) != nil:
		t.gotCookie(now, m.notify(wire.Cookie).Data)
	case m.errorNotify() != nil:
		t.gotError(now, m.errorNotify())
	case h.SPIr == 0:
		s.e.counters.Malformed++ // IKE-003: only what creates no SA may lack it
	default:
		t.accept(now, m)
	}
}

// gotCookie returns the cookie, a bounded number of times.
func (t *initTask) gotCookie(now int64, cookie []byte) {
	if len(cookie) == 0 || len(cookie) > 64 || t.cookies >= t.s.e.limits.CookieRounds {
		t.s.e.counters.Unexpected++
		return
	}
	t.cookies++
	t.cookie = cookie
	t.send(now)
}

// gotError acts on what asks for another request, and notes the rest.
func (t *initTask) gotError(now int64, n *wire.Notify) {
	switch n.Notify {
	case wire.InvalidKEPayload:
		t.gotMethod(now, n)
	case wire.InvalidMajorVersion:
		t.abort(now, n.Notify, "the peer does not speak IKEv2")
	default:
		t.refusedBy(now, n.Notify)
	}
}

// refusedBy tells the operator of the first refusal at once: it is most likely true, although nobody has authenticated it.
func (t *initTask) refusedBy(now int64, n wire.NotifyType) {
	if !t.refused {
		t.s.failed(now, t.failure(n, "the peer refused: "+n.String()))
	}
	t.refused = true
}

// gotMethod starts again with the key exchange method that the peer wants, if it is one of those offered: anything else
// would be a way to choose for us (RFC 7296 3.4).
func (t *initTask) gotMethod(now int64, n *wire.Notify) {
	s := t.s
	method, ok := suggested(n)
	switch {
	case !ok:
		s.e.counters.Malformed++
	case method == t.method || t.methods >= s.e.limits.MethodRounds:
		s.e.counters.Unexpected++
	case !offersMethod(s.setup.offered, method):
		t.abort(now, wire.InvalidKEPayload, fmt.Sprintf("the peer wants key exchange method %d, which was not offered", method))
	default:
		t.methods++
		s.requests.timer.stop()
		t.generate(now, method)
	}
}

// offersMethod says that a key exchange by that method is among the proposals.
func offersMethod(ps []wire.Proposal, method uint16) bool {
	for _, p := range ps {
		for _, t := range p.Transforms {
			if t.Type == wire.TransformKE && t.ID == method {
				return true
			}
		}
	}
	return false
}

// accept holds the answer against the offer (IKE-063) and computes the keys.
func (t *initTask) accept(now int64, m *message) {
	s := t.s
	chosen, st, err := checkIKE(m.sa().Proposals, s.setup.offered)
	switch {
	case err != nil:
		t.refuse(now, err)
		return
	case len(chosen.SPI) != 0 || st.KE.ID != t.method || m.ke().Method != t.method:
		t.abort(now, 0, fmt.Sprintf("the answer is for key exchange %d, not for the %d that was sent", m.ke().Method, t.method))
		return
	}
	p, err := prf.New(st.PRF.ID)
	if err != nil || len(m.nonce().Data) < st.PRF.Len/2 {
		s.e.counters.Malformed++
		return
	}
	t.busy = true
	in := keyInputs{p, st, s.setup.ni, m.nonce().Data, s.spiI, m.header.SPIr}
	s.work(finishKE(in, s.setup.private, m.ke()), func(now int64, r any) { t.finish(now, m, in, r.(keyResult)) })
}

// finish makes the SA one with keys; IKE_AUTH comes next. A public value that is none is as if nothing had come.
func (t *initTask) finish(now int64, m *message, in keyInputs, r keyResult) {
	s := t.s
	t.busy = false
	if r.err != nil {
		s.e.counters.BadKE++
		return
	}
	s.spiR, s.suite, s.prf, s.keys = in.spiR, in.suite, in.prf, r.keys
	s.setup.nr, s.setup.init2 = in.nr, m.raw
	s.setup.wipe()
	s.setup.private, s.setup.offered, s.setup.nat = nil, nil, nil
	s.announced(m)
	s.setNAT(m)
	s.float()
	s.state = stateAuth
	s.requests.settle()
	s.enqueue(now, &authTask{s: s})
	s.done(now)
}

// answer is never called: receiveInitResponse decides itself when an answer is one.
func (t *initTask) answer(int64, *message) {}

// fail has nothing to undo.
func (t *initTask) fail(int64, error) {}

// failure is what the operator is told: with the offer where another one might help.
func (t *initTask) failure(n wire.NotifyType, reason string) Failure {
	f := Failure{Stage: wire.ExchangeSAInit.String(), Notify: n, FromPeer: n != 0, Reason: reason}
	if n == 0 || n == wire.NoProposalChosen || n == wire.InvalidKEPayload {
		f.Offered, f.Key = describe(t.s.setup.offered), "proposals"
	}
	return f
}

// abort gives the SA up for a reason that waiting does not cure.
func (t *initTask) abort(now int64, n wire.NotifyType, reason string) {
	t.s.failed(now, t.failure(n, reason))
	t.s.close(now, errors.New(reason))
}

// refuse gives the SA up because of what the peer chose.
func (t *initTask) refuse(now int64, err error) {
	f := t.failure(0, err.Error())
	if n := (*negotiationError)(nil); errors.As(err, &n) {
		f.Offered, f.Configured, f.Reason = n.Offered, n.Configured, n.Reason
	}
	t.s.failed(now, f)
	t.s.close(now, err)
}
