package iptfs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"stillwater/pmd/mbuf"
)

// framerBytes puts octets together: a basic header with the BlockOffset given, then the parts.
func framerBytes(offset int, parts ...[]byte) []byte {
	return append([]byte{0, 0, byte(offset >> 8), byte(offset)}, slices.Concat(parts...)...)
}

func framerWant(t *testing.T, got [][]byte, want ...[]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d payloads, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("payload %d: got %d octets %x..., want %d octets %x...", i,
				len(got[i]), got[i][:min(len(got[i]), 24)], len(want[i]), want[i][:min(len(want[i]), 24)])
		}
	}
}

// RFC 9347 appendix A: offsets 0, 100, 2000 and 600, and 800 octets of padding at the end.
func TestTFST01_AppendixA(t *testing.T) {
	r := newFramerRig(t, framerConfig(1404, true))
	stream := slices.Concat(r.offer(0, 750, 750, 60, 240, 3000)...)
	framerWant(t, r.emit(4, 0),
		framerBytes(0, stream[:1400]),
		framerBytes(100, stream[1400:2800]),
		framerBytes(2000, stream[2800:4200]),
		framerBytes(600, stream[4200:], make([]byte, 800)))
	r.emit(2, 0)
	want := FramerCounters{TxPkts: 5, TxOctets: 4800, TxAllPadPkts: 2, TxAllPadOctets: 2800, TxExtraPadPkts: 1,
		TxExtraPadOctets: 800, Payloads: 6, PayloadOctets: 6 * 1404}
	if got := r.Counters(); got != want {
		t.Errorf("YNG-040 counters: got %+v, want %+v", got, want)
	}
}

// Expected octets are put together by hand: a wrong BlockOffset survives a round trip through one's own receiver.
func TestTFST50_EncodedOctets(t *testing.T) {
	const payload = 104 // 100 octets of blocks
	for _, c := range []struct {
		name  string
		sizes []int
		want  func(p [][]byte) [][]byte
	}{
		{"TFS-051 nothing waits: all pad", nil, func([][]byte) [][]byte {
			return [][]byte{framerBytes(0, make([]byte, 100))}
		}},
		{"TFS-020 blocks without alignment", []int{21, 33}, func(p [][]byte) [][]byte {
			return [][]byte{framerBytes(0, p[0], p[1], make([]byte, 46))}
		}},
		{"TFS-042 block ends exactly with the payload", []int{100, 20}, func(p [][]byte) [][]byte {
			return [][]byte{framerBytes(0, p[0]), framerBytes(0, p[1], make([]byte, 80))}
		}},
		{"TFS-042 offset 0 after a pad block", []int{61, 62}, func(p [][]byte) [][]byte {
			return [][]byte{framerBytes(0, p[0], make([]byte, 39)), framerBytes(0, p[1], make([]byte, 38))}
		}},
		{"TFS-043 offset is what is left", []int{60, 62}, func(p [][]byte) [][]byte {
			return [][]byte{framerBytes(0, p[0], p[1][:40]), framerBytes(22, p[1][40:], make([]byte, 78))}
		}},
		{"TFS-044 continuation ends exactly with the payload", []int{60, 140, 20}, func(p [][]byte) [][]byte {
			return [][]byte{framerBytes(0, p[0], p[1][:40]), framerBytes(100, p[1][40:]), framerBytes(0, p[2], make([]byte, 80))}
		}},
		{"TFS-041 offset past the end", []int{250}, func(p [][]byte) [][]byte {
			return [][]byte{framerBytes(0, p[0][:100]), framerBytes(150, p[0][100:200]), framerBytes(50, p[0][200:], make([]byte, 50))}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newFramerRig(t, framerConfig(payload, true))
			want := c.want(r.offer(0, c.sizes...))
			framerWant(t, r.emit(len(want), 0), want...)
		})
	}
}

