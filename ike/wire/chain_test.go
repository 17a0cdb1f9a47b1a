package wire_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"stillwater/ike/wire"
)

// initRequest is an IKE_SA_INIT request of RFC 7296 1.2: SAi1, KEi, Ni and two NAT detection notifies.
func initRequest() []byte {
	return datagram(chainOf(
		chained{wire.PayloadSA, suiteIKEOctets},
		chained{wire.PayloadKE, append(octs("001f 0000"), make([]byte, 32)...)},
		chained{wire.PayloadNonce, make([]byte, 32)},
		chained{wire.PayloadNotify, append(octs("00 00 4004"), make([]byte, 20)...)},
		chained{wire.PayloadNotify, append(octs("00 00 4005"), make([]byte, 20)...)},
	))
}

func TestParseMessage(t *testing.T) {
	b := initRequest()
	m, err := wire.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []wire.PayloadType
	for _, p := range m.Payloads {
		kinds = append(kinds, p.Type())
	}
	if want := []wire.PayloadType{33, 34, 40, 41, 41}; !slices.Equal(kinds, want) {
		t.Errorf("payloads %v", kinds)
	}
	if &m.Raw[0] != &b[0] || len(m.Raw) != len(b) {
		t.Error("Raw is not the datagram")
	}
	// A marker before the message is not counted in its Length (IKE header, RFC 7296 3.1).
	if got := m.Append(make([]byte, 4)); !bytes.Equal(got[4:], b) {
		t.Errorf("appended %x", got)
	}
}

// TestIKE012_PayloadLengths: at least 4, at most what is left, and the chain ends where the message does.
func TestIKE012_PayloadLengths(t *testing.T) {
	b := initRequest()
	starts := []int{28, 28 + 48, 28 + 48 + 40, 28 + 48 + 40 + 36, 28 + 48 + 40 + 36 + 28}
	for _, at := range starts {
		right := int(binary.BigEndian.Uint16(b[at+2:]))
		rest := len(b) - at
		for _, n := range []int{0, 1, 2, 3, right - 1, right + 1, rest + 1, 0xffff} {
			bad := bytes.Clone(b)
			binary.BigEndian.PutUint16(bad[at+2:], uint16(n))
			if m, err := wire.Parse(bad); err == nil {
				t.Errorf("payload at %d of %d octets said to be %d: %+v", at, right, n, m.Payloads)
			}
		}
	}
	for name, bad := range map[string][]byte{
		"octets behind an empty chain": datagram(0, octs("00000004")),
		"a chain that does not end":    datagram(wire.PayloadVendor, generic(wire.PayloadVendor, 0, octs("01"))),
		"one octet too many":           datagram(wire.PayloadVendor, octs("00 00 0004 00")),
	} {
		_, err := wire.Parse(bad)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		refused(t, err, wire.InvalidSyntax)
	}
}

// TestIKE012_ShorterMessages cuts a message at every octet, with and without a Length that is right.
func TestIKE012_ShorterMessages(t *testing.T) {
	b := initRequest()
	for n := range len(b) {
		cut := bytes.Clone(b[:n])
		if _, err := wire.Parse(cut); err == nil {
			t.Fatalf("%d of %d octets accepted", n, len(b))
		}
		if n < wire.HeaderLen {
			continue
		}
		wire.PatchLength(cut)
		if _, err := wire.Parse(cut); err == nil {
			t.Fatalf("%d of %d octets accepted with that Length", n, len(b))
		}
	}
}

