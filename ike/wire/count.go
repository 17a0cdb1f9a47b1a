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
