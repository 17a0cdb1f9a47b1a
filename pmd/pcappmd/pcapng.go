package pcappmd

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
)

const (
	blockSection   = magicNG
	blockInterface = 1
	blockObsolete  = 2 // "packet block", superseded by the enhanced one
	blockSimple    = 3
	blockEnhanced  = 6

	byteOrderMagic = 0x1a2b3c4d
	blockOverhead  = 12                // type, length, and the length again at the end
	maxBlock       = MaxPacket + 1<<16 // of blocks that are read: a packet and its options
	maxInterfaces  = 4096

	optionTSResol  = 9
	optionTSOffset = 14
)

// netInterface is what an interface description block says.
type netInterface struct {
	link   LinkType
	snap   uint32
	units  uint64 // of time, per second
	offset int64  // added to times, s
}

// startNG reads blocks up to the first interface description, which names the link type.
func (r *Reader) startNG() error {
	r.next = (*Reader).nextNG
	for len(r.interfaces) == 0 {
		kind, body, at, err := r.block()
		if errors.Is(err, io.EOF) {
			return r.fail(at, ErrTruncated, "no interface description block")
		}
		if err != nil {
			return err
		}
		if kind != blockSection && kind != blockInterface && body != nil {
			return r.fail(at, ErrDamaged, "block type %d before the first interface description block", kind)
		}
	}
	r.link = r.interfaces[0].link
	if _, ok := r.link.link(); !ok {
		return r.fail(0, ErrLinkType, "interface 0 has %v, expected %v or %v", r.link, LinkEthernet, LinkRaw)
	}
	return nil
}

// nextNG reads blocks up to the next packet.
func (r *Reader) nextNG() (Packet, error) {
	for {
		kind, body, at, err := r.block()
		switch {
		case err != nil:
			return Packet{}, err
		case kind == blockEnhanced:
			return r.enhanced(body, at)
		case kind == blockSimple:
			return r.simple(body, at)
		case kind == blockObsolete:
			return Packet{}, r.fail(at, ErrDamaged, "obsolete packet block (type 2), expected enhanced or simple ones; convert the file with editcap")
		}
	}
}

// block reads one block and digests it, if it is a section header or an interface description. body is what stands
// between the lengths; nil for kinds that are of no interest here, which are skipped unread. at is the block's offset.
func (r *Reader) block() (kind uint32, body []byte, at int64, err error) {
	at = r.offset
	if _, err := r.in.Peek(1); errors.Is(err, io.EOF) {
		return 0, nil, at, io.EOF
	}
	head, err := r.in.Peek(12)
	if err != nil {
		return 0, nil, at, r.short(err, "a block header of 12 octets")
	}
	if binary.BigEndian.Uint32(head) == blockSection {
		if err := r.section(head, at); err != nil {
			return 0, nil, at, err
		}
	}
	kind = r.order.Uint32(head)
	length := r.order.Uint32(head[4:])
	if length < blockOverhead || length%4 != 0 {
		return 0, nil, at, r.fail(at+4, ErrLimit, "block of %d octets, expected a multiple of 4 from %d on", length, blockOverhead)
	}
	switch kind {
	case blockSection, blockInterface, blockObsolete, blockSimple, blockEnhanced:
		body, err = r.body(length, at)
	default:
		err = r.skip(length)
	}
	if err == nil && kind == blockInterface {
		err = r.describe(body, at)
	}
	return kind, body, at, err
}

// section begins a section: its byte order, and interfaces numbered from 0 again.
func (r *Reader) section(head []byte, at int64) error {
	switch uint32(byteOrderMagic) {
	case binary.BigEndian.Uint32(head[8:]):
		r.order = binary.BigEndian
	case binary.LittleEndian.Uint32(head[8:]):
		r.order = binary.LittleEndian
	default:
		return r.fail(at+8, ErrMagic, "byte-order magic %#x, expected 1a2b3c4d", head[8:12])
	}
	r.interfaces = r.interfaces[:0]
	return nil
}

// body reads a whole block and returns what is between its lengths.
func (r *Reader) body(length uint32, at int64) ([]byte, error) {
	if length > maxBlock {
		return nil, r.fail(at+4, ErrLimit, "block of %d octets, expected at most %d", length, maxBlock)
	}
	b, err := r.take(int(length), "a block")
	if err != nil {
		return nil, err
	}
	if again := r.order.Uint32(b[length-4:]); again != length {
		return nil, r.fail(at+int64(length)-4, ErrDamaged, "block length %d at its end, expected %d as at its start", again, length)
	}
	return b[8 : length-4], nil
}

// skip passes over a block.
func (r *Reader) skip(length uint32) error {
	n, err := io.CopyN(io.Discard, r.in, int64(length))
	r.offset += n
	if err != nil {
		return r.short(err, "a block to be skipped")
	}
	return nil
}

