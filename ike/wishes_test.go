package ike

import (
	"strings"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// TestIKE137_WishFollowsTheRekey: a Child SA that the peer puts off is asked for again, on the next IKE SA if need be.
func TestIKE137_WishFollowsTheRekey(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	l.holdFrom(l.b)
	busyRekeyIKE(l)
	l.settle()
	s := l.a.sa()
	s.create(l.now, s.conn.Children[0], childOptions{})
	l.settle()
	l.fate = nil
	l.release(1, 0) // TEMPORARY_FAILURE, then b's rekey of the IKE SA
	if len(l.a.sa2().postponed) != 1 || l.a.sa2() == s {
		t.Fatalf("%d wishes on the new IKE SA\n%s", len(l.a.sa2().postponed), l.tail(6))
	}
	l.pairs(1)
	l.run(time.Minute)
	l.pairs(2)
	if n := len(l.a.sa2().asked); n != 0 {
		t.Errorf("%d wishes left", n)
	}
}

// TestIKE139_QueuedTasksMove: what has not started when the peer rekeys the IKE SA happens on the next one.
func TestIKE139_QueuedTasksMove(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	s := l.a.sa()
	second := *s.conn.Children[0]
	second.Name = "second"
	l.fate = func(f *flight) fate {
		if f.from == l.a && !f.header.Response() && f.header.Exchange == inform {
			return lose
		}
		return arrive
	}
	s.enqueue(l.now, &probeTask{s}) // takes the window
	s.create(l.now, &second, childOptions{})
	s.rekeyOne(l.now, l.a.child(childUp))
	s.enqueue(l.now, &probeTask{s})
	l.b.e.Rekey(l.now, "net", true, false)
	l.run(time.Minute)
	l.fate = nil
	l.run(5 * time.Minute)
	l.established()
	l.pairs(2)
	if !strings.Contains(strings.Join(l.log, "\n"), "a -> b  CREATE_CHILD_SA request 0: SK{N(USE_AGGFRAG) SA") {
		t.Errorf("not on the new IKE SA\n%s", l.tail(12))
	}
}

// A wish that is queued or under way when the IKE SA ends leaves nothing behind.
func TestIKE138_WishesEndWithTheSA(t *testing.T) {
	for _, queued := range []bool{true, false} {
		l := pskLadder(t, nil)
		l.connect("net")
		l.fate = func(f *flight) fate {
			if f.from == l.a && !f.header.Response() {
				return lose
			}
			return arrive
		}
		s := l.a.sa()
		if queued {
			s.enqueue(l.now, &probeTask{s})
		}
		s.create(l.now, s.conn.Children[0], childOptions{bundle: s.bundles[0]})
		s.deleteChild(l.now, l.a.child(childUp), "test")
		l.settle()
		l.b.e.Terminate(l.now, "net")
		l.settle()
		l.a.gone()
		l.a.spisInUse()
	}
}

// TestIKE101_AskedForAgain: a child that is to be up and was refused is asked for again, in IKE_AUTH and later.
func TestIKE101_AskedForAgain(t *testing.T) {
	l := pskLadder(t, func(a, b *Connection) {
		a.Start = StartNow
		b.Children[0].Local = []wire.Selector{network("172.16.0.0/12")}
	})
	l.a.e.Start(l.now)
	l.run(3 * time.Minute)
	l.established()
	l.pairs(0)
	if n := len(l.a.e.Failures()); n < 3 {
		t.Errorf("%d failures, want one in IKE_AUTH and some later", n)
	}
	l.b.sa().conn.Children[0].Local = []wire.Selector{netB}
	l.run(2 * time.Minute)
	l.pairs(1)
	l.a.spisInUse()
}

// answerWith makes b's answer to CREATE_CHILD_SA something else.
func (l *ladder) answerWith(ps ...wire.Payload) {
	b := l.b.sa()
	l.tamper = func(f *flight) {
		if f.from == l.b && f.header.Exchange == create && f.header.Response() {
			f.d.Data = b.protect(b.header(create, f.header.MessageID, true), ps)[0]
		}
	}
}

// TestIKE063_KeyExchangeOfAnother: an answer with another method's value, without one, or with one too many makes an SA that is
// deleted again.
func TestIKE063_KeyExchangeOfAnother(t *testing.T) {
	k := respondKEPayload()
	other := k
	other.Method = 19
	ke := []wire.Transform{gcm128, keOf(31), snOf(1)}
	plain := []wire.Transform{gcm128, snOf(1)}
	for _, c := range []struct {
		name   string
		chosen []wire.Transform
		ke     []wire.Payload
	}{
		{"another method", ke, []wire.Payload{other}},
		{"none", ke, nil},
		{"one too many", plain, []wire.Payload{k}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := pskLadder(t, func(a, b *Connection) {
				a.Children[0].Proposals, b.Children[0].Proposals = espProposals("aes128gcm16-x25519-none"), espProposals("aes128gcm16-x25519")
			})
			l.connect("net")
			l.answerWith(append([]wire.Payload{wire.Notify{Notify: wire.UseAggfrag, Data: []byte{0}},
				wire.SA{Proposals: []wire.Proposal{espOffer(c.chosen...)}}, wire.Nonce{Data: make([]byte, 32)},
				wire.TS{Selectors: []wire.Selector{netA}}, wire.TS{Responder: true, Selectors: []wire.Selector{netB}}}, c.ke...)...)
			mark, s := l.mark(), l.a.sa()
			s.create(l.now, s.conn.Children[0], childOptions{})
			l.settle()
			l.expect(mark, "a -> b  CREATE_CHILD_SA request 2", "b -> a  CREATE_CHILD_SA response 2",
				"a -> b  INFORMATIONAL request 3: SK{D}", "b -> a  INFORMATIONAL response 3")
			l.a.spisInUse()
			if len(l.a.plane.in) != 1 || len(s.asked) != 0 {
				t.Errorf("%d inbound SAs, %d wishes", len(l.a.plane.in), len(s.asked))
			}
		})
	}
}

