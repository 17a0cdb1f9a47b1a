package ike

import (
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// TestIKE030_Liveness: a silent peer is asked, one whose ESP or IKE has been heard is not.
func TestIKE030_Liveness(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.DPDDelay = 30 * time.Second })
	l.connect("net")
	mark := l.mark()
	l.run(29 * time.Second)
	l.expect(mark)
	l.run(2 * time.Second)
	l.expect(mark, "a -> b  INFORMATIONAL request 2: SK{}", "b -> a  INFORMATIONAL response 2: SK{}")
	mark = l.mark()
	for range 60 {
		l.traffic()
		l.run(20 * time.Second)
	}
	l.expect(mark)
	// The other end's requests are as good.
	for range 30 {
		l.ask(l.b.sa(), inform)
		l.run(20 * time.Second)
	}
	if strings.Contains(strings.Join(l.log[mark:], "\n"), "a -> b  INFORMATIONAL request") {
		t.Error("a peer that speaks is asked whether it lives")
	}
}

// TestIKE029_DeadPeer: only unanswered requests prove a peer dead; then everything goes, and comes back where that is
// configured.
func TestIKE029_DeadPeer(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.DPDDelay, a.Restart = 30*time.Second, true })
	l.connect("net")
	l.fate = func(*flight) fate { return lose }
	l.run(5 * time.Minute)
	if !l.a.saw(EventDown) || len(l.a.plane.in)+len(l.a.plane.out) != 0 {
		t.Errorf("a has %d pairs with a dead peer", len(l.a.plane.in))
	}
	l.fate = nil
	l.run(10 * time.Minute)
	if len(l.a.plane.out) != 1 {
		t.Errorf("not up again\n%s", l.tail(10))
	}
}

// TestIKE138_Delete: the initiator's and the responder's Delete of a Child SA name the sender's inbound SPIs.
func TestIKE138_Delete(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	a, b := l.a.child(childUp), l.b.child(childUp)
	m := l.ask(l.a.sa(), inform, wire.Delete{Protocol: wire.ProtoESP, SPIs: [][]byte{spiBytes(a.spiIn)}})
	if m == nil || len(m.deletes()) != 1 || !slices.Equal(m.deletes()[0].SPIs[0], spiBytes(b.spiIn)) {
		t.Fatalf("answer %v", m)
	}
	if len(l.b.plane.in)+len(l.b.plane.out)+len(l.b.plane.bundles) != 0 {
		t.Errorf("b has %d, %d, %d left", len(l.b.plane.in), len(l.b.plane.out), len(l.b.plane.bundles))
	}
	l.b.spisInUse()
	l.a.discardAll()
	l.settle()
	if m := l.ask(l.a.sa(), inform); m == nil {
		t.Error("the IKE SA is gone with its Child SA")
	}
}

// discardAll makes an end forget its Child SAs.
func (x *end) discardAll() { x.sa().dropChildren(x.l.now) }

// TestIKE138_CrossingDeletes: each closes its outbound half with the request and the inbound one with the answer; no answer
// has a Delete payload.
func TestIKE138_CrossingDeletes(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	l.fate = func(*flight) fate { return hold }
	for _, x := range []*end{l.a, l.b} {
		x.sa().deleteChild(l.now, x.child(childUp), "test")
	}
	l.settle()
	l.fate = nil
	l.release()
	l.expect(mark,
		"a -> b  INFORMATIONAL request 2: SK{D}", "b -> a  INFORMATIONAL request 0: SK{D}",
		"b -> a  INFORMATIONAL response 2: SK{}", "a -> b  INFORMATIONAL response 0: SK{}",
	)
	l.pairs(0)
	l.a.spisInUse()
	l.b.spisInUse()
}

// TestIKE138_DeleteIKE: no SPIs, an empty answer, Child SAs go without a word.
func TestIKE138_DeleteIKE(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	l.a.e.Terminate(l.now, "net")
	l.settle()
	l.expect(mark, "a -> b  INFORMATIONAL request 2: SK{D}", "b -> a  INFORMATIONAL response 2: SK{")
	l.a.gone()
	l.b.gone()
	l.a.spisInUse()
	l.b.spisInUse()
}

