package iptfs

import "stillwater/pmd/mbuf"

// span is the arithmetic of one inner packet that is spread over several payloads: how much of it was seen, how long it
// is, and whether the next payload's BlockOffset agrees (RFC 9347 2.5). It moves no octets of the packet, so the
// assembly of a pending packet and the search for one that is already complete share it.
//
// A first fragment may end before the packet's own length field does (a runt: RFC 9347 sets no minimum); its octets are
// kept here until the following payloads supply the rest.
type span struct {
	have  int // octets seen
	total int // the packet's length; 0 while it is unknown
	runt  [blockNeed]byte
}

// begin starts a span with the fragment at the end of a payload. length is what BlockLen said, 0 for a runt.
func (s *span) begin(tail []byte, length int) {
	s.have, s.total = len(tail), length
	if length == 0 {
		copy(s.runt[:], tail)
	}
}

// join adds the payload whose data blocks are d and whose BlockOffset is offset. It returns how many octets at the front
// of d belong to the packet, and Pass; or AggOffset where the offset contradicts the packet's length, as 0 always does
// (RFC 9347 2.2.3: no new block while one is unfinished), and AggInnerLength where the length, now that it is known, is
// impossible.
func (s *span) join(d []byte, offset int) (n int, v mbuf.Verdict) {
	n = min(offset, len(d))
	if s.total == 0 {
		if v := s.learn(d[:n]); v != mbuf.Pass {
			return 0, v
		}
		if s.total == 0 && offset <= len(d) {
			return 0, mbuf.AggOffset // the packet cannot end before its length field
		}
	}
	if s.total != 0 && offset != s.total-s.have {
		return 0, mbuf.AggOffset
	}
	s.have += n
	return n, mbuf.Pass
}

// learn completes the runt with the front of d and reads the length from it, if d has enough.
func (s *span) learn(d []byte) mbuf.Verdict {
	known := s.have + copy(s.runt[s.have:], d)
	length, need, ok := BlockLen(s.runt[:known])
	if !ok {
		return mbuf.AggInnerLength
	}
	if need == 0 {
		s.total = length
	}
	return mbuf.Pass
}

// complete reports whether the whole packet was seen.
func (s *span) complete() bool { return s.total != 0 && s.have == s.total }
