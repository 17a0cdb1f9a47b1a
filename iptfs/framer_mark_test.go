package iptfs

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"stillwater/pmd/mbuf"
)

// framerChecksum computes an IPv4 header's checksum from scratch (RFC 791 3.1).
func framerChecksum(header []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(header); i += 2 {
		if i != 10 {
			sum += uint32(binary.BigEndian.Uint16(header[i:]))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// TFS-091: only ECN-capable packets are marked, nothing but the ECN field changes, and the checksum stays right.
func TestTFS091_MarkCE(t *testing.T) {
	rnd := rand.New(rand.NewPCG(testSeed(t), 6))
	for range 2000 {
		for ecn := range byte(4) {
			for _, version := range []int{4, 6} {
				framerMark(t, rnd, version, ecn)
			}
		}
	}
}

func framerMark(t *testing.T, rnd *rand.Rand, version int, ecn byte) {
	t.Helper()
	p := make([]byte, 60)
	framerFill(p, version, byte(rnd.Uint32()))
	tos := byte(rnd.Uint32())&^3 | ecn
	mark := func(b []byte, tos byte) {
		if version == 4 {
			b[1] = tos
			binary.BigEndian.PutUint16(b[10:], framerChecksum(b[:20]))
			return
		}
		b[0], b[1] = 0x60|tos>>4, tos<<4|b[1]&0x0f
	}
	mark(p, tos)
	want := bytes.Clone(p)
	capable := ecn == 1 || ecn == 2
	if capable {
		mark(want, tos|3)
	}
	if got := markCE(p); got != capable || !bytes.Equal(p, want) {
		t.Fatalf("IPv%d, ECN %d: got %t, %x, want %t, %x", version, ecn, got, p[:40], capable, want[:40])
	}
}

// The first row is the example of RFC 1624 4; the second carries twice.
func TestAdjust(t *testing.T) {
	for _, c := range []struct{ sum, before, after, want uint16 }{
		{0xdd2f, 0x5555, 0x3285, 0x0000},
		{0x0000, 0x7fff, 0x8000, 0xfffe},
		{0x1234, 0x4500, 0x4500, 0x1234},
	} {
		if got := adjust(c.sum, c.before, c.after); got != c.want {
			t.Errorf("%#04x, %#04x to %#04x: got %#04x, want %#04x", c.sum, c.before, c.after, got, c.want)
		}
	}
}

// TFS-062: marking begins above the threshold and only there.
func TestTFS062_MarkThreshold(t *testing.T) {
	cfg := framerConfig(104, true)
	cfg.QueueOctets, cfg.MarkOctets = 200, 100
	r := newFramerRig(t, cfg)
	want := []byte{1, 1, 3, 3} // 50 and 100 octets wait, then 150 and 200
	var ms mbuf.Burst
	for range want {
		m := r.packet(4, 50)
		m.Data()[1] = 1 // ECT(1)
		ms = append(ms, m)
	}
	if n := r.Offer(ms, 0); n != len(want) {
		t.Fatalf("%d taken, want %d", n, len(want))
	}
	for i, m := range ms {
		if got := m.Data()[1]; got != want[i] {
			t.Errorf("packet %d: ECN %d, want %d", i, got, want[i])
		}
	}
	if got := r.Counters().Marked; got != 2 {
		t.Errorf("%d counted, want 2", got)
	}
}
