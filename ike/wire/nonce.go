package wire

// The length of a nonce in octets (RFC 7296 3.9).
const (
	minNonce = 16
	maxNonce = 256
)

// Nonce is the Nonce payload (RFC 7296 3.9), parsed from 16 to 256 octets. Data aliases what was parsed.
type Nonce struct{ Data []byte }

// Type returns PayloadNonce.
func (Nonce) Type() PayloadType { return PayloadNonce }

// parseNonce reads the body of a Nonce payload.
func parseNonce(b []byte) (Nonce, *Error) {
	if len(b) < minNonce || len(b) > maxNonce {
		return Nonce{}, syntax(0, "expected 16 to 256 octets", len(b))
	}
	return Nonce{Data: octets(b)}, nil
}

// AppendBody appends the nonce, of whatever length.
func (n Nonce) AppendBody(b []byte) []byte { return append(b, n.Data...) }
