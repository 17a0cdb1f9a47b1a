package wire

import "encoding/binary"

// Notify is the Notify payload (RFC 7296 3.10). SPI and Data alias what was parsed.
//
// Where SPI is empty, Protocol means nothing and may be anything: RFC 7296 wants 0, RFC 6023 and RFC 6290 want 1. Parsed,
// REKEY_SA and CHILD_SA_NOT_FOUND name a Child SA: AH or ESP, and 4 octets.
type Notify struct {
	Protocol Protocol
	SPI      []byte
	Notify   NotifyType
	Data     []byte
}

// Type returns PayloadNotify.
func (Notify) Type() PayloadType { return PayloadNotify }

// parseNotify reads the body of a Notify payload.
func parseNotify(b []byte) (Notify, *Error) {
	if len(b) < 4 {
		return Notify{}, syntax(0, "expected 4 octets or more", len(b))
	}
	at := 4 + int(b[1])
	if at > len(b) {
		return Notify{}, syntax(1, "expected an SPI that ends in the payload", int(b[1]))
	}
	n := Notify{
		Protocol: Protocol(b[0]),
		SPI:      octets(b[4:at]),
		Notify:   NotifyType(binary.BigEndian.Uint16(b[2:])),
		Data:     octets(b[at:]),
	}
	if err := n.check(); err != nil {
		return Notify{}, err
	}
	return n, nil
}

// check tests protocol and SPI against each other and the type (RFC 7296 3.10).
func (n *Notify) check() *Error {
	switch {
	case n.Notify == TSMaxQueue || n.Notify == SAResourceInfo:
		return nil // RFC 9611 5.1, 5.2: both fields are ignored, whatever they hold
	case n.Notify == RekeySA || n.Notify == ChildSANotFound:
		if !n.Protocol.child() {
			return syntax(0, "expected AH or ESP with an SPI", int(n.Protocol))
		}
	case len(n.SPI) == 0:
		return nil
	}
	if n.Protocol.child() && len(n.SPI) != childSPILen {
		return syntax(1, "expected an SPI of 4 octets", len(n.SPI))
	}
	if n.Protocol == ProtoIKE {
		return syntax(1, "expected no SPI, the header has it", len(n.SPI))
	}
	return nil
}

// AppendBody appends protocol, SPI, type and data; nil when the SPI has more than 255 octets.
func (n Notify) AppendBody(b []byte) []byte {
	if len(n.SPI) > 0xff {
		return nil
	}
	b = append(b, byte(n.Protocol), byte(len(n.SPI)))
	b = binary.BigEndian.AppendUint16(b, uint16(n.Notify))
	b = append(b, n.SPI...)
	return append(b, n.Data...)
}
