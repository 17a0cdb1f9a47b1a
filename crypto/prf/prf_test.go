package prf

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"stillwater/crypto/suite"
)

// TestNew: of all transform IDs, those of the table are PRFs, with the length of the table, and each can be computed.
func TestNew(t *testing.T) {
	known := 0
	for id := range 1 << 16 {
		row, listed := suite.LookupPRF(uint16(id))
		p, err := New(uint16(id))
		switch {
		case listed && (err != nil || p.Len() != row.Len || len(p.Sum(nil, nil)) != row.Len):
			t.Errorf("%s: %v, %d octets, want %d", row.Name, err, p.Len(), row.Len)
		case !listed && !errors.Is(err, ErrUnknown):
			t.Errorf("transform %d: error %v, want ErrUnknown", id, err)
		case listed:
			known++
		}
	}
	if known != len(hashes) || known != len(suite.PRFs()) {
		t.Errorf("%d PRFs, want %d", known, len(hashes))
	}
}

// TestSumAppends: the output follows what was there, and goes into the capacity behind it.
func TestSumAppends(t *testing.T) {
	each(t, func(t *testing.T, p PRF) {
		room := make([]byte, 3, 3+p.Len())
		have := p.Sum(room, []byte("key"), []byte("data"))
		if &have[0] != &room[0] || !bytes.Equal(have[3:], p.Sum(nil, []byte("key"), []byte("data"))) {
			t.Errorf("have %x", have)
		}
	})
}

// TestIKE080_Limit: 255 blocks are the most that the counter can number, and they are all different; a block more, and a
// negative length, are errors.
func TestIKE080_Limit(t *testing.T) {
	each(t, func(t *testing.T, p PRF) {
		most := 255 * p.Len()
		out, err := p.Plus(nil, []byte("key"), []byte("seed"), most)
		if err != nil || len(out) != most {
			t.Fatalf("%d octets, %v, want %d", len(out), err, most)
		}
		seen := map[string]bool{}
		for ; len(out) > 0; out = out[p.Len():] {
			seen[string(out[:p.Len()])] = true
		}
		if len(seen) != 255 {
			t.Errorf("%d different blocks, want 255", len(seen))
		}
		for _, n := range []int{most + 1, 256 * p.Len(), math.MaxInt, -1, math.MinInt} {
			if out, err := p.Plus(nil, nil, nil, n); !errors.Is(err, ErrLength) || out != nil {
				t.Errorf("%d octets: %d, %v, want ErrLength", n, len(out), err)
			}
		}
	})
}

// TestPlusKeepsToItsRoom: nothing is written behind the octets asked for, and a buffer with room is not left for
// another, in which key material would stay behind.
func TestPlusKeepsToItsRoom(t *testing.T) {
	each(t, func(t *testing.T, p PRF) {
		for n := range 3 * p.Len() {
			room := bytes.Repeat([]byte{0xee}, n+p.Len())
			out, err := p.Plus(room[:0:n], []byte("key"), []byte("seed"), n)
			if err != nil || n > 0 && &out[0] != &room[0] || !bytes.Equal(room[n:], bytes.Repeat([]byte{0xee}, p.Len())) {
				t.Fatalf("%d octets: %v, room %x", n, err, room)
			}
		}
	})
}

// TestSumAllocates: no more than the states of the HMAC and its two hashes, with the two padded keys; engines count on
// it being cheap.
func TestSumAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP: the race detector allocates on its own account")
	}
	each(t, func(t *testing.T, p PRF) {
		key, data, dst := make([]byte, p.Len()), make([]byte, 333), make([]byte, 0, p.Len())
		if have := testing.AllocsPerRun(100, func() { p.Sum(dst, key, data, data) }); have > 5 {
			t.Errorf("%v allocations, want 5 at the most", have)
		}
	})
}

// FuzzPlus: the octets of prf+ do not depend on how many are asked for, and its blocks chain as RFC 7296 2.13 writes
// them.
func FuzzPlus(f *testing.F) {
	f.Add([]byte("key"), []byte("seed"), uint16(0))
	f.Add([]byte{}, []byte{}, uint16(64))
	f.Add(bytes.Repeat([]byte{0xaa}, 131), bytes.Repeat([]byte{1}, 80), uint16(100))
	f.Fuzz(func(t *testing.T, key, seed []byte, n uint16) {
		n %= 1024
		for _, row := range suite.PRFs() {
			p := must(New(row.ID))(t)
			have := must(p.Plus(nil, key, seed, int(n)))(t)
			var want, block []byte
			for i := byte(1); len(want) < int(n); i++ {
				block = p.Sum(nil, key, block, seed, []byte{i})
				want = append(want, block...)
			}
			if !bytes.Equal(have, want[:n]) {
				t.Errorf("%s: have %x, want %x", row.Name, have, want[:n])
			}
		}
	})
}