// Without Fixed a payload is as long as its blocks, and nothing is sent when nothing waits.
func TestAggregateHasNoPadding(t *testing.T) {
	r := newFramerRig(t, framerConfig(104, false))
	framerWant(t, r.emit(4, 0))
	p := r.offer(0, 20)
	framerWant(t, r.emit(4, 0), framerBytes(0, p[0]))
	p = r.offer(0, 61, 62, 250)
	framerWant(t, r.emit(9, 0), framerBytes(0, p[0]), framerBytes(0, p[1]),
		framerBytes(0, p[2][:100]), framerBytes(150, p[2][100:200]), framerBytes(50, p[2][200:]))
	if c := r.Counters(); c.TxAllPadPkts+c.TxExtraPadPkts+c.TxExtraPadOctets != 0 || c.TxPkts != 4 {
		t.Errorf("got %+v, want 4 packets and no padding", c)
	}
}

// framerModel computes the BlockOffsets and the octets used in each payload from the sizes alone, packet by packet,
// where the Framer goes payload by payload.
func framerModel(sizes []int, capacity, least int) (offsets, used []int) {
	room := 0
	open := func(offset int) {
		offsets, used, room = append(offsets, offset), append(used, 0), capacity
	}
	put := func(n int) {
		used[len(used)-1] += n
		room -= n
	}
	for _, size := range sizes {
		if room == 0 || size > room && room < least {
			open(0)
		}
		for size > room {
			size -= room
			put(room)
			open(size)
		}
		put(size)
	}
	return offsets, used
}

func framerSizes(r *rand.Rand, n, most int) []int {
	sizes := make([]int, n)
	for i := range sizes {
		switch r.IntN(4) {
		case 0:
			sizes[i] = 20 + r.IntN(most-19)
		default:
			sizes[i] = 20 + r.IntN(200)
		}
	}
	return sizes
}

func TestTFST40_OffsetsEqualModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(testSeed(t), 2))
	for range 200 {
		cfg := framerConfig(64+rnd.IntN(1500), rnd.IntN(2) == 0)
		cfg.MinFragment = 6 + rnd.IntN(cfg.PayloadSize-CCHeaderLen-6+1)
		r := newFramerRig(t, cfg)
		sizes := framerSizes(rnd, 1+rnd.IntN(60), 9000)
		sent := r.offer(0, sizes...)
		offsets, used := framerModel(sizes, cfg.PayloadSize-BasicHeaderLen, cfg.MinFragment)
		var payloads [][]byte
		for len(payloads) < len(offsets) { // the pool has not room for all of them at once
			payloads = append(payloads, r.emit(min(64, len(offsets)-len(payloads)), 0)...)
		}
		framerCheckModel(t, cfg, payloads, offsets, used)
		s := framerStream{t: t, least: cfg.MinFragment}
		s.take(payloads...)
		s.want(sent)
	}
}

func framerCheckModel(t *testing.T, cfg FramerConfig, payloads [][]byte, offsets, used []int) {
	t.Helper()
	if len(payloads) != len(offsets) {
		t.Fatalf("%+v: %d payloads, want %d", cfg, len(payloads), len(offsets))
	}
	for i, b := range payloads {
		size := cfg.PayloadSize
		if !cfg.Fixed {
			size = BasicHeaderLen + used[i]
		}
		if offset := int(b[2])<<8 | int(b[3]); offset != offsets[i] || len(b) != size {
			t.Fatalf("%+v: payload %d: offset %d, %d octets, want %d, %d", cfg, i, offset, len(b), offsets[i], size)
		}
	}
}

// Every room a tail can have, for both families: a fragment begins with MinFragment octets or not at all.
func TestTFST41_NeverARunt(t *testing.T) {
	for _, least := range []int{6, 7, 39, 40, 80} {
		for room := range 100 {
			for _, version := range []int{4, 6} {
				framerTail(t, least, room, version)
			}
		}
	}
}

