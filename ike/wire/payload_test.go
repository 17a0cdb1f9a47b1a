package wire_test

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"stillwater/ike/wire"
)

// TestIKE016_EveryPayload reads and writes every payload type: the octets are those of the RFCs' figures.
func TestIKE016_EveryPayload(t *testing.T) {
	seen := map[wire.PayloadType]bool{wire.PayloadSK: true, wire.PayloadSKF: true} // skf_test.go
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			got := mustParse[wire.Payload](t, s.payload.Type(), s.body)
			if !reflect.DeepEqual(got, s.payload) {
				t.Errorf("parsed  %+v\nwant    %+v", got, s.payload)
			}
			prefix := []byte("prefix")
			if got := s.payload.AppendBody(prefix); !bytes.Equal(got, append(prefix, s.body...)) {
				t.Errorf("appended %x\nwant     %x", got[len(prefix):], s.body)
			}
		})
		seen[s.payload.Type()] = true
	}
	for kind := wire.PayloadSA; kind <= wire.PayloadSKF; kind++ {
		if skipped := kind >= wire.PayloadIDg && kind <= wire.PayloadKD; !seen[kind] && !skipped {
			t.Errorf("no sample of %v", kind)
		}
	}
}

// TestIKE016_ShorterPrefixes cuts the bodies whose contents say how long they are: every shorter one is an error.
func TestIKE016_ShorterPrefixes(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			shortest := 0
			switch p := s.payload.(type) {
			case wire.Vendor, wire.Unknown:
				t.Skip("SKIP: opaque, of any length")
			case wire.KE, wire.Auth, wire.ID:
				shortest = 4 // opaque behind the fixed part, unless the type of identity fixes it
				if id, ok := p.(wire.ID); ok && id.IDType == wire.IDIPv4 {
					shortest = 8
				}
			case wire.Cert:
				shortest = 1
			case wire.CertReq:
				shortest = 1 // and then whole authorities: TestCertReqAuthorities
			case wire.Notify:
				shortest = 4 + len(p.SPI)
			case wire.PS:
				shortest = 4
			case wire.CP:
				cutCP(t, s)
				return
			default:
				shortest = len(s.body)
			}
			for n := range shortest {
				refusedBody(t, s.payload.Type(), s.body[:n])
			}
			mustParse[wire.Payload](t, s.payload.Type(), s.body[:shortest])
		})
	}
}

// cutCP cuts a CP payload: it is right between its attributes only.
func cutCP(t *testing.T, s sample) {
	t.Helper()
	ends := []int{4, 4 + 8, 4 + 8 + 21}
	for n := range len(s.body) {
		if !slices.Contains(ends, n) {
			refusedBody(t, wire.PayloadCP, s.body[:n])
			continue
		}
		mustParse[wire.CP](t, wire.PayloadCP, s.body[:n])
	}
}

// TestIKE007_Reserved sets every RESERVED field of every payload: the outcome is the same, and what is sent has zeros.
func TestIKE007_Reserved(t *testing.T) {
	positions := map[string][]int{
		"SA of IKE": {1, 9, 13, 21, 25, 29, 33, 37, 41}, "SA of an IKE rekeying": {1, 17, 21}, "KE": {2, 3},
		"AUTH": {1, 2, 3}, "TSi": {1, 2, 3}, "TSr": {1, 2, 3}, "CP": {1, 2, 3},
	}
	for _, s := range samples {
		dirty := slices.Clone(s.body)
		for _, i := range positions[s.name] {
			dirty[i] = 0xff
		}
		if s.name == "CP" {
			dirty[4] |= 0x80 // the R bit of an attribute
		}
		ps, err := wire.ParsePayloads(s.payload.Type(), generic(0, 0x7f, dirty), wire.InnerLimits, true)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		if !reflect.DeepEqual(ps[0], s.payload) {
			t.Errorf("%s: parsed %+v", s.name, ps[0])
		}
		if _, out := wire.AppendPayloads(nil, ps); !bytes.Equal(out, generic(0, 0, s.body)) {
			t.Errorf("%s: sent %x", s.name, out)
		}
	}
}

// TestIKE083_ReservedOfIDIsKept: AUTH covers the body of an ID payload as it came.
func TestIKE083_ReservedOfIDIsKept(t *testing.T) {
	body := octs("0b a1a2a3 6b6579")
	id := mustParse[wire.ID](t, wire.PayloadIDr, body)
	if !bytes.Equal(id.Body(), body) || id.Reserved != [3]byte{0xa1, 0xa2, 0xa3} {
		t.Fatalf("%+v: body %x", id, id.Body())
	}
}

