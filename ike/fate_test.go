package ike

import (
	"strings"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// TestIKE137_TemporaryFailure: not again at once, later and later for minutes, then the IKE SA is closed.
func TestIKE137_TemporaryFailure(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	// b is busy for ever: a rekey of the IKE SA that a never hears of.
	l.fate = func(f *flight) fate {
		if f.from == l.b && !f.header.Response() {
			return lose
		}
		return arrive
	}
	c := l.b.sa().conn
	c.Retransmit = Retransmit{First: time.Hour, Cap: time.Hour, Factor: 1, Tries: 5, InitTries: 1}
	mark, start := l.mark(), l.now
	l.b.e.Rekey(l.now, "net", true, false)
	l.settle()
	l.a.e.Rekey(l.now, "net", false, true)
	l.settle()
	l.expect(mark,
		"b -> a  CREATE_CHILD_SA request 0",
		"a -> b  CREATE_CHILD_SA request 2",
		"b -> a  CREATE_CHILD_SA response 2: SK{N(TEMPORARY_FAILURE)}",
	)
	l.run(time.Second / 2)
	if l.mark() != mark+3 {
		t.Errorf("tried again at once\n%s", l.tail(5))
	}
	l.run(15 * time.Minute)
	tries := strings.Count(strings.Join(l.log[mark:], "\n"), "N(TEMPORARY_FAILURE)")
	if tries < 4 || tries > 20 {
		t.Errorf("%d attempts, want some over minutes", tries)
	}
	if !l.a.saw(EventDown) || len(l.a.e.sas) != 0 {
		t.Errorf("the IKE SA is not closed after %v of TEMPORARY_FAILURE", time.Duration(l.now-start))
	}
	l.a.gone()
}

// TestIKE137_Recovers: when the peer has done what it was at, the rekey succeeds.
func TestIKE137_Recovers(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	old := l.a.child(childUp).spiIn
	l.holdFrom(l.b)
	busyCreateChild(l)
	l.settle()
	l.fate = nil
	l.a.e.Rekey(l.now, "net", true, false) // b creates a child: TEMPORARY_FAILURE
	l.settle()
	if !strings.Contains(l.tail(1), "TEMPORARY_FAILURE") {
		t.Fatalf("no TEMPORARY_FAILURE\n%s", l.tail(5))
	}
	l.release()
	l.run(5 * time.Minute)
	l.established()
	l.pairs(2)
	if l.a.sa().rekeys != 1 || l.a.e.children[old] == nil {
		t.Errorf("%d rekeys", l.a.sa().rekeys)
	}
}

// TestIKE144_ChildNotFound: an SA that the peer has lost is made anew, without a Delete and without a loop.
func TestIKE144_ChildNotFound(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	l.b.child(childUp).discard() // b forgets
	l.settle()
	mark := l.mark()
	l.a.e.Rekey(l.now, "net", false, true)
	l.run(time.Hour)
	l.expect(mark,
		"a -> b  CREATE_CHILD_SA request 2: SK{N(REKEY_SA) N(USE_AGGFRAG) SA Nonce TSi TSr}",
		"b -> a  CREATE_CHILD_SA response 2: SK{N(CHILD_SA_NOT_FOUND)}",
		"a -> b  CREATE_CHILD_SA request 3: SK{N(USE_AGGFRAG) SA Nonce TSi TSr}",
		"b -> a  CREATE_CHILD_SA response 3: SK{N(USE_AGGFRAG) SA Nonce TSi TSr}",
	)
	l.pairs(1)
}

// TestIKE145_RefusedRekeys: a peer that refuses every rekey loses the IKE SA, in order and before the SA is used beyond its
// life.
func TestIKE145_RefusedRekeys(t *testing.T) {
	l := pskLadder(t, func(a, b *Connection) {
		a.Children[0].RekeyTime, a.Children[0].OverTime = 10*time.Minute, 5*time.Minute
	})
	l.connect("net")
	l.b.sa().conn.Children[0].Proposals = espProposals("aes256gcm16") // the policy has changed since
	start, mark := l.now, l.mark()
	l.run(9 * time.Minute)
	l.expect(mark)
	l.run(5 * time.Minute)
	l.pairs(1)
	if f := l.a.failure(); f.Notify != wire.NoProposalChosen || f.Key == "" {
		t.Errorf("failure %+v", f)
	}
	l.run(time.Minute + time.Second)
	l.a.gone()
	l.b.gone()
	if !strings.Contains(l.tail(2), "INFORMATIONAL") || l.now-start > int64(16*time.Minute) {
		t.Errorf("not closed in order\n%s", l.tail(3))
	}
}

// TestIKE132_Lifetimes: SAs are rekeyed in time, at a moment that varies, and traffic never stops.
func TestIKE132_Lifetimes(t *testing.T) {
	l := pskLadder(t, func(a, b *Connection) {
		a.Children[0].RekeyTime, a.Children[0].RekeyJitter, a.Children[0].OverTime = time.Hour, 50, time.Hour
		b.RekeyTime, b.RekeyJitter, b.OverTime = 4*time.Hour, 50, time.Hour
	})
	l.connect("net")
	var times []int64
	seen := 0
	for range 24 * 60 {
		l.run(time.Minute)
		l.usable()
		for _, ev := range l.a.events[seen:] {
			if ev.Kind == EventRekeyed && ev.Child != "" {
				times = append(times, ev.Time)
			}
		}
		seen = len(l.a.events)
	}
	l.pairs(1)
	if len(times) < 24 || len(times) > 48 {
		t.Errorf("%d rekeys of the Child SA in a day, want 24 to 48", len(times))
	}
	gaps := map[int64]bool{}
	for i := range times[1:] {
		gaps[(times[i+1]-times[i])/int64(time.Minute)] = true
	}
	if len(gaps) < 5 {
		t.Errorf("the rekeys are %d different times apart", len(gaps))
	}
	if n := l.b.sa2().rekeys; n < 6 || n > 12 {
		t.Errorf("%d rekeys of the IKE SA in a day, want 6 to 12", n)
	}
}

// A soft limit of the data plane rekeys; a hard one ends the IKE SA when no rekey helps.
func TestIKE132_Limits(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	old := l.a.child(childUp).spiIn
	l.b.e.Limit(l.now, l.b.child(childUp).spiIn, false)
	l.b.e.Limit(l.now, l.b.child(childUp).spiIn, false)
	l.run(time.Minute)
	l.pairs(1)
	if l.a.child(childUp).spiIn == old {
		t.Error("a soft limit did not lead to a rekey")
	}
	l.a.e.Limit(l.now, old, true) // of an SA that is gone
	l.run(time.Minute)
	l.pairs(1)
	l.a.e.Limit(l.now, l.a.child(childUp).spiIn, true)
	l.run(time.Minute)
	l.a.gone()
	l.b.gone()
}

// A hard limit at the responder of a rekey whose peer has not switched yet: the new SA sends at once.
func TestIKE132_HardLimitDuringRekey(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	l.holdFrom(l.b)
	l.a.e.Rekey(l.now, "net", false, true)
	l.settle()
	old := l.b.child(childUp)
	l.b.e.Limit(l.now, old.spiIn, true)
	l.settle()
	if len(l.b.plane.out) != 1 || l.b.plane.out[old.spiIn] != nil {
		t.Errorf("b still sends on the SA beyond its limit")
	}
	l.fate = nil
	l.release()
	l.run(2 * time.Minute)
	l.pairs(1)
	l.established()
}

// A hard limit while our rekey is out: the answer may still save the IKE SA, for a while.
func TestIKE145_LastChance(t *testing.T) {
	for _, saved := range []bool{true, false} {
		l := pskLadder(t, nil)
		l.connect("net")
		l.holdFrom(l.b)
		l.a.e.Rekey(l.now, "net", false, true)
		l.settle()
		l.a.e.Limit(l.now, l.a.child(childUp).spiIn, true)
		l.run(20 * time.Second)
		if len(l.a.e.sas) != 1 {
			t.Fatal("closed at once")
		}
		if saved {
			l.fate = nil
			l.release()
			l.run(5 * time.Minute)
			l.established()
			l.pairs(1)
			continue
		}
		l.run(20 * time.Second)
		l.fate = nil
		l.run(5 * time.Minute)
		l.a.gone()
	}
}

// RFC 7296 2.8: the responder of a rekey sends on the new SA as soon as the peer has shown that it receives there.
func TestIKE131_SwitchOnTraffic(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	l.fate = func(f *flight) fate {
		if f.header.Exchange == inform {
			return lose // the Delete of the old SA
		}
		return arrive
	}
	old := l.b.child(childUp).spiIn
	l.a.e.Rekey(l.now, "net", false, true)
	l.run(10 * time.Second)
	if l.b.plane.out[old] == nil || len(l.b.plane.out) != 1 {
		t.Fatal("b has left the old SA without a sign of the peer")
	}
	l.traffic()
	l.run(3 * time.Second)
	if l.b.plane.out[old] != nil || len(l.b.plane.out) != 1 {
		t.Error("b goes on sending on the old SA after a packet on the new one")
	}
	l.sameKeys()
	l.fate = nil
	l.run(5 * time.Minute)
	l.pairs(1)
}

// TestIKE131_ListensBeforeAnswering: the answer to a rekey leaves when the lcore listens.
func TestIKE131_ListensBeforeAnswering(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	l.b.plane.hold = true
	l.a.e.Rekey(l.now, "net", false, true)
	l.settle()
	l.expect(mark, "a -> b  CREATE_CHILD_SA request 2")
	l.b.plane.hold = false
	l.settle()
	if len(l.log) != mark+4 {
		t.Errorf("no answer after the acknowledgement\n%s", l.tail(4))
	}
	l.run(time.Minute)
	l.pairs(1)
}

// TestIKE141_Limit: NO_ADDITIONAL_SAS when there are enough; existing SAs and rekeys are not touched (LIM-12).
func TestIKE141_Limit(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	l.b.e.limits.Children = 3
	for range 2 {
		if m := l.ask(l.a.sa(), create, withSPI(askCreateChild(l), byte(len(l.log)))...); m == nil || m.sa() == nil {
			t.Fatal("refused below the limit (IKE-143)")
		}
	}
	l.refusedWith(l.ask(l.a.sa(), create, askCreateChild(l)...), wire.NoAdditionalSAs)
	l.a.e.Rekey(l.now, "net", false, true)
	l.run(time.Minute)
	if len(l.a.plane.out) != 1 || !l.a.saw(EventRekeyed) {
		t.Error("no rekey at the limit")
	}
}

// withSPI gives a request another SPI.
func withSPI(ps []wire.Payload, last byte) []wire.Payload {
	for i, p := range ps {
		if _, ok := p.(wire.SA); ok {
			ps[i] = wire.SA{Proposals: offerESP(espProposals("aes128gcm16"), false, []byte{9, 9, 9, last})}
		}
	}
	return ps
}

// TestIKE107_RekeyNotNarrower: less than what is in use is no rekey; a wider offer gets what is in use.
func TestIKE107_RekeyNotNarrower(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	spi := spiBytes(l.a.child(childUp).spiIn)
	l.refusedWith(l.ask(l.a.sa(), create, rekeyRequest(spi, network("10.1.0.0/17"), netB)...), wire.TSUnacceptable)
	l.pairs(1)
	m := l.ask(l.a.sa(), create, rekeyRequest(spi, network("10.0.0.0/8"), network("0.0.0.0/0"))...)
	if m == nil || m.tsi() == nil || m.tsi().Selectors[0] != netA || m.tsr().Selectors[0] != netB {
		t.Errorf("answer to a wider rekey: %v", m)
	}
}

// TestIKE105_Unacceptable: no selectors in common, and an identity that claims addresses which are not its own.
func TestIKE105_Unacceptable(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	ps := askCreateChild(l)
	ps[len(ps)-1] = wire.TS{Responder: true, Selectors: []wire.Selector{network("172.16.0.0/12")}}
	l.refusedWith(l.ask(l.a.sa(), create, ps...), wire.TSUnacceptable)
	l.b.sa().conn.Them.Addresses = prefixes("10.1.128.0/17")
	m := l.ask(l.a.sa(), create, askCreateChild(l)...)
	if m == nil || m.tsi() == nil || m.tsi().Selectors[0] != network("10.1.128.0/17") {
		t.Errorf("a peer claims more than it may: %v", m)
	}
	l.b.sa().conn.Them.Addresses = prefixes("192.168.0.0/16")
	l.refusedWith(l.ask(l.a.sa(), create, askCreateChild(l)...), wire.TSUnacceptable)
}

// TestIKE049_BadValue: a KE value that is none in a CREATE_CHILD_SA request gets INVALID_SYNTAX and costs the IKE SA.
func TestIKE049_BadValue(t *testing.T) {
	for _, what := range []string{"IKE", "child"} {
		t.Run(what, func(t *testing.T) {
			l := pskLadder(t, func(_, b *Connection) { b.Children[0].Proposals = espProposals("aes128gcm16-x25519-none") })
			l.connect("net")
			bad := wire.KE{Method: 31, Data: make([]byte, 32)} // a point of small order
			ps := ikeRequest()
			ps[2] = bad
			if what == "child" {
				ps = append(askCreateChild(l), bad)
				ps[1] = wire.SA{Proposals: offerESP(espProposals("aes128gcm16-x25519"), false, []byte{9, 9, 9, 9})}
			}
			l.refusedWith(l.ask(l.a.sa(), create, ps...), wire.InvalidSyntax)
			l.settle()
			l.b.gone()
		})
	}
}

// The same in an answer: the initiator deletes the IKE SA in order.
func TestIKE049_BadValueInAnswer(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	b := l.b.sa()
	l.tamper = func(f *flight) {
		if f.from == l.b && f.header.Exchange == create {
			ps := []wire.Payload{wire.SA{Proposals: offerIKE(ikeProposals("aes128gcm16-prfsha256-x25519"), []byte("abcdefgh"))},
				wire.Nonce{Data: make([]byte, 32)}, wire.KE{Method: 31, Data: make([]byte, 32)}}
			f.d.Data = b.protect(b.header(create, f.header.MessageID, true), ps)[0]
		}
	}
	mark := l.mark()
	l.a.e.Rekey(l.now, "net", true, false)
	l.run(10 * time.Minute)
	l.expect(mark, "a -> b  CREATE_CHILD_SA request 2", "b -> a  CREATE_CHILD_SA response 2",
		"a -> b  INFORMATIONAL request 3: SK{D}", "b -> a  INFORMATIONAL response 3")
	l.a.gone()
}
