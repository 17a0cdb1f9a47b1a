package ike

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"stillwater/ike/wire"
)

// HAZ-01: for each exchange and each payload it must have: left out, there twice, or with another type. Nothing is
// established and nothing breaks.
func TestHAZ01_MandatoryPayloads(t *testing.T) {
	for what, payloads := range map[string][]wire.PayloadType{
		"IKE_SA_INIT request":  {wire.PayloadSA, wire.PayloadKE, wire.PayloadNonce},
		"IKE_SA_INIT response": {wire.PayloadSA, wire.PayloadKE, wire.PayloadNonce},
		"IKE_AUTH request":     {wire.PayloadIDi, wire.PayloadAuth, wire.PayloadSA, wire.PayloadTSi, wire.PayloadTSr},
		"IKE_AUTH response":    {wire.PayloadIDr, wire.PayloadAuth, wire.PayloadSA, wire.PayloadTSi, wire.PayloadTSr},
	} {
		for _, p := range payloads {
			for how, change := range distortions(p) {
				t.Run(what+"/"+p.String()+"/"+how, func(t *testing.T) {
					l := pskLadder(t, nil)
					l.edit(what, change)
					l.start()
					if l.a.saw(EventChildUp) {
						t.Errorf("a Child SA came up:\n%s", l.tail(10))
					}
					if c := l.a.e.Counters().Panics + l.b.e.Counters().Panics; c != 0 {
						t.Errorf("%d panics", c)
					}
				})
			}
		}
	}
}

// distortions are what HAZ-01 does to one payload.
func distortions(p wire.PayloadType) map[string]func([]wire.Payload) []wire.Payload {
	pick := func(ps []wire.Payload) int {
		return slices.IndexFunc(ps, func(x wire.Payload) bool { return x.Type() == p })
	}
	return map[string]func([]wire.Payload) []wire.Payload{
		"left out": func(ps []wire.Payload) []wire.Payload { return without(ps, p) },
		"twice":    func(ps []wire.Payload) []wire.Payload { return append(slices.Clone(ps), ps[pick(ps)]) },
		"renumbered": func(ps []wire.Payload) []wire.Payload {
			out := slices.Clone(ps)
			out[pick(ps)] = wire.Unknown{T: 200, Data: ps[pick(ps)].AppendBody([]byte{})}
			return out
		},
		"empty": func(ps []wire.Payload) []wire.Payload {
			out := slices.Clone(ps)
			out[pick(ps)] = rawPayload{t: p}
			return out
		},
	}
}

// rawPayload is a payload of any type and contents.
type rawPayload struct {
	t    wire.PayloadType
	body []byte
}

func (r rawPayload) Type() wire.PayloadType     { return r.t }
func (r rawPayload) AppendBody(b []byte) []byte { return append(b, r.body...) }

// RFC 7296 2.5: payloads come in any order.
func TestIKE010_AnyOrder(t *testing.T) {
	for _, what := range []string{"IKE_AUTH request", "IKE_AUTH response"} {
		random := rand.New(rand.NewPCG(testSeed(t), 1))
		for range 20 {
			l := pskLadder(t, nil)
			l.edit(what, func(ps []wire.Payload) []wire.Payload {
				out := slices.Clone(ps)
				random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
				return out
			})
			l.connect("net")
			l.pairs(1)
		}
	}
}

// RFC 7296 2.5: what is not known and not critical is skipped, in every message.
func TestIKE008_UnknownPayloadsSkipped(t *testing.T) {
	for _, what := range []string{"IKE_AUTH request", "IKE_AUTH response"} {
		l := pskLadder(t, nil)
		l.edit(what, func(ps []wire.Payload) []wire.Payload {
			ps = append([]wire.Payload{wire.Unknown{T: 200, Data: []byte("x")}}, ps...)
			return append(ps, wire.Unknown{T: 255}, wire.Vendor{Data: []byte("nobody")})
		})
		l.connect("net")
		l.pairs(1)
	}
}

