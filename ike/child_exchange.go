package ike

import (
	"errors"
	"fmt"

	"stillwater/crypto/ke"
	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// childExchange is the part that new Child SAs and rekeys share: the request with its key exchange, tried again with
// another method where the peer asks for one, and the keys.
type childExchange struct {
	s        *ikeSA
	child    *Child
	o        childOptions
	offer    *childOffer // nil before the request and once the answer has used it
	payloads []wire.Payload
	method   uint16 // of the KE payload, 0: none
	private  *ke.Private
	ni       []byte
	rounds   int // INVALID_KE_PAYLOAD answers so far
	// ended gets the SA, whose inbound half is installed, or why there is none.
	ended func(now int64, c *childSA, err error)
}

// errUnusable says that the IKE SA is no place for a new exchange any more.
var errUnusable = errors.New("the IKE SA is about to end")

func (x *childExchange) exchange() wire.ExchangeType { return wire.ExchangeCreateChildSA }

// begin makes the offer, and the private value where there is to be a key exchange.
func (x *childExchange) begin(now int64) {
	if x.s.state != stateEstablished {
		x.ended(now, nil, errUnusable)
		return
	}
	offer, ps, err := x.s.offerChild(now, x.child, x.o)
	if err != nil {
		x.ended(now, nil, err)
		return
	}
	x.offer, x.payloads = offer, ps
	x.method = x.s.preferredMethod(offer.proposals)
	x.generate(now)
}

// preferredMethod is the method of the KE payload: that of the IKE SA, which the peer has taken before, or the first of the
// first proposal; 0 where that begins with none or has none at all.
func (s *ikeSA) preferredMethod(ps []wire.Proposal) uint16 {
	if len(ps) == 0 {
		return suite.KENone
	}
	first := idOf(ps[0].Transforms, wire.TransformKE)
	if first != suite.KENone && offersMethod(ps[:1], s.suite.KE.ID) {
		return s.suite.KE.ID
	}
	return first
}

func (x *childExchange) generate(now int64) {
	if x.method == suite.KENone {
		x.send(now)
		return
	}
	x.s.makeKey(x.method, func(now int64, private *ke.Private, err error) {
		if err != nil {
			x.quit(now, err)
			return
		}
		x.private = private
		x.send(now)
	})
}

// send sends the request, unless the IKE SA has been replaced or is being closed since the task began.
func (x *childExchange) send(now int64) {
	if x.s.state != stateEstablished {
		x.quit(now, errUnusable)
		return
	}
	x.ni = x.s.e.nonce(x.s.prf.Len())
	x.s.request(now, withKeys(x.payloads, x.ni, kePayload(x.private))...)
}

// kePayload is the KE payload of a private value, nil for none.
func kePayload(p *ke.Private) *wire.KE {
	if p == nil {
		return nil
	}
	return &wire.KE{Method: p.Method(), Data: p.Public()}
}

// withKeys puts nonce and KE payload behind the SA payload, where the figures of RFC 7296 1.3 have them.
func withKeys(ps []wire.Payload, nonce []byte, k *wire.KE) (all []wire.Payload) {
	for _, p := range ps {
		all = append(all, p)
		if p.Type() != wire.PayloadSA {
			continue
		}
		all = append(all, wire.Nonce{Data: nonce})
		if k != nil {
			all = append(all, *k)
		}
	}
	return all
}

// answer makes the SA of an answer, by way of a worker where there is a key exchange.
func (x *childExchange) answer(now int64, m *message) {
	n, k := m.errorNotify(), m.ke()
	switch {
	case n != nil && n.Notify == wire.InvalidKEPayload && x.another(n):
		x.generate(now)
		return
	case n != nil:
		x.quit(now, &childRefusal{*n})
		return
	case m.nonce() == nil:
		x.reject(now, m, fmt.Errorf("%w: no nonce", errAnswer))
		return
	case k == nil || x.private == nil:
		x.establish(now, m, nil)
		return
	case k.Method != x.method:
		x.reject(now, m, fmt.Errorf("%w: KE payload of method %d, want %d", errAnswer, k.Method, x.method))
		return
	}
	x.share(now, m, k.Data)
}

// share computes the shared secret. A public value that is none ends the IKE SA (RFC 6989 2.5, IKE-049).
func (x *childExchange) share(now int64, m *message, public []byte) {
	private := x.private
	x.private = nil
	x.s.work(func() any {
		defer private.Wipe()
		secret, err := private.Shared(public)
		if err != nil {
			return err
		}
		return secret
	}, func(now int64, result any) {
		secret, ok := result.([]byte)
		if !ok {
			x.s.e.counters.BadKE++
			x.s.shut(now, "the peer's public value is invalid")
			x.quit(now, fmt.Errorf("%w: %v", errAnswer, result))
			return
		}
		x.establish(now, m, secret)
	})
}

func (x *childExchange) establish(now int64, m *message, secret []byte) {
	offer := x.offer
	x.offer = nil
	x.wipe()
	offer.establish(now, m, x.ni, m.nonce().Data, secret, x.ended)
}

// reject ends the exchange because of an answer that made an SA at the peer's.
func (x *childExchange) reject(now int64, m *message, err error) {
	offer := x.offer
	x.offer = nil
	x.wipe()
	offer.refuse(now, m)
	x.ended(now, nil, err)
}

// quit ends the exchange without an SA.
func (x *childExchange) quit(now int64, err error) {
	x.undo(now)
	x.ended(now, nil, err)
}

// undo gives back what the exchange has taken.
func (x *childExchange) undo(now int64) {
	x.wipe()
	if x.offer != nil {
		x.offer.abandon(now)
		x.offer = nil
	}
}

func (x *childExchange) wipe() {
	if x.private != nil {
		x.private.Wipe()
		x.private = nil
	}
}

// another takes up the method that the peer wants, if this end has offered it (IKE-044).
func (x *childExchange) another(n *wire.Notify) bool {
	method, ok := suggested(n)
	if !ok || method == x.method || method == suite.KENone || x.rounds >= x.s.e.limits.MethodRounds || !offersMethod(x.offer.proposals, method) {
		return false
	}
	x.wipe()
	x.rounds++
	x.method = method
	return true
}

// suggested is the method of an INVALID_KE_PAYLOAD notification.
func suggested(n *wire.Notify) (method uint16, ok bool) {
	if len(n.Data) != 2 {
		return 0, false
	}
	return uint16(n.Data[0])<<8 | uint16(n.Data[1]), true
}
