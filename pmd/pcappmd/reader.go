package pcappmd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Reader reads a capture file record by record. Owned by one goroutine. Its memory is bounded by MaxPacket.
type Reader struct {
	name   string
	in     *bufio.Reader
	file   io.Closer
	offset int64 // of the next octet of in
	order  binary.ByteOrder
	link   LinkType
	next   func(*Reader) (Packet, error)
	buf    []byte
	failed error // the first error: a reader never goes on after one

	snap uint32 // classic: snapshot length; 0: no limit but MaxPacket
	unit int64  // classic: ns per unit of the fraction

	interfaces []netInterface // pcapng: those of the current section
}

// OpenReader opens a capture file. Errors are *FormatError, or *fs.PathError where the file cannot be read.
func OpenReader(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open capture file: %w", err)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, &FormatError{File: path, Kind: ErrDirectory, Detail: "expected a pcap or pcapng file"}
	}
	r, err := NewReader(f, path)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.file = f
	return r, nil
}

// NewReader reads the head of a capture from in, up to its link type; name is for errors.
func NewReader(in io.Reader, name string) (*Reader, error) {
	r := &Reader{name: name, in: bufio.NewReaderSize(in, 64<<10)}
	head, err := r.in.Peek(4)
	if err != nil {
		return nil, r.short(err, "the magic number of 4 octets")
	}
	start := func() error { return r.startClassic(head) }
	if binary.BigEndian.Uint32(head) == magicNG {
		start = r.startNG
	}
	if err := start(); err != nil {
		return nil, err
	}
	return r, nil
}

// Link returns what records start with.
func (r *Reader) Link() LinkType { return r.link }

// Next returns the next record; io.EOF behind the last complete one. After an error it returns that error again.
func (r *Reader) Next() (Packet, error) {
	if r.failed != nil {
		return Packet{}, r.failed
	}
	p, err := r.next(r)
	r.failed = err
	return p, err
}

// Close closes the file that OpenReader opened.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// startClassic reads the 24-octet file header.
func (r *Reader) startClassic(head []byte) error {
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		switch order.Uint32(head) {
		case magicMicro:
			r.order, r.unit = order, 1000
		case magicNano:
			r.order, r.unit = order, 1
		}
	}
	if r.order == nil {
		return r.fail(0, ErrMagic, "it starts with %#x, expected the magic number of pcap (a1b2c3d4, a1b23c4d) or pcapng (0a0d0d0a)", head)
	}
	h, err := r.take(fileHeaderLen, "the file header")
	if err != nil {
		return err
	}
	if major := r.order.Uint16(h[4:]); major != 2 {
		return r.fail(4, ErrDamaged, "version %d, expected 2", major)
	}
	r.snap = r.order.Uint32(h[16:])
	network := r.order.Uint32(h[20:])
	r.link = LinkType(network)
	if _, ok := r.link.link(); !ok || network > 0xffff {
		return r.fail(20, ErrLinkType, "%v (field %#x), expected %v or %v", r.link, network, LinkEthernet, LinkRaw)
	}
	r.next = (*Reader).nextClassic
	return nil
}

// nextClassic reads one record: seconds, fraction, captured length, original length, data.
func (r *Reader) nextClassic() (p Packet, err error) {
	at := r.offset
	if _, err := r.in.Peek(1); errors.Is(err, io.EOF) {
		return p, io.EOF
	}
	h, err := r.take(recordHeaderLen, "a record header")
	if err != nil {
		return p, err
	}
	sec, frac := int64(r.order.Uint32(h)), int64(r.order.Uint32(h[4:]))
	n, orig := r.order.Uint32(h[8:]), r.order.Uint32(h[12:])
	if perSecond := 1_000_000_000 / r.unit; frac >= perSecond {
		return p, r.fail(at+4, ErrDamaged, "fraction of a second %d, expected less than %d", frac, perSecond)
	}
	if err := r.checkLength(at+8, n, orig, r.snap); err != nil {
		return p, err
	}
	p = Packet{Time: sec*1_000_000_000 + frac*r.unit, OrigLen: int(orig), Truncated: n < orig}
	p.Data, err = r.take(int(n), "the data of a record")
	return p, err
}

// checkLength refuses lengths that no capture has; at is the offset of the captured length.
func (r *Reader) checkLength(at int64, n, orig, snap uint32) error {
	limit := uint32(MaxPacket)
	if snap > 0 {
		limit = min(limit, snap)
	}
	if n > limit {
		return r.fail(at, ErrLimit, "captured length %d, expected at most %d (snapshot length %d, limit %d)", n, limit, snap, MaxPacket)
	}
	if n > orig {
		return r.fail(at, ErrDamaged, "captured length %d of a packet of %d octets", n, orig)
	}
	return nil
}

// take returns the next n octets, valid until the next take; n is bounded by the caller.
func (r *Reader) take(n int, what string) ([]byte, error) {
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	b := r.buf[:n]
	k, err := io.ReadFull(r.in, b)
	r.offset += int64(k)
	if err != nil {
		return nil, r.short(err, fmt.Sprintf("%s: %d of %d octets", what, k, n))
	}
	return b, nil
}

// short turns an error of reading into one that says what is missing; errors other than the end of the file stay.
func (r *Reader) short(err error, what string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.fail(r.offset, ErrTruncated, "in %s", what)
	}
	return fmt.Errorf("%s: offset %d: %w", r.name, r.offset, err)
}

func (r *Reader) fail(at int64, kind error, format string, a ...any) error {
	return &FormatError{File: r.name, Offset: at, Kind: kind, Detail: fmt.Sprintf(format, a...)}
}
