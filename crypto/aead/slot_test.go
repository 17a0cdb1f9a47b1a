package aead

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"

	"stillwater/crypto/suite"
)

func TestSetKeyRefuses(t *testing.T) {
	eachBackend(t, func(t *testing.T, build func(int) Engine) {
		e := build(4)
		secret := bytes.Repeat([]byte("K"), 200)
		for _, c := range []struct {
			name string
			slot uint32
			alg  suite.Alg
			key  []byte
			want error
		}{
			{"slot behind the table", 4, suite.AES128GCM16, secret[:16], ErrSlot},
			{"slot far behind the table", 1<<32 - 1, suite.AES128GCM16, secret[:16], ErrSlot},
			{"no algorithm", 0, 0, secret[:16], ErrAlg},
			{"unknown algorithm", 0, 255, secret[:16], ErrAlg},
			{"no key", 0, suite.AES128GCM16, nil, ErrKeyLen},
			{"key and salt", 0, suite.AES128GCM16, secret[:20], ErrKeyLen},
			{"key of another size", 0, suite.AES256GCM16, secret[:16], ErrKeyLen},
		} {
			t.Run(c.name, func(t *testing.T) {
				err := e.SetKey(c.slot, c.alg, c.key)
				if !errors.Is(err, c.want) {
					t.Fatalf("error %v, want %v", err, c.want)
				}
				if strings.Contains(err.Error(), "KKK") {
					t.Errorf("%q has the key in it", err)
				}
			})
		}
	})
}

// TestSetKeyLengths: every algorithm takes its cipher and integrity keys and nothing shorter or longer.
func TestSetKeyLengths(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		for n := range 160 {
			err := e.SetKey(1, s.Alg, make([]byte, n))
			if (err == nil) != (n == s.KeyLen()) {
				t.Errorf("key of %d octets: error %v, want only %d octets to pass", n, err, s.KeyLen())
			}
		}
	})
}

// TestSetKeyKeepsNoReference: the caller wipes the key at once, and packets seal as before.
func TestSetKeyKeepsNoReference(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		p := tamperPacket(s)
		want := p.reference(t)
		setKey(t, e, 0, s.Alg, p.key)
		clear(p.key)
		for range 2 {
			b := p.buffer()
			e.Seal([]Desc{p.desc(0, b)})
			if !bytes.Equal(b.sealed(), want) {
				t.Fatal("the engine looked at the key after SetKey")
			}
		}
	})
}

// TestSetKeyReplaces: the last key counts, whatever algorithm the slot had before.
func TestSetKeyReplaces(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		setKey(t, e, 0, suite.AES128GCM16, make([]byte, 16))
		p := tamperPacket(s)
		setKey(t, e, 0, s.Alg, p.key)
		if !opens(e, p, p.reference(t)) {
			t.Error("a packet of the second key does not open")
		}
	})
}

// TestEmptySlot: without a key nothing opens, and nothing leaves in clear: Seal reports AuthFailed and zeroes the text.
func TestEmptySlot(t *testing.T) {
	eachBackend(t, func(t *testing.T, build func(int) Engine) {
		s, _ := suite.Lookup(suite.AES128GCM16)
		p := tamperPacket(s)
		for name, prepare := range map[string]func(e Engine) (slot uint32){
			"never set": func(Engine) uint32 { return 2 },
			"cleared": func(e Engine) uint32 {
				setKey(t, e, 1, s.Alg, p.key)
				e.ClearKey(1)
				return 1
			},
			"outside the table": func(e Engine) uint32 {
				e.ClearKey(4) // not a panic either
				return 4
			},
			"far outside the table": func(Engine) uint32 { return 1<<32 - 1 },
		} {
			t.Run(name, func(t *testing.T) {
				e := build(4)
				checkRefused(t, e, p, prepare(e))
			})
		}
	})
}

// checkRefused seals and opens p in a burst with a good packet on each side, which must not suffer.
func checkRefused(t *testing.T, e Engine, p packet, slot uint32) {
	t.Helper()
	s, _ := suite.Lookup(suite.AES128GCM16)
	good := tamperPacket(s)
	setKey(t, e, 0, s.Alg, good.key)
	buffers := []buffer{good.buffer(), p.buffer(), good.buffer()}
	ds := []Desc{good.desc(0, buffers[0]), p.desc(slot, buffers[1]), good.desc(0, buffers[2])}
	ds[1].Status = OK
	e.Seal(ds)
	if ds[0].Status != OK || ds[1].Status != AuthFailed || ds[2].Status != OK {
		t.Errorf("sealed with status %d, %d, %d, want only the second to fail", ds[0].Status, ds[1].Status, ds[2].Status)
	}
	if text := buffers[1].sealed()[:len(p.text)]; !bytes.Equal(text, bytes.Repeat([]byte{0}, len(text))) {
		t.Errorf("text after a refused seal is %q, want zeros", text)
	}
	buffers[1].check(t)
	ds[1].Status = OK
	if failed := e.Open(ds); failed != 1 || ds[1].Status != AuthFailed || ds[0].Status != OK || ds[2].Status != OK {
		t.Errorf("open: %d failed, status %d, %d, %d, want only the second to fail", failed,
			ds[0].Status, ds[1].Status, ds[2].Status)
	}
	runtime.KeepAlive(buffers)
}

