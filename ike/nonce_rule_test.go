package ike

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// watchNonces records the nonces of an exchange by who began it.
func (l *ladder) watchNonces(into map[*end][][]byte) {
	l.tamper = func(f *flight) {
		m, err := wire.Parse(slices.Clone(f.d.Data))
		if err != nil || f.header.Exchange != wire.ExchangeCreateChildSA {
			return
		}
		sk, _ := m.Payloads[len(m.Payloads)-1].(wire.SK)
		ps, err := f.from.inside(f.header, f.d.Data, sk)
		n, ok := find[wire.Nonce](ps, wire.PayloadNonce)
		if err != nil || !ok {
			return
		}
		who := f.from
		if f.header.Response() {
			who = f.to
		}
		into[who] = append(into[who], n.Data)
	}
}

// loser is the end in whose exchange the lowest of the four nonces is.
func loser(l *ladder, nonces map[*end][][]byte) *end {
	l.t.Helper()
	if len(nonces[l.a]) != 2 || len(nonces[l.b]) != 2 {
		l.t.Fatalf("%d and %d nonces, want 2 of each exchange\n%s", len(nonces[l.a]), len(nonces[l.b]), l.tail(20))
	}
	least := func(x *end) []byte { return slices.MinFunc(nonces[x], bytes.Compare) }
	if bytes.Compare(least(l.a), least(l.b)) < 0 {
		return l.a
	}
	return l.b
}

// crossRekeys lets both ends rekey at the same moment, so that their requests cross.
func crossRekeys(l *ladder, ikeSA bool) map[*end][][]byte {
	nonces := map[*end][][]byte{}
	l.watchNonces(nonces)
	l.fate = func(*flight) fate { return hold }
	l.a.e.Rekey(l.now, "net", ikeSA, !ikeSA)
	l.b.e.Rekey(l.now, "net", ikeSA, !ikeSA)
	l.settle()
	l.release() // both requests arrive, both answers are held
	l.fate = nil
	l.release()
	l.tamper = nil
	return nonces
}

// The first figure of RFC 7296 2.8.1, until both ends have been the one to give way.
func TestIKE133_LowestNonceGoes(t *testing.T) {
	seen := map[string]bool{}
	for round := uint64(0); len(seen) < 2 && round < 64; round++ {
		a, b := pskPair()
		l := newLadder(t, round, Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{b}})
		l.connect("net")
		old := map[*end]uint32{l.a: l.a.child(childUp).spiIn, l.b: l.b.child(childUp).spiIn}
		nonces := crossRekeys(l, false)
		goes := loser(l, nonces)
		stays := goes.other()
		seen[goes.name] = true
		l.run(time.Minute)
		l.pairs(1)
		// An end draws the SPI of its own offer before that of its answer.
		if got, want := stays.child(childUp).spiIn, old[stays]+1; got != want {
			t.Fatalf("round %d: the lowest nonce is in the exchange of %s, yet %s receives on %x, want the SA it asked for, %x\n%s",
				round, goes.name, stays.name, got, want, l.tail(20))
		}
		if got, want := goes.child(childUp).spiIn, old[goes]+2; got != want {
			t.Fatalf("round %d: %s receives on %x, want the SA that it answered, %x", round, goes.name, got, want)
		}
	}
	if len(seen) < 2 {
		t.Error("the nonces never fell both ways")
	}
}

// RFC 7296 2.8.2: the same for IKE SAs. The original initiator of the SA that stays is the end with the higher nonces.
func TestIKE135_LowestNonceGoes(t *testing.T) {
	seen := map[string]bool{}
	for round := uint64(0); len(seen) < 2 && round < 64; round++ {
		a, b := pskPair()
		l := newLadder(t, round, Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{b}})
		l.connect("net")
		goes := loser(l, crossRekeys(l, true))
		seen[goes.name] = true
		l.run(5 * time.Minute)
		l.established()
		l.pairs(1)
		if goes.sa().initiator || !goes.other().sa().initiator {
			t.Fatalf("round %d: the lowest nonce is in the exchange of %s, and its SA stays\n%s", round, goes.name, l.tail(20))
		}
	}
	if len(seen) < 2 {
		t.Error("the nonces never fell both ways")
	}
}

// The second figure of RFC 7296 2.8.1: req1 is lost, and comes when its SA is gone. CHILD_SA_NOT_FOUND is then no reason to make
// another one.
func TestIKE134_LateRekeyOfTheLoser(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	first := true
	l.fate = func(f *flight) fate {
		if first && f.from == l.a {
			first = false
			return lose
		}
		return arrive
	}
	l.a.e.Rekey(l.now, "net", false, true)
	l.settle()
	l.b.e.Rekey(l.now, "net", false, true)
	l.run(10 * time.Second)
	l.expect(mark,
		"a -> b  CREATE_CHILD_SA request 2: SK{N(REKEY_SA)",
		"b -> a  CREATE_CHILD_SA request 0: SK{N(REKEY_SA)",
		"a -> b  CREATE_CHILD_SA response 0: SK{N(USE_AGGFRAG) SA",
		"b -> a  INFORMATIONAL request 1: SK{D}",
		"a -> b  INFORMATIONAL response 1: SK{D}",
		"a -> b  CREATE_CHILD_SA request 2: SK{N(REKEY_SA)",
		"b -> a  CREATE_CHILD_SA response 2: SK{N(CHILD_SA_NOT_FOUND)}",
	)
	l.run(time.Minute)
	l.pairs(1)
}

// The figure of RFC 7296 2.8.2: a does not notice that b rekeys as well; the Delete of the old IKE SA makes b forget its
// attempt and stop retransmitting it.
func TestIKE135_OneEndDoesNotNotice(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	l.fate = func(f *flight) fate {
		if f.from == l.b && !f.header.Response() {
			return lose
		}
		return arrive
	}
	mark := l.mark()
	l.b.e.Rekey(l.now, "net", true, false)
	l.settle()
	l.a.e.Rekey(l.now, "net", true, false)
	l.run(5 * time.Minute)
	l.expect(mark,
		"b -> a  CREATE_CHILD_SA request 0: SK{SA Nonce KE}",
		"a -> b  CREATE_CHILD_SA request 2: SK{SA Nonce KE}",
		"b -> a  CREATE_CHILD_SA response 2: SK{SA Nonce KE}",
		"a -> b  INFORMATIONAL request 3: SK{D}",
		"b -> a  INFORMATIONAL response 3: SK{",
	)
	l.established()
	l.pairs(1)
	if !l.a.sa().initiator {
		t.Error("not the SA that a asked for")
	}
}
