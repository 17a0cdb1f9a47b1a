package ike

import (
	"crypto/sha256"

	"stillwater/ike/wire"
)

// open verifies, decrypts, reassembles and parses a protected message. It returns
//   - nil for a datagram that is dropped or a fragment that is kept,
//   - the message and an error when it is authentic and malformed,
//   - the message alone otherwise; its payloads obey the table of its exchange.
func (s *ikeSA) open(now int64, d Datagram, h wire.Header, asm *assembly) (*message, error) {
	outer, err := wire.Parse(d.Data)
	if err != nil || len(outer.Payloads) == 0 {
		s.e.counters.Malformed++
		return nil, nil
	}
	m := &message{header: h, exchange: h.Exchange, id: h.MessageID, datagram: Datagram{Local: d.Local, Remote: d.Remote}}
	switch last := outer.Payloads[len(outer.Payloads)-1].(type) {
	case wire.SK:
		return s.openWhole(m, d.Data, last, asm)
	case wire.SKF:
		return s.openFragment(now, m, d.Data, last, asm)
	}
	s.e.counters.Malformed++
	return nil, nil
}

// openWhole opens a message in one piece. Fragments of it that came before are of no use any more.
func (s *ikeSA) openWhole(m *message, data []byte, sk wire.SK, asm *assembly) (*message, error) {
	m.digest = sha256.Sum256(data)
	plain, err := s.unseal(data, sk.Offset+genericLen)
	if err == errICV {
		s.e.counters.BadICV++
		return nil, nil
	}
	asm.timer.stop()
	if err != nil {
		return m, err
	}
	return m, m.parseInner(sk.First, plain)
}

// openFragment opens one piece of a message, and the message when it is the last. A piece is authentic before it is kept
// (RFC 7383 2.6).
func (s *ikeSA) openFragment(now int64, m *message, data []byte, skf wire.SKF, asm *assembly) (*message, error) {
	lim := &s.e.limits
	if s.fragmentSize == 0 || !s.peerFragments || !asm.fresh(skf.Number, skf.Total, lim.Fragments) {
		s.e.counters.Unexpected++
		return nil, nil
	}
	digest := sha256.Sum256(data)
	piece, err := s.unseal(data, skf.Offset+genericLen+fragmentLen)
	if err != nil {
		s.e.counters.BadICV++
		return nil, nil
	}
	most := lim.Reassembled
	if !s.authenticated {
		most = lim.ReassembledInit
	}
	whole := asm.add(skf.Number, skf.Total, skf.First, piece, most)
	if skf.Number == 1 {
		asm.digest = digest
	}
	if !whole {
		s.limitAssembly(now, asm)
		return nil, nil
	}
	asm.timer.stop()
	m.digest = asm.digest
	return m, m.parseInner(asm.first, asm.message())
}

// limitAssembly gives fragments of which the rest never comes back their memory (FRG-005).
func (s *ikeSA) limitAssembly(now int64, asm *assembly) {
	if asm.total > 0 && asm.timer == (timer{}) {
		asm.timer = s.at(now+int64(s.e.limits.ReassemblyTime), func(int64) { *asm = assembly{} })
	}
}

// unseal verifies and decrypts with the keys of the peer's direction, in place.
func (s *ikeSA) unseal(data []byte, ivAt int) ([]byte, error) {
	encr, integ := s.inKeys()
	b := newBox(s.suite, encr, integ)
	return b.open(data, ivAt)
}

// parseInner reads the decrypted payloads and holds them against the table.
func (m *message) parseInner(first wire.PayloadType, plain []byte) (err error) {
	if m.inner, err = wire.ParsePayloads(first, plain, wire.InnerLimits, true); err != nil {
		return err
	}
	return checkRules(m)
}

// authenticFirst reports whether a datagram is an authentic fragment 1.
func (s *ikeSA) authenticFirst(d Datagram, h wire.Header) bool {
	if h.Next != wire.PayloadSKF || s.keys == nil {
		return false
	}
	outer, err := wire.Parse(d.Data)
	if err != nil || len(outer.Payloads) == 0 {
		return false
	}
	skf, ok := outer.Payloads[len(outer.Payloads)-1].(wire.SKF)
	if !ok || skf.Number != 1 {
		return false
	}
	_, err = s.unseal(d.Data, skf.Offset+genericLen+fragmentLen)
	return err == nil
}
