package wire_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"stillwater/ike/wire"
)

// cpBody lays out a CP payload with one attribute, from RFC 7296 3.15.
func cpBody(kind uint16, value []byte) []byte {
	return append([]byte{1, 0, 0, 0, byte(kind >> 8), byte(kind), byte(len(value) >> 8), byte(len(value))}, value...)
}

// TestIKE112_Lengths tries every length up to 40: those of the registry are right, the others spoil the attribute alone.
func TestIKE112_Lengths(t *testing.T) {
	right := map[uint16][]int{
		wire.CPInternalIP4Address: {0, 4}, wire.CPInternalIP4Netmask: {0, 4}, wire.CPInternalIP4DNS: {0, 4},
		wire.CPInternalIP4NBNS: {0, 4}, wire.CPInternalIP4DHCP: {0, 4}, wire.CPInternalIP6Address: {0, 17},
		wire.CPInternalIP6DNS: {0, 16}, wire.CPInternalIP6DHCP: {0, 16}, wire.CPInternalIP4Subnet: {0, 8},
		wire.CPInternalIP6Subnet: {0, 17},
	}
	for kind := range uint16(40) {
		for n := range 41 {
			cp := mustParse[wire.CP](t, wire.PayloadCP, cpBody(kind, make([]byte, n)))
			ok := right[kind] == nil || slices.Contains(right[kind], n)
			if kind == wire.CPSupportedAttributes {
				ok = n%2 == 0
			}
			if a := cp.Attributes[0]; a.Bad == ok || a.Type != kind || len(a.Value) != n {
				t.Errorf("attribute %d of %d octets: %+v", kind, n, a)
			}
		}
	}
}

// TestIKE112_UnknownAndReserved: unknown types are handed on, type 5 is one of them, and the R bit is no part of a type.
func TestIKE112_UnknownAndReserved(t *testing.T) {
	for _, kind := range []uint16{0, 5, 9, 30, 23456, 0x7fff} {
		for _, reserved := range []uint16{0, 0x8000} {
			cp := mustParse[wire.CP](t, wire.PayloadCP, cpBody(kind|reserved, octs("010203")))
			if a := cp.Attributes[0]; a.Type != kind || a.Bad || !bytes.Equal(a.Value, octs("010203")) {
				t.Errorf("type %d: %+v", kind, a)
			}
		}
	}
}

// TestIKE112_Malformed: an attribute ends in its payload, and each takes at least its 4 octets (HAZ-22).
func TestIKE112_Malformed(t *testing.T) {
	for _, attributes := range []string{"00", "0001", "000100", "0001 0001", "0001 0005 0a000001", "0001 ffff 0a000001",
		"0001 0004 0a000001 0001 0001"} {
		t.Run(attributes, func(t *testing.T) {
			refusedBody(t, wire.PayloadCP, append(octs("01 000000"), octs(attributes)...))
		})
	}
}

// TestHAZ022_AttributesOfNoLength: as many as there is room for up to the limit, no endless loop.
func TestHAZ022_AttributesOfNoLength(t *testing.T) {
	for n, fails := range map[int]bool{256: false, 257: true, 16000: true} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			body := append(octs("01 000000"), bytes.Repeat(octs("0003 0000"), n)...)
			if fails {
				refusedBody(t, wire.PayloadCP, body)
				return
			}
			if cp := mustParse[wire.CP](t, wire.PayloadCP, body); len(cp.Attributes) != n {
				t.Errorf("%d attributes", len(cp.Attributes))
			}
		})
	}
}
