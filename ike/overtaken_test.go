package ike

import (
	"testing"

	"stillwater/ike/wire"
)

// TestIKE133_NewSARekeyedAtOnce: the peer rekeys the SA that our rekey has made before its outbound half is installed here,
// and deletes it. Whatever becomes of that SA, the one that it was to replace is deleted by this end.
//
//	a -> b  rekey of A, answered with B
//	b -> a  rekey of B, answered with C
//	b -> a  Delete B
//	a -> b  Delete A
func TestIKE133_NewSARekeyedAtOnce(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	old := l.a.child(childUp)
	slow := uint32(0)
	l.a.plane.holds = func(op Operation) bool {
		if op.Kind == AddOutbound && slow == 0 {
			slow = op.Pair.SPIIn
		}
		outbound := op.Kind == AddOutbound || op.Kind == RemoveOutbound
		return outbound && op.Pair.SPIIn == slow
	}
	if err := l.a.e.Rekey(l.now, "net", false, true); err != nil {
		t.Fatal(err)
	}
	l.settle()
	if slow == 0 || slow == old.spiIn {
		t.Fatal("no new SA waits for its outbound half")
	}
	peers := l.a.e.children[slow].spiOut
	b := l.b.sa()
	if m := l.ask(b, wire.ExchangeCreateChildSA, rekeyRequest(spiBytes(peers), netB, netA)...); m == nil || m.errorNotify() != nil {
		t.Fatalf("the rekey of the new SA is refused: %v", m)
	}
	l.ask(b, wire.ExchangeInformational, wire.Delete{Protocol: wire.ProtoESP, SPIs: [][]byte{spiBytes(peers)}})
	l.a.plane.holds = nil
	l.settle()
	l.run(2 * linger)
	if n := len(l.a.e.children); n != 1 || l.a.e.children[old.spiIn] != nil {
		t.Errorf("%d Child SAs are left, want the last one alone: %v\n%s", n, l.a.e.Snapshot(), l.tail(20))
	}
	if len(l.a.plane.in) != 1 || len(l.a.plane.out) != 1 {
		t.Errorf("%d inbound and %d outbound SAs are installed, want 1 and 1", len(l.a.plane.in), len(l.a.plane.out))
	}
}
