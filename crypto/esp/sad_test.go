package esp_test

import (
	"errors"
	"strings"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/pmd/mbuf"
)

func TestESP003_LookupBySPIAlone(t *testing.T) {
	s := esp.NewSAD(4)
	must(t, s.Insert(0x1001, 3))
	must(t, s.Insert(0x7fffffff, 0))
	for spi, want := range map[uint32]uint32{0x1001: 3, 0x7fffffff: 0} {
		if slot, ok := s.Lookup(spi); !ok || slot != want {
			t.Errorf("spi %#x: slot %d, %v; want %d", spi, slot, ok, want)
		}
	}
	if _, ok := s.Lookup(0x1002); ok {
		t.Error("an SPI that was never entered is found")
	}
}

func TestESP002_ReservedSPIsAreRefused(t *testing.T) {
	s := esp.NewSAD(300)
	for spi := range uint32(256) {
		wantSADError(t, s.Insert(spi, 1))
		if _, ok := s.Lookup(spi); ok || s.Delete(spi) {
			t.Fatalf("spi %d is in the table", spi)
		}
	}
	must(t, s.Insert(256, 1))
}

func TestNXT010_TopBitOfOurSPIsIsClear(t *testing.T) {
	wantSADError(t, esp.NewSAD(1).Insert(1<<31, 1))
}

func TestSADRefusesDuplicatesAndOverflow(t *testing.T) {
	s := esp.NewSAD(2)
	must(t, s.Insert(256, 0))
	wantSADError(t, s.Insert(256, 1))
	must(t, s.Insert(257, 1))
	wantSADError(t, s.Insert(258, 2))
	if !s.Delete(256) || s.Delete(256) {
		t.Error("delete must succeed once")
	}
	must(t, s.Insert(258, 2))
	if s.Len() != 2 {
		t.Errorf("%d entries, want 2", s.Len())
	}
}

func wantSADError(t *testing.T, err error) {
	t.Helper()
	var e *esp.SADError
	if !errors.As(err, &e) || !strings.Contains(e.Error(), e.Want) {
		t.Fatalf("%v, want a SADError", err)
	}
}

// The table against a Go map, at its fullest and with SPIs from a small range so that searches run into each other.
func TestSADAgainstMap(t *testing.T) {
	rng := newRand(t)
	const limit = 100
	s, model := esp.NewSAD(limit), map[uint32]uint32{}
	for step := range 200_000 {
		spi := 256 + rng.Uint32N(3*limit)*0x10000
		if rng.IntN(2) == 0 {
			_, dup := model[spi]
			err := s.Insert(spi, uint32(step))
			if (err == nil) != (!dup && len(model) < limit) {
				t.Fatalf("insert %#x with %d entries: %v", spi, len(model), err)
			}
			if err == nil {
				model[spi] = uint32(step)
			}
		} else {
			_, have := model[spi]
			if s.Delete(spi) != have {
				t.Fatalf("delete %#x: want %v", spi, have)
			}
			delete(model, spi)
		}
		if step%1000 == 0 {
			compareSAD(t, s, model)
		}
	}
}

func compareSAD(t *testing.T, s *esp.SAD, model map[uint32]uint32) {
	t.Helper()
	if s.Len() != len(model) {
		t.Fatalf("%d entries, want %d", s.Len(), len(model))
	}
	for spi := uint32(256); spi < 256+300*0x10000; spi += 0x10000 {
		want, have := model[spi]
		if slot, ok := s.Lookup(spi); ok != have || have && slot != want {
			t.Fatalf("spi %#x: %d, %v; want %d, %v", spi, slot, ok, want, have)
		}
	}
}

// ESP-T01.
func TestESP020_LookupBurst(t *testing.T) {
	s := esp.NewSAD(4)
	must(t, s.Insert(0x1001, 7))
	must(t, s.Insert(0x1002, 9))
	ms := packets(t, make([][]byte, 7)...)
	for i, spi := range []uint32{0x1002, 0, 0x1001, 1, 0x2000, 255, 0x1002} {
		ms[i].SPI = spi
	}
	if n := s.LookupBurst(ms); n != 3 {
		t.Fatalf("%d found, want 3", n)
	}
	for i, want := range []uint32{9, 7, 9} {
		if ms[i].SA != want {
			t.Errorf("packet %d: slot %d, want %d", i, ms[i].SA, want)
		}
	}
	for i, want := range []mbuf.Verdict{mbuf.BadSPI, mbuf.BadSPI, mbuf.UnknownSPI, mbuf.BadSPI} {
		wantVerdict(t, ms[3+i], want)
	}
}

func TestLookupBurstLongerThanUsual(t *testing.T) {
	s := esp.NewSAD(1)
	ms := packets(t, make([][]byte, 3*mbuf.BurstSize)...)
	for _, m := range ms {
		m.SPI = 0x1000
	}
	if n := s.LookupBurst(ms); n != 0 {
		t.Errorf("%d found in an empty table", n)
	}
}

// BenchmarkSAD is a lookup of a burst among 1,000 SPIs.
func BenchmarkSAD(b *testing.B) {
	s := esp.NewSAD(1000)
	rng := newRand(b)
	ms := packets(b, make([][]byte, mbuf.BurstSize)...)
	for i := range uint32(1000) {
		spi := rng.Uint32N(1<<31-256) + 256
		if s.Insert(spi, i) == nil {
			ms[i%mbuf.BurstSize].SPI = spi
		}
	}
	for b.Loop() {
		if s.LookupBurst(ms) != len(ms) {
			b.Fatal("not found")
		}
	}
	perPacket(b, len(ms))
}
