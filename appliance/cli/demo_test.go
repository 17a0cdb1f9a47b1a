package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stillwater/appliance/testbed"
	"stillwater/pmd/softpmd"
)

// demoKeys are the keys that "demo -json" promises.
var demoKeys = []string{"mode", "lcores", "duration_s", "inner_sent", "inner_received", "inner_lost", "inner_corrupt", "inner_reordered",
	"inner_bytes", "outer_packets", "outer_sizes", "outer_pps", "sa_pairs", "ike_ms", "child_sas", "rekeys", "suite", "drops"}

// demoJSON runs "demo -json" and returns the status and the object.
func demoJSON(t *testing.T, args ...string) (int, map[string]any) {
	t.Helper()
	o := call(append([]string{"demo", "-json"}, args...)...)
	d := json.NewDecoder(strings.NewReader(o.stdout))
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		t.Fatalf("demo %q: status %d: %v: %q %s", args, o.status, err, o.stdout, o.stderr)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Errorf("demo -json printed more than one object: %s", o.stdout)
	}
	for _, k := range demoKeys {
		if _, ok := object[k]; !ok {
			t.Errorf("demo -json has no %q", k)
		}
	}
	return o.status, object
}

// TestDemoEveryMode carries traffic in every mode with 1, 2 and 4 lcores and loses nothing.
func TestDemoEveryMode(t *testing.T) {
	for _, mode := range demoModes {
		for _, lcores := range []int{1, 2, 4} {
			t.Run(fmt.Sprintf("%s/%d", mode, lcores), func(t *testing.T) {
				status, d := demoJSON(t, "-duration", "250ms", "-mode", mode, "-lcores", fmt.Sprint(lcores))
				if status != exitOK {
					t.Errorf("status %d: %v", status, d)
				}
				for k, want := range map[string]any{
					"mode": mode, "lcores": float64(lcores),
					"inner_lost": 0.0, "inner_corrupt": 0.0, "inner_reordered": 0.0, "inner_sent": d["inner_received"],
				} {
					if d[k] != want {
						t.Errorf("%s is %v, expected %v", k, d[k], want)
					}
				}
				// Both ends may ask for an SA of an lcore at once on a slow machine, and both stay (RFC 9611; RSC-009).
				if n := d["child_sas"].(float64); n < float64(lcores) || n > float64(2*lcores) || d["ike_ms"] == 0.0 {
					t.Errorf("%v Child SAs after %v ms, expected at least %d", n, d["ike_ms"], lcores)
				}
				if d["inner_received"] == 0.0 || d["outer_packets"] == 0.0 || d["outer_pps"] == 0.0 || d["inner_bytes"] == 0.0 {
					t.Errorf("nothing was carried: %v", d)
				}
				if one := d["outer_sizes"] == 1.0; one != (mode == "constant") {
					t.Errorf("%v sizes of outer packets in mode %s", d["outer_sizes"], mode)
				}
			})
		}
	}
}

// TestDemoInner carries other packets: small, jumbo, and those of a capture.
func TestDemoInner(t *testing.T) {
	for _, inner := range []string{"64", "1400", "9000", "9088", filepath.Join("testdata", "g1_esn.truth_in.pcap")} {
		for _, mode := range demoModes {
			status, d := demoJSON(t, "-duration", "60ms", "-mode", mode, "-lcores", "2", "-inner", inner)
			if status != exitOK || d["inner_received"] == 0.0 {
				t.Errorf("%s of %s: status %d: %v", mode, inner, status, d)
			}
		}
	}
}

