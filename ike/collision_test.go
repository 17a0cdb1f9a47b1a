package ike

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// holdFrom keeps back what an end sends.
func (l *ladder) holdFrom(x *end) {
	l.fate = func(f *flight) fate {
		if f.from == x {
			return hold
		}
		return arrive
	}
}

// deletes says whether a message has a Delete payload for Child SAs.
func deletes(m *message) bool { return m != nil && len(m.deletes()) > 0 }

// rekeyRequest is what a peer sends to rekey the Child SA that it receives on with that SPI.
func rekeyRequest(spi []byte, l, r wire.Selector) []wire.Payload {
	return []wire.Payload{wire.Notify{Protocol: wire.ProtoESP, SPI: spi, Notify: wire.RekeySA},
		wire.Notify{Notify: wire.UseAggfrag, Data: []byte{0}},
		wire.SA{Proposals: offerESP(espProposals("aes128gcm16"), false, []byte{9, 9, 9, 9})}, wire.Nonce{Data: make([]byte, 32)},
		wire.TS{Selectors: []wire.Selector{l}}, wire.TS{Responder: true, Selectors: []wire.Selector{r}}}
}

var netA, netB = network("10.1.0.0/16"), network("10.2.0.0/16")

func spiBytes(spi uint32) []byte {
	return []byte{byte(spi >> 24), byte(spi >> 16), byte(spi >> 8), byte(spi)}
}

// ikeRequest is what a peer sends to rekey the IKE SA.
func ikeRequest() []wire.Payload {
	k := respondKEPayload()
	return []wire.Payload{wire.SA{Proposals: offerIKE(ikeProposals("aes128gcm16-prfsha256-x25519"), []byte{1, 2, 3, 4, 5, 6, 7, 8})},
		wire.Nonce{Data: make([]byte, 32)}, k}
}

// respondKEPayload is a KE payload with a sound public value: the base point of Curve25519.
func respondKEPayload() wire.KE {
	k := wire.KE{Method: 31, Data: make([]byte, 32)}
	k.Data[0] = 9
	return k
}

// A cell of RFC 7296 2.25: b is busy, its request does not arrive; then a asks.
type cell struct {
	name string
	busy func(l *ladder) // what b does
	ask  func(l *ladder) []wire.Payload
	kind wire.ExchangeType
	want wire.NotifyType // 0: no error
	del  bool            // the answer has a Delete payload
}

func busyRekeyChild(l *ladder)  { l.b.e.Rekey(l.now, "net", false, true) }
func busyRekeyIKE(l *ladder)    { l.b.e.Rekey(l.now, "net", true, false) }
func busyDeleteIKE(l *ladder)   { l.b.e.Terminate(l.now, "net") }
func busyCreateChild(l *ladder) { s := l.b.sa(); s.create(l.now, s.conn.Children[0], childOptions{}) }
func busyDeleteChild(l *ladder) {
	s := l.b.sa()
	s.deleteChild(l.now, l.b.child(childUp), "test")
}

func askRekeyChild(l *ladder) []wire.Payload {
	return rekeyRequest(spiBytes(l.a.child(childUp).spiIn), netA, netB)
}
func askCreateChild(l *ladder) []wire.Payload { return askRekeyChild(l)[1:] }
func askRekeyIKE(*ladder) []wire.Payload      { return ikeRequest() }
func askDeleteIKE(*ladder) []wire.Payload {
	return []wire.Payload{wire.Delete{Protocol: wire.ProtoIKE}}
}
func askDeleteChild(l *ladder) []wire.Payload {
	return []wire.Payload{wire.Delete{Protocol: wire.ProtoESP, SPIs: [][]byte{spiBytes(l.a.child(childUp).spiIn)}}}
}
func askDeleteUnknown(*ladder) []wire.Payload {
	return []wire.Payload{wire.Delete{Protocol: wire.ProtoESP, SPIs: [][]byte{{1, 2, 3, 4}}}}
}
func askRekeyUnknown(*ladder) []wire.Payload { return rekeyRequest([]byte{1, 2, 3, 4}, netA, netB) }

const (
	create = wire.ExchangeCreateChildSA
	inform = wire.ExchangeInformational
)

