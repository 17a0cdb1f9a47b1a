package wire

import "encoding/binary"

// Delete is the Delete payload (RFC 7296 3.11): of the IKE SA itself (ProtoIKE, no SPIs), or of Child SAs by the sender's
// inbound SPIs of 4 octets. SPIs alias what was parsed.
type Delete struct {
	Protocol Protocol
	SPIs     [][]byte
}

// Type returns PayloadDelete.
func (Delete) Type() PayloadType { return PayloadDelete }

// spiLen returns the SPI Size that the protocol prescribes.
func (d Delete) spiLen() int {
	if d.Protocol.child() {
		return childSPILen
	}
	return 0
}

// parseDelete reads the body of a Delete payload.
func parseDelete(b []byte, lim *Limits) (Delete, *Error) {
	if len(b) < 4 {
		return Delete{}, syntax(0, "expected 4 octets or more", len(b))
	}
	d := Delete{Protocol: Protocol(b[0])}
	size, count := int(b[1]), int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case d.Protocol != ProtoIKE && !d.Protocol.child():
		return Delete{}, syntax(0, "expected IKE, AH or ESP", int(d.Protocol))
	case size != d.spiLen():
		return Delete{}, syntax(1, "expected SPIs of the protocol's length", size)
	case d.Protocol == ProtoIKE && count != 0 || count > lim.SPIs:
		return Delete{}, syntax(2, "expected no SPI for IKE, and no more than the limit", count)
	case size*count != len(b)-4:
		return Delete{}, syntax(2, "expected as many SPIs as the payload holds", count)
	}
	d.SPIs = split(b[4:], childSPILen)
	return d, nil
}

// AppendBody appends the SPIs; nil when one is not of the protocol's length, or there are more than 65535.
func (d Delete) AppendBody(b []byte) []byte {
	if len(d.SPIs) > 0xffff {
		return nil
	}
	b = append(b, byte(d.Protocol), byte(d.spiLen()))
	b = binary.BigEndian.AppendUint16(b, uint16(len(d.SPIs)))
	for _, spi := range d.SPIs {
		if len(spi) != childSPILen || !d.Protocol.child() {
			return nil
		}
		b = append(b, spi...)
	}
	return b
}
