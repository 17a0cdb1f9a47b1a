package ike

import (
	"bytes"
	"testing"
	"time"

	"stillwater/ike/auth"
	"stillwater/ike/wire"
)

// failingAuth is a ladder after a handshake that the change keeps from succeeding: a has nothing of it.
func failingAuth(t *testing.T, change func(a, b *Connection)) *ladder {
	t.Helper()
	l := pskLadder(t, change)
	l.start()
	if l.a.saw(EventEstablished) || len(l.a.plane.done) != 0 {
		t.Errorf("a takes the peer:\n%s", l.tail(5))
	}
	l.a.gone()
	return l
}

// RFC 7296 1.2, IKE-100: an unknown identity and a wrong secret get the same answer, which has nothing else in it.
func TestIKE100_SameAnswer(t *testing.T) {
	sizes := map[int]bool{}
	for name, change := range map[string]func(a, b *Connection){
		"wrong secret":     func(a, _ *Connection) { a.Self.PSK = []byte("another one, also of some length") },
		"unknown identity": func(a, _ *Connection) { a.Self.ID = identity("x.test") },
	} {
		t.Run(name, func(t *testing.T) {
			l := failingAuth(t, change)
			l.expect(0, "a -> b  IKE_SA_INIT request 0", "b -> a  IKE_SA_INIT response 0", "a -> b  IKE_AUTH request 1",
				"b -> a  IKE_AUTH response 1: SK{N(AUTHENTICATION_FAILED)}")
			if len(l.b.plane.done) != 0 || l.b.saw(EventEstablished) || l.b.e.Counters().AuthFailed != 1 {
				t.Error("b established something")
			}
			if f := l.b.failure(); f.Stage != "IKE_AUTH" || f.Notify != wire.AuthenticationFailed || f.Reason == "" {
				t.Errorf("b's operator is told %+v", f)
			}
			sizes[l.sent] = true
			l.run(time.Minute)
			l.b.gone()
		})
	}
}

// IKE-100: both take the same work: one verification, one job.
func TestIKE100_SameJobs(t *testing.T) {
	var jobs []int
	for _, id := range []string{"a.test", "x.test"} {
		l := pskLadder(t, func(a, _ *Connection) { a.Self.ID, a.Self.PSK = identity(id), []byte("wrong") })
		l.start()
		jobs = append(jobs, l.b.jobsRun)
	}
	if jobs[0] != jobs[1] {
		t.Errorf("a wrong secret takes %d jobs, an unknown identity %d", jobs[0], jobs[1])
	}
}

// IKE-024: the refusal is sent again while its sender may ask again.
func TestIKE100_RefusalRepeated(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.Self.PSK = []byte("another one") })
	lost := 0
	l.fate = func(f *flight) fate {
		if f.is("IKE_AUTH response") && lost < 2 {
			lost++
			return lose
		}
		return arrive
	}
	l.start()
	l.run(20 * time.Second)
	l.a.gone()
	l.b.gone()
	if f := l.a.failure(); f.Notify != wire.AuthenticationFailed || !f.FromPeer {
		t.Errorf("a is told %+v", f)
	}
}

// Refused SAs count as half-open: failing is no way around the limits.
func TestLIM07_RefusedCount(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.Self.PSK = []byte("another one") })
	for range 20 {
		l.start()
	}
	if c := l.b.e.Counters(); c.HalfOpen != uint64(DefaultLimits.HalfOpenPeer) {
		t.Errorf("%d half-open SAs after 20 failures at once, want %d", c.HalfOpen, DefaultLimits.HalfOpenPeer)
	}
}

// The initiator refuses a responder that is not who it should be, and says so in a protected message (RFC 7296 2.21.2).
func TestIKE091_ResponderIsAnother(t *testing.T) {
	for name, change := range map[string]func(a, b *Connection){
		"secret":   func(_, b *Connection) { b.Self.PSK = []byte("another one") },
		"identity": func(_, b *Connection) { b.Self.ID = identity("evil.test") },
	} {
		t.Run(name, func(t *testing.T) {
			l := pskLadder(t, change)
			l.start()
			l.a.gone()
			l.expect(3, "b -> a  IKE_AUTH response 1", "a -> b  INFORMATIONAL request 2: SK{N(AUTHENTICATION_FAILED)}", "b -> a  INFORMATIONAL response 2")
			l.run(time.Minute)
			l.b.gone()
			if f := l.a.failure(); f.Stage != "IKE_AUTH" || f.FromPeer {
				t.Errorf("a's operator is told %+v", f)
			}
		})
	}
}