// TestIKE145_IKERekeyRefused: a rekey of the IKE SA that the peer refuses is tried again until the SA's life is over, and then
// the IKE SA is closed in order.
func TestIKE145_IKERekeyRefused(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.RekeyTime, a.OverTime = 10*time.Minute, 5*time.Minute })
	l.connect("net")
	l.b.sa().conn.Proposals = ikeProposals("aes256gcm16-prfsha384-ecp384")
	l.run(14 * time.Minute)
	l.established()
	f := l.a.failure()
	if f.Notify != wire.NoProposalChosen || !f.FromPeer || f.Key != "proposals" || f.Offered == "" {
		t.Errorf("a's failure %+v", f)
	}
	if f := l.b.failure(); f.Notify != wire.NoProposalChosen || f.Offered == "" || f.Configured == "" || f.Key != "proposals" {
		t.Errorf("b's failure %+v", f)
	}
	l.run(2 * time.Minute)
	l.a.gone()
	l.b.gone()
	if !strings.Contains(l.tail(2), "INFORMATIONAL") {
		t.Errorf("not closed in order\n%s", l.tail(3))
	}
}

// TestIKE063_IKERekeyAnswer: an answer beside the offer ends the IKE SA in order, since the peer has one that this end has not.
func TestIKE063_IKERekeyAnswer(t *testing.T) {
	k := respondKEPayload()
	good := ikeOffer(gcm128, prfOf(5), keOf(31))
	good.SPI = []byte("abcdefgh")
	other, short := good, good
	other.Transforms, short.SPI = []wire.Transform{gcm256, prfOf(5), keOf(31)}, nil
	for _, c := range []struct {
		name string
		p    wire.Proposal
		ke   []wire.Payload
	}{
		{"another suite", other, []wire.Payload{k}},
		{"no SPI", short, []wire.Payload{k}},
		{"no key exchange", good, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := pskLadder(t, nil)
			l.connect("net")
			l.answerWith(append([]wire.Payload{wire.SA{Proposals: []wire.Proposal{c.p}}, wire.Nonce{Data: make([]byte, 32)}}, c.ke...)...)
			mark := l.mark()
			l.a.e.Rekey(l.now, "net", true, false)
			l.run(10 * time.Minute)
			l.expect(mark, "a -> b  CREATE_CHILD_SA request 2", "b -> a  CREATE_CHILD_SA response 2",
				"a -> b  INFORMATIONAL request 3: SK{D}", "b -> a  INFORMATIONAL response 3")
			l.a.gone()
		})
	}
}

// TestIKE061_RekeyRequests: the SPI of an IKE rekey has 8 octets, proposals count from 1, and a Child SA has selectors; anything
// else is INVALID_SYNTAX and the end.
func TestIKE061_RekeyRequests(t *testing.T) {
	for name, change := range map[string]func(l *ladder) []wire.Payload{
		"no SPI": func(*ladder) []wire.Payload {
			ps := ikeRequest()
			ps[0] = wire.SA{Proposals: offerIKE(ikeProposals("aes128gcm16-prfsha256-x25519"), nil)}
			return ps
		},
		"no key exchange": func(*ladder) []wire.Payload { return ikeRequest()[:2] },
		"number 2": func(*ladder) []wire.Payload {
			ps := ikeRequest()
			offer := offerIKE(ikeProposals("aes128gcm16-prfsha256-x25519"), []byte("abcdefgh"))
			offer[0].Number = 2
			ps[0] = wire.SA{Proposals: offer}
			return ps
		},
		"no selectors": func(l *ladder) []wire.Payload { return askCreateChild(l)[:3] },
	} {
		t.Run(name, func(t *testing.T) {
			l := pskLadder(t, nil)
			l.connect("net")
			l.refusedWith(l.ask(l.a.sa(), create, change(l)...), wire.InvalidSyntax)
			l.b.gone()
		})
	}
}

// INVALID_SYNTAX in an answer: the peer has ended the IKE SA, and so does this end, without a word (IKE-102).
func TestIKE102_InvalidSyntaxInAnswer(t *testing.T) {
	for _, ikeSA := range []bool{true, false} {
		l := pskLadder(t, nil)
		l.connect("net")
		l.answerWith(notify(wire.InvalidSyntax, nil))
		mark := l.mark()
		l.a.e.Rekey(l.now, "net", ikeSA, !ikeSA)
		l.run(time.Minute)
		l.expect(mark, "a -> b  CREATE_CHILD_SA request 2", "b -> a  CREATE_CHILD_SA response 2")
		l.a.gone()
	}
}
