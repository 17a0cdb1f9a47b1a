package ike

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater/crypto/prf"
	"stillwater/crypto/suite"
	"stillwater/ike/wire"
)

// RFC 7296 2.17: KEYMAT = prf+(SK_d, Ni | Nr), computed here by hand; the first keys are for packets from the exchange's initiator,
// so two ends that agree on the wrong order do not pass (HAZ-39).
func TestIKE092_OrderOfKeys(t *testing.T) {
	p, err := prf.New(suite.PRFHMACSHA256)
	if err != nil {
		t.Fatal(err)
	}
	skD, ni, nr := []byte("an SK_d of thirty-two octets ...."), []byte("nonce of i"), []byte("nonce of r")
	s := &ikeSA{prf: p, keys: &prf.Keys{D: skD}}
	esp, _ := suite.Lookup(suite.AES128GCM16)
	in, out := s.childKeys(esp, ni, nr, nil)
	var keymat, last []byte
	for i := byte(1); len(keymat) < 40; i++ {
		h := hmac.New(sha256.New, skD)
		h.Write(slices.Concat(last, ni, nr, []byte{i}))
		last = h.Sum(nil)
		keymat = append(keymat, last...)
	}
	if !slices.Equal(out, keymat[:20]) || !slices.Equal(in, keymat[20:40]) {
		t.Errorf("the initiator sends with %x and receives with %x, KEYMAT is %x", out, in, keymat[:40])
	}
}

// holdAfterInbound makes the data plane stand still after an inbound half.
func (p *plane) holdAfterInbound() {
	p.refuse = func(op Operation) error {
		p.hold = p.hold || op.Kind == AddInbound
		return nil
	}
}

// tamperAnswer makes the selectors of b's answers to CREATE_CHILD_SA others.
func (l *ladder) tamperAnswer(local, remote wire.Selector) {
	b := l.b.sa()
	l.tamper = func(f *flight) {
		if f.from == l.b && f.header.Exchange == create && f.header.Response() {
			ps := []wire.Payload{wire.Notify{Notify: wire.UseAggfrag, Data: []byte{0}}, wire.SA{Proposals: []wire.Proposal{espOffer(gcm128, snOf(1))}},
				wire.Nonce{Data: make([]byte, 32)}, wire.TS{Selectors: []wire.Selector{local}}, wire.TS{Responder: true, Selectors: []wire.Selector{remote}}}
			f.d.Data = b.protect(b.header(create, f.header.MessageID, true), ps)[0]
		}
	}
}

// TestIKE107_NarrowerAnswer: a rekey whose answer covers less than what is in use is deleted again, and the old SA stays.
func TestIKE107_NarrowerAnswer(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	old := l.a.child(childUp).spiIn
	l.tamperAnswer(network("10.1.0.0/17"), netB)
	mark := l.mark()
	l.a.e.Rekey(l.now, "net", false, true)
	l.settle()
	l.expect(mark, "a -> b  CREATE_CHILD_SA request 2", "b -> a  CREATE_CHILD_SA response 2",
		"a -> b  INFORMATIONAL request 3: SK{D}", "b -> a  INFORMATIONAL response 3: SK{D}")
	if l.a.child(childUp).spiIn != old || l.a.child(childUp).rekeying != nil {
		t.Error("the old SA is gone")
	}
}

// The peer has rekeyed an SA twice before it answers our rekey of it: what we get then is needless.
func TestIKE133_AnswerAfterTheSAIsGone(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	// b's request crosses a's: a gives its answer, and then hears nothing of its own for long.
	l.fate = func(f *flight) fate {
		if f.from == l.b && f.header.Response() {
			return hold
		}
		return arrive
	}
	l.a.e.Rekey(l.now, "net", false, true)
	l.settle()
	held := l.held
	l.held = nil
	c := l.b.child(childUp)
	c.rival = nil // b has forgotten that it answered: as if its rekey had crossed
	l.b.e.Rekey(l.now, "net", false, true)
	l.run(8 * time.Second)
	l.b.e.Rekey(l.now, "net", false, true)
	l.run(8 * time.Second)
	l.fate = nil
	l.flying = append(l.flying, held...)
	l.run(5 * time.Minute)
	l.pairs(1)
}

