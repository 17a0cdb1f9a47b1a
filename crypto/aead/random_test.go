package aead

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"stillwater/crypto/suite"
)

// TestRandomBursts compares every back-end with the library on bursts that mix slots, algorithms, lengths of 0 to 9,216
// octets and both AAD lengths, then opens them with some packets damaged: exactly those must fail.
func TestRandomBursts(t *testing.T) {
	eachBackend(t, func(t *testing.T, build func(int) Engine) {
		r := random(t)
		for range 200 {
			burst := randomBurst(t, r, build(16))
			burst.seal(t)
			burst.open(t, r)
		}
	})
}

// burst is packets with their descriptors and memory, index by index.
type burst struct {
	engine  Engine
	packets []packet
	buffers []buffer
	descs   []Desc
}

// randomBurst keys all slots and makes runs of descriptors over them.
func randomBurst(t *testing.T, r *rand.Rand, e Engine) *burst {
	suites := available(t, e)
	keyed := make([]packet, e.Slots())
	for slot := range keyed {
		keyed[slot] = randomPacket(r, suites[r.IntN(len(suites))], 0)
		setKey(t, e, uint32(slot), keyed[slot].esp.Alg, keyed[slot].key)
	}
	b := &burst{engine: e}
	slot := 0
	for range 1 + r.IntN(64) {
		if r.IntN(3) == 0 { // otherwise the run goes on
			slot = r.IntN(len(keyed))
		}
		p := randomPacket(r, keyed[slot].esp, []int{64, 600, 9216}[r.IntN(3)])
		p.key = keyed[slot].key
		m := p.buffer()
		b.packets, b.buffers, b.descs = append(b.packets, p), append(b.buffers, m), append(b.descs, p.desc(uint32(slot), m))
	}
	return b
}

func available(t *testing.T, e Engine) (some []suite.ESP) {
	for _, s := range suite.All() {
		if has(t, e, s) {
			some = append(some, s)
		}
	}
	return some
}

func (b *burst) seal(t *testing.T) {
	t.Helper()
	b.engine.Seal(b.descs)
	for i, p := range b.packets {
		b.buffers[i].check(t)
		if b.descs[i].Status != OK {
			t.Fatalf("packet %d, %v: not sealed", i, p.esp)
		}
		if want := p.reference(t); !bytes.Equal(b.buffers[i].sealed(), want) {
			t.Fatalf("packet %d of %d, %v, %d octets, AAD of %d: sealed is not the library's", i, len(b.packets), p.esp,
				len(p.text), len(p.aad))
		}
	}
}

// open damages every fourth packet or so by one bit and opens the burst.
func (b *burst) open(t *testing.T, r *rand.Rand) {
	t.Helper()
	damaged, want := make([]bool, len(b.packets)), 0
	for i := range b.packets {
		if damaged[i] = r.IntN(4) == 0; damaged[i] {
			sealed := b.buffers[i].sealed()
			sealed[r.IntN(len(sealed))] ^= 1 << r.IntN(8)
			want++
		}
	}
	if failed := b.engine.Open(b.descs); failed != want {
		t.Fatalf("%d of %d packets failed, want %d", failed, len(b.packets), want)
	}
	for i, p := range b.packets {
		b.buffers[i].check(t)
		switch {
		case damaged[i] != (b.descs[i].Status == AuthFailed):
			t.Fatalf("packet %d, %v: status %d, damaged %v", i, p.esp, b.descs[i].Status, damaged[i])
		case damaged[i]:
		case !bytes.Equal(b.buffers[i].sealed()[:len(p.text)], p.text):
			t.Fatalf("packet %d, %v: opened text is not what was sealed", i, p.esp)
		}
	}
}
