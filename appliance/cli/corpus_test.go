package cli

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// setting is one capture of Linux and what went in.
type setting struct {
	name      string
	sa        *foreignSA
	outer     [][]byte
	truth     [][]byte // as they came to the gateway
	recovered int      // how many of them are in the capture
}

const linuxKey = "000102030405060708090a0b0c0d0e0fa0a1a2a3"

// linuxSA is the SA that the captures have in common.
func linuxSA(tunnel, esn bool) *foreignSA {
	key, _ := hex.DecodeString(linuxKey)
	s := newForeign(transforms[0], key)
	s.tunnel, s.esn = tunnel, esn
	return s
}

// smallSettings are the captures in testdata.
func smallSettings(t testing.TB) (out []setting) {
	for _, s := range []setting{
		{name: "a0_default_paced", sa: linuxSA(false, false), recovered: 30},
		{name: "g1_esn", sa: linuxSA(false, true), recovered: 24},
		{name: "t_tunnel_reference", sa: linuxSA(true, false), recovered: 12},
	} {
		s.outer = readIP(t, filepath.Join("testdata", s.name+".esp.pcap"))
		s.truth = readIP(t, filepath.Join("testdata", s.name+".truth_in.pcap"))
		out = append(out, s)
	}
	return out
}

// corpusDir returns the folder with all captures, or skips.
func corpusDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("STILLWATER_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpus")
	}
	if _, err := os.Stat(filepath.Join(dir, "manifest.json")); err != nil {
		t.Skip("SKIP: no corpus of captures: set STILLWATER_CORPUS")
	}
	return dir
}

// manifest is the part of manifest.json that matters here.
type manifest struct {
	Settings map[string]struct {
		Mode string
		SA   struct {
			SPI string
			Key string `json:"key_then_4byte_salt_hex"`
			ESN bool
			Hi  uint32 `json:"esn_initial_hi"`
			Src string `json:"outer_src"`
			Dst string `json:"outer_dst"`
		}
		Summary struct {
			Recovered int `json:"inner_packets_recovered"`
		} `json:"decoded_summary"`
	}
}

// corpus reads every capture with keys.
func corpus(t testing.TB) (out []setting) {
	dir := corpusDir(t)
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for name, s := range m.Settings {
		key, err := hex.DecodeString(s.SA.Key)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sa := newForeign(transforms[0], key)
		sa.esn, sa.hi, sa.tunnel = s.SA.ESN, s.SA.Hi, s.Mode == "tunnel"
		if _, err := fmt.Sscanf(s.SA.SPI, "0x%x", &sa.spi); err != nil {
			t.Fatalf("%s: SPI %q", name, s.SA.SPI)
		}
		sa.src, sa.dst = netip.MustParseAddr(s.SA.Src), netip.MustParseAddr(s.SA.Dst)
		c := setting{name: name, sa: sa, recovered: s.Summary.Recovered}
		c.outer = readIP(t, filepath.Join(dir, name+".esp.pcap"))
		if c.truth = readIP(t, filepath.Join(dir, name+".truth_in.pcap")); c.recovered == 0 {
			c.recovered = len(c.truth)
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b setting) int { return len(a.outer) - len(b.outer) })
	return out
}

// allSettings are those in testdata and, where the corpus is there, all of it.
func allSettings(t *testing.T, test func(t *testing.T, s setting)) {
	for _, s := range smallSettings(t) {
		t.Run("testdata/"+s.name, func(t *testing.T) { test(t, s) })
	}
	t.Run("corpus", func(t *testing.T) {
		for _, s := range corpus(t) {
			t.Run(s.name, func(t *testing.T) { test(t, s) })
		}
	})
}

// TestDecapCorpus opens what Linux sent: every inner packet as it came to the gateway with the TTL one lower, in order,
// and no other.
func TestDecapCorpus(t *testing.T) {
	allSettings(t, func(t *testing.T, s setting) {
		got, c := newBench(t).decap(rawFormat, s.sa.keys(), recordsOf(s.outer))
		if *c.Outer != uint64(len(s.outer)) || len(*c.Drops) != 0 {
			t.Errorf("%d outer packets and drops %v, expected %d and none", *c.Outer, *c.Drops, len(s.outer))
		}
		if len(got) != s.recovered {
			t.Fatalf("%d inner packets, the manifest says %d", len(got), s.recovered)
		}
		samePackets(t, "against the ground truth", got, truthOf(s, got))
	})
}

// truthOf is the ground truth in its order, without what the gateway did not send on: it answers packets that are larger
// than a route's MTU itself.
func truthOf(s setting, got [][]byte) (want [][]byte) {
	sent := map[string]int{}
	for _, p := range got {
		sent[string(p)]++
	}
	for _, p := range s.truth {
		f := forwarded(p)
		if len(s.truth) > s.recovered && sent[string(f)] == 0 {
			continue
		}
		want = append(want, f)
	}
	return want
}

// TestDecapFormats reads the same packets from every kind of capture file.
func TestDecapFormats(t *testing.T) {
	for _, s := range smallSettings(t) {
		for _, f := range formats {
			t.Run(s.name+"/"+f.name, func(t *testing.T) {
				got, _ := newBench(t).decap(f, s.sa.keys(), recordsOf(s.outer))
				samePackets(t, f.name, got, truthOf(s, got))
				if len(got) != s.recovered {
					t.Errorf("%d inner packets, expected %d", len(got), s.recovered)
				}
			})
		}
	}
}