// describe notes an interface.
func (r *Reader) describe(b []byte, at int64) error {
	if len(b) < 8 {
		return r.fail(at, ErrDamaged, "interface description of %d octets, expected at least 8", len(b))
	}
	if len(r.interfaces) == maxInterfaces {
		return r.fail(at, ErrLimit, "more than %d interfaces", maxInterfaces)
	}
	i := netInterface{link: LinkType(r.order.Uint16(b)), snap: r.order.Uint32(b[4:]), units: 1_000_000}
	for o := b[8:]; len(o) >= 4; {
		code, n := r.order.Uint16(o), int(r.order.Uint16(o[2:]))
		padded := 4 + (n+3)&^3
		if padded > len(o) {
			return r.fail(at, ErrDamaged, "option %d of %d octets in the remaining %d", code, n, len(o)-4)
		}
		switch v := o[4 : 4+n]; {
		case code == optionTSResol && n == 1:
			if i.units = resolution(v[0]); i.units == 0 {
				return r.fail(at, ErrDamaged, "time resolution %#x, expected up to 10^-19 or 2^-63 s", v[0])
			}
		case code == optionTSOffset && n == 8:
			i.offset = int64(r.order.Uint64(v))
		}
		o = o[padded:]
	}
	r.interfaces = append(r.interfaces, i)
	return nil
}

// resolution returns units per second: 10^v, or 2^v with the top bit set; 0 where that needs more than 64 bits.
func resolution(v byte) uint64 {
	if v&0x80 != 0 {
		return 1 << (v & 0x7f) // 0 from 64 on
	}
	if v > 19 {
		return 0
	}
	n := uint64(1)
	for range v {
		n *= 10
	}
	return n
}

// time converts a timestamp to ns since 1970; ok is false outside of the years an int64 can name.
func (i netInterface) time(ts uint64) (ns int64, ok bool) {
	hi, lo := bits.Mul64(ts%i.units, 1_000_000_000)
	frac, _ := bits.Div64(hi, lo, i.units) // hi < units, because ts%units < units and 1e9 < 2^64
	sec := ts / i.units
	if sec > 1<<33 || i.offset > 1<<33 || i.offset < -1<<33 {
		return 0, false
	}
	s := int64(sec) + i.offset
	return s*1_000_000_000 + int64(frac), s >= 0 && s <= 1<<33
}

// enhanced reads an enhanced packet block: interface, time, captured and original length, data, options.
func (r *Reader) enhanced(b []byte, at int64) (p Packet, err error) {
	if len(b) < 20 {
		return p, r.fail(at, ErrDamaged, "enhanced packet block of %d octets, expected at least 20", len(b))
	}
	i, err := r.captured(r.order.Uint32(b), at)
	if err != nil {
		return p, err
	}
	n, orig := r.order.Uint32(b[12:]), r.order.Uint32(b[16:])
	if err := r.checkLength(at+20, n, orig, i.snap); err != nil {
		return p, err
	}
	if int(n) > len(b)-20 {
		return p, r.fail(at+20, ErrDamaged, "captured length %d in a block with room for %d", n, len(b)-20)
	}
	t, ok := i.time(uint64(r.order.Uint32(b[4:]))<<32 | uint64(r.order.Uint32(b[8:])))
	if !ok {
		return p, r.fail(at+12, ErrDamaged, "time outside of the years 1970 to 2242")
	}
	return Packet{Data: b[20 : 20+n], Time: t, OrigLen: int(orig), Truncated: n < orig}, nil
}

// simple reads a simple packet block: original length and data; it belongs to interface 0 and has no time.
func (r *Reader) simple(b []byte, at int64) (p Packet, err error) {
	i, err := r.captured(0, at)
	if err != nil {
		return p, err
	}
	if len(b) < 4 {
		return p, r.fail(at, ErrDamaged, "simple packet block of %d octets, expected at least 4", len(b))
	}
	orig := r.order.Uint32(b)
	n := orig
	if i.snap > 0 {
		n = min(n, i.snap)
	}
	if err := r.checkLength(at+8, n, orig, i.snap); err != nil {
		return p, err
	}
	if int(n) > len(b)-4 {
		return p, r.fail(at+8, ErrDamaged, "%d octets in a block with room for %d", n, len(b)-4)
	}
	return Packet{Data: b[4 : 4+n], OrigLen: int(orig), Truncated: n < orig}, nil
}

// captured returns the interface a packet names, which must have the link type of the file's first.
func (r *Reader) captured(id uint32, at int64) (netInterface, error) {
	if uint64(id) >= uint64(len(r.interfaces)) {
		return netInterface{}, r.fail(at+8, ErrDamaged, "interface %d of %d", id, len(r.interfaces))
	}
	i := r.interfaces[id]
	if i.link != r.link {
		return i, r.fail(at+8, ErrLinkType, "interface %d has %v, expected %v as the file's first", id, i.link, r.link)
	}
	return i, nil
}
