package aead

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"stillwater/crypto/suite"
)

// benchBurst is how many packets a burst has.
const benchBurst = 32

// BenchmarkSealOpen measures Std beside a bare loop over cipher.AEAD, burst by burst in turn, so that what the machine does
// meanwhile falls on every side. Figures are ns per packet in the quietest burst, for the mean would measure the
// neighbours; "sas" is Std with an SA per packet. Each side bears the reading of the clock, about 2 ns per packet.
func BenchmarkSealOpen(b *testing.B) {
	for _, alg := range []suite.Alg{suite.AES128GCM16, suite.AES256GCM16, suite.ChaCha20Poly1305} {
		for _, size := range []int{64, 512, 1400, 9000} {
			b.Run(fmt.Sprintf("%v/%d", alg, size), func(b *testing.B) {
				p := benchPacket(alg, size)
				sides := []*benchSide{bareSide(b, p), stdSide(b, "std", p, 1), stdSide(b, "sas", p, benchBurst)}
				for b.Loop() {
					for _, side := range sides {
						side.run(b)
					}
				}
				for _, side := range sides {
					side.report(b)
				}
			})
		}
	}
}

// BenchmarkSealOther is Std alone under the algorithms that the library has no cipher.AEAD for.
func BenchmarkSealOther(b *testing.B) {
	for _, alg := range []suite.Alg{suite.AES128GMAC, suite.AES128CBCSHA256, suite.NullSHA256} {
		for _, size := range []int{64, 512, 1408, 9008} {
			b.Run(fmt.Sprintf("%v/%d", alg, size), func(b *testing.B) {
				side := stdSide(b, "std", benchPacket(alg, size), 1)
				side.open = func() int { return 0 }
				for b.Loop() {
					side.run(b)
				}
				b.ReportMetric(side.sealing, "std-seal-ns")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func benchPacket(alg suite.Alg, size int) packet {
	s, _ := suite.Lookup(alg)
	p := tamperPacket(s)
	p.text, p.aad = make([]byte, size), p.aad[:8]
	return p
}

// benchSide is one side of a comparison: how to seal and open a burst, and ns per packet of the quietest so far.
type benchSide struct {
	name             string
	seal             func()
	open             func() (failed int)
	buffers          []buffer // keeps the memory of the descriptors alive
	sealing, opening float64
}

func (s *benchSide) run(b *testing.B) {
	start := time.Now()
	s.seal()
	between := time.Now()
	failed := s.open()
	end := time.Now()
	if failed != 0 {
		b.Fatalf("%s: %d packets failed", s.name, failed)
	}
	runtime.KeepAlive(s.buffers)
	s.sealing = min(s.sealing, float64(between.Sub(start).Nanoseconds())/benchBurst)
	s.opening = min(s.opening, float64(end.Sub(between).Nanoseconds())/benchBurst)
}

func (s *benchSide) report(b *testing.B) {
	b.ReportMetric(s.sealing, s.name+"-seal-ns")
	b.ReportMetric(s.opening, s.name+"-open-ns")
	b.ReportMetric(0, "ns/op")
}

// bareSide is the library's calls and nothing else, over slices made beforehand.
func bareSide(b *testing.B, p packet) *benchSide {
	aead, size := p.aead(b), len(p.text)
	sealed := make([][]byte, benchBurst)
	for i := range sealed {
		sealed[i] = p.buffer().sealed()
	}
	seal := func() {
		for _, m := range sealed {
			aead.Seal(m[:0], p.nonce, m[:size], p.aad)
		}
	}
	open := func() (failed int) {
		for _, m := range sealed {
			if _, err := aead.Open(m[:0], p.nonce, m, p.aad); err != nil {
				failed++
			}
		}
		return failed
	}
	return &benchSide{"bare", seal, open, nil, math.Inf(1), math.Inf(1)}
}

// stdSide is Std with a burst over that many SAs.
func stdSide(b *testing.B, name string, p packet, slots int) *benchSide {
	e := NewStd(slots)
	ds, buffers := make([]Desc, benchBurst), make([]buffer, benchBurst)
	for i := range ds {
		slot := uint32(i % slots)
		setKey(b, e, slot, p.esp.Alg, p.key)
		buffers[i] = p.buffer()
		ds[i] = p.desc(slot, buffers[i])
	}
	seal := func() { e.Seal(ds) }
	open := func() (failed int) { return e.Open(ds) }
	return &benchSide{name, seal, open, buffers, math.Inf(1), math.Inf(1)}
}
