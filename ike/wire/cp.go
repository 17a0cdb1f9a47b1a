package wire

import "encoding/binary"

// The kinds of Configuration payload (RFC 7296 3.15).
const (
	CfgRequest uint8 = 1
	CfgReply   uint8 = 2
	CfgSet     uint8 = 3
	CfgAck     uint8 = 4
)

// CP is the Configuration payload (RFC 7296 3.15).
type CP struct {
	CfgType    uint8
	Attributes []CPAttribute
}

// Type returns PayloadCP.
func (CP) Type() PayloadType { return PayloadCP }

// parseCP reads the body of a CP payload.
func parseCP(b []byte, lim *Limits) (CP, *Error) {
	if len(b) < 4 {
		return CP{}, syntax(0, "expected 4 octets or more", len(b))
	}
	cp := CP{CfgType: b[0]}
	for at := 4; at < len(b); {
		if len(cp.Attributes) == lim.CPAttributes {
			return CP{}, syntax(at, "expected no more attributes than the limit", lim.CPAttributes)
		}
		a, n, err := parseCPAttribute(b[at:])
		if err != nil {
			return CP{}, err.at(at)
		}
		cp.Attributes = append(cp.Attributes, a)
		at += n
	}
	return cp, nil
}

// AppendBody appends the attributes; nil when one has no encoding.
func (cp CP) AppendBody(b []byte) []byte {
	b = append(b, cp.CfgType, 0, 0, 0)
	for _, a := range cp.Attributes {
		if a.Type&cpReserved != 0 || len(a.Value) > 0xffff {
			return nil
		}
		b = binary.BigEndian.AppendUint16(b, a.Type)
		b = binary.BigEndian.AppendUint16(b, uint16(len(a.Value)))
		b = append(b, a.Value...)
	}
	return b
}
