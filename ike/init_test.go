package ike

import (
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// start initiates from a and lets both come to rest.
func (l *ladder) start() {
	l.t.Helper()
	if err := l.a.e.Initiate(l.now, "net", ""); err != nil {
		l.t.Fatal(err)
	}
	l.settle()
}

// RFC 7296 1.2: two exchanges make an IKE SA and the first Child SA.
func TestIKE016_FourMessages(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	l.pairs(1)
	l.expect(0,
		"a -> b  IKE_SA_INIT request 0: SA KE Nonce N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP)",
		"b -> a  IKE_SA_INIT response 0: SA KE Nonce N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP)",
		"a -> b  IKE_AUTH request 1: SK{IDi N(INITIAL_CONTACT) IDr AUTH",
		"b -> a  IKE_AUTH response 1: SK{IDr AUTH",
	)
	for _, x := range []*end{l.a, l.b} {
		if !x.saw(EventEstablished) || !x.saw(EventChildUp) {
			t.Errorf("%s lacks events: %v", x.name, x.events)
		}
	}
}

// Every suite an IKE SA can have carries IKE_AUTH both ways.
func TestIKE095_EverySuite(t *testing.T) {
	for _, suite := range []string{
		"aes128gcm16-prfsha256-x25519", "aes192gcm16-prfsha384-ecp384", "aes256gcm16-prfsha512-ecp521",
		"aes128-sha256-modp2048", "aes192-sha384-prfsha256-ecp256", "aes256-sha512-prfsha384-modp3072",
	} {
		t.Run(suite, func(t *testing.T) {
			l := pskLadder(t, func(a, b *Connection) { a.Proposals, b.Proposals = ikeProposals(suite), ikeProposals(suite) })
			l.connect("net")
			l.pairs(1)
			l.b.inject(l.b.forge(wire.ExchangeInformational, 0, false)...)
			if got := l.log[len(l.log)-1]; got != "a -> b  INFORMATIONAL response 0: SK{}" {
				t.Errorf("the last message is %q", got)
			}
		})
	}
}

// RFC 7296 2.2: each end counts its own requests; the responder's first has ID 0.
func TestIKE021_ResponderBeginsAtZero(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	if err := l.b.e.Terminate(l.now, "net"); err != nil {
		t.Fatal(err)
	}
	l.settle()
	l.expect(mark, "b -> a  INFORMATIONAL request 0: SK{D}", "a -> b  INFORMATIONAL response 0: SK{}")
	l.a.gone()
	l.b.gone()
}

func TestIKE020_InitiatorGoesOn(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	mark := l.mark()
	if err := l.a.e.Terminate(l.now, "net"); err != nil {
		t.Fatal(err)
	}
	l.settle()
	l.expect(mark, "a -> b  INFORMATIONAL request 2: SK{D}", "b -> a  INFORMATIONAL response 2: SK{}")
	l.a.gone()
	l.b.gone()
}

// IKE-022: message IDs do not wrap.
func TestIKE022_MessageIDsUsedUp(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	l.a.sa().requests.next = 1<<32 - 1
	if err := l.a.e.Terminate(l.now, "net"); err != nil {
		t.Fatal(err)
	}
	l.settle()
	l.a.gone()
}

// requests counts a's requests of an exchange.
func (l *ladder) requests(exchange string) (n int) {
	for _, line := range l.log {
		if strings.HasPrefix(line, "a -> b  "+exchange+" request") {
			n++
		}
	}
	return n
}

// RFC 7296 2.10, 3.9: lengths of nonces.
func TestIKE047_LengthsOfNonces(t *testing.T) {
	for n, good := range map[int]bool{15: false, 16: true, 32: true, 256: true, 257: false} {
		l := pskLadder(t, nil)
		l.edit("IKE_SA_INIT request", func(ps []wire.Payload) []wire.Payload {
			return replace(ps, wire.Nonce{Data: make([]byte, n)})
		})
		l.start()
		if got := l.b.e.Counters().SAs == 1; got != good {
			t.Errorf("a nonce of %d octets makes an SA: %v, want %v", n, got, good)
		}
	}
}

// RFC 7296 2.10: at least half the key of the PRF.
func TestIKE047_NonceShorterThanHalfThePRF(t *testing.T) {
	for n, good := range map[int]bool{16: false, 31: false, 32: true} {
		l := pskLadder(t, func(a, b *Connection) {
			a.Proposals, b.Proposals = ikeProposals("aes256gcm16-prfsha512-x25519"), ikeProposals("aes256gcm16-prfsha512-x25519")
		})
		l.edit("IKE_SA_INIT request", func(ps []wire.Payload) []wire.Payload {
			return replace(ps, wire.Nonce{Data: make([]byte, n)})
		})
		l.start()
		if got := l.b.e.Counters().SAs == 1; got != good {
			t.Errorf("a nonce of %d octets for PRF_HMAC_SHA2_512 makes an SA: %v, want %v", n, got, good)
		}
	}
}

// Our own nonces are different each time and long enough for every PRF.
func TestIKE047_OwnNonces(t *testing.T) {
	l := pskLadder(t, nil)
	seen := map[string]bool{}
	for range 1000 {
		n := l.a.e.nonce(64)
		if len(n) < 32 || len(n) > 256 || seen[string(n)] {
			t.Fatalf("nonce %x of %d octets", n, len(n))
		}
		seen[string(n)] = true
	}
}

// RFC 7296 2.21.1: a refusal that nobody has authenticated does not keep a better answer from coming.
func TestIKE048_ForgedRefusal(t *testing.T) {
	for _, n := range []wire.NotifyType{wire.NoProposalChosen, wire.InvalidSyntax, wire.AuthenticationFailed, 8191} {
		l := pskLadder(t, nil)
		l.fate = func(f *flight) fate {
			if f.is("IKE_SA_INIT response") {
				return hold
			}
			return arrive
		}
		l.start()
		forged := (&wire.Message{Header: l.held[0].header, Payloads: []wire.Payload{notify(n, nil)}}).Append(nil)
		l.b.inject(forged)
		l.fate = nil
		l.release()
		l.established()
	}
}

// Where nothing better comes, the refusal is the reason given.
func TestIKE048_RefusalIsTheReason(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.Proposals = ikeProposals("aes256gcm16-prfsha384-ecp384") })
	l.start()
	l.run(time.Minute)
	l.a.gone()
	l.b.gone()
	if f := l.a.failure(); f.Notify != wire.NoProposalChosen || !f.FromPeer {
		t.Errorf("a says %+v, want the peer's NO_PROPOSAL_CHOSEN", f)
	}
	f := l.b.failure()
	if f.Connection != "net" || f.Key == "" || !strings.Contains(f.Offered, "ecp384") || !strings.Contains(f.Configured, "x25519") {
		t.Errorf("b says %+v, want the connection, the key, what was offered and what is configured", f)
	}
}

