package ike

import "stillwater/ike/wire"

// assembly collects the fragments of one message, the expected one of its direction (FRG-010). Owned by the engine's
// goroutine. What is in it is authenticated (RFC 7383 2.6).
type assembly struct {
	total  uint16
	have   int
	octets int
	pieces [][]byte
	first  wire.PayloadType // of the message, known with fragment 1
	digest digest           // of fragment 1
	timer  timer
}

// fresh reports whether a fragment is one that is missing, before anything is spent on it (RFC 7383 2.6, FRG-005). most is
// how many a message may have.
func (a *assembly) fresh(number, total uint16, most int) bool {
	switch {
	case number == 0 || total == 0 || number > total || int(total) > most:
		return false
	case total < a.total:
		return false
	case total > a.total:
		return true // smaller pieces of the same message: it starts again
	}
	return a.pieces[number-1] == nil
}

// add keeps one authenticated fragment and reports whether it was the last. limit is how many octets a message may have;
// a longer one is given up.
func (a *assembly) add(number, total uint16, first wire.PayloadType, piece []byte, limit int) bool {
	if total > a.total {
		a.timer.stop()
		*a = assembly{total: total, pieces: make([][]byte, total)}
	}
	if a.octets += len(piece); a.octets > limit {
		a.timer.stop()
		*a = assembly{}
		return false
	}
	if number == 1 {
		a.first = first
	}
	// An empty piece is valid (FRG-012), so it must not look like a missing one.
	a.pieces[number-1] = append(make([]byte, 0, len(piece)), piece...)
	a.have++
	return a.have == int(total)
}

// message is the plaintext of all fragments.
func (a *assembly) message() []byte {
	whole := make([]byte, 0, a.octets)
	for _, p := range a.pieces {
		whole = append(whole, p...)
	}
	return whole
}