// RFC 7296 3.5: a certificate proves the identity it carries, from an authority that is believed.
func TestIKE091_Certificates(t *testing.T) {
	for name, change := range map[string]func(a, b *Connection){
		"other authority": func(a, _ *Connection) {
			a.Self.Credential = otherCA().credential("a.test", newKey(), otherCA())
		},
		"expired": func(a, _ *Connection) {
			tmpl := template("a.test")
			tmpl.DNSNames, tmpl.NotAfter = []string{"a.test"}, testDay.Add(-time.Hour)
			key := newKey()
			a.Self.Credential = must(auth.NewCredential(key, [][]byte{theCA().issue(tmpl, key).cert.Raw}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := certLadder(t, change)
			l.start()
			l.a.gone()
			if l.b.saw(EventEstablished) {
				t.Error("b takes the peer")
			}
		})
	}
}

// RFC 7296 3.5: the certificate must carry the identity, which its owner's own engine would notice at once.
func TestIKE091_CertificateOfAnother(t *testing.T) {
	l := certLadder(t, nil)
	l.a.e.cfg.Connections[0].Self.Credential = theCA().credential("c.test", newKey())
	l.start()
	l.a.gone()
	if l.b.saw(EventEstablished) {
		t.Error("b takes the peer")
	}
}

// HAZ-25: a connection without what proves its identity is refused when it is configured.
func TestHAZ25_NoSecret(t *testing.T) {
	a, _ := pskPair()
	a.Self.PSK = nil
	cfg := Config{Connections: []*Connection{a}, Lcores: 1, NewSPI: func(int) (uint32, error) { return 256, nil }, Place: func() int { return 0 }}
	if _, err := New(cfg); err == nil {
		t.Error("an engine without a secret")
	}
}

// UniqueKeep: the older IKE SA stays; the newer is refused by its responder, or deleted by its initiator.
func TestUniqueKeepAtEitherEnd(t *testing.T) {
	for _, keeper := range []string{"a", "b"} {
		l := pskLadder(t, func(a, b *Connection) {
			a.Unique, b.Unique = UniqueNever, UniqueNever
			if keeper == "a" {
				a.Unique = UniqueKeep
			} else {
				b.Unique = UniqueKeep
			}
		})
		l.connect("net")
		first := l.a.sa().spiI
		l.a.e.initiate(l.now, l.a.e.cfg.Connections[0], allChildren(l.a.e.cfg.Connections[0]))
		l.settle()
		l.run(time.Minute)
		l.established()
		l.pairs(1)
		if got := l.a.sa().spiI; got != first {
			t.Errorf("%s keeps: the newer SA stayed", keeper)
		}
	}
}

// HAZ-32: a peer that is to sign cannot use a secret, and the other way round.
func TestHAZ32_OtherMethod(t *testing.T) {
	signs := func(c *Connection, name string) {
		c.Self = &auth.Local{ID: identity(name), Method: auth.Pubkey, Credential: theCA().credential(name, newKey())}
	}
	failingAuth(t, func(a, _ *Connection) { signs(a, "a.test") })
	l := certLadder(t, func(a, _ *Connection) {
		a.Self = &auth.Local{ID: identity("a.test"), Method: auth.PSK, PSK: testPSK}
	})
	l.start()
	l.a.gone()
}

// HAZ-15, HAZ-33: empty and zero proofs of every method.
func TestHAZ15_EmptyProofs(t *testing.T) {
	for _, make := range []func(testing.TB, func(a, b *Connection)) *ladder{pskLadder, certLadder} {
		for method := range wire.AuthMethod(16) {
			for _, data := range [][]byte{nil, {0}, bytes.Repeat([]byte{0}, 32), bytes.Repeat([]byte{0}, 64)} {
				l := make(t, nil)
				l.edit("IKE_AUTH request", func(ps []wire.Payload) []wire.Payload { return replace(ps, wire.Auth{Method: method, Data: data}) })
				l.start()
				if l.b.saw(EventEstablished) {
					t.Fatalf("b takes %v with %x", method, data)
				}
			}
		}
	}
}

// IKE-085, HAZ-21: a peer that wants EAP is refused.
func TestIKE085_NoEAP(t *testing.T) {
	l := pskLadder(t, nil)
	l.edit("IKE_AUTH request", func(ps []wire.Payload) []wire.Payload { return without(ps, wire.PayloadAuth) })
	l.start()
	l.expect(3, "b -> a  IKE_AUTH response 1: SK{N(AUTHENTICATION_FAILED)}")
	l.a.gone()
}
