package iptfs

import (
	"bytes"
	"encoding/binary"
	"testing"

	"stillwater/pmd/mbuf"
)

// framerRig is a Framer with a pool; the pool's Close at the end of the test finds every mbuf that got lost.
type framerRig struct {
	*Framer
	t    testing.TB
	pool *mbuf.Pool
	made byte // mark of the next packet
}

// framerConfig is the configuration most tests start from.
func framerConfig(payload int, fixed bool) FramerConfig {
	return FramerConfig{PayloadSize: payload, Fixed: fixed, QueuePackets: 256, QueueOctets: 1 << 20}
}

func newFramerRig(t testing.TB, cfg FramerConfig) *framerRig {
	t.Helper()
	f, err := NewFramer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: t.Name(), N2K: 1024, N9K: 64, N64K: 8})
	if err != nil {
		t.Fatal(err)
	}
	r := &framerRig{Framer: f, t: t, pool: pool}
	t.Cleanup(func() {
		f.Close(pool)
		if err := pool.Close(); err != nil {
			t.Errorf("the framer lost or kept an mbuf: %v", err)
		}
	})
	return r
}

// framerFill writes an IP packet of the size of b: a header with the right length, then octets made from mark.
func framerFill(b []byte, version int, mark byte) {
	for i := range b {
		b[i] = mark + byte(i)
	}
	if version == 4 {
		b[0], b[1] = 0x45, 0
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		return
	}
	b[0], b[1] = 0x60, 0
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40))
}

// packet allocates an inner packet of the size given.
func (r *framerRig) packet(version, size int) *mbuf.Mbuf {
	r.t.Helper()
	m := r.pool.Get(size)
	if m == nil || !m.SetLen(size) {
		r.t.Fatalf("no mbuf for %d octets", size)
	}
	framerFill(m.Data(), version, r.made)
	r.made += 17
	return m
}

// offer queues IPv4 packets of the sizes given at a time; all must be taken. It returns copies of them.
func (r *framerRig) offer(now int64, sizes ...int) [][]byte {
	r.t.Helper()
	var sent [][]byte
	for _, size := range sizes {
		m := r.packet(4, size)
		sent = append(sent, bytes.Clone(m.Data()))
		if n := r.Offer(mbuf.Burst{m}, now); n != 1 {
			r.t.Fatalf("packet of %d octets refused: %v", size, m.Verdict)
		}
	}
	return sent
}

// emit makes at most n payloads, checks their form and returns copies of them.
func (r *framerRig) emit(n int, now int64) [][]byte {
	r.t.Helper()
	out := make(mbuf.Burst, n)
	return r.collect(out[:r.Emit(out, r.pool, now)])
}

// emitPad is emit for all-pad payloads.
func (r *framerRig) emitPad(n int) [][]byte {
	r.t.Helper()
	out := make(mbuf.Burst, n)
	return r.collect(out[:r.EmitPad(out, r.pool)])
}

func (r *framerRig) collect(out mbuf.Burst) [][]byte {
	r.t.Helper()
	var payloads [][]byte
	for _, m := range out {
		if m.NextHeader != 144 || m.HeadroomLen() != mbuf.Headroom || m.TailroomLen() < mbuf.Tailroom {
			r.t.Fatalf("payload with next header %d, headroom %d, tailroom %d", m.NextHeader, m.HeadroomLen(), m.TailroomLen())
		}
		payloads = append(payloads, bytes.Clone(m.Data()))
	}
	r.pool.Free(out)
	return payloads
}

// framerStream takes payloads apart by the letter of RFC 9347 2.2.3 and 6.1, and fails the test on anything a sender
// must not do. It is written from the text, not from this package's codec or receiver.
type framerStream struct {
	t       testing.TB
	least   int // octets of the shortest fragment that may begin in a tail
	pending []byte
	need    int
	inner   [][]byte
	allPad  int
}

func (s *framerStream) take(payloads ...[]byte) {
	s.t.Helper()
	for _, b := range payloads {
		s.takeOne(b)
	}
}

func (s *framerStream) takeOne(b []byte) {
	s.t.Helper()
	header := 4
	if b[0] == 1 {
		header = 24
	}
	if b[0] > 1 || len(b) < header || header == 4 && b[1] != 0 || b[1]&0xfc != 0 {
		s.t.Fatalf("bad header in %d octets: %x", len(b), b[:min(len(b), 24)])
	}
	offset, d := int(b[2])<<8|int(b[3]), b[header:]
	switch {
	case len(d) == 0:
		s.t.Fatal("a payload without a block")
	case offset == 0 && d[0]>>4 == 0:
		s.allPad++
	case offset != s.need-len(s.pending):
		s.t.Fatalf("BlockOffset %d, but %d octets are to come", offset, s.need-len(s.pending))
	default:
		n := min(offset, len(d))
		s.extend(d[:n])
		d = d[n:]
	}
	s.blocks(d)
}

// extend adds octets to the packet in reassembly.
func (s *framerStream) extend(d []byte) {
	s.pending = append(s.pending, d...)
	if len(d) > 0 && len(s.pending) == s.need {
		s.inner = append(s.inner, s.pending)
		s.pending, s.need = nil, 0
	}
}

// blocks reads the new blocks of a payload to its end.
func (s *framerStream) blocks(d []byte) {
	s.t.Helper()
	for len(d) > 0 {
		if d[0]>>4 == 0 {
			if i := bytes.IndexFunc(d, func(r rune) bool { return r != 0 }); i >= 0 {
				s.t.Fatalf("TFS-026: pad octet %d is not zero", i)
			}
			return
		}
		if len(d) < max(s.least, 6) {
			if length, need, _ := BlockLen(d); need > 0 || length > len(d) {
				s.t.Fatalf("TFS-033: a fragment begins with %d octets, %d are the least", len(d), s.least)
			}
		}
		length := int(d[2])<<8 | int(d[3])
		if d[0]>>4 == 6 {
			length = 40 + (int(d[4])<<8 | int(d[5]))
		}
		n := min(length, len(d))
		s.need = length
		s.extend(d[:n])
		d = d[n:]
	}
}

// want compares what arrived, in order, and that nothing is left over.
func (s *framerStream) want(sent [][]byte) {
	s.t.Helper()
	if len(s.pending) != 0 {
		s.t.Fatalf("%d of %d octets of a packet never ended", len(s.pending), s.need)
	}
	if len(s.inner) != len(sent) {
		s.t.Fatalf("%d inner packets arrived, want %d", len(s.inner), len(sent))
	}
	for i := range sent {
		if !bytes.Equal(s.inner[i], sent[i]) {
			s.t.Fatalf("inner packet %d of %d octets differs", i, len(sent[i]))
		}
	}
}