// TestHAZ036_NothingInside gives every payload type an empty body, and those that may be empty stay so.
func TestHAZ036_NothingInside(t *testing.T) {
	for kind := range 256 {
		kind := wire.PayloadType(kind)
		switch {
		case kind == wire.PayloadNone || kind == wire.PayloadSK || kind == wire.PayloadSKF:
			continue
		case kind == wire.PayloadVendor:
			if v := mustParse[wire.Vendor](t, kind, nil); v.Data != nil {
				t.Errorf("vendor %x", v.Data)
			}
		case kind < wire.PayloadSA || kind >= wire.PayloadGSPM && kind != wire.PayloadPS:
			if u := mustParse[wire.Unknown](t, kind, nil); u.T != kind || u.Data != nil || u.Critical {
				t.Errorf("unknown %+v", u)
			}
		default:
			refusedBody(t, kind, nil)
		}
	}
	for _, empty := range []struct {
		kind wire.PayloadType
		body []byte
	}{
		{wire.PayloadKE, octs("001f 0000")}, {wire.PayloadIDi, octs("02 000000")}, {wire.PayloadCert, octs("04")},
		{wire.PayloadCertReq, octs("04")}, {wire.PayloadAuth, octs("0e 000000")}, {wire.PayloadNotify, octs("00 00 402c")},
		{wire.PayloadDelete, octs("03 04 0000")}, {wire.PayloadCP, octs("01 000000")}, {wire.PayloadEAP, octs("03 01 0004")},
	} {
		p := mustParse[wire.Payload](t, empty.kind, empty.body)
		if got := p.AppendBody([]byte{}); !bytes.Equal(got, empty.body) {
			t.Errorf("%v: %x became %x", empty.kind, empty.body, got)
		}
	}
}

// TestAliasesWithoutCapacity: appending to what was parsed does not write into the message.
func TestAliasesWithoutCapacity(t *testing.T) {
	first, b := chainOf(chained{wire.PayloadNotify, octs("03 04 4009 00000100 aabb")}, chained{wire.PayloadVendor, octs("0102")})
	before := bytes.Clone(b)
	ps, err := wire.ParsePayloads(first, b, wire.InnerLimits, true)
	if err != nil {
		t.Fatal(err)
	}
	n := ps[0].(wire.Notify)
	if &n.Data[0] != &b[12] {
		t.Error("the data was copied")
	}
	_, _ = append(n.SPI, 0xff), append(n.Data, 0xff, 0xff, 0xff)
	if !bytes.Equal(b, before) {
		t.Errorf("the message became %x", b)
	}
}

// TestNothingWithoutEncoding: contents that the fields cannot say give no octets, instead of wrong ones.
func TestNothingWithoutEncoding(t *testing.T) {
	four, many := octs("00000100"), bytes.Repeat([]byte{1}, 256)
	selector := rangeOf("192.0.2.0", "192.0.2.255")
	for name, p := range map[string]wire.Payload{
		"SPI of a proposal": wire.SA{Proposals: []wire.Proposal{{SPI: many}}},
		"256 transforms":    wire.SA{Proposals: []wire.Proposal{{Transforms: make([]wire.Transform, 256)}}},
		"SPI of a notify":   wire.Notify{SPI: many},
		"SPI of IKE in D":   wire.Delete{Protocol: wire.ProtoIKE, SPIs: [][]byte{four}},
		"short SPI in D":    wire.Delete{Protocol: wire.ProtoESP, SPIs: [][]byte{four[1:]}},
		"65536 SPIs":        wire.Delete{Protocol: wire.ProtoESP, SPIs: slices.Repeat([][]byte{four}, 65536)},
		"256 selectors":     wire.TS{Selectors: slices.Repeat([]wire.Selector{selector}, 256)},
		"no address":        wire.TS{Selectors: []wire.Selector{{}}},
		"two families":      wire.TS{Selectors: []wire.Selector{{First: selector.First, Last: rangeOf("::", "::1").Last}}},
		"short authority":   wire.CertReq{Encoding: wire.CertX509Signature, CAs: [][]byte{four}},
		"attribute type":    wire.CP{Attributes: []wire.CPAttribute{{Type: 0x8001}}},
		"attribute length":  wire.CP{Attributes: []wire.CPAttribute{{Type: 7, Value: make([]byte, 65536)}}},
		"keys of a puzzle":  wire.PS{Keys: [4][]byte{four, four, four, many}},
		"65532 octets":      wire.Vendor{Data: make([]byte, 65532)},
	} {
		m := wire.Message{Payloads: []wire.Payload{wire.Nonce{Data: many}, p}}
		if out := m.Append(nil); out != nil {
			t.Errorf("%s: %d octets", name, len(out))
		}
	}
	if _, out := wire.AppendPayloads(nil, []wire.Payload{wire.Vendor{Data: make([]byte, 65531)}}); len(out) != 65535 {
		t.Errorf("the longest payload has %d octets", len(out))
	}
}
