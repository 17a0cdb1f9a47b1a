package ike

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater/crypto/sign"
	"stillwater/ike/wire"
)

// RFC 7427: every kind of key proves either side's identity.
func TestIKE086_EveryKindOfKey(t *testing.T) {
	for name, key := range keysToSignWith() {
		t.Run(name, func(t *testing.T) {
			l := certLadder(t, func(a, b *Connection) { certPair(a, b, key, newKey()) })
			l.connect("net")
			l.pairs(1)
			l = certLadder(t, func(a, b *Connection) { certPair(a, b, newKey(), key) })
			l.connect("net")
			l.pairs(1)
		})
	}
}

// HAZ-38: a long chain with RSA-4096 keys goes over in fragments.
func TestFRG_LongChain(t *testing.T) {
	l := certLadder(t, func(a, b *Connection) {
		a.Self.Credential = theSubCA().credential("a.test", rsaKey(), theSubCA(), theCA())
		b.Self.Credential = theSubCA().credential("b.test", rsaKey(), theSubCA())
	})
	l.connect("net")
	l.pairs(1)
	if text := l.tail(100); !strings.Contains(text, "IKE_AUTH request 1: SKF 2/") || !strings.Contains(text, "IKE_AUTH response 1: SKF 2/") {
		t.Errorf("no fragments:\n%s", text)
	}
}

// RFC 7427 4: where one end announces no hash algorithms, the older methods are used.
func TestIKE086_OlderMethods(t *testing.T) {
	for what, method := range map[string]wire.AuthMethod{"IKE_SA_INIT response": wire.AuthECDSA256, "": wire.AuthSignature} {
		l := certLadder(t, nil)
		var methods []wire.AuthMethod
		l.tamper = func(f *flight) {
			if f.is("IKE_AUTH request") {
				f.edit(func(ps []wire.Payload) []wire.Payload {
					a, _ := find[wire.Auth](ps, wire.PayloadAuth)
					methods = append(methods, a.Method)
					return ps
				})
			}
			if what != "" && f.is(what) {
				f.edit(func(ps []wire.Payload) []wire.Payload {
					return slices.DeleteFunc(ps, func(p wire.Payload) bool {
						n, ok := p.(wire.Notify)
						return ok && n.Notify == wire.SignatureHashAlgorithms
					})
				})
			}
		}
		l.start()
		if len(methods) != 1 || methods[0] != method {
			t.Errorf("without announcement in %q: methods %v, want %v", what, methods, method)
		}
	}
}

// RFC 7296 3.7: certificates are asked for by the authorities that are believed, and only where they are wanted.
func TestCERT_Requests(t *testing.T) {
	l := certLadder(t, nil)
	l.connect("net")
	if !strings.Contains(l.log[1], " CERTREQ") || !strings.Contains(l.log[2], " CERTREQ") || !strings.Contains(l.log[2], " CERT ") {
		t.Errorf("no CERTREQ or CERT:\n%s", l.tail(4))
	}
	l = pskLadder(t, nil)
	l.connect("net")
	if strings.Contains(l.tail(4), "CERT") {
		t.Errorf("certificates with shared secrets:\n%s", l.tail(4))
	}
}

// AUA-001, AUA-002: how the other end may prove itself is announced by the responder in IKE_SA_INIT, by the initiator in IKE_AUTH.
func TestAUA002_Announced(t *testing.T) {
	l := certLadder(t, nil)
	l.connect("net")
	if !strings.Contains(l.log[1], "N(SUPPORTED_AUTH_METHODS)") || !strings.Contains(l.log[2], "N(SUPPORTED_AUTH_METHODS)") {
		t.Errorf("not announced:\n%s", l.tail(4))
	}
}

func TestAUA002_MalformedListsAreIgnored(t *testing.T) {
	for _, data := range [][]byte{nil, {0}, {1}, {0, 0, 0}, {200, 14, 0}, {2}, {3, 14}, bytes.Repeat([]byte{0}, 1000)} {
		l := pskLadder(t, nil)
		l.edit("IKE_AUTH request", func(ps []wire.Payload) []wire.Payload {
			ps = slices.DeleteFunc(slices.Clone(ps), func(p wire.Payload) bool {
				n, ok := p.(wire.Notify)
				return ok && n.Notify == wire.SupportedAuthMethods
			})
			return append(ps, notify(wire.SupportedAuthMethods, data))
		})
		l.connect("net")
		l.pairs(1)
	}
}

