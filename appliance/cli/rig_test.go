package cli

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// newRand returns a generator and tells its seed, so that a failure can be repeated with -seed.
func newRand(t testing.TB) *rand.Rand {
	t.Helper()
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed: -seed=%d", s)
	return rand.New(rand.NewPCG(s, s))
}

// randomOctets returns n octets of r.
func randomOctets(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// outcome is what one call of the program did.
type outcome struct {
	status         int
	stdout, stderr string
}

// call runs the program.
func call(args ...string) outcome {
	var stdout, stderr bytes.Buffer
	status := Main(args, &stdout, &stderr)
	return outcome{status, stdout.String(), stderr.String()}
}

// mustPass is call for a verb that has to succeed.
func mustPass(t testing.TB, args ...string) outcome {
	t.Helper()
	o := call(args...)
	if o.status != exitOK {
		t.Fatalf("stillwater %q: status %d, expected 0\n%s%s", args, o.status, o.stdout, o.stderr)
	}
	return o
}

// tally is what "pcap -json" prints, read by the names the operator's scripts know.
type tally struct {
	Outer  *uint64            `json:"outer_packets"`
	Inner  *uint64            `json:"inner_packets"`
	Octets *uint64            `json:"inner_bytes"`
	Drops  *map[string]uint64 `json:"drops"`
}

// tallyOf reads one JSON object and refuses a missing key.
func tallyOf(t testing.TB, stdout string) tally {
	t.Helper()
	var c tally
	if err := json.Unmarshal([]byte(stdout), &c); err != nil {
		t.Fatalf("-json printed %q: %v", stdout, err)
	}
	if c.Outer == nil || c.Inner == nil || c.Octets == nil || c.Drops == nil || *c.Drops == nil {
		t.Fatalf("-json printed %q, expected outer_packets, inner_packets, inner_bytes and drops", stdout)
	}
	return c
}

// bench is the folder of one test with what a run reads and writes.
type bench struct {
	testing.TB
	dir           string
	in, keys, out string
}

func newBench(t testing.TB) *bench {
	dir := t.TempDir()
	return &bench{TB: t, dir: dir, in: filepath.Join(dir, "in.pcap"), keys: filepath.Join(dir, "keys.toml"), out: filepath.Join(dir, "out.pcap")}
}

// write makes a file of the folder.
func (b *bench) write(path string, content []byte) {
	b.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		b.Fatal(err)
	}
}

// pcap runs "pcap VERB" over the files of the folder.
func (b *bench) pcap(verb string, more ...string) outcome {
	return call(append([]string{"pcap", verb, "-in", b.in, "-keys", b.keys, "-out", b.out}, more...)...)
}

// decap opens records with keys and returns the inner packets and the counts.
func (b *bench) decap(f format, keys string, records []record) ([][]byte, tally) {
	b.Helper()
	b.write(b.in, f.encode(records))
	b.write(b.keys, []byte(keys))
	o := b.pcap("decap", "-json")
	if o.status != exitOK {
		b.Fatalf("decap: status %d: %s", o.status, o.stderr)
	}
	packets := readRaw(b, b.out)
	c := tallyOf(b, o.stdout)
	if int(*c.Inner) != len(packets) {
		b.Fatalf("decap reports %d inner packets and wrote %d", *c.Inner, len(packets))
	}
	octets := uint64(0)
	for _, p := range packets {
		octets += uint64(len(p))
	}
	if *c.Octets != octets {
		b.Fatalf("decap reports %d inner octets and wrote %d", *c.Octets, octets)
	}
	return packets, c
}

// encap seals records with keys and returns the outer packets.
func (b *bench) encap(f format, keys string, records []record, more ...string) ([][]byte, tally) {
	b.Helper()
	b.write(b.in, f.encode(records))
	b.write(b.keys, []byte(keys))
	o := b.pcap("encap", append(more, "-json")...)
	if o.status != exitOK {
		b.Fatalf("encap: status %d: %s", o.status, o.stderr)
	}
	return readRaw(b, b.out), tallyOf(b, o.stdout)
}

// nothingLeft fails when the folder holds anything but the named files: an output, or a part of one.
func (b *bench) nothingLeft(allowed ...string) {
	b.Helper()
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		b.Fatal(err)
	}
	ok := map[string]bool{filepath.Base(b.in): true, filepath.Base(b.keys): true}
	for _, a := range allowed {
		ok[filepath.Base(a)] = true
	}
	for _, e := range entries {
		if !ok[e.Name()] {
			b.Errorf("a failed run left %s behind", e.Name())
		}
	}
}

// refused fails unless the call ended with an error, on standard error only, that names what it is about.
func (b *bench) refused(o outcome, names ...string) {
	b.Helper()
	if o.status != exitFailed && o.status != exitUsage {
		b.Errorf("status %d, expected 1 or 2; it printed %q %q", o.status, o.stdout, o.stderr)
	}
	if o.stdout != "" {
		b.Errorf("a refused call printed %q", o.stdout)
	}
	for _, n := range names {
		if !strings.Contains(o.stderr, n) {
			b.Errorf("error %q, expected it to name %q", o.stderr, n)
		}
	}
}

// samePackets fails where two sequences of packets differ, and says how.
func samePackets(t testing.TB, what string, got, want [][]byte) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("%s: packet %d of %d is\n%x, expected (of %d)\n%x", what, i, len(got), clip(got[i]), len(want), clip(want[i]))
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d packets, expected %d", what, len(got), len(want))
	}
}

// clip keeps a message short.
func clip(b []byte) []byte { return b[:min(len(b), 64)] }
