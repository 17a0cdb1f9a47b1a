package iptfs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"stillwater/pmd/mbuf"
)

// reasmRig drives a Reassembler through hand-made payloads and checks what every packet and the pool must satisfy.
type reasmRig struct {
	testing.TB
	r    *Reassembler
	pool *mbuf.Pool
	now  int64
}

// reasmSecond is a lost timer long enough to stay out of tests that are not about it.
const reasmSecond = 1_000_000_000

// newReasmRig returns a rig whose cleanup closes the Reassembler and fails the test if an mbuf is then missing.
func newReasmRig(t testing.TB, cfg ReassemblerConfig) *reasmRig {
	t.Helper()
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: "reassembler test", N2K: 256, N9K: 16, N64K: 24})
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReassembler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	g := &reasmRig{TB: t, r: r, pool: pool}
	t.Cleanup(func() {
		r.Close(pool)
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// recv receives one AGGFRAG payload and returns the inner packets it leads to.
func (g *reasmRig) recv(seq uint64, payload []byte) [][]byte {
	g.Helper()
	return g.recvAs(seq, NextHeader, payload)
}

// recvAs is recv with another Next Header.
func (g *reasmRig) recvAs(seq uint64, nextHeader uint8, payload []byte) [][]byte {
	g.Helper()
	g.r.Receive(g.mbuf(seq, nextHeader, payload), g.pool, g.now)
	return g.drain(mbuf.BurstSize)
}

// recvAll receives payloads in the order given, numbered from first, and returns all inner packets.
func (g *reasmRig) recvAll(first uint64, payloads ...[]byte) [][]byte {
	g.Helper()
	var got [][]byte
	for i, p := range payloads {
		got = append(got, g.recv(first+uint64(i), p)...)
	}
	return got
}

// expire lets the clock reach at and the lost timer fire if it is due.
func (g *reasmRig) expire(at int64) [][]byte {
	g.Helper()
	g.now = at
	g.r.Expire(g.pool, at)
	return g.drain(mbuf.BurstSize)
}

// mbuf returns a payload as ESP hands it over, with metadata that must reach the inner packets.
func (g *reasmRig) mbuf(seq uint64, nextHeader uint8, payload []byte) *mbuf.Mbuf {
	g.Helper()
	m := g.pool.Get(len(payload))
	if m == nil {
		g.Fatalf("no mbuf for %d octets", len(payload))
	}
	copy(m.Append(len(payload)), payload)
	m.Seq, m.NextHeader, m.SA, m.Port, m.Time = seq, nextHeader, 7, 3, g.now
	m.Aux = 0xffffffff // of an earlier stage: means nothing here
	return m
}

// drain takes everything out in bursts of size and checks each packet's metadata.
func (g *reasmRig) drain(size int) [][]byte {
	g.Helper()
	var got [][]byte
	out := make(mbuf.Burst, size)
	for {
		n := g.r.Drain(out, g.pool, g.now)
		for _, m := range out[:n] {
			got = append(got, bytes.Clone(m.Data()))
			g.checkInner(m)
		}
		g.pool.Free(out[:n])
		if n < size {
			return got
		}
	}
}

func (g *reasmRig) checkInner(m *mbuf.Mbuf) {
	g.Helper()
	b := m.Data()
	want := uint8(4)
	if b[0]>>4 == 6 {
		want = 41
	}
	if m.NextHeader != want || m.SA != 7 || m.Port != 3 || m.Verdict != mbuf.Pass {
		g.Errorf("inner packet %.8x: next header %d, SA %d, port %d, verdict %v; expected %d, 7, 3, pass",
			b, m.NextHeader, m.SA, m.Port, m.Verdict, want)
	}
	if m.HeadroomLen() < mbuf.Headroom {
		g.Errorf("inner packet of %d octets has %d octets of headroom, expected %d", len(b), m.HeadroomLen(), mbuf.Headroom)
	}
	if length, need, ok := BlockLen(b); !ok || need != 0 || length != len(b) {
		g.Errorf("inner packet %.8x has %d octets, its own length says %d", b, len(b), length)
	}
}

// expect fails the test unless got is want, packet for packet.
func (g *reasmRig) expect(got [][]byte, want ...[]byte) {
	g.Helper()
	if err := reasmDiff(got, want); err != nil {
		g.Error(err)
	}
}

// expectCounters fails the test unless the counters are want.
func (g *reasmRig) expectCounters(want ReassemblerCounters) {
	g.Helper()
	if got := g.r.Counters(); got != want {
		g.Errorf("counters\n %+v, expected\n %+v", got, want)
	}
}

// expectDrops fails the test unless v was given n times.
func (g *reasmRig) expectDrops(v mbuf.Verdict, n uint64) {
	g.Helper()
	if got := g.r.Drops()[v]; got != n {
		g.Errorf("%d drops as %v, expected %d", got, v, n)
	}
}

// expectIncomplete fails the test unless n inner packets were begun and not completed.
func (g *reasmRig) expectIncomplete(n uint64) {
	g.Helper()
	if got := g.r.Counters().Incomplete; got != n {
		g.Errorf("%d incomplete inner packets, expected %d", got, n)
	}
}

// reasmDiff returns how two lists of packets differ.
func reasmDiff(got, want [][]byte) error {
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i], want[i]) {
			return fmt.Errorf("packet %d: %d octets %.24x, expected %d octets %.24x",
				i, len(got[i]), got[i], len(want[i]), want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d packets, expected %d", len(got), len(want))
	}
	return nil
}

// reasmV4 returns an IPv4 packet of size octets whose every octet behind the length depends on id.
func reasmV4(size, id int) []byte {
	b := reasmFill(size, id)
	b[0], b[1] = 0x45, 0
	binary.BigEndian.PutUint16(b[2:], uint16(size))
	return b
}

// reasmV6 returns an IPv6 packet of size octets, 40 or more.
func reasmV6(size, id int) []byte {
	b := reasmFill(size, id)
	b[0], b[1] = 0x60, 0
	binary.BigEndian.PutUint16(b[4:], uint16(size-40))
	return b
}

func reasmFill(size, id int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i*7 + id*13 + i>>8)
	}
	return b
}