// TestIKE136_Collisions is RFC 7296 2.25.1 and 2.25.2, sentence by sentence.
func TestIKE136_Collisions(t *testing.T) {
	idle := func(*ladder) {}
	for _, c := range []cell{
		{"rekey child, closing it", busyDeleteChild, askRekeyChild, create, wire.TemporaryFailure, false},
		{"rekey child, rekeying it", busyRekeyChild, askRekeyChild, create, 0, false},
		{"rekey child, unknown", idle, askRekeyUnknown, create, wire.ChildSANotFound, false},
		{"delete child, closing it", busyDeleteChild, askDeleteChild, inform, 0, false},
		{"delete child, rekeying it", busyRekeyChild, askDeleteChild, inform, 0, true},
		{"delete child, unknown", idle, askDeleteUnknown, inform, 0, false},
		{"rekey IKE, creating a child", busyCreateChild, askRekeyIKE, create, wire.TemporaryFailure, false},
		{"rekey IKE, rekeying a child", busyRekeyChild, askRekeyIKE, create, wire.TemporaryFailure, false},
		{"rekey IKE, closing a child", busyDeleteChild, askRekeyIKE, create, wire.TemporaryFailure, false},
		{"rekey IKE, rekeying it", busyRekeyIKE, askRekeyIKE, create, 0, false},
		{"rekey IKE, closing it", busyDeleteIKE, askRekeyIKE, create, wire.TemporaryFailure, false},
		{"delete IKE, rekeying it", busyRekeyIKE, askDeleteIKE, inform, 0, false},
		{"delete IKE, closing it", busyDeleteIKE, askDeleteIKE, inform, 0, false},
		{"create child, rekeying IKE", busyRekeyIKE, askCreateChild, create, wire.TemporaryFailure, false},
		{"rekey child, rekeying IKE", busyRekeyIKE, askRekeyChild, create, wire.TemporaryFailure, false},
		{"delete child, rekeying IKE", busyRekeyIKE, askDeleteChild, inform, 0, true},
		{"create child, closing IKE", busyDeleteIKE, askCreateChild, create, wire.TemporaryFailure, false},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t) })
	}
}

func (c *cell) run(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	requests := func(f *flight) bool { return f.from == l.b && !f.header.Response() }
	l.fate = func(f *flight) fate {
		if requests(f) {
			return lose
		}
		return arrive
	}
	ps := c.ask(l)
	c.busy(l)
	l.settle()
	m := l.ask(l.a.sa(), c.kind, ps...)
	if m == nil {
		t.Fatalf("no answer\n%s", l.tail(10))
	}
	if c.want != 0 {
		l.refusedWith(m, c.want)
	} else if n := m.errorNotify(); n != nil {
		t.Errorf("answered with %v", n.Notify)
	}
	if c.del != deletes(m) {
		t.Errorf("Delete payload in the answer: %v, want %v", deletes(m), c.del)
	}
	if c.want == wire.ChildSANotFound {
		if n := m.notify(c.want); n.Protocol != wire.ProtoESP || !slices.Equal(n.SPI, []byte{1, 2, 3, 4}) {
			t.Errorf("CHILD_SA_NOT_FOUND of protocol %v, SPI %x", n.Protocol, n.SPI)
		}
	}
}

// RFC 7296 2.25: a request for a rekey or delete of an AH SA finds none, and is no reason to fall over (IKE-138).
func TestIKE138_OtherProtocols(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	spi := spiBytes(l.a.child(childUp).spiIn)
	ps := rekeyRequest(spi, netA, netB)
	ps[0] = wire.Notify{Protocol: wire.ProtoAH, SPI: spi, Notify: wire.RekeySA}
	l.refusedWith(l.ask(l.a.sa(), create, ps...), wire.ChildSANotFound)
	m := l.ask(l.a.sa(), inform, wire.Delete{Protocol: wire.ProtoAH, SPIs: [][]byte{spi}},
		wire.Delete{Protocol: wire.ProtoESP, SPIs: [][]byte{{1, 2, 3, 4}, {1, 2, 3, 5}}})
	if m == nil || deletes(m) {
		t.Errorf("answer to a Delete of an AH SA: %v", m)
	}
	l.pairs(1)
	// The same SPI twice is deleted once.
	m = l.ask(l.a.sa(), inform, wire.Delete{Protocol: wire.ProtoESP, SPIs: [][]byte{spi, spi}})
	if m == nil || len(m.deletes()) != 1 || len(m.deletes()[0].SPIs) != 1 {
		t.Errorf("answer to a doubled Delete: %v", m)
	}
}

// orders calls f with every way to deliver steps datagrams: bit i says which end's oldest goes next.
func orders(steps int, f func(order uint)) {
	for order := range uint(1) << steps {
		f(order)
	}
}