// framerTail sends a packet that leaves room octets, then one of 150, and checks how the first payload ends.
func framerTail(t *testing.T, least, room, version int) {
	t.Helper()
	cfg := framerConfig(204, false)
	cfg.MinFragment = least
	r := newFramerRig(t, cfg)
	sent := r.offer(0, 200-room)
	m := r.packet(version, 150)
	sent = append(sent, bytes.Clone(m.Data()))
	r.Offer(mbuf.Burst{m}, 0)
	payloads := r.emit(4, 0)
	want := 204
	if room < least {
		want -= room
	}
	if len(payloads) != 2 || len(payloads[0]) != want {
		t.Fatalf("least %d, room %d, IPv%d: %d payloads, the first of %d octets, want 2, %d", least, room, version,
			len(payloads), len(payloads[0]), want)
	}
	s := framerStream{t: t, least: least}
	s.take(payloads...)
	s.want(sent)
}

// A peer that set D gets every inner packet in one block, and what cannot be is refused at once.
func TestTFST42_DontFragment(t *testing.T) {
	for _, cc := range []bool{false, true} {
		t.Run(fmt.Sprintf("TFS-056 congestion control %t", cc), func(t *testing.T) {
			cfg := framerConfig(124, true)
			cfg.DontFragment, cfg.CC = true, cc
			r := newFramerRig(t, cfg)
			longest, header := 120, Header{}
			if cc {
				longest, header.SubType = 100, SubTypeCC
			}
			if r.MaxInner() != longest {
				t.Errorf("MaxInner %d, want %d", r.MaxInner(), longest)
			}
			big := r.packet(4, longest+1)
			if n := r.Offer(mbuf.Burst{big}, 0); n != 0 || big.Verdict != mbuf.TooBig {
				t.Errorf("%d octets: taken %d, %v, want too_big", longest+1, n, big.Verdict)
			}
			r.pool.Put(big)
			r.SetHeader(header)
			sent := r.offer(0, longest, longest-1, 20, longest, 60, 50)
			s := framerStream{t: t, least: longest + 1}
			s.take(r.emit(8, 0)...)
			s.want(sent)
		})
	}
}

// All-pad payloads may stand between the fragments of a packet; they do not disturb the offsets around them.
func TestTFST43_AllPadBetweenFragments(t *testing.T) {
	for _, fixed := range []bool{true, false} {
		r := newFramerRig(t, framerConfig(104, fixed))
		sent := r.offer(0, 450)
		s := framerStream{t: t, least: 40}
		for range 5 {
			s.take(r.emitPad(3)...)
			s.take(r.emit(1, 0)...)
		}
		s.want(sent)
		size := 104
		if !fixed {
			size = 5
		}
		pads := r.emitPad(1)
		framerWant(t, pads, make([]byte, size))
		if c := r.Counters(); c.TxAllPadPkts != 16 || c.TxAllPadOctets != 16*uint64(size-4) || s.allPad != 15 {
			t.Errorf("fixed %t: %+v, %d seen, want 16 all-pad payloads", fixed, c, s.allPad)
		}
	}
}

// Every payload has the configured size, whichever header it carries.
func TestTFST45_FixedSize(t *testing.T) {
	rnd := rand.New(rand.NewPCG(testSeed(t), 3))
	cfg := framerConfig(324, true)
	cfg.CC = true
	r := newFramerRig(t, cfg)
	s := framerStream{t: t, least: 40}
	var sent [][]byte
	for i := range 500 {
		h := Header{SubType: uint8(rnd.IntN(2)), TVal: uint32(i)}
		if !r.SetHeader(h) {
			t.Fatal("header refused")
		}
		sent = append(sent, r.offer(0, framerSizes(rnd, rnd.IntN(3), 1500)...)...)
		payloads := r.emit(1+rnd.IntN(3), 0)
		for _, b := range payloads {
			if got, _, err := ParseHeader(b); len(b) != 324 || err != nil || got.SubType != h.SubType || got.TVal != h.TVal*uint32(h.SubType) {
				t.Fatalf("payload of %d octets, header %+v, %v, want 324 and %+v", len(b), got, err, h)
			}
		}
		s.take(payloads...)
	}
	for packets, _ := r.Waiting(); packets > 0; packets, _ = r.Waiting() {
		s.take(r.emit(1, 0)...)
	}
	s.want(sent)
}

