package wire_test

import (
	"bytes"
	"reflect"
	"testing"

	"stillwater/ike/wire"
)

// fuzzBody offers any octets as the body of one payload type. What is accepted takes no more octets to send, and parses to
// the same again.
func fuzzBody(f *testing.F, kinds ...wire.PayloadType) {
	f.Helper()
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 40))
	for _, s := range samples {
		for _, kind := range kinds {
			if s.payload.Type() == kind {
				f.Add(s.body)
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 4096 {
			return
		}
		for _, kind := range kinds {
			p, err := parseBody(kind, body)
			if err != nil {
				checkError(t, err, len(body)+4)
				continue
			}
			checkBody(t, p, kind, body)
		}
	})
}

// checkError: an error is answered with something an answer may have, and is placed in the input.
func checkError(t *testing.T, err error, size int) {
	t.Helper()
	e, ok := err.(*wire.Error)
	if !ok || e.Offset < 0 || e.Offset > size || e.Reason == "" || len(e.Error()) > 200 {
		t.Fatalf("%+v", err)
	}
	switch e.Notify {
	case 0, wire.InvalidSyntax, wire.InvalidMajorVersion:
		if e.Data != nil {
			t.Fatalf("%v has data %x", err, e.Data)
		}
	case wire.UnsupportedCriticalPayload:
		if len(e.Data) != 1 {
			t.Fatalf("%v has data %x", err, e.Data)
		}
	default:
		t.Fatalf("%v: answered with %v", err, e.Notify)
	}
}

// checkBody sends a parsed payload and reads it again.
func checkBody(t *testing.T, p wire.Payload, kind wire.PayloadType, body []byte) {
	t.Helper()
	if p.Type() != kind {
		t.Fatalf("%v read as %v", kind, p.Type())
	}
	out := p.AppendBody([]byte{})
	if out == nil || len(out) > len(body) || !loses(p) && len(out) != len(body) {
		t.Fatalf("%v: %x became %x", kind, body, out)
	}
	if loses(p) {
		return
	}
	again, err := parseBody(kind, out)
	if err != nil || !reflect.DeepEqual(again, p) {
		t.Fatalf("%v: %x became %x, %v", kind, body, out, err)
	}
}

func FuzzSA(f *testing.F)      { fuzzBody(f, wire.PayloadSA) }
func FuzzKE(f *testing.F)      { fuzzBody(f, wire.PayloadKE) }
func FuzzID(f *testing.F)      { fuzzBody(f, wire.PayloadIDi, wire.PayloadIDr) }
func FuzzCert(f *testing.F)    { fuzzBody(f, wire.PayloadCert) }
func FuzzCertReq(f *testing.F) { fuzzBody(f, wire.PayloadCertReq) }
func FuzzAuth(f *testing.F)    { fuzzBody(f, wire.PayloadAuth) }
func FuzzNonce(f *testing.F)   { fuzzBody(f, wire.PayloadNonce) }
func FuzzNotify(f *testing.F)  { fuzzBody(f, wire.PayloadNotify) }
func FuzzDelete(f *testing.F)  { fuzzBody(f, wire.PayloadDelete) }
func FuzzVendor(f *testing.F)  { fuzzBody(f, wire.PayloadVendor) }
func FuzzTS(f *testing.F)      { fuzzBody(f, wire.PayloadTSi, wire.PayloadTSr) }
func FuzzCP(f *testing.F)      { fuzzBody(f, wire.PayloadCP) }
func FuzzEAP(f *testing.F)     { fuzzBody(f, wire.PayloadEAP) }
func FuzzPS(f *testing.F)      { fuzzBody(f, wire.PayloadPS) }

// FuzzMessage offers any octets as a datagram.
func FuzzMessage(f *testing.F) {
	for _, s := range samples {
		f.Add(datagram(chainOf(chained{s.payload.Type(), s.body})), false)
	}
	f.Add(initRequest(), false)
	f.Add(fragment(wire.PayloadIDi, octs("0001 0002 aabb")), true)
	f.Add(datagram(wire.PayloadSK, generic(wire.PayloadIDi, 0, octs("aabbcc"))), true)
	f.Add(append(bytes.Clone(rfcHeader), 1), true)
	f.Fuzz(func(t *testing.T, b []byte, fix bool) {
		if len(b) > 4096 {
			return
		}
		if b = bytes.Clone(b); fix && len(b) >= wire.HeaderLen {
			wire.PatchLength(b)
		}
		m, err := wire.Parse(b)
		if err != nil {
			checkError(t, err, len(b))
			return
		}
		if len(m.Payloads) > wire.OuterLimits.Payloads || len(m.Payloads) > len(b)/4 {
			t.Fatalf("%d payloads from %d octets", len(m.Payloads), len(b))
		}
		checkSame(t, m)
	})
}

// FuzzInner offers any octets as what was in an Encrypted payload.
func FuzzInner(f *testing.F) {
	var all []chained
	for _, s := range samples {
		all = append(all, chained{s.payload.Type(), s.body})
	}
	first, b := chainOf(all...)
	f.Add(byte(first), b)
	f.Add(byte(wire.PayloadSK), generic(0, 0, octs("aa")))
	f.Add(byte(0), []byte{})
	f.Fuzz(func(t *testing.T, first byte, b []byte) {
		if len(b) > 4096 {
			return
		}
		ps, err := wire.ParsePayloads(wire.PayloadType(first), b, wire.InnerLimits, true)
		if err != nil {
			checkError(t, err, len(b))
			return
		}
		if len(ps) > wire.InnerLimits.Payloads || wire.Count(ps, wire.PayloadSK)+wire.Count(ps, wire.PayloadSKF) != 0 {
			t.Fatalf("%d payloads: %+v", len(ps), ps)
		}
		if _, out := wire.AppendPayloads([]byte{}, ps); out == nil || len(out) > len(b) {
			t.Fatalf("%x became %x", b, out)
		}
	})
}