// TestIKE136_DecidedButNotSent: a peer's Delete that comes before ours has left gets a Delete payload, and ours is not sent.
func TestIKE136_DecidedButNotSent(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	c := l.b.child(childUp)
	ps := askDeleteChild(l)
	l.fate = func(f *flight) fate {
		if f.from == l.b && !f.header.Response() {
			return lose
		}
		return arrive
	}
	s := l.b.sa()
	s.enqueue(l.now, &probeTask{s}) // the window is taken
	s.deleteChild(l.now, c, "test")
	l.settle()
	if m := l.ask(l.a.sa(), inform, ps...); !deletes(m) {
		t.Error("no Delete payload in the answer")
	}
	l.fate = nil
	mark := l.mark()
	l.run(time.Minute)
	if log := strings.Join(l.log[mark:], "\n"); strings.Contains(log, "b -> a  INFORMATIONAL request 1") {
		t.Errorf("b's own Delete was sent\n%s", log)
	}
	l.b.spisInUse()
}

// TestIKE136_Settling: an IKE SA with an installation under way is not rekeyed by the peer, and a rekey of ours waits for it.
func TestIKE136_Settling(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	l.b.plane.holdAfterInbound()
	l.ask(l.a.sa(), create, askCreateChild(l)...) // b has answered; its outbound half is not installed
	l.refusedWith(l.ask(l.a.sa(), create, ikeRequest()...), wire.TemporaryFailure)

	// b's own rekey is answered meanwhile; the Child SAs move when nothing is under way.
	old := l.b.sa()
	l.b.e.Rekey(l.now, "net", true, false)
	l.settle()
	if len(l.b.e.sas) != 1 || old.state != stateEstablished {
		t.Errorf("b has %v with an installation under way", states(l.b.e.Snapshot()))
	}
	l.b.plane.refuse, l.b.plane.hold = nil, false
	l.run(graveTime + time.Minute)
	if s := l.b.sa(); s == old || len(s.children) != 2 || s.settling != 0 {
		t.Errorf("b has %v, %d Child SAs", states(l.b.e.Snapshot()), len(s.children))
	}
	for _, c := range l.b.sa().children {
		if !c.outbound || c.phase != childUp {
			t.Errorf("a Child SA is %v", c.phase)
		}
	}
}

// TestIKE136_TakeoverUnderWay: between our rekey's answer and the switch the old SA is as good as closed.
func TestIKE136_TakeoverUnderWay(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	ps := askRekeyChild(l)
	l.b.plane.holdAfterInbound()
	l.b.e.Rekey(l.now, "net", false, true)
	l.settle()
	l.refusedWith(l.ask(l.a.sa(), create, ps...), wire.TemporaryFailure)
	l.b.plane.refuse, l.b.plane.hold = nil, false
	l.run(time.Minute)
	l.pairs(1)
}

// TestIKE136_DeletedWhileComputing: the SA that is to be rekeyed goes while a worker computes.
func TestIKE136_DeletedWhileComputing(t *testing.T) {
	l := pskLadder(t, func(a, b *Connection) {
		a.Children[0].Proposals, b.Children[0].Proposals = espProposals("aes128gcm16-x25519"), espProposals("aes128gcm16-x25519")
	})
	l.connect("net")
	l.b.holdJobs = true
	l.a.e.Rekey(l.now, "net", false, true)
	l.settle()
	l.b.child(childUp).discard()
	l.b.holdJobs = false
	l.settle()
	if !strings.Contains(strings.Join(l.log, "\n"), "N(CHILD_SA_NOT_FOUND)") {
		t.Errorf("no CHILD_SA_NOT_FOUND\n%s", l.tail(4))
	}
	l.run(time.Minute)
	l.pairs(1)
	l.b.spisInUse()
}

