package esp_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

// everySuite runs f for every suite with 32-bit and 64-bit sequence numbers, at a sequence number whose high half is not
// zero where there is one.
func everySuite(t *testing.T, f func(t *testing.T, p *esp.Params)) {
	for _, s := range suite.All() {
		for _, esn := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v/esn=%v", s, esn), func(t *testing.T) {
				p := tunnelParams(s.Alg)
				p.ESN, p.FirstSeq = esn, 0x00000000_89abcdef
				if esn {
					p.FirstSeq = 0x01234567_89abcdef
				}
				f(t, p)
			})
		}
	}
}

// What we send, opened by the standard library: ESP-001, ESP-004, ESP-005, ESP-030, ESP-031, ESP-032, ESP-036, ESP-037,
// ESP-038, ESP-03A, ESP-03B.
func TestESP032_SealedAsTheRFCsSay(t *testing.T) {
	everySuite(t, func(t *testing.T, p *esp.Params) {
		o := outbound(t, p)
		for n := 64; n < 64+2*p.Suite.Align(); n++ {
			payload := inner4(n, 0)
			seq := p.FirstSeq + uint64(n-64)
			packet := sealOne(t, o, 4, payload)[20:]
			if spi, low := binary.BigEndian.Uint32(packet), binary.BigEndian.Uint32(packet[4:]); spi != p.SPI || low != uint32(seq) {
				t.Fatalf("SPI %#x, sequence number %#x; want %#x, %#x", spi, low, p.SPI, uint32(seq))
			}
			text, ok := reference{p}.open(seq, packet)
			if want := (reference{p}).text(payload, 4); !ok || !bytes.Equal(text, want) {
				t.Fatalf("payload of %d: ICV matches %v, text\n%x, want\n%x", n, ok, text, want)
			}
			if (len(text))%4 != 0 {
				t.Fatalf("text of %d octets is not aligned (RFC 4303 2.4)", len(text))
			}
		}
	})
}

// What the standard library made, opened by us.
func TestESP032_OpenedAsTheRFCsSay(t *testing.T) {
	everySuite(t, func(t *testing.T, p *esp.Params) {
		in := inbound(t, p)
		for i, n := range []int{20, 64, 65, 66, 67, 1400} {
			payload, seq := inner4(n, 0), p.FirstSeq+uint64(i)
			m := openOne(t, in, reference{p}.packet(seq, 4, payload))
			wantVerdict(t, m, mbuf.Pass)
			if m.Seq != seq || m.NextHeader != 4 || !bytes.Equal(m.Data(), payload) {
				t.Fatalf("seq %#x, next header %d: % x", m.Seq, m.NextHeader, m.Data())
			}
		}
	})
}

// ESP-T02 on whole packets: one bit anywhere.
func TestESP021_OneBitAnywhere(t *testing.T) {
	everySuite(t, func(t *testing.T, p *esp.Params) {
		packet := reference{p}.packet(p.FirstSeq, 4, inner4(33, 0))
		in := inbound(t, p)
		for bit := range len(packet) * 8 {
			forged := bytes.Clone(packet)
			forged[bit/8] ^= 1 << (bit % 8)
			switch v := openOne(t, in, forged).Verdict; {
			case v == mbuf.AuthFailed:
			case bit < 32 && v == mbuf.UnknownSPI:
			case bit >= 32 && bit < 64 && (v == mbuf.Replayed || v == mbuf.TooOld || v == mbuf.SeqInvalid):
			default:
				t.Fatalf("bit %d flipped: %v", bit, v)
			}
		}
		if in.Newest(0) != p.FirstSeq-1 {
			t.Errorf("forged packets moved the window to %#x", in.Newest(0))
		}
		wantVerdict(t, openOne(t, in, packet), mbuf.Pass)
	})
}

// ESP-T08: the same low half with another length of AAD.
func TestESP014_BothEndsMustAgreeOnESN(t *testing.T) {
	everySuite(t, func(t *testing.T, p *esp.Params) {
		packet := reference{p}.packet(p.FirstSeq, 4, inner4(64, 0))
		other := *p
		other.ESN, other.FirstSeq = !p.ESN, uint64(uint32(p.FirstSeq))
		m := openOne(t, inbound(t, &other), packet)
		wantVerdict(t, m, mbuf.AuthFailed)
	})
}

