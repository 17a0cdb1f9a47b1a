package wire_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"stillwater/ike/wire"
)

// rangeOf is a selector of all ports and protocols.
func rangeOf(first, last string) wire.Selector {
	return wire.Selector{EndPort: 65535, First: netip.MustParseAddr(first), Last: netip.MustParseAddr(last)}
}

const (
	any4    = "07 00 0010 0000 ffff 00000000 ffffffff"
	any6    = "08 00 0028 0000 ffff 00000000000000000000000000000000 ffffffffffffffffffffffffffffffff"
	secret  = "0a 00 0007 6c6162" // TS_SECLABEL of RFC 9478
	opaque4 = "07 84 0010 ffff 0000 0a000000 0a0000ff"
)

// tsBody puts the count before selectors.
func tsBody(count int, selectors ...string) []byte {
	return append([]byte{byte(count), 0, 0, 0}, octs(selectors...)...)
}

// TestIKE108_Ports: any is 0 to 65535, OPAQUE 65535 to 0, protocol 0 has all ports, and a start is not above its end.
func TestIKE108_Ports(t *testing.T) {
	for _, v := range []struct {
		protocol   byte
		start, end string
		ok         bool
	}{
		{0, "0000", "ffff", true}, {0, "0000", "0000", false}, {0, "ffff", "0000", false}, {0, "0001", "ffff", false},
		{0, "0000", "fffe", false}, {17, "0000", "ffff", true}, {17, "ffff", "0000", true}, {17, "01f4", "01f4", true},
		{17, "0000", "0000", true}, {17, "ffff", "ffff", true}, {17, "01f5", "01f4", false}, {17, "ffff", "0001", false},
		{17, "fffe", "0000", false}, {1, "0800", "08ff", true}, {1, "0800", "0000", false}, {58, "ffff", "0000", true},
	} {
		t.Run(fmt.Sprintf("protocol %d ports %s-%s", v.protocol, v.start, v.end), func(t *testing.T) {
			body := tsBody(1, fmt.Sprintf("07 %02x 0010 %s %s 0a000000 0a0000ff", v.protocol, v.start, v.end))
			if !v.ok {
				refusedBody(t, wire.PayloadTSr, body)
				return
			}
			ts := mustParse[wire.TS](t, wire.PayloadTSr, body)
			if !ts.Responder || len(ts.Selectors) != 1 || ts.Selectors[0].Protocol != v.protocol {
				t.Errorf("%+v", ts)
			}
		})
	}
}

// TestIKE108_Opaque keeps 65535 to 0 both ways.
func TestIKE108_Opaque(t *testing.T) {
	ts := mustParse[wire.TS](t, wire.PayloadTSi, tsBody(1, opaque4))
	s := ts.Selectors[0]
	if s.StartPort != 65535 || s.EndPort != 0 || s.Protocol != 132 {
		t.Errorf("%+v", s)
	}
	if got := ts.AppendBody([]byte{}); !slices.Equal(got, tsBody(1, opaque4)) {
		t.Errorf("appended %x", got)
	}
}

// TestIKE108_Addresses: both families, the first not above the last.
func TestIKE108_Addresses(t *testing.T) {
	refusedBody(t, wire.PayloadTSi, tsBody(1, "07 00 0010 0000 ffff 0a000001 0a000000"))
	refusedBody(t, wire.PayloadTSi, tsBody(1,
		"08 00 0028 0000 ffff 20010db8000000000000000000000001 20010db8000000000000000000000000"))
	ts := mustParse[wire.TS](t, wire.PayloadTSi, tsBody(2, any4, any6))
	want := []wire.Selector{
		rangeOf("0.0.0.0", "255.255.255.255"), rangeOf("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
	}
	if !reflect.DeepEqual(ts.Selectors, want) {
		t.Errorf("%+v", ts.Selectors)
	}
	mapped := tsBody(1, "08 00 0028 0000 ffff 00000000000000000000ffff0a000000 00000000000000000000ffff0a0000ff")
	ts = mustParse[wire.TS](t, wire.PayloadTSi, mapped)
	if got := ts.AppendBody([]byte{}); !slices.Equal(got, mapped) {
		t.Errorf("mapped addresses became %x", got)
	}
}

// TestIKE108_Malformed: counts and lengths (HAZ-10). The lengths of a selector are those of its type.
func TestIKE108_Malformed(t *testing.T) {
	for name, body := range map[string][]byte{
		"no selectors":            tsBody(0),
		"count 0 of 1":            tsBody(0, any4),
		"count 1 of 2":            tsBody(1, any4, any4),
		"count 3 of 2":            tsBody(3, any4, any4),
		"count 255 of 1":          tsBody(255, any4),
		"octets behind":           tsBody(1, any4, "00"),
		"length 15":               tsBody(1, "07 00 000f 0000 ffff 00000000 ffffff"),
		"length 17":               tsBody(1, "07 00 0011 0000 ffff 00000000 ffffffff 00"),
		"length 40 of IPv4":       tsBody(1, "07"+any6[2:]),
		"length 16 of IPv6":       tsBody(1, "08"+any4[2:]),
		"length 41 of IPv6":       tsBody(1, "08 00 0029"+any6[10:], "00"),
		"length 0":                tsBody(2, any4, "07 00 0000 0000 ffff 00000000 ffffffff"),
		"length 3":                tsBody(2, any4, "07 00 0003 0000 ffff 00000000 ffffffff"),
		"length of the rest + 1":  tsBody(2, any4, "07 00 0011 0000 ffff 00000000 ffffffff"),
		"3 octets of a selector":  tsBody(2, any4, "07 00 00"),
		"unknown type, length 3":  tsBody(2, any4, "0a 00 0003"),
		"unknown type, too long":  tsBody(2, any4, "0a 00 0008 6c6162"),
		"unknown type, not there": tsBody(2, any4),
	} {
		t.Run(name, func(t *testing.T) {
			refusedBody(t, wire.PayloadTSi, body)
			refusedBody(t, wire.PayloadTSr, body)
		})
	}
}

// TestLBL001_UnknownTypesAreSkipped: labels (RFC 9478) and Fibre Channel are left out, not refused.
func TestLBL001_UnknownTypesAreSkipped(t *testing.T) {
	ts := mustParse[wire.TS](t, wire.PayloadTSi, tsBody(4, secret, any4, "09 00 0004", secret))
	if ts.Skipped != 3 || !reflect.DeepEqual(ts.Selectors, []wire.Selector{rangeOf("0.0.0.0", "255.255.255.255")}) {
		t.Errorf("%+v", ts)
	}
	ts = mustParse[wire.TS](t, wire.PayloadTSi, tsBody(1, secret))
	if ts.Skipped != 1 || len(ts.Selectors) != 0 {
		t.Errorf("%+v", ts)
	}
}

// TestLIM004_Selectors: 32 per payload.
func TestLIM004_Selectors(t *testing.T) {
	ts := mustParse[wire.TS](t, wire.PayloadTSi, tsBody(32, slices.Repeat([]string{any4}, 32)...))
	if len(ts.Selectors) != 32 {
		t.Errorf("%d selectors", len(ts.Selectors))
	}
	refusedBody(t, wire.PayloadTSi, tsBody(33, slices.Repeat([]string{any4}, 33)...))
}