// collide starts something on both ends at once, delivers the datagrams one by one in that order, the one numbered lost not
// at all, and looks after every step whether packets could flow.
func (l *ladder) collide(order uint, steps, lost int, start func(x *end)) {
	l.t.Helper()
	n := 0
	l.fate = func(*flight) fate {
		if n++; n == lost {
			return lose
		}
		return hold
	}
	start(l.a)
	start(l.b)
	l.settle()
	for i := range steps {
		l.deliverFrom([]*end{l.a, l.b}[order>>i&1])
		l.usable()
	}
	l.fate = nil
	l.release()
	for range 10 {
		l.run(time.Second)
		l.usable()
	}
	l.run(5 * time.Minute)
}

// deliverFrom delivers the oldest held datagram of an end, or of the other where it has none.
func (l *ladder) deliverFrom(x *end) {
	if len(l.held) == 0 {
		return
	}
	i := max(slices.IndexFunc(l.held, func(f *flight) bool { return f.from == x }), 0)
	l.flying = append(l.flying, l.held[i])
	l.held = slices.Delete(l.held, i, i+1)
	l.settle()
}

// usable fails the test unless each end sends on an SA that the other end opens.
func (l *ladder) usable() {
	l.t.Helper()
	l.sameKeys()
	if len(l.a.plane.out) == 0 || len(l.b.plane.out) == 0 {
		l.t.Errorf("outbound SAs: a has %d, b %d\n%s", len(l.a.plane.out), len(l.b.plane.out), l.tail(20))
	}
	if l.t.Failed() {
		l.t.Fatalf("\n%s", l.tail(30))
	}
}

// spisInUse fails the test unless exactly the SPIs of the SAs are in use, or spare.
func (x *end) spisInUse() {
	x.l.t.Helper()
	spare := 0
	for _, free := range x.e.spare {
		spare += len(free)
	}
	if have := len(x.plane.inUse); have != len(x.plane.in)+spare {
		x.l.t.Errorf("%s has %d SPIs in use for %d inbound SAs, %d spare", x.name, have, len(x.plane.in), spare)
	}
}

// crossings runs a collision in every order with every one of the first messages lost.
func crossings(t *testing.T, steps, messages int, start func(l *ladder, x *end), check func(l *ladder)) {
	base := testSeed(t)
	orders(steps, func(order uint) {
		for lost := range messages + 1 {
			a, b := pskPair()
			l := newLadder(t, base+uint64(order)*31+uint64(lost), Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{b}})
			l.connect("net")
			what := fmt.Sprintf("order %0*b, message %d lost", steps, order, lost)
			l.collide(order, steps, lost, func(x *end) { start(l, x) })
			if len(l.a.e.sas) != 1 || len(l.b.e.sas) != 1 {
				t.Fatalf("%s: %v and %v\n%s", what, states(l.a.e.Snapshot()), states(l.b.e.Snapshot()), l.tail(40))
			}
			l.established()
			l.pairs(1)
			l.a.spisInUse()
			l.b.spisInUse()
			if check != nil {
				check(l)
			}
			if t.Failed() {
				t.Fatalf("%s\n%s", what, l.tail(40))
			}
		}
	})
}

// TestIKE133_SimultaneousChildRekey: whatever the order and whichever message is lost, one SA is left and packets flow all
// the time.
func TestIKE133_SimultaneousChildRekey(t *testing.T) {
	crossings(t, 6, 8, func(l *ladder, x *end) { x.e.Rekey(l.now, "net", false, true) }, nil)
}

// TestIKE135_SimultaneousIKERekey: the same for the IKE SA, whose Child SA follows the one that stays.
func TestIKE135_SimultaneousIKERekey(t *testing.T) {
	crossings(t, 6, 8, func(l *ladder, x *end) { x.e.Rekey(l.now, "net", true, false) }, nil)
}

// A rekey of the IKE SA on one end meets a rekey of the Child SA on the other: one is put off.
func TestIKE136_ChildRekeyMeetsIKERekey(t *testing.T) {
	crossings(t, 5, 6, func(l *ladder, x *end) { x.e.Rekey(l.now, "net", x == l.a, x == l.b) }, func(l *ladder) {
		if !l.a.saw(EventRekeyed) || l.a.sa().rekeys == 0 {
			l.t.Error("the IKE SA was not rekeyed in the end")
		}
	})
}

// Both ends want both.
func TestIKE136_EverythingAtOnce(t *testing.T) {
	crossings(t, 6, 6, func(l *ladder, x *end) { x.e.Rekey(l.now, "net", true, true) }, nil)
}
