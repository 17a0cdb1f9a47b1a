package wire

import "encoding/binary"

// genericLen is the length of the generic payload header in octets (RFC 7296 3.2).
const genericLen = 4

// item is one payload of a chain before its body is read.
type item struct {
	kind, next PayloadType
	reserved   byte // the critical bit and RESERVED
	at         int  // of the generic header, from the start of the input
	body       []byte
}

// encrypted reports whether the payload is SK or SKF.
func (t PayloadType) encrypted() bool { return t == PayloadSK || t == PayloadSKF }

// chain is the rest of a chain of payloads: the next one begins at msg[at:].
type chain struct {
	msg  []byte
	at   int
	next PayloadType
}

// take reads one generic header and moves behind its payload.
func (c *chain) take() (item, *Error) {
	rest := c.msg[c.at:]
	if len(rest) < genericLen {
		return item{}, c.broken(0, "expected 4 octets of payload header", len(rest))
	}
	n := int(binary.BigEndian.Uint16(rest[2:]))
	if n < genericLen || n > len(rest) {
		return item{}, c.broken(2, "expected a payload length from 4 to the end of the message", n)
	}
	it := item{kind: c.next, next: PayloadType(rest[0]), reserved: rest[1], at: c.at, body: rest[genericLen:n]}
	c.at += n
	c.next = it.next
	if it.kind.encrypted() {
		c.next = PayloadNone // RFC 7296 3.2: that field names the first payload inside
	}
	return it, nil
}

// broken returns the error for the payload that begins here.
func (c *chain) broken(offset int, reason string, value int) *Error {
	err := syntax(c.at+offset, reason, value)
	err.Payload = c.next
	return err
}

// count walks the whole chain, on a copy, and returns how many payloads it has.
func (c chain) count(lim *Limits, inner bool) (payloads int, _ *Error) {
	certs := 0
	for ; c.next != PayloadNone; payloads++ {
		switch {
		case payloads == lim.Payloads:
			return 0, c.broken(0, "expected no more payloads than the limit", lim.Payloads)
		case c.next.encrypted() && inner:
			return 0, c.broken(0, "expected no Encrypted payload inside another", int(c.next))
		case c.next == PayloadCert:
			if certs++; certs > lim.Certs {
				return 0, c.broken(0, "expected no more certificates than the limit", lim.Certs)
			}
		}
		if _, err := c.take(); err != nil {
			return 0, err
		}
	}
	if c.at != len(c.msg) {
		return 0, c.broken(0, "expected nothing behind the last payload", len(c.msg)-c.at)
	}
	return payloads, nil
}

// parse reads every payload of the chain.
func (c chain) parse(lim *Limits, inner bool) ([]Payload, *Error) {
	n, err := c.count(lim, inner)
	if err != nil {
		return nil, err
	}
	all := make([]Payload, 0, n)
	for c.next != PayloadNone {
		it, err := c.take()
		if err != nil {
			return nil, err
		}
		p, err := parsePayload(it, lim)
		if err != nil {
			err.Payload = it.kind
			return nil, err.at(it.at + genericLen)
		}
		all = append(all, p)
	}
	return all, nil
}

// ParsePayloads reads a chain of payloads that fills b and begins with type first: what was in an Encrypted payload, with
// its padding taken off (inner), or else what follows the header of a message. Types that are not known and not critical are
// returned as Unknown. Errors are *Error, with offsets from the start of b. Safe for concurrent use.
func ParsePayloads(first PayloadType, b []byte, lim Limits, inner bool) ([]Payload, error) {
	all, err := chain{msg: b, next: first}.parse(&lim, inner)
	if err != nil {
		return nil, err
	}
	return all, nil
}