// RFC 6989: what is no public value makes no SA, and no answer (HAZ-03, HAZ-05).
func TestIKE049_ValuesThatAreNone(t *testing.T) {
	for name, value := range map[string][]byte{
		"zero": make([]byte, 32), "one": append([]byte{1}, make([]byte, 31)...), "empty": {}, "short": make([]byte, 31),
		"long": make([]byte, 33), "longest": make([]byte, 60000),
	} {
		t.Run(name, func(t *testing.T) {
			l := pskLadder(t, nil)
			l.edit("IKE_SA_INIT request", func(ps []wire.Payload) []wire.Payload { return replace(ps, wire.KE{Method: 31, Data: value}) })
			l.start()
			l.expect(0, "a -> b  IKE_SA_INIT request 0")
			if c := l.b.e.Counters(); c.SAs != 0 || c.BadKE != 1 {
				t.Errorf("%d SAs, %d bad values, want none and 1", c.SAs, c.BadKE)
			}
		})
	}
}

// In a response such a value is as if nothing had come: the true one may follow.
func TestIKE049_ResponseWithoutValue(t *testing.T) {
	l := pskLadder(t, nil)
	l.edit("IKE_SA_INIT response", func(ps []wire.Payload) []wire.Payload {
		return replace(ps, wire.KE{Method: 31, Data: make([]byte, 32)})
	})
	l.start()
	if c := l.a.e.Counters(); c.BadKE != 1 || c.SAs != 1 {
		t.Errorf("%d bad values and %d SAs, want 1 and 1", c.BadKE, c.SAs)
	}
	l.tamper = nil
	l.run(3 * time.Second)
	l.established()
}

