package esp_test

import (
	"encoding/hex"
	"flag"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"

	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 takes a new one")

// newRand returns a generator and tells its seed when the test fails.
func newRand(t testing.TB) *rand.Rand {
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with -seed %d", s)
		}
	})
	return rand.New(rand.NewPCG(s, s))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	must(t, err)
	return b
}

// lines returns the fields of every line of a testdata file but comments.
func lines(t *testing.T, name string) [][]string {
	t.Helper()
	b, err := os.ReadFile(name)
	must(t, err)
	var out [][]string
	for l := range strings.SplitSeq(strings.TrimSpace(string(b)), "\n") {
		if !strings.HasPrefix(l, "#") {
			out = append(out, strings.Fields(l))
		}
	}
	return out
}

// suiteOf returns the row of a.
func suiteOf(a suite.Alg) suite.ESP {
	s, ok := suite.Lookup(a)
	if !ok {
		panic("no suite " + a.String())
	}
	return s
}

// tunnelParams are those of a plain tunnel SA between 192.0.2.1 and 192.0.2.2 with key octets 0, 1, 2, ...
func tunnelParams(a suite.Alg) *esp.Params {
	s := suiteOf(a)
	p := &esp.Params{
		SPI: 0x1001, Suite: s, Keymat: make([]byte, s.KeymatLen()),
		Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.2"),
	}
	for i := range p.Keymat {
		p.Keymat[i] = byte(i)
	}
	return p
}

// outbound returns a table over the standard back-end with one SA for each of ps, in slots 0, 1, ...
func outbound(t testing.TB, ps ...*esp.Params) *esp.Outbound {
	t.Helper()
	o := esp.NewOutbound(aead.NewStd(len(ps)), len(ps))
	for i, p := range ps {
		must(t, o.Install(uint32(i), p))
	}
	return o
}

// inbound is outbound for the other direction.
func inbound(t testing.TB, ps ...*esp.Params) *esp.Inbound {
	t.Helper()
	in := esp.NewInbound(aead.NewStd(len(ps)), len(ps))
	for i, p := range ps {
		must(t, in.Install(uint32(i), p))
	}
	return in
}

// packets returns mbufs that hold data, for slot 0. Their pool lives as long as the test.
func packets(t testing.TB, data ...[]byte) mbuf.Burst {
	t.Helper()
	pool, err := mbuf.NewPool(mbuf.PoolConfig{Name: t.Name(), N2K: len(data), N9K: len(data), N64K: len(data)})
	must(t, err)
	ms := make(mbuf.Burst, len(data))
	for i, d := range data {
		ms[i] = pool.Get(len(d))
		dirty := ms[i].Room()
		for k := range dirty[:min(len(dirty), len(d)+2048)] {
			dirty[k] = 0xdd // what an earlier packet left must not go out
		}
		copy(ms[i].Append(len(d)), d)
	}
	all := append(mbuf.Burst(nil), ms...)
	t.Cleanup(func() {
		pool.Free(all)
		must(t, pool.Close())
	})
	return ms
}

// payloads is packets with Next Header nh: what Seal takes.
func payloads(t testing.TB, nh uint8, data ...[]byte) mbuf.Burst {
	t.Helper()
	ms := packets(t, data...)
	for _, m := range ms {
		m.NextHeader = nh
	}
	return ms
}

// burst returns n inner IPv4 packets of size octets.
func burst(t testing.TB, n, size int) mbuf.Burst {
	t.Helper()
	data := make([][]byte, n)
	for i := range data {
		data[i] = inner4(size, 0)
	}
	return payloads(t, 4, data...)
}

// inner4 returns an IPv4 packet of size octets with that DS/ECN octet and a right checksum.
func inner4(size int, tos byte) []byte {
	p := make([]byte, size)
	copy(p, []byte{0x45, tos, byte(size >> 8), byte(size), 0, 1, 0x40, 0, 63, 17, 0, 0, 10, 1, 0, 1, 10, 2, 0, 2})
	sum := onesSum(p[:20])
	p[10], p[11] = byte(^sum>>8), byte(^sum)
	for i := 20; i < size; i++ {
		p[i] = byte(i)
	}
	return p
}

// inner6 returns an IPv6 packet of size octets with that traffic class.
func inner6(size int, tos byte) []byte {
	p := make([]byte, size)
	n := size - 40
	copy(p, []byte{0x60 | tos>>4, tos << 4, 0, 0, byte(n >> 8), byte(n), 59, 64})
	for i := 8; i < size; i++ {
		p[i] = byte(i)
	}
	return p
}

// onesSum is the ones'-complement sum of RFC 1071 the slow way.
func onesSum(b []byte) uint16 {
	var s uint32
	for i, v := range b {
		if i%2 == 0 {
			s += uint32(v) << 8
		} else {
			s += uint32(v)
		}
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// sealOne seals one payload and returns the outer packet.
func sealOne(t testing.TB, o *esp.Outbound, nh uint8, payload []byte) []byte {
	t.Helper()
	ms := payloads(t, nh, payload)
	if o.Seal(ms) != 1 {
		t.Fatalf("not sealed: %v", ms[0].Verdict)
	}
	return ms[0].Data()
}

// openOne offers one ESP packet, outer header already cut, to slot 0.
func openOne(t testing.TB, in *esp.Inbound, packet []byte) *mbuf.Mbuf {
	t.Helper()
	ms := packets(t, packet)
	in.Open(ms)
	return ms[0]
}

// wantVerdict fails unless m ended with v.
func wantVerdict(t testing.TB, m *mbuf.Mbuf, v mbuf.Verdict) {
	t.Helper()
	if m.Verdict != v {
		t.Fatalf("verdict %v, want %v", m.Verdict, v)
	}
}
