package cli

import "encoding/binary"

// fragments puts the IP fragments of outer packets together (RFC 791 3.2, RFC 8200 4.5): some senders fragment behind
// encryption. Bounded: at most maxPartial packets wait, the oldest goes first.
type fragments struct {
	waiting []partialOuter
	evicted uint64 // fragments of packets that had to make room
}

// maxPartial bounds the packets that wait for fragments.
const maxPartial = 64

// partialOuter is one packet of which fragments are missing.
type partialOuter struct {
	key    string
	header []byte // up to where fragments' data starts, with the fields of a whole packet
	data   []byte
	have   []bool // by units of 8 octets
	total  int    // octets of data, 0 until the last fragment is known
	pieces uint64 // fragments that came
}

// piece is one fragment.
type piece struct {
	key    string
	header []byte
	data   []byte
	offset int
	more   bool
}

// add takes a packet. waiting: it is a fragment and others are missing. whole: it completed a packet. Neither: not a
// fragment.
func (f *fragments) add(ip []byte) (whole []byte, waiting bool) {
	p, ok := fragmentOf(ip)
	if !ok {
		return nil, false
	}
	at := f.find(p.key)
	if at < 0 {
		if len(f.waiting) == maxPartial {
			f.evicted += f.waiting[0].pieces
			f.waiting = f.waiting[1:]
		}
		f.waiting = append(f.waiting, partialOuter{key: p.key})
		at = len(f.waiting) - 1
	}
	w := &f.waiting[at]
	w.pieces++
	if !w.join(&p) {
		return nil, true
	}
	whole = w.finish()
	f.waiting = append(f.waiting[:at], f.waiting[at+1:]...)
	return whole, false
}

// incomplete is how many fragments never became a packet.
func (f *fragments) incomplete() uint64 {
	n := f.evicted
	for i := range f.waiting {
		n += f.waiting[i].pieces
	}
	return n
}

func (f *fragments) find(key string) int {
	for i := range f.waiting {
		if f.waiting[i].key == key {
			return i
		}
	}
	return -1
}

// fragmentOf recognises a fragment; damaged ones are left to the ordinary checks.
func fragmentOf(ip []byte) (p piece, ok bool) {
	switch {
	case len(ip) >= 20 && ip[0]>>4 == 4:
		header, total := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
		field := binary.BigEndian.Uint16(ip[6:])
		if field&0x3fff == 0 || header < 20 || total < header || total > len(ip) {
			return p, false
		}
		p = piece{key: string(ip[4:6]) + string(ip[9:10]) + string(ip[12:20]), header: ip[:header], data: ip[header:total],
			offset: int(field&0x1fff) * 8, more: field&0x2000 != 0}
	case len(ip) >= 48 && ip[0]>>4 == 6 && ip[6] == 44:
		total := 40 + int(binary.BigEndian.Uint16(ip[4:]))
		if total < 48 || total > len(ip) {
			return p, false
		}
		field := binary.BigEndian.Uint16(ip[42:])
		header := append(append([]byte(nil), ip[:6]...), ip[40]) // the next header of the fragment header takes its place
		p = piece{key: string(ip[8:40]) + string(ip[44:48]), header: append(header, ip[7:40]...), data: ip[48:total],
			offset: int(field &^ 7), more: field&1 != 0}
	default:
		return p, false
	}
	return p, p.offset+len(p.data) <= 65535 && (!p.more || len(p.data)%8 == 0)
}

// join adds a fragment and reports whether the packet is complete.
func (w *partialOuter) join(p *piece) bool {
	end := p.offset + len(p.data)
	if end > len(w.data) {
		w.data = append(w.data, make([]byte, end-len(w.data))...)
		w.have = append(w.have, make([]bool, (end+7)/8-len(w.have))...)
	}
	copy(w.data[p.offset:], p.data)
	for i := p.offset / 8; i < (end+7)/8; i++ {
		w.have[i] = true
	}
	if p.offset == 0 {
		w.header = append([]byte(nil), p.header...)
	}
	if !p.more {
		w.total = end
	}
	if w.header == nil || w.total == 0 || w.total != len(w.data) {
		return false
	}
	for _, h := range w.have {
		if !h {
			return false
		}
	}
	return true
}

// finish returns the whole packet, its lengths set and its fragment fields cleared.
func (w *partialOuter) finish() []byte {
	ip := append(append([]byte(nil), w.header...), w.data...)
	if ip[0]>>4 == 6 {
		binary.BigEndian.PutUint16(ip[4:], uint16(len(ip)-40))
		return ip
	}
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	ip[6], ip[7], ip[10], ip[11] = 0, 0, 0, 0
	var sum uint32
	for h := ip[:len(w.header)]; len(h) >= 2; h = h[2:] {
		sum += uint32(binary.BigEndian.Uint16(h))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
	return ip
}