// RFC 7296 2.5: what is not known and critical makes a request fail, and the peer is told what it was.
func TestIKE008_CriticalInAuth(t *testing.T) {
	l := pskLadder(t, nil)
	l.edit("IKE_AUTH request", func(ps []wire.Payload) []wire.Payload {
		return append(slices.Clone(ps), wire.Unknown{T: 200, Critical: true})
	})
	l.start()
	l.expect(0, "a -> b  IKE_SA_INIT request 0", "b -> a  IKE_SA_INIT response 0", "a -> b  IKE_AUTH request 1",
		"b -> a  IKE_AUTH response 1: SK{N(UNSUPPORTED_CRITICAL_PAYLOAD)}")
	l.a.gone()
	if c := l.b.e.Counters(); c.Established != 0 {
		t.Error("b established the SA")
	}
}

func TestIKE008_CriticalInInit(t *testing.T) {
	l := pskLadder(t, nil)
	l.edit("IKE_SA_INIT request", func(ps []wire.Payload) []wire.Payload {
		return append(slices.Clone(ps), wire.Unknown{T: 200, Critical: true})
	})
	l.start()
	l.expect(0, "a -> b  IKE_SA_INIT request 0", "b -> a  IKE_SA_INIT response 0: N(UNSUPPORTED_CRITICAL_PAYLOAD)")
	l.b.gone()
}

func TestIKE008_CriticalLater(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	for i, x := range []wire.ExchangeType{wire.ExchangeInformational, wire.ExchangeCreateChildSA} {
		mark := l.mark()
		l.a.inject(l.a.forge(x, uint32(2+i), false, wire.Unknown{T: 201, Critical: true})...)
		l.expect(mark, "b -> a  "+x.String()+" response")
		if got := l.log[mark]; !strings.Contains(got, "SK{N(UNSUPPORTED_CRITICAL_PAYLOAD)}") {
			t.Errorf("the answer is %q", got)
		}
	}
	l.established()
}

// RFC 7296 2.5: a response with such a payload makes the exchange fail, without an answer.
func TestIKE009_CriticalInResponse(t *testing.T) {
	l := pskLadder(t, nil)
	l.edit("IKE_AUTH response", func(ps []wire.Payload) []wire.Payload {
		return append(slices.Clone(ps), wire.Unknown{T: 200, Critical: true})
	})
	l.start()
	l.a.gone()
	if l.a.saw(EventEstablished) {
		t.Error("a established the SA")
	}
}

// RFC 7296 2.21.3: broken syntax in an authentic request is answered and ends the SA on both sides.
func TestIKE102_InvalidSyntax(t *testing.T) {
	for name, p := range map[string]wire.Payload{
		"short Delete": rawPayload{wire.PayloadDelete, []byte{1}},
		"short Notify": rawPayload{wire.PayloadNotify, []byte{0}},
		"two CPs":      wire.CP{},
	} {
		t.Run(name, func(t *testing.T) {
			l := pskLadder(t, nil)
			l.connect("net")
			mark := l.mark()
			l.a.inject(l.a.forge(wire.ExchangeInformational, 2, false, p, p)...)
			l.expect(mark, "b -> a  INFORMATIONAL response 2: SK{N(INVALID_SYNTAX)}")
			l.b.gone()
		})
	}
}

// HAZ-01: CREATE_CHILD_SA without what it must have.
func TestHAZ01_CreateChild(t *testing.T) {
	sa := wire.SA{Proposals: offerESP(espProposals("aes128gcm16"), false, []byte{1, 2, 3, 4})}
	nonce := wire.Nonce{Data: make([]byte, 32)}
	ts := func(responder bool) wire.TS {
		return wire.TS{Responder: responder, Selectors: []wire.Selector{network("10.0.0.0/8")}}
	}
	for name, ps := range map[string][]wire.Payload{
		"nothing": nil, "no SA": {nonce, ts(false), ts(true)}, "no nonce": {sa, ts(false), ts(true)}, "no TSi": {sa, nonce, ts(true)},
		"no TSr": {sa, nonce, ts(false)}, "two SAs": {sa, sa, nonce, ts(false), ts(true)}, "two nonces": {sa, nonce, nonce, ts(false), ts(true)},
		"two TSi": {sa, nonce, ts(false), ts(false), ts(true)},
	} {
		t.Run(name, func(t *testing.T) {
			l := pskLadder(t, nil)
			l.connect("net")
			mark := l.mark()
			l.a.inject(l.a.forge(wire.ExchangeCreateChildSA, 2, false, ps...)...)
			l.expect(mark, "b -> a  CREATE_CHILD_SA response 2: SK{N(INVALID_SYNTAX)}")
			l.b.gone()
		})
	}
}