// A second rekey of the IKE SA while one of the peer's is undecided.
func TestIKE136_SecondIKERekey(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	l.fate = func(f *flight) fate {
		if f.from == l.b && !f.header.Response() {
			return lose
		}
		return arrive
	}
	busyRekeyIKE(l)
	l.settle()
	if m := l.ask(l.a.sa(), create, ikeRequest()...); m == nil || m.sa() == nil {
		t.Fatalf("the first is refused\n%s", l.tail(4))
	}
	l.refusedWith(l.ask(l.a.sa(), create, ikeRequest()...), wire.TemporaryFailure)
}

// An operator ends the connection right after a rekey: what only waits to answer again does not hold that up.
func TestIKE139_TerminateAfterRekey(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	l.a.e.Rekey(l.now, "net", true, false)
	l.settle()
	for _, x := range []*end{l.b, l.a} {
		x.e.Terminate(l.now, "net")
	}
	l.settle()
	l.a.gone()
	l.b.gone()
}

// TestIKE105_TriggerFirst: the packet that asks stands first in TSi and TSr, if it is one of the policy's.
func TestIKE105_TriggerFirst(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	s := l.a.sa()
	offer := func(tr *Trigger) (local, remote []wire.Selector) {
		o, ps, err := s.offerChild(l.now, s.conn.Children[0], childOptions{trigger: tr})
		if err != nil {
			t.Fatal(err)
		}
		o.abandon(l.now)
		tsi, _ := find[wire.TS](ps, wire.PayloadTSi)
		tsr, _ := find[wire.TS](ps, wire.PayloadTSr)
		return tsi.Selectors, tsr.Selectors
	}
	local, remote := offer(&Trigger{Protocol: 6, Src: netAddrPort("10.1.2.3:1000"), Dst: netAddrPort("10.2.3.4:80")})
	if !slices.Equal(local, []wire.Selector{sel("10.1.2.3/32", 6, 1000, 1000), netA}) ||
		!slices.Equal(remote, []wire.Selector{sel("10.2.3.4/32", 6, 80, 80), netB}) {
		t.Errorf("TSi %v, TSr %v", local, remote)
	}
	local, _ = offer(&Trigger{Src: netAddrPort("10.1.2.3:1000"), Dst: netAddrPort("10.2.3.4:80")})
	if local[0] != sel("10.1.2.3/32", 0) {
		t.Errorf("without a protocol TSi begins with %v, want all ports (IKE-108)", local[0])
	}
	if local, _ := offer(&Trigger{Protocol: 47, Src: netAddrPort("10.1.2.3:0"), Dst: netAddrPort("10.2.3.4:0")}); local[0] != sel("10.1.2.3/32", 47) {
		t.Errorf("GRE begins TSi with %v, want all ports", local[0])
	}
	if local, _ := offer(&Trigger{Src: netAddrPort("172.16.0.1:0"), Dst: netAddrPort("10.2.3.4:0")}); !slices.Equal(local, []wire.Selector{netA}) {
		t.Errorf("a packet outside the policy is offered: %v", local)
	}
}

// The order of the configuration decides among children that fit equally, a better fit before that.
func TestIKE105_BestChild(t *testing.T) {
	l := pskLadder(t, func(_, b *Connection) {
		one := b.Children[0]
		part, same := *one, *one
		part.Name, part.Local = "part", []wire.Selector{network("10.2.3.0/24")}
		same.Name = "same"
		b.Children = []*Child{&part, one, &same}
	})
	l.connect("net")
	if got := l.b.child(childUp).bundle.child.Name; got != "one" {
		t.Errorf("child %q, want %q", got, "one")
	}
}

// An end asks for no more SAs of its lcores than it is configured for.
func TestRSC008_OwnLimit(t *testing.T) {
	l := resourceLadder(t, func(a, _ *Connection) { a.Resources = 1 })
	l.connect("net")
	for lcore := 1; lcore < 4; lcore++ {
		l.a.e.Resource(l.now, l.a.bundleID(), lcore, nil)
	}
	l.settle()
	l.pairs(2)
}