// RFC 7296 2.15: RESERVED octets of an identity are part of what is signed, as they were received.
func TestIKE083_ReservedOctetsAreSigned(t *testing.T) {
	l := pskLadder(t, nil)
	l.edit("IKE_AUTH request", func(ps []wire.Payload) []wire.Payload {
		id, _ := find[wire.ID](ps, wire.PayloadIDi)
		id.Reserved = [3]byte{1, 2, 3}
		out := slices.Clone(ps)
		out[slices.IndexFunc(out, func(p wire.Payload) bool { return p.Type() == wire.PayloadIDi })] = id
		return out
	})
	l.start()
	l.expect(3, "b -> a  IKE_AUTH response 1: SK{N(AUTHENTICATION_FAILED)}")
}

// RFC 7296 2.15: whatever is changed in either IKE_SA_INIT message shows in AUTH.
func TestIKE083_InitMessagesAreSigned(t *testing.T) {
	for i, what := range []string{"IKE_SA_INIT request", "IKE_SA_INIT response"} {
		l := pskLadder(t, nil)
		l.edit(what, func(ps []wire.Payload) []wire.Payload {
			return append(slices.Clone(ps), wire.Vendor{Data: []byte("x")})
		})
		l.start()
		receiver := []*end{l.b, l.a}[i] // each signs what it has sent
		if receiver.saw(EventEstablished) || l.a.saw(EventEstablished) {
			t.Errorf("%s: a change is not noticed", what)
		}
	}
}

// IKE-101: what becomes of the Child SA does not concern the IKE SA.
func TestIKE101_ChildRefused(t *testing.T) {
	l := pskLadder(t, func(_, b *Connection) { b.Children[0].Proposals = espProposals("aes256-sha512") })
	l.start()
	l.established()
	l.pairs(0)
	if !strings.Contains(l.log[3], "SK{IDr AUTH N(NO_PROPOSAL_CHOSEN)}") {
		t.Errorf("the answer is %q", l.log[3])
	}
}

// IKE-101: and neither does a data plane that refuses.
func TestIKE101_DataPlaneRefuses(t *testing.T) {
	for _, refuser := range []string{"a", "b"} {
		l := pskLadder(t, nil)
		x := l.a
		if refuser == "b" {
			x = l.b
		}
		x.plane.refuse = func(op Operation) error {
			if op.Kind == AddInbound {
				return errConfig
			}
			return nil
		}
		l.start()
		l.run(time.Second)
		if sa, sb := l.a.e.Snapshot(), l.b.e.Snapshot(); len(sa) != 1 || len(sb) != 1 || sa[0].State != "established" || sb[0].State != "established" {
			t.Errorf("%s refuses: a has %v, b has %v", refuser, states(sa), states(sb))
		}
	}
}

// IKE-131: the answer to IKE_AUTH leaves when the lcore listens, not before.
func TestIKE131_AnswerWaitsForTheLcore(t *testing.T) {
	l := pskLadder(t, nil)
	l.b.plane.hold = true
	l.start()
	l.expect(3)
	l.b.plane.hold = false
	l.settle()
	l.established()
	l.pairs(1)
}

// CHL-001: childless is announced in the response alone; then IKE_AUTH may go without a Child SA.
func TestCHL001_Childless(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.Childless = ChildlessForce; a.Children = nil })
	l.start()
	l.established()
	l.pairs(0)
	if strings.Contains(l.log[0], "CHILDLESS") || !strings.Contains(l.log[1], "N(CHILDLESS_IKEV2_SUPPORTED)") {
		t.Errorf("announced in\n%s\n%s", l.log[0], l.log[1])
	}
	if strings.Contains(l.log[2], " SA ") || strings.Contains(l.log[3], " SA ") {
		t.Errorf("a Child SA in\n%s\n%s", l.log[2], l.log[3])
	}
}

