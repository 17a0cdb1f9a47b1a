package wire

// Count returns how many payloads of type t are in ps: what a table of mandatory and forbidden payloads asks.
func Count(ps []Payload, t PayloadType) (n int) {
	for _, p := range ps {
		if p.Type() == t {
			n++
		}
	}
	return n
}

// Find returns the first payload in ps of type t, as the Go type that stands for it: Find[wire.ID](ps, wire.PayloadIDr). It
// reports false when there is none, or when P is not the type of t.
func Find[P Payload](ps []Payload, t PayloadType) (P, bool) {
	for _, p := range ps {
		if p.Type() == t {
			found, ok := p.(P)
			return found, ok
		}
	}
	var none P
	return none, false
}

// FindNotify returns the first Notify payload in ps of type t.
func FindNotify(ps []Payload, t NotifyType) (Notify, bool) {
	for _, p := range ps {
		if n, ok := p.(Notify); ok && n.Notify == t {
			return n, true
		}
	}
	return Notify{}, false
}
