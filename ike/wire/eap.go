package wire

import "encoding/binary"

// The codes of an EAP message (RFC 3748 4) whose length RFC 7296 3.16 fixes.
const (
	eapRequest  = 1
	eapResponse = 2
	eapSuccess  = 3
	eapFailure  = 4
)

// EAP is the EAP payload (RFC 7296 3.16): one EAP message, code and length checked. Data aliases what was parsed.
type EAP struct{ Data []byte }

// Type returns PayloadEAP.
func (EAP) Type() PayloadType { return PayloadEAP }

// parseEAP reads the body of an EAP payload.
func parseEAP(b []byte) (EAP, *Error) {
	if len(b) < 4 {
		return EAP{}, syntax(0, "expected 4 octets or more", len(b))
	}
	if n := int(binary.BigEndian.Uint16(b[2:])); n != len(b) {
		return EAP{}, syntax(2, "expected the length of the payload less 4", n)
	}
	typed := b[0] == eapRequest || b[0] == eapResponse
	if bare := b[0] == eapSuccess || b[0] == eapFailure; typed && len(b) == 4 || bare && len(b) != 4 {
		return EAP{}, syntax(2, "expected a type in requests and responses only", len(b))
	}
	return EAP{Data: octets(b)}, nil
}

// AppendBody appends the message.
func (e EAP) AppendBody(b []byte) []byte { return append(b, e.Data...) }
