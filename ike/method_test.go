package ike

import (
	"testing"
	"time"

	"stillwater/crypto/suite"
)

// TestIKE072_OptionalKeyExchange: with the default proposals a rekey has a key exchange by the IKE SA's method where the peer takes
// one, and none where it insists on none; the other way round too.
func TestIKE072_OptionalKeyExchange(t *testing.T) {
	for _, c := range []struct {
		name, peer string
		want       string
	}{
		{"the same", "aes256gcm16-x25519-ecp256-none", "b -> a  CREATE_CHILD_SA response 2: SK{N(USE_AGGFRAG) SA Nonce KE TSi TSr}"},
		{"insists on one", "aes256gcm16-x25519", "b -> a  CREATE_CHILD_SA response 2: SK{N(USE_AGGFRAG) SA Nonce KE TSi TSr}"},
		{"insists on none", "aes256gcm16", "b -> a  CREATE_CHILD_SA response 2: SK{N(USE_AGGFRAG) SA Nonce TSi TSr}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := pskLadder(t, func(a, b *Connection) {
				a.Children[0].Proposals, b.Children[0].Proposals = suite.DefaultESP(), espProposals(c.peer)
			})
			l.connect("net")
			mark := l.mark()
			l.a.e.Rekey(l.now, "net", false, true)
			l.settle()
			l.expect(mark, "a -> b  CREATE_CHILD_SA request 2: SK{N(REKEY_SA) N(USE_AGGFRAG) SA Nonce KE TSi TSr}", c.want,
				"a -> b  INFORMATIONAL request 3: SK{D}", "b -> a  INFORMATIONAL response 3: SK{D}")
			l.b.e.Rekey(l.now, "net", false, true)
			l.run(time.Minute)
			l.pairs(1)
			if n := len(l.b.e.Failures()) + len(l.a.e.Failures()); n != 0 {
				t.Errorf("%d failures", n)
			}
		})
	}
}

// TestIKE107_SuiteMayChange: a rekey offers the suite in use first and what else is configured behind it, so that a peer whose
// policy has changed goes on.
func TestIKE107_SuiteMayChange(t *testing.T) {
	l := pskLadder(t, func(a, b *Connection) {
		a.Children[0].Proposals = espProposals("aes256gcm16-aes128gcm16")
		b.Children[0].Proposals = espProposals("aes128gcm16-aes256gcm16")
	})
	l.connect("net")
	was := l.a.child(childUp).suite
	l.a.e.Rekey(l.now, "net", false, true)
	l.run(time.Minute)
	if got := l.a.child(childUp).suite; got != was {
		t.Errorf("the suite changed from %v to %v", was, got)
	}
	other := "aes256gcm16"
	if was.Encr.KeyBits == 256 {
		other = "aes128gcm16"
	}
	l.b.sa().conn.Children[0].Proposals = espProposals(other)
	l.a.e.Rekey(l.now, "net", false, true)
	l.run(time.Minute)
	l.pairs(1)
	if got := l.b.child(childUp).suite.String(); got != other {
		t.Errorf("suite %s, want %s", got, other)
	}
}
