package auth

import (
	"bytes"
	"testing"

	"stillwater/ike/wire"
)

// FuzzIdentity: any type and data are refused or held within limits; printing and comparing never panic, and what is printed
// is short plain text.
func FuzzIdentity(f *testing.F) {
	for _, text := range []string{"192.0.2.1", "2001:db8::1", "a.test", "a@b.test", "keyid:0x00", "C=CH, O=Ex, CN=gw", `CN=a\, b`} {
		id := ident(text)
		f.Add(byte(id.Type), id.Data)
	}
	f.Add(byte(9), []byte{0x30, 0x80, 0, 0})
	patterns := []Pattern{pattern("%any"), pattern("*.test"), pattern("192.0.2.0/24"), pattern("O=Ex, CN=*"), pattern("O=Ex, *")}
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		id, err := FromWire(wire.ID{IDType: wire.IDType(kind), Data: data})
		raw := Identity{wire.IDType(kind), data}
		for _, p := range patterns {
			p.Match(raw)
		}
		if text := raw.String(); len(text) > 256 || bytes.ContainsFunc([]byte(text), func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("printed %q", text)
		}
		if err == nil && (len(id.Data) == 0 || len(id.Data) > maxDN || !id.Equal(raw)) {
			t.Errorf("%d octets, %v", len(id.Data), id)
		}
	})
}

// FuzzParseIdentity: what is read from text has the form that is demanded of peers.
func FuzzParseIdentity(f *testing.F) {
	for _, text := range []string{"@#00", "asn1dn:CN=a", `O=a\,b, CN=c`, "ipv6:::1", "a b", "*.x", "O=*, *"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := ParseIdentity(text); err == nil {
			if _, err := FromWire(id.Wire(false)); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
		if p, err := ParsePattern(text); err == nil {
			p.Match(ident("a.test"))
		}
	})
}

// FuzzParseMethods: the list is bounded, and written and read again it is the same.
func FuzzParseMethods(f *testing.F) {
	f.Add([]byte{2, 2, 3, 9, 1, 5, 14, 0, 0x30, 0})
	f.Add([]byte{0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		list := ParseMethods(data)
		if len(list) > maxAnnouncements || 2*len(list) > len(data) {
			t.Fatalf("%d entries of %d octets", len(list), len(data))
		}
		if again := ParseMethods(AppendMethods(nil, list)); len(again) > len(list) {
			t.Errorf("%v became %v", list, again)
		}
	})
}

// FuzzVerifyAuth: certificates and AUTH data of any octets neither panic nor pass.
func FuzzVerifyAuth(f *testing.F) {
	local := &Local{ID: ident(host), Method: Pubkey, Credential: credential(rootCA().newEnd(host, nil))}
	a := must(local.Auth(digital(), octets))
	f.Add(uint8(14), a.Data, local.Credential.Chain[0])
	f.Add(uint8(9), make([]byte, 64), local.Credential.Chain[0])
	f.Add(uint8(2), make([]byte, 32), []byte{})
	trust := trusting(newRoot("Nobody's", nil)) // no seed leads here
	f.Fuzz(func(t *testing.T, method uint8, data, cert []byte) {
		c := Claim{Exchange: digital(), ID: local.Wire(true), Octets: octets, Now: now}
		c.Auth = wire.Auth{Method: wire.AuthMethod(method), Data: data}
		c.Certs = []wire.Cert{{Encoding: wire.CertX509Signature, Data: cert}}
		for _, p := range []*Peer{nil, {ID: pattern(host), Method: Pubkey, Trust: trust}, {ID: pattern(host), Method: PSK, PSK: []byte("x")}} {
			if _, err := VerifyAuth(p, c); err == nil {
				t.Error("passed")
			}
		}
	})
}
