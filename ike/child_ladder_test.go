package ike

import (
	"slices"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// rawTask sends payloads of a test's choosing under the keys of the SA, and keeps the answer.
type rawTask struct {
	s        *ikeSA
	kind     wire.ExchangeType
	payloads []wire.Payload
	got      *message
	err      error
}

func (t *rawTask) exchange() wire.ExchangeType { return t.kind }
func (t *rawTask) start(now int64)             { t.s.request(now, t.payloads...) }
func (t *rawTask) fail(_ int64, err error)     { t.err = err }
func (t *rawTask) answer(now int64, m *message) {
	t.got = m
	t.s.done(now)
}

// ask sends a request from an end's SA and returns the answer, nil when none came.
func (l *ladder) ask(s *ikeSA, kind wire.ExchangeType, ps ...wire.Payload) *message {
	l.t.Helper()
	t := &rawTask{s: s, kind: kind, payloads: ps}
	s.enqueue(l.now, t)
	l.settle()
	return t.got
}

// refusedWith fails the test unless the answer is that error notification.
func (l *ladder) refusedWith(m *message, want wire.NotifyType) {
	l.t.Helper()
	if m == nil {
		l.t.Fatalf("no answer, want %v\n%s", want, l.tail(10))
	}
	if n := m.errorNotify(); n == nil || n.Notify != want {
		l.t.Fatalf("answered with %s, want %v\n%s", names(m.inner), want, l.tail(10))
	}
}

// child is the end's only Child SA in that phase.
func (x *end) child(p childPhase) *childSA {
	x.l.t.Helper()
	var found []*childSA
	for _, c := range x.e.children {
		if c.phase == p {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		x.l.t.Fatalf("%s has %d Child SAs that are %v, want 1: %v\n%s", x.name, len(found), p, x.e.Snapshot(), x.l.tail(30))
	}
	return found[0]
}

// ops is the kinds of the operations that the end's plane has carried out since the mark.
func (x *end) ops(since int) (kinds []OperationKind) {
	for _, op := range x.plane.done[since:] {
		kinds = append(kinds, op.Kind)
	}
	return kinds
}

// RFC 7296 2.8: rekey, then delete of the old SA by the initiator of the rekey; the responder goes on sending on the old one
// until then, and each end hears the old one for a while.
func TestIKE130_RekeyChild(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark, before := l.mark(), len(l.b.plane.done)
	if err := l.a.e.Rekey(l.now, "net", false, true); err != nil {
		t.Fatal(err)
	}
	l.settle()
	l.expect(mark,
		"a -> b  CREATE_CHILD_SA request 2: SK{N(REKEY_SA) N(USE_AGGFRAG) SA Nonce TSi TSr}",
		"b -> a  CREATE_CHILD_SA response 2: SK{N(USE_AGGFRAG) SA Nonce TSi TSr}",
		"a -> b  INFORMATIONAL request 3: SK{D}",
		"b -> a  INFORMATIONAL response 3: SK{D}",
	)
	want := []OperationKind{AddInbound, AddOutbound, RemoveOutbound}
	if got := l.b.ops(before); !slices.Equal(got, want) {
		t.Errorf("responder's operations %v, want %v", got, want)
	}
	if len(l.a.plane.in) != 2 || len(l.b.plane.in) != 2 || len(l.a.plane.out) != 1 || len(l.b.plane.out) != 1 {
		t.Errorf("old inbound SAs are gone before stragglers have come: %d %d", len(l.a.plane.in), len(l.b.plane.in))
	}
	l.run(6 * time.Second)
	l.pairs(1)
}

// From the responder's side of the IKE SA a rekey works as well.
func TestIKE130_RekeyChildByResponder(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	if err := l.b.e.Rekey(l.now, "net", false, true); err != nil {
		t.Fatal(err)
	}
	l.run(6 * time.Second)
	l.pairs(1)
}

// RFC 7296 1.3.1, 2.17: a rekey with a key exchange of its own.
func TestIKE092_RekeyWithKeyExchange(t *testing.T) {
	l := pskLadder(t, func(a, b *Connection) {
		a.Children[0].Proposals = espProposals("aes128gcm16-ecp256-ecp384")
		b.Children[0].Proposals = espProposals("aes128gcm16-ecp384")
	})
	l.connect("net")
	mark := l.mark()
	l.a.e.Rekey(l.now, "net", false, true)
	l.settle()
	l.expect(mark,
		"a -> b  CREATE_CHILD_SA request 2: SK{N(REKEY_SA) N(USE_AGGFRAG) SA Nonce KE TSi TSr}",
		"b -> a  CREATE_CHILD_SA response 2: SK{N(INVALID_KE_PAYLOAD)}",
		"a -> b  CREATE_CHILD_SA request 3: SK{N(REKEY_SA) N(USE_AGGFRAG) SA Nonce KE TSi TSr}",
		"b -> a  CREATE_CHILD_SA response 3: SK{N(USE_AGGFRAG) SA Nonce KE TSi TSr}",
		"a -> b  INFORMATIONAL request 4: SK{D}",
		"b -> a  INFORMATIONAL response 4: SK{D}",
	)
	l.run(6 * time.Second)
	l.pairs(1)
}

// RFC 7296 1.3.2, 2.8, 2.18: the new IKE SA has the Child SAs; the Delete is the last request on the old one.
func TestIKE139_RekeyIKE(t *testing.T) {
	for _, from := range []string{"initiator", "responder"} {
		t.Run(from, func(t *testing.T) {
			l := pskLadder(t, nil)
			l.connect("net")
			x, old := l.a, l.a.sa().spiI
			if from == "responder" {
				x = l.b
			}
			if err := x.e.Rekey(l.now, "net", true, false); err != nil {
				t.Fatal(err)
			}
			l.settle()
			l.run(graveTime) // then the old SA need not answer its Delete again
			l.established()
			l.pairs(1)
			s := x.sa()
			if s.spiI == old || !s.initiator || x.other().sa().initiator {
				t.Errorf("SA %x of initiator %v after the rekey", s.spiI, s.initiator)
			}
			if s.requests.next != 0 || s.replies.next != 0 {
				t.Errorf("message IDs %d and %d, want 0 (IKE-022)", s.requests.next, s.replies.next)
			}
			// The new SA has all it needs to rekey a Child SA, in both directions, and to end.
			l.a.e.Rekey(l.now, "net", false, true)
			l.run(time.Minute)
			l.b.e.Rekey(l.now, "net", false, true)
			l.run(time.Minute)
			l.pairs(1)
			l.a.e.Terminate(l.now, "net")
			l.run(time.Minute)
			l.a.gone()
			l.b.gone()
		})
	}
}

// RFC 7296 2.18: the old PRF makes SKEYSEED, the new one the keys.
func TestIKE093_RekeyIKEWithAnotherPRF(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	for _, c := range []*Connection{l.a.sa().conn, l.b.sa().conn} {
		c.Proposals = ikeProposals("aes256-sha512-ecp256")
	}
	l.a.e.Rekey(l.now, "net", true, false)
	l.run(graveTime)
	l.established()
	if got := l.a.sa().suite.String(); got != "aes256-sha512-prfsha512-ecp256" {
		t.Errorf("suite %s", got)
	}
	l.run(time.Minute)
	if m := l.ask(l.a.sa(), wire.ExchangeInformational); m == nil {
		t.Error("no answer on the new SA")
	}
}
