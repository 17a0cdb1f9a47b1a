package pcappmd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"stillwater/pmd"
)

// maxCapture bounds the memory of a replayed file, in octets.
const maxCapture = 1 << 30

const (
	ethernetLen = 14
	tagLen      = 4
	tpidVLAN    = 0x8100
)

// capture is a file in memory, ready to be replayed. Immutable after load.
type capture struct {
	link    pmd.Link
	octets  []byte // of all packets, one behind the other, 802.1Q tags taken out
	packets []record
	largest int   // octets of the largest packet
	span    int64 // from the first packet to one mean gap after the last, ns
}

// record is one packet of a capture.
type record struct {
	at     int   // in octets
	time   int64 // ns since the first packet, never less than the one before
	length uint32
	tci    uint16
	tagged bool
	cut    bool // the capture has not the whole packet
}

// load reads a whole file. Replay does no input while packets flow.
func load(path string) (*capture, error) {
	r, err := OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	link, _ := r.Link().link()
	c := &capture{link: link}
	if info, err := os.Stat(path); err == nil && info.Size() <= maxCapture {
		c.octets = make([]byte, 0, info.Size())
	}
	first := int64(0)
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(c.packets) == 0 {
			first = p.Time
		}
		if c.add(p, p.Time-first); len(c.octets) > maxCapture {
			return nil, fmt.Errorf("%w: %s has more than %d octets of packets, too many to replay from memory", ErrLimit, path, maxCapture)
		}
	}
	if len(c.packets) == 0 {
		return nil, fmt.Errorf("capture file %s has no packets, nothing to replay", path)
	}
	last := c.packets[len(c.packets)-1].time
	c.span = last + last/max(1, int64(len(c.packets)-1))
	return c, nil
}

// add appends one packet. The tag of IEEE 802.1Q moves from the data to the record, as with a NIC that strips it.
func (c *capture) add(p Packet, time int64) {
	if n := len(c.packets); n > 0 {
		time = max(time, c.packets[n-1].time)
	}
	d := p.Data
	rec := record{at: len(c.octets), time: time, cut: p.Truncated}
	if c.link == pmd.Ethernet && len(d) >= ethernetLen+tagLen && binary.BigEndian.Uint16(d[12:]) == tpidVLAN {
		rec.tagged, rec.tci = true, binary.BigEndian.Uint16(d[14:])
		c.octets = append(c.octets, d[:12]...)
		d = d[16:]
	}
	c.octets = append(c.octets, d...)
	rec.length = uint32(len(c.octets) - rec.at)
	c.largest = max(c.largest, int(rec.length))
	c.packets = append(c.packets, rec)
}
