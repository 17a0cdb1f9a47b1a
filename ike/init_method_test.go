package ike

import (
	"bytes"
	"testing"

	"stillwater/ike/wire"
)

// RFC 7296 1.2, 2.7: another key exchange method that was offered is tried, with the whole list of proposals as before.
func TestIKE044_OtherMethod(t *testing.T) {
	l := pskLadder(t, func(a, b *Connection) {
		a.Proposals = ikeProposals("aes128gcm16-prfsha256-x25519-ecp256", "aes256gcm16-prfsha384-modp3072")
		b.Proposals = ikeProposals("aes128gcm16-prfsha256-ecp256")
	})
	var offers []wire.SA
	l.tamper = func(f *flight) {
		if m, err := wire.Parse(f.d.Data); err == nil && f.is("IKE_SA_INIT request") {
			sa, _ := find[wire.SA](m.Payloads, wire.PayloadSA)
			offers = append(offers, sa)
		}
	}
	l.connect("net")
	l.expect(0,
		"a -> b  IKE_SA_INIT request 0: SA KE Nonce",
		"b -> a  IKE_SA_INIT response 0: N(INVALID_KE_PAYLOAD)",
		"a -> b  IKE_SA_INIT request 0: SA KE Nonce",
		"b -> a  IKE_SA_INIT response 0: SA KE Nonce",
		"a -> b  IKE_AUTH request 1",
		"b -> a  IKE_AUTH response 1",
	)
	if first, second := offers[0].AppendBody([]byte{}), offers[1].AppendBody([]byte{}); !bytes.Equal(first, second) {
		t.Errorf("the second offer differs:\n%x\n%x", first, second)
	}
	if n := l.b.e.Counters().Failures; n != 0 {
		t.Errorf("%d failures of a handshake that came up", n)
	}
}

// HAZ-04: every method that was not offered is refused, whatever its number; the SA is given up.
func TestIKE044_MethodNotOffered(t *testing.T) {
	for _, method := range []uint16{0, 1, 2, 5, 14, 22, 1024, 1025, 65535} {
		l := pskLadder(t, nil)
		l.tamper = invalidKE([]byte{byte(method >> 8), byte(method)})
		l.start()
		l.expect(0, "a -> b  IKE_SA_INIT request 0", "b -> a  IKE_SA_INIT response 0")
		l.a.gone()
		if f := l.a.failure(); f.Notify != wire.InvalidKEPayload || !f.FromPeer {
			t.Errorf("method %d: failure %+v", method, f)
		}
	}
}

// invalidKE turns every IKE_SA_INIT response into INVALID_KE_PAYLOAD with that data.
func invalidKE(data []byte) func(f *flight) {
	return func(f *flight) {
		if f.is("IKE_SA_INIT response") {
			f.d.Data = (&wire.Message{Header: f.header, Payloads: []wire.Payload{notify(wire.InvalidKEPayload, data)}}).Append(nil)
		}
	}
}

// IKE-044, HAZ-36: data of another length says nothing; a peer that wants what it was given, or keeps changing its mind, is
// given up in the end.
func TestIKE044_MethodsWithoutEnd(t *testing.T) {
	methods := [][]byte{{0, 19}, {0, 31}}
	for name, data := range map[string]func(i int) []byte{
		"empty": func(int) []byte { return nil }, "one octet": func(int) []byte { return []byte{19} },
		"the same": func(int) []byte { return methods[1] }, "to and fro": func(i int) []byte { return methods[i%2] },
	} {
		t.Run(name, func(t *testing.T) {
			l := pskLadder(t, func(a, _ *Connection) { a.Proposals = ikeProposals("aes128gcm16-prfsha256-x25519-ecp256") })
			i := 0
			l.tamper = func(f *flight) { invalidKE(data(i / 2))(f); i++ }
			l.start()
			l.run(long)
			l.a.gone()
			if most := (1 + DefaultLimits.MethodRounds) * (1 + DefaultRetransmit.InitTries); l.requests("IKE_SA_INIT") > most {
				t.Errorf("%d requests, want at most %d", l.requests("IKE_SA_INIT"), most)
			}
		})
	}
}