// TestIKE008_Critical: unknown and critical is an error that names the type, unknown and not critical is skipped; on known
// types the bit means nothing.
func TestIKE008_Critical(t *testing.T) {
	known := map[wire.PayloadType][]byte{}
	for _, s := range samples {
		if _, unknown := s.payload.(wire.Unknown); !unknown {
			known[s.payload.Type()] = s.body
		}
	}
	for kind := 1; kind < 256; kind++ {
		kind := wire.PayloadType(kind)
		if kind == wire.PayloadSK || kind == wire.PayloadSKF {
			continue
		}
		body, isKnown := known[kind]
		b := datagram(kind, append(generic(wire.PayloadVendor, 0x80, body), generic(0, 0, nil)...))
		m, err := wire.Parse(b)
		if isKnown {
			if err != nil || len(m.Payloads) != 2 {
				t.Errorf("%v critical: %v", kind, err)
			}
			continue
		}
		e := refused(t, err, wire.UnsupportedCriticalPayload)
		if !bytes.Equal(e.Data, []byte{byte(kind)}) || e.Payload != kind || e.Offset != 29 {
			t.Errorf("%v critical: %+v", kind, e)
		}
		if n := e.Answer(); n.Notify != 1 || !bytes.Equal(n.AppendBody([]byte{}), []byte{0, 0, 0, 1, byte(kind)}) {
			t.Errorf("%v critical: answered with %+v", kind, n)
		}
		b[29] = 0x7f
		m, err = wire.Parse(b)
		if err != nil || !reflect.DeepEqual(m.Payloads, []wire.Payload{wire.Unknown{T: kind}, wire.Vendor{}}) {
			t.Errorf("%v: %+v, %v", kind, m, err)
		}
	}
}

// TestIKE009_NothingSentIsCritical but what is meant to be.
func TestIKE009_NothingSentIsCritical(t *testing.T) {
	for _, s := range samples {
		if _, b := wire.AppendPayloads(nil, []wire.Payload{s.payload}); b[1] != 0 {
			t.Errorf("%s: second octet %#x", s.name, b[1])
		}
	}
	first, b := wire.AppendPayloads(nil, []wire.Payload{wire.Unknown{T: 200, Critical: true, Data: []byte{7}}, wire.Vendor{}})
	if first != 200 || !bytes.Equal(b, octs("2b 80 0005 07 00 00 0004")) {
		t.Errorf("first %v, %x", first, b)
	}
}

// TestIKE010_AnyOrder: the parser accepts the payloads of a message in any order, and keeps it.
func TestIKE010_AnyOrder(t *testing.T) {
	rng := newRand(t)
	ps := make([]wire.Payload, 0, len(samples))
	for _, s := range samples {
		ps = append(ps, s.payload)
	}
	for range 200 {
		rng.Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
		first, b := wire.AppendPayloads(nil, ps)
		got, err := wire.ParsePayloads(first, b, wire.InnerLimits, true)
		if err != nil || !reflect.DeepEqual(got, ps) {
			t.Fatalf("%v: %+v", err, got)
		}
	}
}

// TestIKE011_EncryptedIsLast: nothing follows SK or SKF, and neither is inside another.
func TestIKE011_EncryptedIsLast(t *testing.T) {
	sealed := map[wire.PayloadType][]byte{wire.PayloadSK: octs("aabb"), wire.PayloadSKF: octs("0001 0001 aabb")}
	for kind, body := range sealed {
		payload := generic(wire.PayloadNotify, 0, body)
		notify := generic(0, 0, octs("00 00 4000"))
		if _, err := wire.Parse(datagram(kind, payload)); err != nil {
			t.Errorf("%v alone: %v", kind, err)
		}
		before := append(generic(kind, 0, octs("00 00 4000")), payload...)
		if m, err := wire.Parse(datagram(wire.PayloadNotify, before)); err != nil || len(m.Payloads) != 2 {
			t.Errorf("%v behind N: %v", kind, err)
		}
		_, err := wire.Parse(datagram(kind, append(bytes.Clone(payload), notify...)))
		refused(t, err, wire.InvalidSyntax)
		_, err = wire.Parse(datagram(kind, append(bytes.Clone(payload), payload...)))
		refused(t, err, wire.InvalidSyntax)
		_, err = wire.ParsePayloads(kind, payload, wire.InnerLimits, true)
		if e := refused(t, err, wire.InvalidSyntax); e.Payload != kind {
			t.Errorf("%v inside: placed at %v", kind, e.Payload)
		}
		if _, err = wire.ParsePayloads(kind, payload, wire.OuterLimits, false); err != nil {
			t.Errorf("%v outside: %v", kind, err)
		}
	}
}

