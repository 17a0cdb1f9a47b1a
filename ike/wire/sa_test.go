package wire_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"stillwater/ike/wire"
)

// TestIKE060_CountsAndLengths changes every length, count, number and mark of an offer by one: each has to agree with the
// others.
func TestIKE060_CountsAndLengths(t *testing.T) {
	second := 0x50 // where proposal 2 of the RFC's example begins
	fields := map[string]int{
		"mark of proposal 1": 0, "length of proposal 1, low": 3, "number of proposal 1": 4, "SPI size 1": 6, "transforms of 1": 7,
		"mark of proposal 2": second, "length of proposal 2": second + 3, "number of proposal 2": second + 4,
		"SPI size 2": second + 6, "transforms of 2": second + 7,
		"mark of the first transform": 12, "length of the first transform": 15,
		"mark of the last transform": second - 8, "length of the last transform": second - 5,
		"mark of the very last transform": len(rfcOfferOctets) - 8, "length of the very last": len(rfcOfferOctets) - 5,
	}
	for name, at := range fields {
		for _, by := range []int{-1, 1} {
			t.Run(fmt.Sprintf("%s %+d", name, by), func(t *testing.T) {
				refusedBody(t, wire.PayloadSA, changed(rfcOfferOctets, at, byte(int(rfcOfferOctets[at])+by)))
			})
		}
	}
}

// TestIKE060_Marks: only 2, 3 and 0 are right, and only where they belong.
func TestIKE060_Marks(t *testing.T) {
	for v := range 256 {
		for at, want := range map[int]int{0: 2, 0x50: 0, 12: 3, 0x50 - 8: 0} {
			if v != want {
				refusedBody(t, wire.PayloadSA, changed(rfcOfferOctets, at, byte(v)))
			}
		}
	}
}

// TestIKE060_Numbers: several proposals count from 1; a sole one has the number of the offer it answers.
func TestIKE060_Numbers(t *testing.T) {
	for _, numbers := range [][2]byte{{0, 1}, {1, 1}, {1, 3}, {2, 3}, {2, 1}, {1, 0}, {255, 0}} {
		b := changed(changed(rfcOfferOctets, 4, numbers[0]), 0x50+4, numbers[1])
		refusedBody(t, wire.PayloadSA, b)
	}
	for number := 1; number < 256; number++ {
		sa := mustParse[wire.SA](t, wire.PayloadSA, changed(suiteIKEOctets, 4, byte(number)))
		if sa.Proposals[0].Number != uint8(number) {
			t.Errorf("number %d read as %d", number, sa.Proposals[0].Number)
		}
	}
	refusedBody(t, wire.PayloadSA, changed(suiteIKEOctets, 4, 0))
}

// proposalOf lays out a proposal with one transform, from RFC 7296 3.3.1.
func proposalOf(protocol byte, spi []byte) []byte {
	b := []byte{0, 0, 0, byte(16 + len(spi)), 1, protocol, byte(len(spi)), 1}
	return append(append(b, spi...), octs("00 00 0008 05 00 0000")...)
}

// TestIKE061_SPIs: IKE 0 or 8 octets and not zero, AH and ESP 4 octets and 256 or more.
func TestIKE061_SPIs(t *testing.T) {
	for _, v := range []struct {
		protocol byte
		spi      string
		ok       bool
	}{
		{1, "", true}, {1, "0000000000000001", true}, {1, "0000000000000000", false}, {1, "00000100", false},
		{1, "00000000000001", false}, {1, "000000000000000001", false},
		{2, "00000100", true}, {3, "00000100", true}, {3, "ffffffff", true}, {3, "000000ff", false}, {3, "00000001", false},
		{3, "00000000", false}, {2, "000000ff", false}, {3, "", false}, {2, "", false}, {3, "000100", false},
		{3, "0000000100", false}, {3, "0000000000000100", false},
		{0, "", true}, {4, "01", true}, {6, "0102030405060708", true}, {255, "", true}, // unacceptable, not malformed
	} {
		body := proposalOf(v.protocol, octs(v.spi))
		if !v.ok {
			refusedBody(t, wire.PayloadSA, body)
			continue
		}
		sa := mustParse[wire.SA](t, wire.PayloadSA, body)
		if p := sa.Proposals[0]; p.Protocol != wire.Protocol(v.protocol) || !slices.Equal(p.SPI, octs(v.spi)) {
			t.Errorf("protocol %d: %+v", v.protocol, p)
		}
	}
}

// transformOf reads a proposal that has one transform with the attributes given and a plain one behind it.
func transformOf(t *testing.T, attributes string) []wire.Transform {
	t.Helper()
	return mustParse[wire.SA](t, wire.PayloadSA, withAttributes(octs(attributes))).Proposals[0].Transforms
}

// withAttributes lays that proposal out.
func withAttributes(attributes []byte) []byte {
	n := len(attributes)
	b := []byte{0, 0, 0, byte(24 + n), 1, 1, 0, 2, 3, 0, 0, byte(8 + n), 1, 0, 0, 12}
	return append(append(b, attributes...), octs("00 00 0008 02 00 0005")...)
}

