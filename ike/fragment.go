package ike

import (
	"encoding/binary"

	"stillwater/ike/wire"
)

// Octets in front of an IKE message in its IP datagram: what Connection.FragmentSize counts and a message does not.
const (
	overIPv4 = 20 + 8 + 4 // UDP, and the non-ESP marker, which is there on port 4500 and reckoned with on 500 too
	overIPv6 = 40 + 8 + 4
)

// protect makes the datagrams of one message: one with an SK payload or, where that would be too long and the peer takes
// them, several with SKF payloads (RFC 7383).
func (s *ikeSA) protect(h wire.Header, ps []wire.Payload) [][]byte {
	encr, integ := s.outKeys()
	b := newBox(s.suite, encr, integ)
	first, plain := wire.AppendPayloads(make([]byte, 0, 512), ps)
	if plain == nil {
		panic("ike: payloads that are too long to be sent") // of our own making: certificates are bounded when they are loaded
	}
	whole := wire.HeaderLen + genericLen + len(plain) + b.overhead(len(plain))
	if most := s.messageSize(); most > 0 && whole > most {
		return s.fragments(&b, h, first, plain, most)
	}
	h.Next = wire.PayloadSK
	msg := h.Append(make([]byte, 0, whole))
	msg = append(msg, byte(first), 0, 0, 0)
	return [][]byte{b.seal(msg, wire.HeaderLen, plain, s.fillIV(&b))}
}

// messageSize is the longest message that may leave in one piece, 0: any.
func (s *ikeSA) messageSize() int {
	switch {
	case !s.peerFragments || s.fragmentSize == 0:
		return 0
	case s.outer.Remote.Addr().Is4():
		return s.fragmentSize - overIPv4
	}
	return s.fragmentSize - overIPv6
}

// fragments splits the plaintext and protects each piece on its own. Only the first says what payload it starts with
// (RFC 7383 2.5).
func (s *ikeSA) fragments(b *box, h wire.Header, first wire.PayloadType, plain []byte, most int) [][]byte {
	size := max(b.room(most-wire.HeaderLen-genericLen-fragmentLen), minPiece)
	total := (len(plain) + size - 1) / size
	h.Next = wire.PayloadSKF
	out := make([][]byte, 0, total)
	for n := 1; n <= total; n++ {
		piece := plain[:min(size, len(plain))]
		plain = plain[len(piece):]
		msg := h.Append(make([]byte, 0, most))
		msg = append(msg, byte(first), 0, 0, 0)
		msg = binary.BigEndian.AppendUint16(msg, uint16(n))
		msg = binary.BigEndian.AppendUint16(msg, uint16(total))
		out = append(out, b.seal(msg, wire.HeaderLen, piece, s.fillIV(b)))
		first = wire.PayloadNone
	}
	return out
}

// minPiece keeps a configured size that leaves no room from asking for endless fragments.
const minPiece = 64

// fillIV makes this direction's IVs: a counter for an AEAD, which then never repeats, random octets for CBC.
func (s *ikeSA) fillIV(b *box) func([]byte) {
	if b.aead == nil {
		return s.e.random
	}
	return func(iv []byte) {
		s.iv++
		binary.BigEndian.PutUint64(iv, s.iv)
	}
}