// RFC 7296 3.3.6: the answer must be one of the offered proposals with one transform of each type.
func TestIKE063_AnswersBesideTheOffer(t *testing.T) {
	good := wire.Proposal{Number: 1, Protocol: wire.ProtoIKE, Transforms: []wire.Transform{
		{Type: wire.TransformENCR, ID: 20, KeyBits: 128}, {Type: wire.TransformPRF, ID: 5}, {Type: wire.TransformKE, ID: 31},
	}}
	for name, change := range map[string]func(p *wire.Proposal){
		"more INTEG": func(p *wire.Proposal) {
			p.Transforms = append(p.Transforms, wire.Transform{Type: wire.TransformINTEG, ID: 12})
		},
		"no KE":       func(p *wire.Proposal) { p.Transforms = p.Transforms[:2] },
		"key length":  func(p *wire.Proposal) { p.Transforms[0].KeyBits = 256 },
		"two ENCR":    func(p *wire.Proposal) { p.Transforms = append(p.Transforms, p.Transforms[0]) },
		"other PRF":   func(p *wire.Proposal) { p.Transforms[1].ID = 7 },
		"other KE":    func(p *wire.Proposal) { p.Transforms[2].ID = 19 },
		"SPI":         func(p *wire.Proposal) { p.SPI = make([]byte, 8) },
		"other proto": func(p *wire.Proposal) { p.Protocol = wire.ProtoESP },
	} {
		t.Run(name, func(t *testing.T) {
			l := pskLadder(t, nil)
			p := good
			p.Transforms = slices.Clone(p.Transforms)
			change(&p)
			l.edit("IKE_SA_INIT response", func(ps []wire.Payload) []wire.Payload {
				return replace(ps, wire.SA{Proposals: []wire.Proposal{p}})
			})
			l.start()
			l.expect(0, "a -> b  IKE_SA_INIT request 0", "b -> a  IKE_SA_INIT response 0")
			if l.a.saw(EventEstablished) {
				t.Error("a takes the answer")
			}
		})
	}
}

// RFC 7296 3.3.1: the initial IKE SA has no SPI in its proposals.
func TestIKE061_ProposalWithSPI(t *testing.T) {
	l := pskLadder(t, nil)
	l.edit("IKE_SA_INIT request", func(ps []wire.Payload) []wire.Payload {
		sa, _ := find[wire.SA](ps, wire.PayloadSA)
		sa.Proposals[0].SPI = []byte{1, 2, 3, 4, 5, 6, 7, 8}
		return replace(ps, sa)
	})
	l.start()
	l.expect(0, "a -> b  IKE_SA_INIT request 0", "b -> a  IKE_SA_INIT response 0: N(NO_PROPOSAL_CHOSEN)")
}

// RFC 7296 2.1: the same request gets the same answer; another one with the same SPI is another SA.
func TestIKE025_RepeatedInit(t *testing.T) {
	l := pskLadder(t, nil)
	request := l.initRequest()
	l.a.inject(request)
	l.a.inject(request)
	if got := l.log[1:]; len(got) != 2 || got[0] != got[1] || l.b.e.Counters().SAs != 1 {
		t.Errorf("the answers to one request sent twice are %v, from %d SAs", got, l.b.e.Counters().SAs)
	}
	other := slices.Clone(request)
	other[len(other)-1] ^= 1 // another hash algorithm is announced
	l.a.inject(other)
	if n := l.b.e.Counters().SAs; n != 2 {
		t.Errorf("another request with the same SPI: %d SAs, want 2", n)
	}
}

// The answer to a request whose key exchange is still being computed comes once.
func TestIKE025_RepeatedInitWhileComputing(t *testing.T) {
	l := pskLadder(t, nil)
	request := l.initRequest()
	l.b.holdJobs = true
	l.a.inject(request, request, request)
	l.b.holdJobs = false
	l.settle()
	l.expect(1, "b -> a  IKE_SA_INIT response 0")
}

// Addresses choose the connection; where none fits, the peer is refused and the operator told.
func TestNoConnectionForThePeer(t *testing.T) {
	l := pskLadder(t, nil)
	request := l.initRequest()
	l.b.e.Receive(l.now, Datagram{Local: l.b.at(portIKE), Remote: spoofed(1), Data: request})
	l.settle()
	l.expect(1, "b -> a  IKE_SA_INIT response 0: N(NO_PROPOSAL_CHOSEN)")
	if f := l.b.failure(); f.Connection != "" || f.Remote != spoofed(1) {
		t.Errorf("failure %+v, want one without connection, of %v", f, spoofed(1))
	}
}