// TestIKE142_UnknownSPI: the peer is told inside the IKE SA, once in a while; it finds out what is wrong and mends it.
func TestIKE142_UnknownSPI(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	lost := l.b.child(childUp)
	spi := lost.spiIn
	l.run(15 * time.Second)
	lost.discard()
	l.settle()
	mark := l.mark()
	for range 120 {
		l.b.e.UnknownSPI(l.now, l.b.at(0), l.a.at(0), spi)
		l.run(100 * time.Millisecond)
	}
	l.expect(mark,
		"b -> a  INFORMATIONAL request 0: SK{N(INVALID_SPI)}",
		"a -> b  INFORMATIONAL response 0: SK{}",
		"a -> b  CREATE_CHILD_SA request 2: SK{N(REKEY_SA)",
		"b -> a  CREATE_CHILD_SA response 2: SK{N(CHILD_SA_NOT_FOUND)}",
		"a -> b  CREATE_CHILD_SA request 3: SK{N(USE_AGGFRAG) SA",
		"b -> a  CREATE_CHILD_SA response 3: SK{N(USE_AGGFRAG) SA",
	)
	l.run(time.Minute)
	l.pairs(1)
	l.b.e.UnknownSPI(l.now, l.b.at(0), netAddrPort("198.51.100.7:0"), 0x12345678)
	l.settle()
	for _, data := range [][]byte{nil, {1}, {1, 2, 3, 4}, make([]byte, 40)} {
		if m := l.ask(l.b.sa(), inform, notify(wire.InvalidSPI, data)); m == nil || len(m.inner) != 0 {
			t.Errorf("INVALID_SPI with %x is answered with %v", data, m)
		}
	}
}

// TestIKE164_Moved: an authentic packet of a peer behind a NAT from another address moves messages and every bundle; nothing moves
// where there is no NAT.
func TestIKE164_Moved(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	s, c := l.b.sa(), l.b.child(childUp)
	to := netAddrPort("198.51.100.9:31000")
	l.b.e.Moved(l.now, c.spiIn, to)
	l.settle()
	if s.outer.Remote == to {
		t.Fatal("moved without a NAT")
	}
	s.outer.PeerBehindNAT = true
	l.b.e.Moved(l.now, c.spiIn, to)
	l.settle()
	if s.outer.Remote != to || l.b.plane.bundles[c.bundle.id].Outer.Remote != to {
		t.Errorf("IKE goes to %v, ESP to %v, want %v", s.outer.Remote, l.b.plane.bundles[c.bundle.id].Outer.Remote, to)
	}
}

// TestIKE013_Notifies: unknown notifications in a request change nothing, of whatever kind (IKE-103).
func TestIKE013_Notifies(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	for _, n := range []wire.NotifyType{8191, 20000, 40961, wire.NoProposalChosen, wire.InvalidSelectors, wire.InitialContact} {
		if m := l.ask(l.a.sa(), inform, notify(n, []byte("whatever"))); m == nil || len(m.inner) != 0 {
			t.Errorf("notification %v is answered with %v", n, m)
		}
	}
	l.established()
	l.pairs(1)
}

// TestIKE103_UnknownErrorInAnswer: an error that is not known fails the request, and nothing else (IKE-013).
func TestIKE103_UnknownErrorInAnswer(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	b := l.b.sa()
	l.tamper = func(f *flight) {
		if f.from == l.b && f.header.Exchange == create {
			f.d.Data = b.protect(b.header(create, f.header.MessageID, true), []wire.Payload{notify(8191, nil)})[0]
		}
	}
	s := l.a.sa()
	s.create(l.now, s.conn.Children[0], childOptions{})
	l.settle()
	if f := l.a.failure(); f.Notify != 8191 || !f.FromPeer {
		t.Errorf("failure %+v", f)
	}
	l.a.spisInUse()
	if l.a.child(childUp) == nil || len(s.asked) != 0 {
		t.Errorf("%d wishes left", len(s.asked))
	}
}

// TestIKE114_Unique: what a second IKE SA of the same peer does to the first, by policy.
func TestIKE114_Unique(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy Unique
		left   int
		second bool // the newer one stays
	}{
		{"replace", UniqueReplace, 1, true},
		{"keep", UniqueKeep, 1, false},
		{"never", UniqueNever, 2, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := pskLadder(t, func(a, b *Connection) { b.Unique, a.Unique = c.policy, UniqueNever })
			l.connect("net")
			first := l.a.sa().spiI
			l.a.e.initiate(l.now, l.a.sa().conn, allChildren(l.a.sa().conn))
			l.run(5 * time.Minute)
			if len(l.b.e.sas) != c.left || len(l.a.e.sas) != c.left {
				t.Fatalf("%v and %v, want %d", states(l.a.e.Snapshot()), states(l.b.e.Snapshot()), c.left)
			}
			l.pairs(c.left)
			if c.left == 1 && (l.b.sa().spiI != first) != c.second {
				t.Errorf("the wrong one is left")
			}
		})
	}
}

