package wire

// PS is the Puzzle Solution payload (RFC 8019 8.2): four keys of equal size, at least one octet. Keys alias what was parsed.
type PS struct{ Keys [4][]byte }

// Type returns PayloadPS.
func (PS) Type() PayloadType { return PayloadPS }

// parsePS reads the body of a PS payload.
func parsePS(b []byte) (PS, *Error) {
	var ps PS
	if len(b) == 0 || len(b)%len(ps.Keys) != 0 {
		return PS{}, syntax(0, "expected four keys of equal size", len(b))
	}
	n := len(b) / len(ps.Keys)
	for i := range ps.Keys {
		ps.Keys[i] = octets(b[i*n : i*n+n])
	}
	return ps, nil
}

// AppendBody appends the keys; nil when their sizes differ.
func (ps PS) AppendBody(b []byte) []byte {
	for _, k := range ps.Keys {
		if len(k) != len(ps.Keys[0]) {
			return nil
		}
		b = append(b, k...)
	}
	return b
}
