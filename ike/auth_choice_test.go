package ike

import (
	"testing"

	"stillwater/ike/auth"
)

// twoConnections is an engine with connections for two identities behind any address.
func twoConnections(t *testing.T) *ladder {
	t.Helper()
	a, b := pskPair()
	b2 := *b
	b2.Name, b2.Them = "second", &auth.Peer{Name: "second", ID: auth.Exactly(identity("c.test")), Method: auth.PSK, PSK: testPSK}
	b2.Self = &auth.Local{ID: identity("b2.test"), Method: auth.PSK, PSK: testPSK}
	first := *b
	first.Name, first.Them = "first", &auth.Peer{Name: "first", ID: auth.Exactly(identity("x.test")), Method: auth.PSK, PSK: testPSK}
	return newLadder(t, testSeed(t), Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{&first, b, &b2}})
}

// The identity of the peer, not the order alone, chooses the connection.
func TestIKE091_ConnectionByIdentity(t *testing.T) {
	for id, c := range map[string]struct{ peer, name string }{"a.test": {"b.test", "net"}, "c.test": {"b2.test", "second"}} {
		l := twoConnections(t)
		conn := l.a.e.cfg.Connections[0]
		conn.Self.ID, conn.Them.ID = identity(id), auth.Exactly(identity(c.peer))
		l.connect("net")
		if got := l.b.e.Snapshot()[0].Connection; got != c.name {
			t.Errorf("peer %s got connection %q, want %q", id, got, c.name)
		}
	}
}

// RFC 7296 1.2: IDr of the initiator says which of our identities it means.
func TestIKE091_HintChoosesIdentity(t *testing.T) {
	a, b := pskPair()
	other := *b
	other.Name, other.Self = "other", &auth.Local{ID: identity("other.test"), Method: auth.PSK, PSK: testPSK}
	l := newLadder(t, testSeed(t), Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{&other, b}})
	l.connect("net")
	if got := l.b.e.Snapshot()[0].Connection; got != "net" {
		t.Errorf("connection %q, want that of the identity hinted at", got)
	}
}

// A connection that the chosen suite is not for is no candidate, whatever its identities.
func TestIKE071_SuiteOfTheConnection(t *testing.T) {
	a, b := pskPair()
	strict := *b
	strict.Name, strict.Proposals = "strict", ikeProposals("aes256gcm16-prfsha384-ecp384")
	b.Them = &auth.Peer{Name: "net", ID: auth.Exactly(identity("x.test")), Method: auth.PSK, PSK: testPSK}
	l := newLadder(t, testSeed(t), Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{&strict, b}})
	l.start()
	if l.b.saw(EventEstablished) {
		t.Errorf("b took a peer with a suite that its connection does not allow:\n%s", l.tail(5))
	}
}