// TestImpossibleLengths: lengths that an algorithm cannot have are refused like an empty slot, and never a panic.
func TestImpossibleLengths(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		p := tamperPacket(s)
		setKey(t, e, 1, s.Alg, p.key)
		if s.Encr.Kind == suite.KindCBC {
			for _, n := range []int{0, 1, 15, 17, 31, 33, 63} {
				short := p
				short.text = p.text[:n]
				checkRefused(t, e, short, 1)
			}
		}
		for _, n := range []uint8{0, 7, 9, 11, 13, 16, 17, 255} {
			if n <= MaxAAD && s.Encr.Kind.SelfAuth() {
				continue
			}
			b := p.buffer()
			ds := []Desc{p.desc(1, b)}
			ds[0].AADLen = n
			if e.Seal(ds); ds[0].Status != AuthFailed || e.Open(ds) != 1 {
				t.Errorf("AAD of %d octets is accepted", n)
			}
			runtime.KeepAlive(b)
		}
	})
}

// TestTextTooLong: what no mbuf holds is refused, and no memory is touched.
func TestTextTooLong(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		p := tamperPacket(s)
		setKey(t, e, 0, s.Alg, p.key)
		for _, n := range []uint32{MaxText + 16, 1<<32 - 16} {
			b := p.buffer()
			before := bytes.Clone(b.octets)
			ds := []Desc{p.desc(0, b)}
			ds[0].Len = n
			if e.Seal(ds); ds[0].Status != AuthFailed || e.Open(ds) != 1 {
				t.Errorf("text of %d octets is accepted", n)
			}
			if !bytes.Equal(b.octets, before) {
				t.Errorf("text of %d octets was touched", n)
			}
		}
	})
}

// TestLongestText: MaxText itself works.
func TestLongestText(t *testing.T) {
	eachAlg(t, func(t *testing.T, e Engine, s suite.ESP) {
		p := tamperPacket(s)
		p.text = bytes.Repeat([]byte("stillwater octets"), MaxText/16)[:MaxText]
		setKey(t, e, 0, s.Alg, p.key)
		b := p.buffer()
		e.Seal([]Desc{p.desc(0, b)})
		if !bytes.Equal(b.sealed(), p.reference(t)) {
			t.Error("sealed is not the library's")
		}
	})
}

func TestEmptyBurst(t *testing.T) {
	eachBackend(t, func(t *testing.T, build func(int) Engine) {
		e := build(1)
		e.Seal(nil)
		if n := e.Open(nil); n != 0 {
			t.Errorf("%d of no packets failed", n)
		}
	})
}

// TestSetKeyBesideTraffic: keys of other slots come and go on another goroutine while bursts run; the race detector and
// the sealed octets judge.
func TestSetKeyBesideTraffic(t *testing.T) {
	eachBackend(t, func(t *testing.T, build func(int) Engine) {
		e := build(2)
		s, _ := suite.Lookup(suite.AES128GCM16)
		p := tamperPacket(s)
		want := p.reference(t)
		setKey(t, e, 0, s.Alg, p.key)
		var builder sync.WaitGroup
		builder.Go(func() {
			for range 200 {
				if err := e.SetKey(1, s.Alg, p.key); err != nil {
					t.Error(err)
				}
				e.ClearKey(1)
			}
		})
		for range 200 {
			b := p.buffer()
			e.Seal([]Desc{p.desc(0, b)})
			if !bytes.Equal(b.sealed(), want) {
				t.Fatal("sealed octets changed")
			}
		}
		builder.Wait()
	})
}

func TestSlots(t *testing.T) {
	eachBackend(t, func(t *testing.T, build func(int) Engine) {
		if n := build(7).Slots(); n != 7 {
			t.Errorf("%d slots, want 7", n)
		}
	})
}

func TestNewStdPanicsWithoutSlots(t *testing.T) {
	for _, n := range []int{0, -1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("NewStd(%d) returns", n)
				}
			}()
			NewStd(n)
		}()
	}
}
