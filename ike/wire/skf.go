package wire

import "encoding/binary"

// skfLen is the length of what SKF has before IV and ciphertext, in octets.
const skfLen = 4

// SKF is the Encrypted Fragment payload (RFC 7383 2.5), as it lies: nothing of it is authentic yet. It is the last payload
// of its message. Body aliases what was parsed.
type SKF struct {
	First    PayloadType // of the payloads inside, in fragment 1; PayloadNone in the others
	Number   uint16      // 1 to Total
	Total    uint16
	Body     []byte // IV | ciphertext | ICV
	Reserved byte   // the second octet of the generic header as it came, which the ICV covers; sent as 0
	Offset   int    // of the generic header in the message
}

// Type returns PayloadSKF.
func (SKF) Type() PayloadType { return PayloadSKF }

// parseSKF reads an SKF payload. RFC 7383 2.6: one whose numbers are wrong is dropped without an answer.
func parseSKF(it item, lim *Limits) (SKF, *Error) {
	if len(it.body) < skfLen {
		return SKF{}, dropped(0, "expected 4 octets of fragment numbers", len(it.body))
	}
	s := SKF{
		First:    it.next,
		Number:   binary.BigEndian.Uint16(it.body),
		Total:    binary.BigEndian.Uint16(it.body[2:]),
		Body:     octets(it.body[skfLen:]),
		Reserved: it.reserved,
		Offset:   it.at,
	}
	if s.Number == 0 || s.Number > s.Total {
		return SKF{}, dropped(0, "expected a fragment number from 1 to the total", int(s.Number))
	}
	if int(s.Total) > lim.Fragments {
		return SKF{}, dropped(2, "expected no more fragments than the limit", int(s.Total))
	}
	return s, nil
}

// AppendBody appends the fragment numbers and Body.
func (s SKF) AppendBody(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, s.Number)
	b = binary.BigEndian.AppendUint16(b, s.Total)
	return append(b, s.Body...)
}
