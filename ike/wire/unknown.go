package wire

// criticalBit is the C bit of the generic payload header (RFC 7296 3.2).
const criticalBit = 0x80

// Unknown is a payload of a type that is not read here. Parsed, it is never critical: a critical one is an error. Critical
// is for sending. Data aliases what was parsed.
type Unknown struct {
	T        PayloadType
	Critical bool
	Data     []byte
}

// Type returns T.
func (u Unknown) Type() PayloadType { return u.T }

// parseUnknown skips a payload, or refuses it: RFC 7296 2.5, the answer names the type.
func parseUnknown(it item) (Unknown, *Error) {
	if it.reserved&criticalBit != 0 {
		return Unknown{}, &Error{
			Notify: UnsupportedCriticalPayload, Data: []byte{byte(it.kind)}, Offset: 1 - genericLen,
			Reason: "expected no critical payload of unknown type", Value: int(it.kind),
		}
	}
	return Unknown{T: it.kind, Data: octets(it.body)}, nil
}

// AppendBody appends Data.
func (u Unknown) AppendBody(b []byte) []byte { return append(b, u.Data...) }