// IKE-011: an Encrypted payload inside another, or payloads behind it.
func TestIKE011_NestedSK(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	l.a.inject(l.a.forge(wire.ExchangeInformational, 2, false, rawPayload{wire.PayloadSK, make([]byte, 64)})...)
	l.expect(mark, "b -> a  INFORMATIONAL response 2: SK{N(INVALID_SYNTAX)}")
	l.b.gone()
}

func TestIKE011_PayloadBehindSK(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	b := l.a.forge(wire.ExchangeInformational, 2, false)[0]
	b = append(b, 0, 0, 0, 8, 0, 0, 0x40, 0)
	wire.PatchLength(b)
	l.a.inject(b)
	l.expect(mark)
}

// IKE-017, HAZ-06, HAZ-07: nothing but IKE_AUTH is looked at before authentication.
func TestHAZ07_BeforeAuthentication(t *testing.T) {
	for _, x := range []wire.ExchangeType{
		wire.ExchangeSAInit, wire.ExchangeCreateChildSA, wire.ExchangeInformational, wire.ExchangeSessionResume,
		wire.ExchangeIntermediate, wire.ExchangeFollowupKE, 39, 40, 240, 0,
	} {
		t.Run(x.String(), func(t *testing.T) {
			l := pskLadder(t, nil)
			l.fate = func(f *flight) fate {
				if f.is("IKE_AUTH") {
					return hold
				}
				return arrive
			}
			l.start()
			mark := l.mark()
			sa := wire.SA{Proposals: offerESP(espProposals("aes128gcm16"), false, []byte{1, 2, 3, 4})}
			ts := []wire.Selector{network("0.0.0.0/0")}
			ps := []wire.Payload{sa, wire.Nonce{Data: make([]byte, 32)}, wire.TS{Selectors: ts}, wire.TS{Responder: true, Selectors: ts}}
			for id := range uint32(4) {
				l.a.inject(l.a.forge(x, id, false, ps...)...)
				l.a.inject(l.a.forge(x, id, false, wire.Delete{Protocol: wire.ProtoIKE})...)
				l.a.inject(l.a.forge(x, id, true)...)
				l.b.inject(l.b.forge(x, id, false, ps...)...)
			}
			l.expect(mark)
			if n := len(l.b.plane.done) + len(l.a.plane.done); n != 0 {
				t.Errorf("%d operations before authentication", n)
			}
			if st := l.b.sa().state; st != stateHalfOpen {
				t.Errorf("b's SA is %v", st)
			}
			l.fate = nil
			l.release()
			l.established() // the true IKE_AUTH still works
		})
	}
}

// HAZ-07: an operation on an SA without an authenticated peer is a bug of ours and costs that SA.
func TestHAZ07_OperationBeforeAuthentication(t *testing.T) {
	l := pskLadder(t, nil)
	l.fate = func(f *flight) fate {
		if f.is("IKE_AUTH") {
			return hold
		}
		return arrive
	}
	l.start()
	s := l.b.sa()
	l.b.e.guard(l.now, s, func() { s.operate(Operation{Kind: OpenBundle}, nil) })
	l.settle()
	if c := l.b.e.Counters(); c.Panics != 1 || c.SAs != 0 || len(l.b.plane.done) != 0 {
		t.Errorf("%d panics, %d SAs, %d operations, want 1, none and none", c.Panics, c.SAs, len(l.b.plane.done))
	}
}