// ESP-T07.
func TestESP038_ImplicitIVIsNotOnTheWire(t *testing.T) {
	twins := map[suite.Alg]suite.Alg{
		suite.AES128GCM16IIV: suite.AES128GCM16, suite.AES192GCM16IIV: suite.AES192GCM16,
		suite.AES256GCM16IIV: suite.AES256GCM16, suite.ChaCha20Poly1305IIV: suite.ChaCha20Poly1305,
	}
	for implicit, explicit := range twins {
		t.Run(implicit.String(), func(t *testing.T) {
			short := sealOne(t, outbound(t, tunnelParams(implicit)), 4, inner4(64, 0))[20:]
			long := sealOne(t, outbound(t, tunnelParams(explicit)), 4, inner4(64, 0))[20:]
			// With the sequence number as explicit IV both compute the same.
			if !bytes.Equal(short[8:], long[16:]) || binary.BigEndian.Uint64(long[8:]) != 1 {
				t.Errorf("implicit % x\nexplicit % x", short, long)
			}
			wantVerdict(t, openOne(t, inbound(t, tunnelParams(explicit)), short), mbuf.AuthFailed)
			wantVerdict(t, openOne(t, inbound(t, tunnelParams(implicit)), long), mbuf.AuthFailed)
		})
	}
}

// ESP-T09.
func TestESP021_AnotherICVLength(t *testing.T) {
	packet := sealOne(t, outbound(t, tunnelParams(suite.NullSHA384)), 4, inner4(64, 0))[20:]
	for _, a := range []suite.Alg{suite.NullSHA256, suite.NullSHA512} {
		wantVerdict(t, openOne(t, inbound(t, tunnelParams(a)), packet), mbuf.AuthFailed)
	}
}

func TestESP030_IVIsBasePlusSequenceNumber(t *testing.T) {
	for _, a := range []suite.Alg{suite.AES128GCM16, suite.AES256GMAC, suite.ChaCha20Poly1305} {
		p := tunnelParams(a)
		p.IVBase, p.FirstSeq = 1<<64-3, 1 // wraps, which repeats nothing
		o := outbound(t, p)
		for _, want := range []uint64{1<<64 - 2, 1<<64 - 1, 0, 1} {
			if iv := binary.BigEndian.Uint64(sealOne(t, o, 4, inner4(64, 0))[28:]); iv != want {
				t.Errorf("%v: IV %#x, want %#x", a, iv, want)
			}
		}
	}
}

func TestESP03B_RandomIVs(t *testing.T) {
	seen := map[string]bool{}
	for range 2 { // two tables must not begin alike
		o := outbound(t, tunnelParams(suite.AES128CBCSHA256))
		for range 100 {
			seen[string(sealOne(t, o, 4, inner4(64, 0))[28:44])] = true
		}
	}
	if len(seen) != 200 {
		t.Errorf("%d different IVs in 200 packets", len(seen))
	}
}

// Bursts whose packets belong to different SAs, sealed and opened in one call each, in the order they came.
func TestMixedBurst(t *testing.T) {
	rng := newRand(t)
	var ps []*esp.Params
	for i, s := range suite.All() {
		p := tunnelParams(s.Alg)
		p.SPI, p.ESN = uint32(0x1000+i), i%2 == 0
		ps = append(ps, p)
	}
	o, in := outbound(t, ps...), inbound(t, ps...)
	for range 50 {
		data := make([][]byte, 1+rng.IntN(2*mbuf.BurstSize))
		for i := range data {
			data[i] = inner4(20+rng.IntN(1400), 0)
		}
		ms := payloads(t, 4, data...)
		for i, m := range ms {
			m.SA = rng.Uint32N(uint32(len(ps)))
			m.Aux = uint32(i)
		}
		if n := o.Seal(ms); n != len(ms) {
			t.Fatalf("%d of %d sealed", n, len(ms))
		}
		for _, m := range ms {
			m.Adj(20)
		}
		if n := in.Open(ms); n != len(ms) {
			t.Fatalf("%d of %d opened", n, len(ms))
		}
		for i, m := range ms {
			if m.Aux != uint32(i) || !bytes.Equal(m.Data(), data[i]) {
				t.Fatalf("packet %d is not what was sent", i)
			}
		}
	}
}