// TestHAZ011_ManyPayloads: up to the limit there may be unknown payloads before an SKF, and not one more.
func TestHAZ011_ManyPayloads(t *testing.T) {
	for _, n := range []int{0, 1, 30, 31, 32, 33, 100} {
		ps := slices.Repeat([]chained{{200, octs("01")}}, n)
		ps = append(ps, chained{wire.PayloadSKF, octs("0001 0002 aa")})
		m, err := wire.Parse(datagram(chainOf(ps...)))
		if n+1 > 32 { // LIM-02: 32 outer
			refused(t, err, wire.InvalidSyntax)
			continue
		}
		if err != nil || len(m.Payloads) != n+1 || m.Payloads[n].Type() != wire.PayloadSKF {
			t.Errorf("%d unknown payloads: %v", n, err)
		}
	}
}

// TestLIM002_InnerPayloads: 64.
func TestLIM002_InnerPayloads(t *testing.T) {
	for n, fails := range map[int]bool{63: false, 64: false, 65: true} {
		first, b := chainOf(slices.Repeat([]chained{{wire.PayloadVendor, nil}}, n)...)
		ps, err := wire.ParsePayloads(first, b, wire.InnerLimits, true)
		if (err != nil) != fails || err == nil && len(ps) != n {
			t.Errorf("%d payloads: %d, %v", n, len(ps), err)
		}
	}
}

// TestLIM017_Certificates: 8 in a message, 32 KiB each.
func TestLIM017_Certificates(t *testing.T) {
	cert := chained{wire.PayloadCert, octs("04 3082")}
	for n, fails := range map[int]bool{8: false, 9: true} {
		first, b := chainOf(slices.Repeat([]chained{cert}, n)...)
		if _, err := wire.ParsePayloads(first, b, wire.InnerLimits, true); (err != nil) != fails {
			t.Errorf("%d certificates: %v", n, err)
		}
	}
	mustParse[wire.Cert](t, wire.PayloadCert, make([]byte, 1+32<<10))
	refusedBody(t, wire.PayloadCert, make([]byte, 2+32<<10))
}

// TestHAZ023_PayloadsOfIKEv1: types 1 to 32 are unknown here, whatever they look like.
func TestHAZ023_PayloadsOfIKEv1(t *testing.T) {
	for kind := wire.PayloadType(1); kind <= 32; kind++ {
		u := mustParse[wire.Unknown](t, kind, suiteIKEOctets)
		if u.T != kind || !bytes.Equal(u.Data, suiteIKEOctets) {
			t.Errorf("%v: %+v", kind, u)
		}
	}
}

// TestEmptyChain: an INFORMATIONAL exchange may have nothing inside (RFC 7296 1.4).
func TestEmptyChain(t *testing.T) {
	ps, err := wire.ParsePayloads(wire.PayloadNone, nil, wire.InnerLimits, true)
	if err != nil || len(ps) != 0 {
		t.Fatal(ps, err)
	}
	if first, b := wire.AppendPayloads([]byte{1}, nil); first != 0 || !bytes.Equal(b, []byte{1}) {
		t.Fatalf("first %v, %x", first, b)
	}
}

// TestErrorText says where and what, and nothing that the peer wrote.
func TestErrorText(t *testing.T) {
	b := initRequest()
	b[28+4+7] = 5
	_, err := wire.Parse(b)
	if got, want := fmt.Sprint(err), "ike message: SA payload, octet 34: "+
		"expected a proposal length with room for SPI and transforms, have 44"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	_, err = wire.ParseHeader(b[:27])
	if got, want := fmt.Sprint(err), "ike message: octet 0: expected 28 octets of header, have 27"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