// TestIKE114_InitialContactEndsTheOlder: a peer that says it has no other SA loses those it had without a message.
func TestIKE114_InitialContactEndsTheOlder(t *testing.T) {
	l := pskLadder(t, func(a, b *Connection) { a.Unique, b.Unique = UniqueReplace, UniqueNever })
	l.connect("net")
	conn := l.a.sa().conn
	l.a.sa().close(l.now, errClosed) // a restarts
	l.settle()
	mark := l.mark()
	l.run(time.Minute) // past the time in which two beginnings meet
	l.a.e.initiate(l.now, conn, allChildren(conn))
	l.settle()
	l.established()
	l.pairs(1)
	if got := len(l.log) - mark; got != 4 {
		t.Errorf("%d messages, want 4\n%s", got, l.tail(got))
	}
}

// Both ends begin at the same moment: one IKE SA is left, the same at both ends, whatever is lost.
func TestIKE114_BothBegin(t *testing.T) {
	base := testSeed(t)
	for lost := range 10 {
		a, b := pskPair()
		l := newLadder(t, base+uint64(lost), Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{b}})
		n := 0
		l.fate = func(*flight) fate {
			if n++; n == lost {
				return lose
			}
			return arrive
		}
		l.a.e.Initiate(l.now, "net", "")
		l.b.e.Initiate(l.now, "net", "")
		l.run(5 * time.Minute)
		l.established()
		l.pairs(1)
		if t.Failed() {
			t.Fatalf("message %d lost\n%s", lost, l.tail(30))
		}
	}
}

// TestIKE101_ChildFailure: a Child SA that nobody can agree on leaves the IKE SA alone, at IKE_AUTH and later.
func TestIKE101_ChildFailure(t *testing.T) {
	l := pskLadder(t, func(_, b *Connection) { b.Children[0].Local = []wire.Selector{network("172.16.0.0/12")} })
	l.connect("net")
	l.pairs(0)
	l.a.spisInUse()
	l.b.spisInUse()
	if f := l.a.failure(); f.Notify != wire.TSUnacceptable || f.Stage != "IKE_AUTH" || !f.FromPeer {
		t.Errorf("a's failure %+v", f)
	}
	if f := l.b.failure(); f.Notify != wire.TSUnacceptable || f.Offered == "" || f.Configured == "" || f.Key == "" {
		t.Errorf("b's failure %+v", f)
	}
	l.b.sa().conn.Children[0].Local = []wire.Selector{netB}
	l.a.e.Initiate(l.now, "net", "one")
	l.settle()
	l.pairs(1)
	l.a.e.Initiate(l.now, "net", "one")
	l.settle()
	l.pairs(1) // it is up
}

// TestIKE105_AnswerOutsideTheOffer: an answer with selectors that were not offered makes an SA at the peer's, which is deleted.
func TestIKE105_AnswerOutsideTheOffer(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	b := l.b.sa()
	l.tamper = func(f *flight) {
		if f.from == l.b && f.header.Exchange == create {
			ps := []wire.Payload{wire.Notify{Notify: wire.UseAggfrag, Data: []byte{0}}, wire.SA{Proposals: []wire.Proposal{espOffer(gcm128, snOf(1))}},
				wire.Nonce{Data: make([]byte, 32)}, wire.TS{Selectors: []wire.Selector{network("10.0.0.0/8")}}, wire.TS{Responder: true, Selectors: []wire.Selector{netB}}}
			f.d.Data = b.protect(b.header(create, f.header.MessageID, true), ps)[0]
		}
	}
	mark := l.mark()
	s := l.a.sa()
	s.create(l.now, s.conn.Children[0], childOptions{})
	l.run(time.Minute)
	l.expect(mark, "a -> b  CREATE_CHILD_SA request 2", "b -> a  CREATE_CHILD_SA response 2",
		"a -> b  INFORMATIONAL request 3: SK{D}", "b -> a  INFORMATIONAL response 3: SK{D}")
	l.pairs(1)
	l.a.spisInUse()
}

// An lcore that refuses an SA, on either end, costs that SA; nothing stays behind.
func TestIKE131_RefusedByTheDataPlane(t *testing.T) {
	for _, kind := range []OperationKind{AddInbound, AddOutbound} {
		for _, who := range []string{"a", "b"} {
			l := pskLadder(t, nil)
			l.connect("net")
			x := map[string]*end{"a": l.a, "b": l.b}[who]
			x.plane.refuse = func(op Operation) error {
				if op.Kind == kind {
					return errClosed
				}
				return nil
			}
			s := l.a.sa()
			s.create(l.now, s.conn.Children[0], childOptions{})
			l.run(time.Minute)
			l.pairs(1)
			l.a.spisInUse()
			l.b.spisInUse()
			x.plane.refuse = nil
			l.a.e.Rekey(l.now, "net", false, true)
			l.run(time.Minute)
			l.pairs(1)
		}
	}
}
