package wire

import "encoding/binary"

// Message is one IKE message: the header and what is in clear, an Encrypted payload as it lies. Owned by whoever parsed or
// built it.
type Message struct {
	Header   Header
	Payloads []Payload // in the order of the wire
	// Raw is the datagram that was parsed, not a copy: AUTH and the ICV cover the octets as they came. Nil in a message that
	// is built.
	Raw []byte
}

// Parse reads a datagram, without the non-ESP marker, under OuterLimits. Only major version 2 is read: a higher one is
// InvalidMajorVersion, a lower one is dropped. Errors are *Error. Nothing of this is authentic, errors included: what their
// Notify asks for is sent where RFC 7296 2.21 allows an unprotected answer, and nowhere else. Safe for concurrent use.
func Parse(datagram []byte) (*Message, error) {
	h, err := ParseHeader(datagram)
	if err != nil {
		return nil, err
	}
	if v := h.Major(); v != Version>>4 {
		err := dropped(17, "expected major version 2", int(v))
		if v > Version>>4 {
			err.Notify = InvalidMajorVersion
		}
		return nil, err
	}
	all, bad := chain{msg: datagram, at: HeaderLen, next: h.Next}.parse(&OuterLimits, false)
	if bad != nil {
		return nil, bad
	}
	return &Message{Header: h, Payloads: all, Raw: datagram}, nil
}

// Append appends the message to b, Next and Length of the header set to what it holds. It returns nil when a payload does
// not fit (AppendPayloads).
func (m *Message) Append(b []byte) []byte {
	at := len(b)
	b = m.Header.Append(b)
	first, b := AppendPayloads(b, m.Payloads)
	if b == nil {
		return nil
	}
	b[at+16] = byte(first)
	PatchLength(b[at:])
	return b
}

// AppendPayloads appends generic headers and bodies to b and returns the type of the first payload, for the Next Payload
// field before it. A nil out means that a payload has contents without an encoding or more than 65531 octets: nothing a
// peer sends leads to that, local configuration may. SK and SKF are only right as the last of ps.
func AppendPayloads(b []byte, ps []Payload) (first PayloadType, out []byte) {
	for i, p := range ps {
		at := len(b)
		next, reserved := link(p)
		if i+1 < len(ps) {
			next = ps[i+1].Type()
		}
		b = p.AppendBody(append(b, byte(next), reserved, 0, 0))
		if n := len(b) - at; b == nil || n > 0xffff {
			return PayloadNone, nil
		}
		binary.BigEndian.PutUint16(b[at+2:], uint16(len(b)-at))
	}
	if len(ps) == 0 {
		return PayloadNone, b
	}
	return ps[0].Type(), b
}

// link returns what the generic header of a last payload says before its length. RFC 7296 3.2: the critical bit is 0 in
// every payload that is known here.
func link(p Payload) (next PayloadType, reserved byte) {
	switch p := p.(type) {
	case SK:
		return p.First, p.Reserved
	case SKF:
		return p.First, p.Reserved
	case Unknown:
		if p.Critical {
			return PayloadNone, criticalBit
		}
	}
	return PayloadNone, 0
}
