package pcappmd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
)

// Options are what a Writer leaves to choose.
type Options struct {
	Microseconds bool // write microseconds, for tools that know nothing finer; times are cut, not rounded
}

// Writer writes a classic pcap file in big-endian byte order. Owned by one goroutine.
type Writer struct {
	out    *bufio.Writer
	header [recordHeaderLen]byte
	unit   int64
	temp   *os.File // nil for NewWriter
	path   string
	failed error
	done   bool
}

// Create starts a capture file. Until Close it has another name in the same folder, so that nothing incomplete ever looks
// complete. The file can be read by its owner only: it may hold what was encrypted on the wire.
func Create(path string, link LinkType, opts Options) (*Writer, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("create capture file %s: exists and is %v, expected a regular file or none", path, info.Mode().Type())
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return nil, fmt.Errorf("create capture file %s: %w", path, err)
	}
	w, err := NewWriter(f, link, opts)
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, fmt.Errorf("create capture file %s: %w", path, err)
	}
	w.temp, w.path = f, path
	return w, nil
}

// NewWriter writes a capture to out, buffered: it is complete after Close.
func NewWriter(out io.Writer, link LinkType, opts Options) (*Writer, error) {
	if _, ok := link.link(); !ok {
		return nil, fmt.Errorf("%w: %v, expected %v or %v", ErrLinkType, link, LinkEthernet, LinkRaw)
	}
	w := &Writer{out: bufio.NewWriterSize(out, 256<<10), unit: 1}
	magic := uint32(magicNano)
	if opts.Microseconds {
		magic, w.unit = magicMicro, 1000
	}
	var h [fileHeaderLen]byte
	binary.BigEndian.PutUint32(h[0:], magic)
	binary.BigEndian.PutUint16(h[4:], 2)
	binary.BigEndian.PutUint16(h[6:], 4)
	binary.BigEndian.PutUint32(h[16:], MaxPacket)
	binary.BigEndian.PutUint32(h[20:], uint32(link))
	_, w.failed = w.out.Write(h[:])
	return w, w.failed
}

// ErrClosed is returned by a Writer after Close or Abort.
var ErrClosed = errors.New("capture file is closed")

// Write appends one packet; ts is in ns since 1970, up to the year 2106 that the format can hold. A packet it refuses
// leaves the file as it was; after an error of the disk every call returns that error.
func (w *Writer) Write(ts int64, data []byte) error {
	switch {
	case w.done:
		return ErrClosed
	case w.failed != nil:
		return w.failed
	case len(data) > MaxPacket:
		return fmt.Errorf("%w: packet of %d octets, expected at most %d", ErrLimit, len(data), MaxPacket)
	case ts < 0 || ts/1_000_000_000 > math.MaxUint32:
		return fmt.Errorf("%w: time of %d ns, expected 0 to %d s", ErrLimit, ts, uint32(math.MaxUint32))
	}
	binary.BigEndian.PutUint32(w.header[0:], uint32(ts/1_000_000_000))
	binary.BigEndian.PutUint32(w.header[4:], uint32(ts%1_000_000_000/w.unit))
	binary.BigEndian.PutUint32(w.header[8:], uint32(len(data)))
	binary.BigEndian.PutUint32(w.header[12:], uint32(len(data)))
	if _, w.failed = w.out.Write(w.header[:]); w.failed == nil {
		_, w.failed = w.out.Write(data)
	}
	return w.failed
}

// Close completes the file and gives it its name. When anything failed it removes the file and returns the first error.
func (w *Writer) Close() error {
	if w.done {
		return ErrClosed
	}
	err := w.failed
	if err == nil {
		err = w.out.Flush()
	}
	if err != nil || w.temp == nil {
		return errors.Join(err, w.Abort())
	}
	w.done = true
	err = errors.Join(w.temp.Close(), os.Rename(w.temp.Name(), w.path))
	if err != nil {
		os.Remove(w.temp.Name())
		return fmt.Errorf("complete capture file %s: %w", w.path, err)
	}
	return nil
}

// Abort gives the file up and leaves nothing behind.
func (w *Writer) Abort() error {
	if w.done {
		return nil
	}
	w.done = true
	if w.temp == nil {
		return nil
	}
	return errors.Join(w.temp.Close(), os.Remove(w.temp.Name()))
}
