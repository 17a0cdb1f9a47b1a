package wire

// TS is the Traffic Selector payload of one side (RFC 7296 3.13).
type TS struct {
	Responder bool // TSr, not TSi
	Selectors []Selector
	Skipped   int // selectors of unknown type, which are left out as if they had not been offered (RFC 7296 2.9)
}

// Type returns PayloadTSi or PayloadTSr.
func (ts TS) Type() PayloadType {
	if ts.Responder {
		return PayloadTSr
	}
	return PayloadTSi
}

// parseTS reads the body of a TSi or TSr payload.
func parseTS(b []byte, responder bool, lim *Limits) (TS, *Error) {
	if len(b) < 4 {
		return TS{}, syntax(0, "expected 4 octets or more", len(b))
	}
	ts, count := TS{Responder: responder}, int(b[0])
	if count == 0 || count > lim.Selectors {
		return TS{}, syntax(0, "expected one selector or more, up to the limit", count)
	}
	ts.Selectors = make([]Selector, 0, min(count, len(b)/selectorLen4))
	at := 4
	for range count {
		n, err := ts.parseNext(b[at:])
		if err != nil {
			return TS{}, err.at(at)
		}
		at += n
	}
	if at != len(b) {
		return TS{}, syntax(0, "expected as many selectors as the payload holds", count)
	}
	return ts, nil
}

// parseNext takes the selector at the start of b and returns its length.
func (ts *TS) parseNext(b []byte) (int, *Error) {
	n, err := selectorLength(b)
	if err != nil {
		return 0, err
	}
	if !knownSelector(b[0]) {
		ts.Skipped++
		return n, nil
	}
	s, err := parseSelector(b[:n])
	if err != nil {
		return 0, err
	}
	ts.Selectors = append(ts.Selectors, s)
	return n, nil
}

// AppendBody appends the selectors; nil when there are more than 255 or one has no encoding. Skipped ones are gone.
func (ts TS) AppendBody(b []byte) []byte {
	if len(ts.Selectors) > 0xff {
		return nil
	}
	b = append(b, byte(len(ts.Selectors)), 0, 0, 0)
	for _, s := range ts.Selectors {
		if b = s.append(b); b == nil {
			return nil
		}
	}
	return b
}
