package wire

// SK is the Encrypted payload (RFC 7296 3.14), as it lies: nothing of it is authentic yet. It is the last payload of its
// message. Body aliases what was parsed.
type SK struct {
	First    PayloadType // of the payloads inside; PayloadNone: there are none
	Body     []byte      // IV | ciphertext | ICV
	Reserved byte        // the second octet of the generic header as it came, which the ICV and RFC 9242 3.3.2 cover; sent as 0
	Offset   int         // of the generic header in the message
}

// Type returns PayloadSK.
func (SK) Type() PayloadType { return PayloadSK }

// AppendBody appends Body.
func (s SK) AppendBody(b []byte) []byte { return append(b, s.Body...) }
