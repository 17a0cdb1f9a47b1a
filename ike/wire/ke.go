package wire

import "encoding/binary"

// KE is the Key Exchange payload (RFC 7296 3.4): the public value of one method (RFC 9370 calls it that). Data aliases
// what was parsed; its length is the method's to judge.
type KE struct {
	Method uint16
	Data   []byte
}

// Type returns PayloadKE.
func (KE) Type() PayloadType { return PayloadKE }

// parseKE reads the body of a KE payload.
func parseKE(b []byte) (KE, *Error) {
	if len(b) < 4 {
		return KE{}, syntax(0, "expected 4 octets or more", len(b))
	}
	return KE{Method: binary.BigEndian.Uint16(b), Data: octets(b[4:])}, nil
}

// AppendBody appends method, RESERVED and value.
func (k KE) AppendBody(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, k.Method)
	b = append(b, 0, 0)
	return append(b, k.Data...)
}
