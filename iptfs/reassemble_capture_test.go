package iptfs

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// reasmCapture is what a Linux sender put on the wire and what its peer delivered: see testdata/linux.
type reasmCapture struct {
	events  []reasmEvent
	packets []reasmDigest
}

// reasmDigest is an inner packet behind the router that followed the tunnel.
type reasmDigest struct {
	octets int
	sha256 [sha256.Size]byte
}

// TestCaptures replays payloads of a foreign sender, in the order in which they were captured, and compares with what the
// foreign receiver delivered.
func TestCaptures(t *testing.T) {
	files, err := filepath.Glob("testdata/linux/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	for _, file := range files {
		for _, immediate := range []bool{false, true} {
			name := filepath.Base(file)
			if immediate {
				name += " immediate"
			}
			t.Run(name, func(t *testing.T) {
				capture := reasmReadCapture(t, file)
				g := newReasmRig(t, ReassemblerConfig{Window: DefaultWindow, Immediate: immediate})
				reasmCompare(t, g.play(capture.events, 5), capture.packets, immediate)
				if c := g.r.Counters(); c.Incomplete != 0 || c.Missed != 0 || c.Errored != 0 {
					t.Errorf("counters %+v of a capture without loss", c)
				}
			})
		}
	}
}

// reasmCompare checks got against the packets delivered: in their order, or as a set.
func reasmCompare(t *testing.T, got [][]byte, want []reasmDigest, set bool) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d packets, expected %d", len(got), len(want))
		return
	}
	wanted := map[reasmDigest]int{}
	for _, w := range want {
		wanted[w]++
	}
	for i, p := range got {
		d := reasmDigest{len(p), sha256.Sum256(reasmForwarded(p))}
		if set && wanted[d] == 0 || !set && d != want[i] {
			t.Errorf("packet %d of %d octets is not what was delivered", i, len(p))
		}
		wanted[d]--
	}
}

// reasmForwarded returns p one hop further: TTL or hop limit lowered by one, and the IPv4 checksum to go with it.
func reasmForwarded(p []byte) []byte {
	p = bytes.Clone(p)
	if p[0]>>4 == 6 {
		p[7]--
		return p
	}
	p[8]--
	p[10], p[11] = 0, 0
	sum := uint32(0)
	for i := 0; i < int(p[0]&15)*4; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	sum = sum&0xffff + sum>>16
	sum = sum&0xffff + sum>>16
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum))
	return p
}

// reasmReadCapture reads "payload SEQUENCE NEXT-HEADER HEX" and "packet OCTETS SHA-256" lines.
func reasmReadCapture(t *testing.T, file string) (c reasmCapture) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 || fields[0] == "#" {
			continue
		}
		data, err := hex.DecodeString(fields[len(fields)-1])
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		number, err := strconv.ParseUint(fields[1], 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if fields[0] == "packet" {
			c.packets = append(c.packets, reasmDigest{int(number), [sha256.Size]byte(data)})
			continue
		}
		nextHeader, err := strconv.ParseUint(fields[2], 10, 8)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		c.events = append(c.events, reasmEvent{
			at: int64(len(c.events)) * 1_000_000, seq: number, nextHeader: uint8(nextHeader), data: data,
		})
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}
