package kernel

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
)

// nextFragment is the Next Header of the IPv6 fragment header (RFC 8200 4.5).
const nextFragment = 44

// fragment cuts a packet as its source does where the path takes mtu octets: the test host's share of a path that does not
// fragment by itself, or the kernel's before its own tunnel.
func fragment(packet []byte, mtu int, id uint32) (out [][]byte) {
	p, err := parse(packet)
	if err != nil {
		panic(err)
	}
	if len(packet) <= mtu {
		return [][]byte{packet}
	}
	room := (mtu - headerLen(p.src)) &^ 7
	if p.src.Is6() {
		room -= 8
	}
	for at := 0; at < len(p.body); at += room {
		end := min(at+room, len(p.body))
		more := end < len(p.body)
		if p.src.Is4() {
			out = append(out, fragment4(p, p.body[at:end], at, more, uint16(id)))
		} else {
			out = append(out, fragment6(p, p.body[at:end], at, more, id))
		}
	}
	return out
}

func fragment4(p parsed, part []byte, at int, more bool, id uint16) []byte {
	b := ip(p.src, p.dst, p.protocol, part)
	field := uint16(at / 8)
	if more {
		field |= 0x2000
	}
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], field)
	b[10], b[11] = 0, 0
	binary.BigEndian.PutUint16(b[10:], checksum(b[:20]))
	return b
}

func fragment6(p parsed, part []byte, at int, more bool, id uint32) []byte {
	field := uint16(at)
	if more {
		field |= 1
	}
	h := []byte{p.protocol, 0, byte(field >> 8), byte(field)}
	h = binary.BigEndian.AppendUint32(h, id)
	return ip(p.src, p.dst, nextFragment, append(h, part...))
}

// piece is a fragment taken apart.
type piece struct {
	at   int
	more bool
	body []byte
}

// pieceKey names the packet a fragment belongs to.
type pieceKey struct {
	src, dst netip.Addr
	id       uint32
	protocol byte
}

// assembler puts IP fragments together again, as every host does: it is no part of the tunnel. Owned by the test's
// goroutine.
type assembler map[pieceKey][]piece

// add returns the whole packet that b is or completes, else nil.
func (a assembler) add(b []byte) []byte {
	k, p, ok := readPiece(b)
	if !ok {
		return b
	}
	ps := append(a[k], p)
	slices.SortFunc(ps, func(x, y piece) int { return x.at - y.at })
	a[k] = ps
	var body []byte
	for _, p := range ps {
		if p.at != len(body) {
			return nil
		}
		body = append(body, p.body...)
	}
	if ps[len(ps)-1].more {
		return nil
	}
	delete(a, k)
	return withTTL(ip(k.src, k.dst, k.protocol, body), b)
}

// readPiece reads a fragment; false for a packet that is none.
func readPiece(b []byte) (k pieceKey, p piece, ok bool) {
	switch {
	case len(b) >= 20 && b[0] == 0x45 && binary.BigEndian.Uint16(b[6:])&0x3fff != 0:
		field := binary.BigEndian.Uint16(b[6:])
		k = pieceKey{netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:])), uint32(binary.BigEndian.Uint16(b[4:])), b[9]}
		return k, piece{int(field&0x1fff) * 8, field&0x2000 != 0, b[20:]}, true
	case len(b) >= 48 && b[0]>>4 == 6 && b[6] == nextFragment:
		field := binary.BigEndian.Uint16(b[42:])
		k = pieceKey{netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:])), binary.BigEndian.Uint32(b[44:]), b[40]}
		return k, piece{int(field &^ 7), field&1 != 0, b[48:]}, true
	}
	return k, p, false
}

// withTTL gives a packet the TTL of another.
func withTTL(packet, other []byte) []byte {
	packet = bytes.Clone(packet)
	if packet[0]>>4 == 6 {
		packet[7] = other[7]
		return packet
	}
	packet[8], packet[10], packet[11] = other[8], 0, 0
	binary.BigEndian.PutUint16(packet[10:], checksum(packet[:20]))
	return packet
}
