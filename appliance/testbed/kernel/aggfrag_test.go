package kernel

import (
	"encoding/binary"
	"fmt"
)

// inner is an inner packet found on the wire.
type inner struct {
	packet []byte
	parts  []int // numbers of the outer packets that had a part in it
}

// rules are what the payloads of one sender are held to, beside RFC 9347 itself.
type rules struct {
	minTail int  // least octets of a fragment that starts behind something else; 0: any
	zeroPad bool // padding is zero throughout
	whole   bool // no fragments (RFC 9347 6.1.4, D)
}

// stream takes apart the AGGFRAG payloads of one SA, in the order of their sequence numbers and with none missing: the
// sender's view, which tells what every outer packet carried whether or not it arrived. It keeps no limits and gives up at
// the first violation.
type stream struct {
	rules   rules
	pending *inner // the packet that continues in the next payload
	found   []inner
	allPad  int // payloads of padding only
	padded  int // payloads with padding behind something else
}

// add takes the payload of outer packet number n; the error names the rule that it breaks.
func (s *stream) add(n int, data []byte) error {
	if len(data) < 4 {
		return fmt.Errorf("payload of %d octets", len(data))
	}
	if data[0] != 0 || data[1] != 0 {
		return fmt.Errorf("header %x: expected sub-type 0 and reserved bits of zero (RFC 9347 6.1.1)", data[:4])
	}
	offset, d := int(binary.BigEndian.Uint16(data[2:])), data[4:]
	switch {
	case s.pending == nil && offset != 0:
		return fmt.Errorf("BlockOffset %d: expected 0, no packet is unfinished", offset)
	case s.pending != nil:
		var err error
		if d, err = s.resume(n, offset, d); err != nil {
			return err
		}
	}
	return s.blocks(n, d, len(data)-4)
}

// resume continues the pending packet and returns what follows it.
func (s *stream) resume(n, offset int, d []byte) (rest []byte, err error) {
	p := s.pending
	p.parts = append(p.parts, n)
	if offset == 0 && (len(d) == 0 || d[0]>>4 == 0) {
		return d, nil // all padding, allowed between fragments; a receiver without it cannot tell that nothing is missing
	}
	have, take := len(p.packet), min(offset, len(d))
	p.packet = append(p.packet, d[:take]...)
	total, known, err := length(p.packet)
	switch {
	case err != nil:
		return nil, err
	case known && offset != total-have:
		return nil, fmt.Errorf("BlockOffset %d: expected %d, the octets left of a packet of %d", offset, total-have, total)
	case known && len(p.packet) == total:
		s.found, s.pending = append(s.found, *p), nil
	case len(d) > take:
		return nil, fmt.Errorf("a block begins while a packet is unfinished, BlockOffset %d", offset)
	}
	return d[take:], nil
}

// blocks reads the data blocks d that start in payload n, behind what continues an earlier packet; all is the octets of
// both.
func (s *stream) blocks(n int, d []byte, all int) error {
	for len(d) > 0 {
		if d[0]>>4 == 0 {
			return s.padding(d, len(d) == all)
		}
		total, known, err := length(d)
		switch {
		case err != nil:
			return err
		case known && total <= len(d):
			s.found = append(s.found, inner{d[:total], []int{n}})
			d = d[total:]
		case s.rules.whole:
			return fmt.Errorf("a fragment of %d octets, expected none", len(d))
		case len(d) < all && len(d) < s.rules.minTail:
			return fmt.Errorf("a fragment of %d octets in the tail, expected %d or more", len(d), s.rules.minTail)
		default:
			s.pending = &inner{append([]byte(nil), d...), []int{n}}
			return nil
		}
	}
	return nil
}

// padding checks a pad block, which ends the payload (RFC 9347 6.1.3.3); alone says that nothing else is in it.
func (s *stream) padding(d []byte, alone bool) error {
	if alone {
		s.allPad++
	} else {
		s.padded++
	}
	for i, b := range d {
		if s.rules.zeroPad && b != 0 {
			return fmt.Errorf("octet %d of a pad block of %d is %#x", i, len(d), b)
		}
	}
	return nil
}

// length returns the length an IP packet says it has, as soon as enough of it is there.
func length(b []byte) (n int, known bool, err error) {
	switch b[0] >> 4 {
	case 4:
		if len(b) < 4 {
			return 0, false, nil
		}
		n = int(binary.BigEndian.Uint16(b[2:]))
		if n < 20 {
			return 0, false, fmt.Errorf("IPv4 packet of %d octets", n)
		}
	case 6:
		if len(b) < 6 {
			return 0, false, nil
		}
		n = 40 + int(binary.BigEndian.Uint16(b[4:]))
	default:
		return 0, false, fmt.Errorf("data block of type %d", b[0]>>4)
	}
	return n, true, nil
}