// reasmPayload returns a payload of sub-type 0 with the given BlockOffset and pieces of data blocks.
func reasmPayload(offset int, pieces ...[]byte) []byte {
	head := []byte{SubTypeBasic, 0, byte(offset >> 8), byte(offset)}
	return append(head, bytes.Join(pieces, nil)...)
}

// reasmCC returns the same payload with a header of sub-type 1, every reserved bit and both flags set (RFC 9347 6.1.2).
func reasmCC(offset int, pieces ...[]byte) []byte {
	head := make([]byte, CCHeaderLen)
	for i := range head {
		head[i] = 0xff
	}
	head[0] = SubTypeCC
	binary.BigEndian.PutUint16(head[2:], uint16(offset))
	return append(head, bytes.Join(pieces, nil)...)
}

// reasmPad returns n octets of padding.
func reasmPad(n int) []byte { return make([]byte, n) }

// reasmSplit cuts the stream of blocks into payloads of room octets of data, with the BlockOffsets a sender must use
// (RFC 9347 6.1.1): what is left of the packet that was begun before. The last payload is as long as it needs to be.
func reasmSplit(room int, blocks ...[]byte) [][]byte {
	var starts []int // where blocks begin in the stream
	at := 0
	for _, b := range blocks {
		starts = append(starts, at)
		at += len(b)
	}
	stream := bytes.Join(blocks, nil)
	var payloads [][]byte
	for from := 0; from < len(stream); from += room {
		next := len(stream)
		for _, s := range starts {
			if s >= from {
				next = s
				break
			}
		}
		payloads = append(payloads, reasmPayload(next-from, stream[from:min(from+room, len(stream))]))
	}
	return payloads
}
