package aead

import (
	"bytes"
	"runtime"
	"testing"

	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

// TestMbufMemory seals and opens in the memory that packets really live in, outside the Go heap but for -race.
func TestMbufMemory(t *testing.T) {
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: "test", N2K: 1})
	if err != nil {
		t.Fatal(err)
	}
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		p := tamperPacket(s)
		setKey(t, e, 0, s.Alg, p.key)
		m := pool.Get(len(p.text) + s.ICVLen())
		defer pool.Put(m)
		copy(m.Append(len(p.text)), p.text)
		ds := []Desc{p.desc(0, p.buffer())}
		ds[0].Addr = m.Addr()
		m.Append(s.ICVLen())
		if e.Seal(ds); !bytes.Equal(m.Data(), p.reference(t)) {
			t.Fatal("sealed is not the library's")
		}
		if e.Open(ds) != 0 || !bytes.Equal(m.Data()[:len(p.text)], p.text) {
			t.Fatal("opened text is not what was sealed")
		}
	})
}

// TestNoAllocation: bursts cost no allocation under any algorithm, mixed or not.
func TestNoAllocation(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		p := tamperPacket(s)
		other := tamperPacket(s)
		setKey(t, e, 0, s.Alg, p.key)
		setKey(t, e, 1, s.Alg, other.key)
		ds, buffers := make([]Desc, 32), make([]buffer, 32)
		for i := range ds {
			buffers[i] = p.buffer()
			ds[i] = p.desc(uint32(i/3%3), buffers[i]) // runs of three; slot 2 is empty
		}
		if n := testing.AllocsPerRun(50, func() { e.Seal(ds) }); n != 0 {
			t.Errorf("Seal of %d packets: %v allocations", len(ds), n)
		}
		if n := testing.AllocsPerRun(50, func() { e.Open(ds) }); n != 0 {
			t.Errorf("Open of %d packets: %v allocations", len(ds), n)
		}
		runtime.KeepAlive(buffers)
	})
}

// TestFirstPacketDoesNotAllocate: what the library puts off until a key's first use, SetKey has done.
func TestFirstPacketDoesNotAllocate(t *testing.T) {
	const keys = 20
	eachBackend(t, func(t *testing.T, build func(int) Engine) {
		for _, s := range available(t, build(1)) {
			e, p := build(keys), tamperPacket(s)
			b := p.buffer()
			for slot := range uint32(keys) {
				setKey(t, e, slot, s.Alg, p.key)
			}
			ds := []Desc{p.desc(0, b)}
			n := testing.AllocsPerRun(keys-1, func() {
				e.Seal(ds)
				ds[0].Slot++
			})
			if n != 0 {
				t.Errorf("%v: %v allocations", s, n)
			}
			runtime.KeepAlive(b)
		}
	})
}
