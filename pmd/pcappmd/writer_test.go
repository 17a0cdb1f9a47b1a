package pcappmd

import (
	"bytes"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var seed = flag.Uint64("seed", 0, "seed of the random tests; 0 draws one")

// TestWriterOctets: what is written is the file the draft describes.
func TestWriterOctets(t *testing.T) {
	for name, c := range map[string]struct {
		opts Options
		want string
	}{
		"nanoseconds": {Options{}, `a1b23c4d 0002 0004 00000000 00000000 00040000 00000065
			00000001 00002710 00000004 00000004 45010203`},
		"microseconds": {Options{Microseconds: true}, `a1b2c3d4 0002 0004 00000000 00000000 00040000 00000065
			00000001 0000000a 00000004 00000004 45010203`},
	} {
		var out bytes.Buffer
		w, err := NewWriter(&out, LinkRaw, c.opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Write(1_000_010_000, []byte("\x45\x01\x02\x03")), w.Close()); err != nil {
			t.Fatal(err)
		}
		if want := unhex(t, c.want); !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s:\n%x, expected\n%x", name, out.Bytes(), want)
		}
	}
}

// TestRoundTrip: random packets come back as they were written.
func TestRoundTrip(t *testing.T) {
	s := *seed
	for s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed %d", s)
	random := rand.New(rand.NewPCG(s, 0))
	var out bytes.Buffer
	w, err := NewWriter(&out, LinkEthernet, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var want []copied
	for range 500 {
		data := make([]byte, random.IntN(2000))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		p := copied{data: string(data), time: random.Int64N(1 << 62 / 2), origLen: len(data)}
		want = append(want, p)
		if err := w.Write(p.time, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := readAll(out.Bytes())
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d packets, %v", len(got), err)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("packet %d came back as %d octets at %d, was %d at %d", i, len(got[i].data), got[i].time, len(want[i].data), want[i].time)
		}
	}
}

// names lists a folder.
func names(t *testing.T, dir string) (n []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		n = append(n, e.Name())
	}
	return n
}

// TestCreateIsAtomic: before Close there is no file of that name, after Abort there is none at all.
func TestCreateIsAtomic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.pcap")
	w, err := Create(path, LinkEthernet, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(0, make([]byte, 60)); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 1 || !strings.HasPrefix(got[0], ".out.pcap.") || !strings.HasSuffix(got[0], ".part") {
		t.Errorf("while writing the folder has %q, expected one file .out.pcap.*.part", got)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != "out.pcap" {
		t.Errorf("after Close the folder has %q", got)
	}
	if err := w.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close: %v, expected ErrClosed", err)
	}
	if err := w.Write(0, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Write after Close: %v, expected ErrClosed", err)
	}
	before, _ := os.ReadFile(path)
	w, err = Create(path, LinkRaw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(0, []byte{0x45}), w.Abort()); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(path); len(names(t, dir)) != 1 || !bytes.Equal(before, after) {
		t.Errorf("Abort left %q, or touched the file that was there", names(t, dir))
	}
}

func TestCreateErrors(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, os.DevNull, filepath.Join(dir, "none", "x.pcap")} {
		if _, err := Create(path, LinkEthernet, Options{}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Create(%q): error %v, expected one with the name", path, err)
		}
	}
	if _, err := Create(filepath.Join(dir, "x"), 113, Options{}); !errors.Is(err, ErrLinkType) || len(names(t, dir)) != 0 {
		t.Errorf("link type 113: error %v, folder %q", err, names(t, dir))
	}
}

// TestRefusedPacketLeavesTheFile: a packet that cannot be written does not end the file.
func TestRefusedPacketLeavesTheFile(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, LinkRaw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []error{w.Write(-1, nil), w.Write(1<<32*1_000_000_000, nil), w.Write(0, make([]byte, MaxPacket+1))} {
		if !errors.Is(bad, ErrLimit) {
			t.Errorf("error %v, expected ErrLimit", bad)
		}
	}
	if err := errors.Join(w.Write(1<<32*1_000_000_000-1, make([]byte, MaxPacket)), w.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := readAll(out.Bytes()); err != nil || len(got) != 1 || len(got[0].data) != MaxPacket {
		t.Errorf("%d packets, %v, expected one of %d octets", len(got), err, MaxPacket)
	}
}

// fullDisk takes so many octets and no more.
type fullDisk struct{ room int }

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.room -= len(b); d.room < 0 {
		return 0, errDisk
	}
	return len(b), nil
}

// TestFullDisk: the error comes back from every call, Close included.
func TestFullDisk(t *testing.T) {
	w, err := NewWriter(&fullDisk{room: 300 << 10}, LinkRaw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; err == nil && i < 100; i++ {
		err = w.Write(0, make([]byte, 60<<10))
	}
	if !errors.Is(err, errDisk) || !errors.Is(w.Write(0, nil), errDisk) || !errors.Is(w.Close(), errDisk) {
		t.Errorf("Write: %v", err)
	}
}

func TestWriterDoesNotAllocate(t *testing.T) {
	w, err := NewWriter(&fullDisk{room: 1 << 30}, LinkRaw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 1400)
	if a := testing.AllocsPerRun(1000, func() { w.Write(1, data) }); a != 0 {
		t.Errorf("%v allocations per packet", a)
	}
}