// damage is something that happens to a sequence of packets on their way into a capture.
type damage struct {
	name string
	do   func(r *rand.Rand, ps [][]byte) [][]byte
}

var damages = []damage{
	{"a tenth dropped", func(r *rand.Rand, ps [][]byte) [][]byte { return dropSome(r, ps, 10) }},
	{"half dropped", func(r *rand.Rand, ps [][]byte) [][]byte { return dropSome(r, ps, 2) }},
	{"shuffled within 3", func(r *rand.Rand, ps [][]byte) [][]byte { return inBlocks(ps, 3, shuffle(r)) }},
	{"shuffled within 64", func(r *rand.Rand, ps [][]byte) [][]byte { return inBlocks(ps, 64, shuffle(r)) }},
	{"blocks of 64 reversed", func(_ *rand.Rand, ps [][]byte) [][]byte { return inBlocks(ps, 64, slices.Reverse[[][]byte]) }},
	{"all reversed", func(_ *rand.Rand, ps [][]byte) [][]byte { return inBlocks(ps, len(ps), slices.Reverse[[][]byte]) }},
	{"duplicated", duplicateSome},
	{"from the middle of the stream", func(r *rand.Rand, ps [][]byte) [][]byte { return slices.Clone(ps[1+r.IntN(len(ps)-1):]) }},
	{"cut at a record", func(r *rand.Rand, ps [][]byte) [][]byte { return slices.Clone(ps[:1+r.IntN(len(ps)-1)]) }},
	{"all of it", func(r *rand.Rand, ps [][]byte) [][]byte {
		ps = ps[r.IntN(len(ps)/2):]
		return inBlocks(duplicateSome(r, dropSome(r, ps, 8)), 16, shuffle(r))
	}},
}

func dropSome(r *rand.Rand, ps [][]byte, oneIn int) (out [][]byte) {
	for _, p := range ps {
		if r.IntN(oneIn) > 0 {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return ps[:1:1]
	}
	return out
}

func duplicateSome(r *rand.Rand, ps [][]byte) (out [][]byte) {
	for i, p := range ps {
		out = append(out, p)
		if r.IntN(3) == 0 {
			out = append(out, ps[r.IntN(i+1)])
		}
	}
	return out
}

func shuffle(r *rand.Rand) func([][]byte) {
	return func(ps [][]byte) { r.Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] }) }
}

func inBlocks(ps [][]byte, n int, do func([][]byte)) [][]byte {
	out := slices.Clone(ps)
	for b := out; len(b) > 0; b = b[min(n, len(b)):] {
		do(b[:min(n, len(b))])
	}
	return out
}

// expected is what an in-order reader finds in the packets that are there, whatever their order.
func expected(t testing.TB, s *foreignSA, packets [][]byte, hi func(low uint32) uint32) [][]byte {
	t.Helper()
	payloads, whole := map[uint64][]byte{}, [][]byte(nil)
	for _, p := range packets {
		o, err := s.open(p, hi(lowHalf(s, p)))
		if err != nil {
			t.Fatal(err)
		}
		if _, again := payloads[o.seq]; !again {
			whole = append(whole, o.payload)
		}
		payloads[o.seq] = o.payload
	}
	if s.tunnel {
		return whole // plain ESP is delivered as it comes
	}
	u, err := unframe(payloads)
	if err != nil {
		t.Fatal(err)
	}
	return u.packets
}

// lowHalf is the sequence number that an outer packet shows.
func lowHalf(s *foreignSA, ip []byte) uint32 {
	esp, err := s.strip(ip)
	if err != nil {
		return 0
	}
	return uint32(esp[4])<<24 | uint32(esp[5])<<16 | uint32(esp[6])<<8 | uint32(esp[7])
}

func noHigh(uint32) uint32 { return 0 }

// TestDecapDamaged loses, repeats and reorders outer packets: what is left must come out whole and in order, and nothing
// else must.
func TestDecapDamaged(t *testing.T) {
	allSettings(t, func(t *testing.T, s setting) {
		for _, d := range damages {
			t.Run(d.name, func(t *testing.T) {
				packets := d.do(newRand(t), s.outer)
				got, _ := newBench(t).decap(rawFormat, s.sa.keys(), recordsOf(packets))
				samePackets(t, d.name, got, expected(t, s.sa, packets, noHigh))
				onlyTruth(t, s, got)
			})
		}
	})
}

// onlyTruth fails for a packet that nobody sent, or one more often than it was sent.
func onlyTruth(t testing.TB, s setting, got [][]byte) {
	t.Helper()
	sent := map[string]int{}
	for _, p := range s.truth {
		sent[string(forwarded(p))]++
	}
	for i, p := range got {
		if sent[string(p)]--; sent[string(p)] < 0 {
			t.Errorf("inner packet %d was invented: %x", i, clip(p))
		}
	}
}

// TestDecapSmallWindow gives up what a window of 3 has to, and invents nothing while it does.
func TestDecapSmallWindow(t *testing.T) {
	allSettings(t, func(t *testing.T, s setting) {
		if s.sa.tunnel {
			t.Skip("SKIP: plain ESP has no reorder window")
		}
		sa := *s.sa
		sa.extraLines = "reorder_window = 3\nlost_packet_timer_ms = 5"
		for _, d := range damages {
			packets := d.do(newRand(t), s.outer)
			got, _ := newBench(t).decap(rawFormat, sa.keys(), recordsOf(packets))
			onlyTruth(t, s, got)
			if d.name == "shuffled within 3" {
				samePackets(t, d.name, got, expected(t, s.sa, packets, noHigh))
			}
		}
	})
}
