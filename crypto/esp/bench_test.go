package esp_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

var benchSizes = []int{64, 512, 1400, 9000}

// nopEngine is a back-end that costs nothing: what remains is ESP's own share.
type nopEngine struct{ slots int }

func (nopEngine) Name() string                           { return "nop" }
func (e nopEngine) Slots() int                           { return e.slots }
func (nopEngine) SetKey(uint32, suite.Alg, []byte) error { return nil }
func (nopEngine) ClearKey(uint32)                        {}
func (nopEngine) Seal([]aead.Desc)                       {}
func (nopEngine) Open([]aead.Desc) int                   { return 0 }

// bare is the standard back-end's call alone, on descriptors made once: what the others are compared with.
type bare struct {
	e  aead.Engine
	ds []aead.Desc
}

func newBare(b *testing.B, ms mbuf.Burst) bare {
	e := aead.NewStd(1)
	must(b, e.SetKey(0, suite.AES128GCM16, make([]byte, 16)))
	ds := make([]aead.Desc, len(ms))
	for i, m := range ms {
		text := (m.Len() + 2 + 3) / 4 * 4
		ds[i] = aead.Desc{Addr: m.Addr(), Len: uint32(text), AADLen: 8}
	}
	return bare{e, ds}
}

func (x bare) Seal() {
	for i := range x.ds {
		x.ds[i].Nonce[11]++
	}
	x.e.Seal(x.ds)
}

// benchParams are a plain tunnel SA with ECN copied and a replay window of that size.
func benchParams(window int) *esp.Params {
	p := tunnelParams(suite.AES128GCM16)
	p.CopyECN, p.ReplayWindow = true, window
	return p
}

func refill(m *mbuf.Mbuf, size int) {
	m.SetHeadroom(mbuf.Headroom)
	m.SetLen(size)
	m.NextHeader = 4
}

func perPacket(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/packet")
}

// eachSize runs f for every packet size.
func eachSize(b *testing.B, name string, f func(b *testing.B, ms mbuf.Burst, size int)) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
			f(b, burst(b, mbuf.BurstSize, size), size)
			perPacket(b, mbuf.BurstSize)
		})
	}
}

// BenchmarkSeal is nanoseconds a packet in bursts of 32: ESP without a cipher, ESP with the standard back-end, and that
// back-end alone. Resetting the mbufs is part of the first two.
func BenchmarkSeal(b *testing.B) {
	for _, e := range []aead.Engine{nopEngine{1}, aead.NewStd(1)} {
		eachSize(b, e.Name(), func(b *testing.B, ms mbuf.Burst, size int) {
			o := esp.NewOutbound(e, 1)
			must(b, o.Install(0, benchParams(0)))
			defer o.Remove(0)
			for b.Loop() {
				for _, m := range ms {
					refill(m, size)
				}
				if o.Seal(ms) != len(ms) {
					b.Fatal(ms[0].Verdict)
				}
			}
		})
	}
	eachSize(b, "bare", func(b *testing.B, ms mbuf.Burst, size int) {
		x := newBare(b, ms)
		for b.Loop() {
			x.Seal()
		}
	})
}

// BenchmarkOpen is the same inbound. With a cipher the packets have to be restored each time, which costs a copy there and
// in the bare loop; without one they only get a new sequence number.
func BenchmarkOpen(b *testing.B) {
	eachSize(b, "nop", benchOpenNop)
	eachSize(b, "std", benchOpenStd)
	eachSize(b, "bare", func(b *testing.B, ms mbuf.Burst, size int) {
		x := newBare(b, ms)
		x.Seal()
		copies := save(ms, x.ds)
		for b.Loop() {
			for i, m := range ms {
				copy(m.Room(), copies[i])
			}
			if x.e.Open(x.ds) != 0 {
				b.Fatal("ICV does not match")
			}
		}
	})
}

func benchOpenNop(b *testing.B, ms mbuf.Burst, _ int) {
	o, in := esp.NewOutbound(nopEngine{1}, 1), esp.NewInbound(nopEngine{1}, 1)
	must(b, o.Install(0, benchParams(0)))
	must(b, in.Install(0, benchParams(0)))
	o.Seal(ms)
	full := ms[0].Len() - 20
	seq := uint32(0)
	for b.Loop() {
		for _, m := range ms {
			seq++
			m.SetHeadroom(mbuf.Headroom - 16)
			m.SetLen(full)
			binary.BigEndian.PutUint32(m.Data()[4:], seq)
		}
		if in.Open(ms) != len(ms) {
			b.Fatal(ms[0].Verdict)
		}
	}
}

func benchOpenStd(b *testing.B, ms mbuf.Burst, _ int) {
	o, in := outbound(b, benchParams(0)), inbound(b, benchParams(-1))
	o.Seal(ms)
	var copies [][]byte
	for _, m := range ms {
		copies = append(copies, append([]byte(nil), m.Data()[20:]...))
	}
	for b.Loop() {
		for i, m := range ms {
			m.SetHeadroom(mbuf.Headroom - 16)
			m.SetLen(len(copies[i]))
			copy(m.Data(), copies[i])
		}
		if in.Open(ms) != len(ms) {
			b.Fatal(ms[0].Verdict)
		}
	}
}

// save returns what each descriptor's text and ICV are now.
func save(ms mbuf.Burst, ds []aead.Desc) (copies [][]byte) {
	for i, m := range ms {
		copies = append(copies, append([]byte(nil), m.Room()[:ds[i].Len+16]...))
	}
	return copies
}

// BenchmarkRefill is what resetting an mbuf costs in BenchmarkSeal.
func BenchmarkRefill(b *testing.B) {
	ms := burst(b, mbuf.BurstSize, 64)
	for b.Loop() {
		for _, m := range ms {
			refill(m, 64)
		}
	}
	perPacket(b, len(ms))
}