func TestSetHeaderRefuses(t *testing.T) {
	r := newFramerRig(t, framerConfig(104, true))
	for sub := range 256 {
		if ok := r.SetHeader(Header{SubType: uint8(sub)}); ok != (sub == 0) {
			t.Errorf("without congestion control, sub-type %d: got %t", sub, ok)
		}
	}
}

// A step of the size, also inside a fragmented packet, shows in the next payload and breaks nothing.
func TestTFST46_SizeChange(t *testing.T) {
	rnd := rand.New(rand.NewPCG(testSeed(t), 4))
	r := newFramerRig(t, framerConfig(704, true))
	s := framerStream{t: t, least: 40}
	var sent [][]byte
	for range 300 {
		size := 64 + rnd.IntN(1400)
		if err := r.Resize(size, r.pool); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, r.offer(0, framerSizes(rnd, 2, 2000)...)...)
		payloads := r.emit(2, 0)
		for _, b := range payloads {
			if len(b) != size {
				t.Fatalf("payload of %d octets, want %d", len(b), size)
			}
		}
		s.take(payloads...)
		if packets, _ := r.Waiting(); packets > 100 {
			s.take(r.emit(100, 0)...)
		}
	}
	s.take(r.emit(2000, 0)...)
	s.want(sent)
	for _, size := range []int{-1, 0, 63, 65536} {
		if err := r.Resize(size, r.pool); err == nil {
			t.Errorf("size %d: accepted", size)
		}
	}
}

// With D, what no longer fits whole after a step down is dropped, and the rest keeps its order.
func TestResizeWithDontFragment(t *testing.T) {
	cfg := framerConfig(404, true)
	cfg.DontFragment, cfg.MaxWait = true, 1000
	r := newFramerRig(t, cfg)
	sent := r.offer(0, 100, 400)
	sent = append(sent, r.offer(500, 196, 197, 196, 300)...)
	if err := r.Resize(200, r.pool); err != nil {
		t.Fatal(err)
	}
	if packets, octets := r.Waiting(); packets != 3 || octets != 492 || r.Drops()[mbuf.TooBig] != 3 {
		t.Errorf("%d packets of %d octets wait, %d dropped, want 3, 492, 3", packets, octets, r.Drops()[mbuf.TooBig])
	}
	s := framerStream{t: t}
	s.take(r.emit(2, 1500)...) // each kept the time it was offered at
	s.want([][]byte{sent[2], sent[4]})
	if got := r.Drops()[mbuf.AgedOut]; got != 1 {
		t.Errorf("%d aged out, want 1", got)
	}
}

// The quota of new packets holds in every payload; the packet finished first does not count.
func TestMaxBlocks(t *testing.T) {
	cfg := framerConfig(204, true)
	cfg.MaxBlocks = 2
	r := newFramerRig(t, cfg)
	p := r.offer(0, 20, 20, 20, 300, 20, 20, 20)
	framerWant(t, r.emit(4, 0),
		framerBytes(0, p[0], p[1], make([]byte, 160)),
		framerBytes(0, p[2], p[3][:180]),
		framerBytes(120, p[3][180:], p[4], p[5], make([]byte, 40)),
		framerBytes(0, p[6], make([]byte, 180)))
}

// An empty pool ends a burst early; nothing is lost by it.
func TestPoolExhausted(t *testing.T) {
	r := newFramerRig(t, framerConfig(104, true))
	sent := r.offer(0, 300)
	small, err := mbuf.NewPool(mbuf.PoolConfig{Name: "small", N2K: 2})
	if err != nil {
		t.Fatal(err)
	}
	out := make(mbuf.Burst, 4)
	s := framerStream{t: t, least: 40}
	for _, want := range []int{2, 2, 2} {
		n := r.Emit(out, small, 0)
		if n != want {
			t.Fatalf("%d payloads, want %d", n, want)
		}
		for _, m := range out[:n] {
			s.take(bytes.Clone(m.Data()))
		}
		if n = r.EmitPad(out[2:], small); n != 0 {
			t.Fatalf("%d payloads of an empty pool", n)
		}
		small.Free(out[:2])
	}
	s.want(sent)
	if err := small.Close(); err != nil {
		t.Error(err)
	}
}