// TestDemoInnerVariety carries IPv4 and IPv6 fragments of a capture, ICMP, and skips what gateways do not forward.
func TestDemoInnerVariety(t *testing.T) {
	r := newRand(t)
	packets := innerPackets(r, 12, imixSizes...)
	packets = append(packets, cut(packets[1], 128)...)
	packets = append(packets, cut6(packets[8], 5, 64)...)
	packets = append(packets, []byte{0x45, 0, 0}, append([]byte(nil), packets[0][:30]...))
	file := filepath.Join(t.TempDir(), "inner.pcap")
	if err := os.WriteFile(file, etherFormat.encode(recordsOf(packets)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range demoModes {
		if status, d := demoJSON(t, "-duration", "60ms", "-mode", mode, "-lcores", "2", "-inner", file); status != exitOK {
			t.Errorf("%s: status %d: %v", mode, status, d)
		}
	}
}

// TestDemoRekeys replaces SAs under traffic and loses nothing.
func TestDemoRekeys(t *testing.T) {
	for _, mode := range demoModes {
		status, d := demoJSON(t, "-duration", "800ms", "-mode", mode, "-lcores", "2", "-rekey-every", "100ms")
		if status != exitOK || d["rekeys"].(float64) < 4 {
			t.Errorf("%s: status %d: %v", mode, status, d)
		}
	}
}

// TestDemoAlgorithms seals with each kind of algorithm.
func TestDemoAlgorithms(t *testing.T) {
	for _, s := range [][2]string{{"aes256gcm16", ""}, {"aes128gcm16iiv", ""}, {"chacha20poly1305", ""}, {"aes256", "sha512"}, {"aes128gmac", ""}, {"null", "sha256"}} {
		status, d := demoJSON(t, "-duration", "60ms", "-mode", "aggregate", "-encr", s[0], "-integ", s[1])
		want := strings.TrimSuffix(s[0]+"-"+s[1], "-") + "-esn"
		if status != exitOK || d["suite"] != want {
			t.Errorf("%v: status %d: %v", s, status, d)
		}
	}
}

// TestDemoTable is for people: it ends with a verdict.
func TestDemoTable(t *testing.T) {
	o := mustPass(t, "demo", "-duration", "1100ms", "-lcores", "1", "-mode", "constant")
	for _, want := range []string{"inner pps", "verdict   pass", "sizes [1500]", "SA pairs"} {
		if !strings.Contains(o.stdout, want) {
			t.Errorf("the table has no %q:\n%s", want, o.stdout)
		}
	}
}

// sabotaged runs the demo over a pair that is not as it should be and returns the verdict.
func sabotaged(t *testing.T, c testbed.PairConfig, sabotage func(*testbed.Pair)) *demoResult {
	t.Helper()
	var err error
	if c.Mix, err = testbed.NewMix("imix", testbed.MaxInner(c.Mode)); err != nil {
		t.Fatal(err)
	}
	c.Lcores, c.Log = 2, slog.New(slog.DiscardHandler)
	pair, err := testbed.NewPair(c)
	if err != nil {
		t.Fatal(err)
	}
	sabotage(pair)
	e := &env{io.Discard, io.Discard}
	r, err := e.runDemo(pair, 250*time.Millisecond, false)
	if err != nil {
		t.Fatal(err)
	}
	r.Mode = c.Mode
	r.judge()
	return r
}

// TestDemoVerdict fails for each thing that it is there to find. The wire is sabotaged, not the result.
func TestDemoVerdict(t *testing.T) {
	t.Run("lost", func(t *testing.T) {
		t.Parallel()
		var n atomic.Int64 // the filter runs on both lcores
		r := sabotaged(t, testbed.PairConfig{Mode: "aggregate"}, func(p *testbed.Pair) {
			p.Outside.SetFilter(softpmd.A, func([]byte) bool { k := n.Add(1); return k%50 != 0 || k > 500 })
		})
		if r.InnerLost == 0 || !strings.HasPrefix(r.Verdict, "fail: ") {
			t.Errorf("verdict %q with %d lost", r.Verdict, r.InnerLost)
		}
	})
	t.Run("reordered", func(t *testing.T) {
		t.Parallel()
		r := sabotaged(t, testbed.PairConfig{Mode: "tunnel", Impair: [2]softpmd.Impairment{{Reorder: 0.3, ReorderDepth: 60, ReorderHold: 50 * time.Millisecond}}}, func(*testbed.Pair) {})
		if r.InnerReordered == 0 || r.InnerLost != 0 || !strings.HasPrefix(r.Verdict, "fail: ") {
			t.Errorf("verdict %q with %d reordered, %d lost", r.Verdict, r.InnerReordered, r.InnerLost)
		}
	})
	t.Run("sizes", func(t *testing.T) {
		t.Parallel()
		r := sabotaged(t, testbed.PairConfig{Mode: "aggregate"}, func(*testbed.Pair) {})
		if r.Verdict != verdictPass {
			t.Fatalf("verdict %q of a run that is as it should be", r.Verdict)
		}
		r.Mode = "constant"
		if r.judge(); r.OuterSizes < 2 || !strings.HasPrefix(r.Verdict, "fail: ") {
			t.Errorf("verdict %q with %d sizes", r.Verdict, r.OuterSizes)
		}
	})
	t.Run("nothing arrives", func(t *testing.T) {
		t.Parallel()
		r := sabotaged(t, testbed.PairConfig{Mode: "tunnel"}, func(p *testbed.Pair) {
			const protocolESP = 50
			ikeOnly := func(ip []byte) bool { return ip[9] != protocolESP }
			p.Outside.SetFilter(softpmd.A, ikeOnly)
			p.Outside.SetFilter(softpmd.B, ikeOnly)
		})
		if r.Verdict == verdictPass || r.InnerLost != r.InnerSent {
			t.Errorf("verdict %q with %d of %d lost", r.Verdict, r.InnerLost, r.InnerSent)
		}
	})
}

// TestDemoJudge pins what the verdict is made of, changed packets among it.
func TestDemoJudge(t *testing.T) {
	for _, c := range []struct {
		r    demoResult
		pass bool
	}{
		{demoResult{Mode: "constant", InnerReceived: 5, OuterSizes: 1}, true},
		{demoResult{Mode: "aggregate", InnerReceived: 5, OuterSizes: 9}, true},
		{demoResult{Mode: "constant", InnerReceived: 5, OuterSizes: 2}, false},
		{demoResult{Mode: "constant", InnerReceived: 5, OuterSizes: 0}, false},
		{demoResult{Mode: "tunnel", InnerReceived: 5, InnerLost: 1}, false},
		{demoResult{Mode: "tunnel", InnerReceived: 5, InnerCorrupt: 1}, false},
		{demoResult{Mode: "tunnel", InnerReceived: 5, InnerReordered: 1}, false},
		{demoResult{Mode: "tunnel"}, false},
	} {
		c.r.judge()
		if (c.r.Verdict == verdictPass) != c.pass {
			t.Errorf("verdict %q of %+v", c.r.Verdict, c.r)
		}
		var out bytes.Buffer
		if c.r.print(&out); !strings.Contains(out.String(), c.r.Verdict) {
			t.Errorf("the table does not show %q", c.r.Verdict)
		}
	}
}
