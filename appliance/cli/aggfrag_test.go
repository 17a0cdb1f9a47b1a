package cli

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// The AGGFRAG format written down a second time from RFC 9347 2.2 and 6.1, in the plainest way: whole payloads in order of
// their sequence numbers, no window, no timer.

// unframed is what a run of payloads holds.
type unframed struct {
	packets [][]byte
	pads    [][]byte // content of pad blocks
	runts   int      // fragments that start with fewer octets than the length field of their header needs
}

// unframe takes payloads apart by sequence number. Where numbers are missing, the packet that was begun is lost and the
// BlockOffset says where the next one starts (RFC 9347 2.2.3).
func unframe(payloads map[uint64][]byte) (u unframed, err error) {
	var begun []byte
	previous := uint64(0)
	for i, seq := range slices.Sorted(maps.Keys(payloads)) {
		if i > 0 && seq != previous+1 {
			begun = nil
		}
		previous = seq
		if begun, err = u.payload(payloads[seq], begun); err != nil {
			return u, fmt.Errorf("payload %d: %w", seq, err)
		}
	}
	return u, nil
}

// payload takes one payload apart; begun is the packet that the one before left unfinished.
func (u *unframed) payload(p, begun []byte) (rest []byte, err error) {
	if len(p) < 4 {
		return nil, fmt.Errorf("%d octets, no room for the AGGFRAG header", len(p))
	}
	if p[0] != 0 || p[1] != 0 {
		return nil, fmt.Errorf("sub-type %d and reserved octet %d, expected 0 and 0", p[0], p[1])
	}
	offset, data := int(binary.BigEndian.Uint16(p[2:])), p[4:]
	continued := min(offset, len(data))
	if begun != nil {
		begun = append(begun, data[:continued]...)
		n, known := blockLength(begun)
		if known && len(begun) == n && offset <= len(data) {
			u.packets, begun = append(u.packets, begun), nil
		} else if offset <= len(data) {
			return nil, fmt.Errorf("BlockOffset %d ends the packet at %d of %d octets", offset, len(begun), n)
		}
	}
	if offset > len(data) {
		return begun, nil
	}
	return u.blocks(data[continued:])
}

// blocks takes the data blocks apart that start in a payload.
func (u *unframed) blocks(data []byte) (begun []byte, err error) {
	for len(data) > 0 {
		switch data[0] >> 4 {
		case 0: // a pad block fills the payload
			u.pads = append(u.pads, data)
			return nil, nil
		case 4, 6:
		default:
			return nil, fmt.Errorf("data block of type %d", data[0]>>4)
		}
		n, known := blockLength(data)
		if !known {
			u.runts++
		}
		if !known || n > len(data) {
			return slices.Clone(data), nil
		}
		u.packets = append(u.packets, data[:n])
		data = data[n:]
	}
	return nil, nil
}

// blockLength is the length of the IP packet that b starts with, where b is long enough to tell.
func blockLength(b []byte) (n int, known bool) {
	switch {
	case b[0]>>4 == 4 && len(b) >= 4:
		return int(binary.BigEndian.Uint16(b[2:])), true
	case b[0]>>4 == 6 && len(b) >= 6:
		return 40 + int(binary.BigEndian.Uint16(b[4:])), true
	}
	return 0, false
}

// frame cuts packets into payloads of size octets each, the plainest way: one stream of octets, the last payload padded.
func frame(packets [][]byte, size int) (payloads [][]byte) {
	var stream []byte
	var starts []int
	for _, p := range packets {
		starts = append(starts, len(stream))
		stream = append(stream, p...)
	}
	starts = append(starts, len(stream))
	room := size - 4
	for at := 0; at < len(stream); at += room {
		next := starts[slices.IndexFunc(starts, func(s int) bool { return s >= at })]
		p := make([]byte, size)
		binary.BigEndian.PutUint16(p[2:], uint16(next-at))
		copy(p[4:], stream[at:min(at+room, len(stream))])
		payloads = append(payloads, p)
	}
	return payloads
}
