package esp_test

import (
	"bytes"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

// fuzzSuites are one of each construction.
var fuzzSuites = []suite.Alg{
	suite.AES128GCM16, suite.ChaCha20Poly1305IIV, suite.AES128GMAC, suite.AES128CBCSHA256, suite.NullSHA512,
}

// FuzzOpen offers any octets to an SA: as a packet as it came, and as the text of an authentic packet. Whatever passes is
// at most as long as what came in and, on a plain tunnel SA, as long as it says itself.
func FuzzOpen(f *testing.F) {
	for i := range fuzzSuites {
		p := tunnelParams(fuzzSuites[i])
		f.Add(reference{p}.packet(1, 4, inner4(40, 2)), uint8(i), false, uint8(3))
		f.Add(inner4(40, 1), uint8(i), true, uint8(0))
		f.Add(append(inner6(60, 1), 1, 1, 41), uint8(i), true, uint8(1))
		f.Add([]byte{0xff, 59}, uint8(i), true, uint8(0))
		f.Add([]byte{}, uint8(i), false, uint8(0))
	}
	f.Fuzz(func(t *testing.T, b []byte, kind uint8, authentic bool, tos uint8) {
		if len(b) > 2048 {
			return
		}
		p := tunnelParams(fuzzSuites[int(kind)%len(fuzzSuites)])
		p.ESN = kind&0x40 != 0
		if kind&0x80 != 0 {
			p.Mode = esp.ModeAGGFRAG
		}
		if authentic {
			if len(b) == 0 || p.Suite.Align() == 16 && len(b)%16 != 0 {
				return
			}
			b = reference{p}.seal(1, make([]byte, p.Suite.IVLen()), b)
		}
		ms := packets(t, b)
		ms[0].TOS = tos
		if n := inbound(t, p).Open(ms); (n == 1) != (ms[0].Verdict == mbuf.Pass) {
			t.Fatalf("%d passed, verdict %v", n, ms[0].Verdict)
		}
		if ms[0].Verdict != mbuf.Pass {
			return
		}
		checkPassed(t, p, b, ms[0])
	})
}

func checkPassed(t *testing.T, p *esp.Params, packet []byte, m *mbuf.Mbuf) {
	t.Helper()
	d := m.Data()
	if len(d) > len(packet)-p.Suite.ICVLen()-10 || m.Seq == 0 {
		t.Fatalf("%d octets of payload from %d, seq %d", len(d), len(packet), m.Seq)
	}
	if p.Mode != esp.ModeTunnel {
		return
	}
	want := int(d[2])<<8 | int(d[3])
	if m.NextHeader == 41 {
		want = 40 + int(d[4])<<8 + int(d[5])
	}
	if len(d) != want || m.NextHeader != 4 && m.NextHeader != 41 {
		t.Fatalf("next header %d: %d octets, the inner packet says %d", m.NextHeader, len(d), want)
	}
	if text, ok := (reference{p}).open(m.Seq, packet); !ok || m.TOS&3 == 0 && !bytes.HasPrefix(text, d) {
		t.Fatalf("the reference does not agree: %v", ok)
	}
}