// RFC 6023 3: who does not announce it answers INVALID_SYNTAX; who sees no announcement does not try.
func TestCHL001_ChildlessNever(t *testing.T) {
	l := pskLadder(t, func(_, b *Connection) { b.Childless = ChildlessNever })
	l.edit("IKE_AUTH request", func(ps []wire.Payload) []wire.Payload {
		return without(without(without(ps, wire.PayloadSA), wire.PayloadTSi), wire.PayloadTSr)
	})
	l.start()
	l.expect(3, "b -> a  IKE_AUTH response 1: SK{N(INVALID_SYNTAX)}")
	l.a.gone()

	l = pskLadder(t, func(a, b *Connection) { a.Childless, a.Children, b.Childless = ChildlessForce, nil, ChildlessNever })
	l.start()
	l.expect(2)
	l.a.gone()
}

// IKE-114: INITIAL_CONTACT says that there is no other SA, so not beside one.
func TestIKE114_WhenItIsSent(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	if !strings.Contains(l.log[2], "N(INITIAL_CONTACT)") {
		t.Errorf("the first IKE_AUTH is %q", l.log[2])
	}
	never := pskLadder(t, func(a, _ *Connection) { a.Unique = UniqueNever })
	never.connect("net")
	if strings.Contains(never.log[2], "N(INITIAL_CONTACT)") {
		t.Errorf("with UniqueNever IKE_AUTH is %q", never.log[2])
	}
}

// IKE-001: messages of 1280 octets and of 3000 in one piece.
func TestIKE001_LongMessages(t *testing.T) {
	for _, n := range []int{1280, 3000} {
		l := pskLadder(t, func(a, b *Connection) { a.FragmentSize, b.FragmentSize = 0, 0 })
		l.edit("IKE_AUTH request", func(ps []wire.Payload) []wire.Payload { return append(slices.Clone(ps), padding(n)) })
		l.connect("net")
	}
}

// IKE-111: a request for an address that is not served does not keep the IKE SA from coming up.
func TestIKE111_ConfigurationRequest(t *testing.T) {
	l := pskLadder(t, nil)
	l.edit("IKE_AUTH request", func(ps []wire.Payload) []wire.Payload {
		return append([]wire.Payload{wire.CP{CfgType: 1, Attributes: []wire.CPAttribute{{Type: 1}}}}, ps...)
	})
	l.connect("net")
	l.pairs(1)
}

// IKE-013: unknown notifications are ignored in requests; an unknown error in a response fails the request.
func TestIKE013_UnknownNotifies(t *testing.T) {
	for _, n := range []wire.NotifyType{8191, 20000, 40960, 65535} {
		l := pskLadder(t, nil)
		l.edit("IKE_AUTH request", func(ps []wire.Payload) []wire.Payload { return append(slices.Clone(ps), notify(n, []byte("x"))) })
		l.connect("net")
	}
	l := pskLadder(t, nil)
	l.edit("IKE_AUTH response", func([]wire.Payload) []wire.Payload { return []wire.Payload{notify(8191, nil)} })
	l.start()
	l.a.gone()
	if f := l.a.failure(); f.Notify != 8191 || !f.FromPeer {
		t.Errorf("failure %+v", f)
	}
}

// Both ends IPv6.
func TestIKE016_OverIPv6(t *testing.T) {
	v6a, v6b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	l := pskLadder(t, func(a, b *Connection) {
		a.Local, a.Peer, a.Remote = v6a, v6b, []netip.Prefix{netip.PrefixFrom(v6b, 128)}
		b.Local, b.Peer, b.Remote = v6b, v6a, nil
	})
	l.a.addr, l.b.addr = v6a, v6b
	l.connect("net")
	l.pairs(1)
	if o := l.b.sa().outer; o.UDP || o.Remote.Addr() != v6a {
		t.Errorf("b sends ESP to %+v", o)
	}
}

// Every hash that is announced can be verified with.
func TestIKE086_AnnouncedHashes(t *testing.T) {
	if got := sign.SupportedHashes(); slices.Contains(got, sign.Hash(1)) || len(got) == 0 {
		t.Errorf("announces %v", got)
	}
}
