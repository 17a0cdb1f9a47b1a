package dataplane

import (
	"encoding/binary"

	"stillwater/pmd/mbuf"
)

// IPv4 fragment fields (RFC 791 3.1).
const (
	flagDF     = 0x4000
	flagMF     = 0x2000
	offsetMask = 0x1fff
	copiedFlag = 0x80 // of an option's type: it goes into every fragment
)

// fit gives take the packets of run in order, in one or several bursts; those above mtu octets are cut into IPv4 fragments
// first, or rejected where that is not allowed.
func (w *Worker) fit(run mbuf.Burst, mtu int, take func(mbuf.Burst)) {
	from := 0
	for i, m := range run {
		if m.Len() <= mtu {
			continue
		}
		take(run[from:i])
		from = i + 1
		n, v := w.fragment(m, mtu, w.sealing)
		if v != mbuf.Pass {
			m.Aux = uint32(mtu)
			w.settle(m, v)
			continue
		}
		w.pool.Put(m)
		take(w.sealing[:n])
	}
	take(run[from:])
}

// fragment cuts an IPv4 packet that does not fit a tunnel or a port into fragments of at most mtu octets (RFC 4301 8.2.1; RFC 791
// 3.2). Only plain tunnels need it, and AGGFRAG towards a peer that takes no fragments: AGGFRAG itself never fragments
// inner packets (RFC 9347 2.2.5.1). It fills out with new mbufs that carry the metadata of m, which stays the caller's.
// TooBig: the packet must not be fragmented, or out is too short; NoBuffer: the pool is empty. Either way out holds nothing.
func (w *Worker) fragment(m *mbuf.Mbuf, mtu int, out mbuf.Burst) (n int, v mbuf.Verdict) {
	d := m.Data()
	if d[0]>>4 != 4 || be16(d[6:])&flagDF != 0 {
		return 0, mbuf.TooBig
	}
	header := int(d[0]&15) * 4
	for at := header; at < len(d); {
		room := (mtu - header) &^ 7 // later headers are no longer than the first
		if room < 8 || n == len(out) {
			v = mbuf.TooBig
			break
		}
		f := w.pool.Get(mtu)
		if f == nil {
			v = mbuf.NoBuffer
			break
		}
		f.CopyMeta(m)
		out[n] = f
		n++
		end := min(at+room, len(d))
		writeFragment(f, d, header, at, end)
		at = end
	}
	if v != mbuf.Pass {
		w.pool.Free(out[:n])
		n = 0
	}
	return n, v
}

// writeFragment writes octets at to end of packet d, whose header is header octets long, as a packet of its own.
func writeFragment(f *mbuf.Mbuf, d []byte, header, at, end int) {
	h := f.Append(copyHeader(f.Room(), d[:header], at == header))
	copy(f.Append(end-at), d[at:end])
	field := be16(d[6:])
	field = field&^offsetMask | (field&offsetMask + uint16((at-header)/8))
	if end < len(d) {
		field |= flagMF
	}
	binary.BigEndian.PutUint16(h[2:], uint16(f.Len()))
	binary.BigEndian.PutUint16(h[6:], field)
	h[10], h[11] = 0, 0
	binary.BigEndian.PutUint16(h[10:], ^uint16(headerSum(h)))
}

// copyHeader writes the header of a fragment to b and returns its length: all of it for the first, without the options
// that are not to be copied for the others.
func copyHeader(b, header []byte, first bool) int {
	if first {
		return copy(b, header)
	}
	n := copy(b, header[:ipv4Len])
	for options := header[ipv4Len:]; len(options) > 0 && options[0] != 0; {
		size := 1
		if options[0] != 1 { // all but the no-operation have a length
			if len(options) < 2 || int(options[1]) < 2 || int(options[1]) > len(options) {
				break
			}
			size = int(options[1])
		}
		if options[0]&copiedFlag != 0 {
			n += copy(b[n:], options[:size])
		}
		options = options[size:]
	}
	for ; n%4 != 0; n++ {
		b[n] = 0
	}
	b[0] = 4<<4 | byte(n/4)
	return n
}