// TestIKE067_KeyLength: one Key Length per transform; several sizes are several transforms.
func TestIKE067_KeyLength(t *testing.T) {
	for attributes, want := range map[string]wire.Transform{
		"":                           {Type: 1, ID: 12},
		"800e 0100":                  {Type: 1, ID: 12, KeyBits: 256},
		"800e ffff":                  {Type: 1, ID: 12, KeyBits: 65535},
		"800e 0100 800e 0100":        {Type: 1, ID: 12, KeyBits: 256, Bad: true},
		"800e 0100 800e 0080":        {Type: 1, ID: 12, KeyBits: 256, Bad: true},
		"800e 0000":                  {Type: 1, ID: 12, Bad: true},
		"800f 0100":                  {Type: 1, ID: 12, Bad: true},
		"800e 0080 8012 0001":        {Type: 1, ID: 12, KeyBits: 128, Bad: true},
		"0012 0003 010203 800e 0080": {Type: 1, ID: 12, KeyBits: 128, Bad: true},
		"ffff ffff":                  {Type: 1, ID: 12, Bad: true},
	} {
		got := transformOf(t, attributes)
		if got[0] != want {
			t.Errorf("attributes %q: %+v", attributes, got[0])
		}
		if got[1] != (wire.Transform{Type: wire.TransformPRF, ID: 5}) {
			t.Errorf("attributes %q: the transform behind became %+v", attributes, got[1])
		}
	}
}

// TestIKE068_KeyLengthWithLength: the variable form makes the transform unacceptable, and an attribute that does not end
// in its transform the message malformed.
func TestIKE068_KeyLengthWithLength(t *testing.T) {
	for _, attributes := range []string{"000e 0002 0100", "000e 0000", "000e 0004 00000100"} {
		if got := transformOf(t, attributes); !got[0].Bad || got[0].KeyBits != 0 || got[1].Bad {
			t.Errorf("attributes %q: %+v", attributes, got)
		}
	}
	for _, attributes := range []string{"80", "800e", "800e 01", "000e 0001", "000e ffff", "000e 0003 0100", "800e 0080 000e 0001"} {
		refusedBody(t, wire.PayloadSA, withAttributes(octs(attributes)))
	}
}

// TestIKE064_UnknownIsNotMalformed: types and IDs that nobody knows are handed on.
func TestIKE064_UnknownIsNotMalformed(t *testing.T) {
	sa := mustParse[wire.SA](t, wire.PayloadSA, octs(`00 00 0020 01 01 00 03
		03 00 0008 f1 00 0001
		03 00 0008 02 00 0063
		00 00 0008 02 00 0005`))
	want := []wire.Transform{{Type: 241, ID: 1}, {Type: wire.TransformPRF, ID: 99}, {Type: wire.TransformPRF, ID: 5}}
	if !slices.Equal(sa.Proposals[0].Transforms, want) {
		t.Errorf("%+v", sa.Proposals[0].Transforms)
	}
}

// TestIKE069_SequenceNumbers: ID 0 is an alternative like others, in the order given.
func TestIKE069_SequenceNumbers(t *testing.T) {
	sa := mustParse[wire.SA](t, wire.PayloadSA, rfcOfferOctets)
	for _, p := range sa.Proposals {
		tail := p.Transforms[len(p.Transforms)-2:]
		if !slices.Equal(tail, []wire.Transform{{Type: wire.TransformSN, ID: 1}, {Type: wire.TransformSN, ID: 0}}) {
			t.Errorf("proposal %d: %+v", p.Number, tail)
		}
	}
}

// offer lays out an SA payload of n proposals with the transforms given, from RFC 7296 3.3.
func offer(proposals, transforms int) (b []byte) {
	for i := range proposals {
		more := byte(2)
		if i+1 == proposals {
			more = 0
		}
		b = append(b, more, 0, 0, 0, byte(i+1), 1, 0, byte(transforms))
		binary.BigEndian.PutUint16(b[len(b)-6:], uint16(8+8*transforms))
		for j := range transforms {
			more := byte(3)
			if j+1 == transforms {
				more = 0
			}
			b = append(b, more, 0, 0, 8, 2, 0, 0, byte(j))
		}
	}
	return b
}

// TestLIM003_Proposals: 32 proposals of 64 transforms.
func TestLIM003_Proposals(t *testing.T) {
	sa := mustParse[wire.SA](t, wire.PayloadSA, offer(32, 64))
	if len(sa.Proposals) != 32 || len(sa.Proposals[31].Transforms) != 64 || sa.Proposals[31].Transforms[63].ID != 63 {
		t.Errorf("%d proposals", len(sa.Proposals))
	}
	refusedBody(t, wire.PayloadSA, offer(33, 1))
	refusedBody(t, wire.PayloadSA, offer(1, 65))
	refusedBody(t, wire.PayloadSA, offer(1, 0))
	refusedBody(t, wire.PayloadSA, offer(2, 0))
}

// TestProposalsShareNothing: transforms of one proposal cannot be appended into the next.
func TestProposalsShareNothing(t *testing.T) {
	sa := mustParse[wire.SA](t, wire.PayloadSA, rfcOfferOctets)
	_ = append(sa.Proposals[0].Transforms, wire.Transform{Type: 99})
	if got := sa.Proposals[1].Transforms[0]; got.Type != wire.TransformENCR {
		t.Errorf("proposal 2 begins with %+v", got)
	}
}
