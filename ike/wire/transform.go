package wire

import "encoding/binary"

// TransformType is what a transform is an alternative of (RFC 7296 3.3.2).
type TransformType uint8

// The transform types. TransformKE was D-H, TransformSN was ESN (RFC 9370, RFC 9827).
const (
	TransformENCR   TransformType = 1
	TransformPRF    TransformType = 2
	TransformINTEG  TransformType = 3
	TransformKE     TransformType = 4
	TransformSN     TransformType = 5
	TransformADDKE1 TransformType = 6 // RFC 9370
	TransformADDKE2 TransformType = 7
	TransformADDKE3 TransformType = 8
	TransformADDKE4 TransformType = 9
	TransformADDKE5 TransformType = 10
	TransformADDKE6 TransformType = 11
	TransformADDKE7 TransformType = 12
)

var transformNames = [...]string{
	TransformENCR: "ENCR", TransformPRF: "PRF", TransformINTEG: "INTEG", TransformKE: "KE", TransformSN: "SN",
	TransformADDKE1: "ADDKE1", TransformADDKE2: "ADDKE2", TransformADDKE3: "ADDKE3", TransformADDKE4: "ADDKE4",
	TransformADDKE5: "ADDKE5", TransformADDKE6: "ADDKE6", TransformADDKE7: "ADDKE7",
}

// String returns the registry's abbreviation, or "transform type n".
func (t TransformType) String() string { return name(transformNames[:], int(t), "transform type ") }

// Attributes (RFC 7296 3.3.5): the format bit, and the one attribute there is, a type and value of 4 octets.
const (
	attributeTV        = 0x8000
	attributeKeyLength = 14
	attributeLen       = 4
)

// transformLen is the length of a transform without attributes, in octets.
const transformLen = 8

// Transform is one algorithm of a proposal (RFC 7296 3.3.2). A value.
type Transform struct {
	Type    TransformType
	ID      uint16
	KeyBits uint16 // the Key Length attribute; 0: there is none
	// Bad: an attribute is unknown, there twice, or not encoded as its type is. The transform is unacceptable, others of
	// the proposal are not touched by that (RFC 7296 3.3.6). Such attributes are not appended.
	Bad bool
}

// parseTransform reads a transform that fills b.
func parseTransform(b []byte) (Transform, *Error) {
	t := Transform{Type: TransformType(b[4]), ID: binary.BigEndian.Uint16(b[6:])}
	for at := transformLen; at < len(b); {
		n, err := t.parseAttribute(b[at:])
		if err != nil {
			return Transform{}, err.at(at)
		}
		at += n
	}
	return t, nil
}

// parseAttribute reads the attribute at the start of b and returns its length.
func (t *Transform) parseAttribute(b []byte) (int, *Error) {
	if len(b) < attributeLen {
		return 0, syntax(0, "expected an attribute of 4 octets or more", len(b))
	}
	kind, value := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	if kind&attributeTV == 0 {
		// RFC 7296 3.3.5: a Key Length is never encoded with a length, and nothing else is known here.
		t.Bad = true
		if n := attributeLen + int(value); n <= len(b) {
			return n, nil
		}
		return 0, syntax(2, "expected an attribute that ends in its transform", int(value))
	}
	if kind != attributeTV|attributeKeyLength || t.KeyBits != 0 || value == 0 {
		t.Bad = true
		return attributeLen, nil
	}
	t.KeyBits = value
	return attributeLen, nil
}

// append appends the transform; more: another one follows.
func (t Transform) append(b []byte, more bool) []byte {
	n := transformLen
	if t.KeyBits != 0 {
		n += attributeLen
	}
	b = append(b, marker(more, moreTransforms), 0, 0, byte(n), byte(t.Type), 0)
	b = binary.BigEndian.AppendUint16(b, t.ID)
	if t.KeyBits != 0 {
		b = binary.BigEndian.AppendUint16(b, attributeTV|attributeKeyLength)
		b = binary.BigEndian.AppendUint16(b, t.KeyBits)
	}
	return b
}
