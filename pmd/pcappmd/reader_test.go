package pcappmd

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unhex reads octets written as hexadecimal digits with spaces.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The files below are written out octet by octet after draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. Each holds
// packets of 4 and 2 octets; the second was 6 octets on the wire.
const (
	pcapBigMicro = `a1b2c3d4 0002 0004 00000000 00000000 0000ffff 00000065
		00000001 0000000a 00000004 00000004 45010203
		00000002 000f423f 00000002 00000006 4504`
	pcapLittleNano = `4d3cb2a1 0200 0400 00000000 00000000 ffff0000 65000000
		01000000 10270000 04000000 04000000 45010203
		02000000 ffc99a3b 02000000 06000000 4504`
	// section, unknown block, interface with nanoseconds, two enhanced packets, the first with an option
	pcapngLittle = `0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000
		ad0b0000 10000000 01020304 10000000
		01000000 20000000 6500 0000 00000400 0900 0100 09000000 0000 0000 20000000
		06000000 30000000 00000000 00000000 10ca9a3b 04000000 04000000 45010203 0200 0400 00000001 0000 0000 30000000
		06000000 24000000 00000000 00000000 18286bee 02000000 06000000 45040000 24000000`
	// section, interface with microseconds and snapshot length 2, simple packet, then a section of its own with enhanced
	pcapngBig = `0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c
		00000001 00000014 0065 0000 00000002 00000014
		00000003 00000014 00000006 45040000 00000014
		0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c
		00000001 00000014 0065 0000 00000000 00000014
		00000006 00000024 00000000 00000000 000f424a 00000004 00000004 45010203 00000024`
)

// copied is a packet whose data outlives the next call.
type copied struct {
	data      string
	time      int64
	origLen   int
	truncated bool
}

// readAll reads to the end; the error is nil at a clean one.
func readAll(b []byte) (got []copied, err error) {
	r, err := NewReader(bytes.NewReader(b), "test.pcap")
	if err != nil {
		return nil, err
	}
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		got = append(got, copied{string(p.Data), p.Time, p.OrigLen, p.Truncated})
	}
}

func TestReader(t *testing.T) {
	first, second := "\x45\x01\x02\x03", "\x45\x04"
	for name, c := range map[string]struct {
		file string
		want []copied
	}{
		"classic, big-endian, microseconds": {pcapBigMicro, []copied{{first, 1_000_010_000, 4, false}, {second, 2_999_999_000, 6, true}}},
		"classic, little-endian, nanoseconds": {pcapLittleNano,
			[]copied{{first, 1_000_010_000, 4, false}, {second, 2_999_999_999, 6, true}}},
		"pcapng, little-endian, enhanced":  {pcapngLittle, []copied{{first, 0x3b9aca10, 4, false}, {second, 0xee6b2818, 6, true}}},
		"pcapng, big-endian, two sections": {pcapngBig, []copied{{second, 0, 6, true}, {first, 1_000_010_000, 4, false}}},
	} {
		got, err := readAll(unhex(t, c.file))
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: packet %d is %+v, expected %+v", name, i, got[i], c.want[i])
			}
		}
	}
}

// TestTruncatedEverywhere: a file that ends anywhere but behind a record says so, and gives the records before.
func TestTruncatedEverywhere(t *testing.T) {
	for name, file := range map[string]string{"classic": pcapBigMicro, "pcapng": pcapngLittle} {
		whole := unhex(t, file)
		clean := map[int]bool{len(whole): true}
		if name == "classic" {
			clean[24], clean[44] = true, true
		} else {
			clean[28+16+32], clean[28+16+32+48] = true, true
		}
		for n := range len(whole) + 1 {
			got, err := readAll(whole[:n])
			var format *FormatError
			switch {
			case clean[n] && err != nil:
				t.Errorf("%s, %d octets end behind a record: %v", name, n, err)
			case !clean[n] && (!errors.As(err, &format) || !errors.Is(err, ErrTruncated)):
				t.Errorf("%s, %d octets: %d packets and error %v, expected one that is ErrTruncated", name, n, len(got), err)
			case !clean[n] && (format.File != "test.pcap" || format.Offset > int64(n)):
				t.Errorf("%s, %d octets: the error points to %s:%d", name, n, format.File, format.Offset)
			}
		}
	}
}

// patched is a file with the octets at an offset replaced.
func patched(t *testing.T, file string, at int, octets string) []byte {
	t.Helper()
	b := unhex(t, file)
	copy(b[at:], unhex(t, octets))
	return b
}

func TestDamage(t *testing.T) {
	const idb = 28 + 16 // interface description in pcapngLittle
	const epb = idb + 32
	for name, c := range map[string]struct {
		file []byte
		kind error
		want string // of the error
	}{
		"text":            {[]byte("hello world, this is text"), ErrMagic, "test.pcap: offset 0: not a capture file: it starts with 0x68656c6c"},
		"version":         {patched(t, pcapBigMicro, 4, "0003"), ErrDamaged, "offset 4: damaged file: version 3, expected 2"},
		"Linux cooked":    {patched(t, pcapBigMicro, 20, "00000071"), ErrLinkType, "offset 20: link type not accepted: LINUX_SLL (113) (field 0x71), expected ETHERNET (1) or RAW (101)"},
		"unnamed link":    {patched(t, pcapBigMicro, 20, "00000fff"), ErrLinkType, "4095"},
		"FCS in records":  {patched(t, pcapBigMicro, 20, "24000001"), ErrLinkType, "field 0x24000001"},
		"fraction":        {patched(t, pcapBigMicro, 28, "000f4240"), ErrDamaged, "offset 28: damaged file: fraction of a second 1000000, expected less than 1000000"},
		"above snapshot":  {patched(t, pcapBigMicro, 16, "00000003"), ErrLimit, "offset 32: length out of bounds: captured length 4, expected at most 3"},
		"above limit":     {patched(t, pcapBigMicro, 16, "00000000 00000065 00000000 00000000 00040001"), ErrLimit, "captured length 262145, expected at most 262144"},
		"longer than was": {patched(t, pcapBigMicro, 36, "00000003"), ErrDamaged, "captured length 4 of a packet of 3 octets"},

		"byte order":         {patched(t, pcapngLittle, 8, "01020304"), ErrMagic, "offset 8: not a capture file: byte-order magic 0x01020304"},
		"block too short":    {patched(t, pcapngLittle, 32, "08000000"), ErrLimit, "offset 32: length out of bounds: block of 8 octets"},
		"block not aligned":  {patched(t, pcapngLittle, 32, "11000000"), ErrLimit, "block of 17 octets, expected a multiple of 4"},
		"block too long":     {patched(t, pcapngLittle, epb+4, "04000600"), ErrLimit, "block of 393220 octets"},
		"lengths differ":     {patched(t, pcapngLittle, epb+44, "34000000"), ErrDamaged, "block length 52 at its end, expected 48"},
		"no interface":       {unhex(t, pcapngLittle)[:28], ErrTruncated, "no interface description block"},
		"packet first":       {append(unhex(t, pcapngLittle)[:28], unhex(t, pcapngLittle)[epb:]...), ErrDamaged, "block type 6 before the first interface"},
		"interface link":     {patched(t, pcapngLittle, idb+8, "7100"), ErrLinkType, "interface 0 has LINUX_SLL (113)"},
		"option too long":    {patched(t, pcapngLittle, idb+18, "ff00"), ErrDamaged, "option 9 of 255 octets"},
		"resolution":         {patched(t, pcapngLittle, idb+20, "14"), ErrDamaged, "time resolution 0x14"},
		"resolution, binary": {patched(t, pcapngLittle, idb+20, "c0"), ErrDamaged, "time resolution 0xc0"},
		"which interface":    {patched(t, pcapngLittle, epb+8, "01000000"), ErrDamaged, "interface 1 of 1"},
		"year 20000":         {patched(t, pcapngLittle, epb+12, "ffffffff"), ErrDamaged, "time outside"},
		"captured too long":  {patched(t, pcapngLittle, epb+20, "1d000000 1d000000"), ErrDamaged, "captured length 29 in a block with room for 16"},
		"obsolete block":     {patched(t, pcapngLittle, epb, "02000000"), ErrDamaged, "obsolete packet block"},
		"another link": {append(unhex(t, pcapngLittle)[:epb], unhex(t, "01000000 14000000 0100 0000 00000000 14000000"+
			"06000000 20000000 01000000 00000000 00000000 00000000 00000000 20000000")...), ErrLinkType, "interface 1 has ETHERNET (1), expected RAW (101)"},
	} {
		_, err := readAll(c.file)
		var format *FormatError
		if !errors.As(err, &format) || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected kind %q with %q", name, err, c.kind, c.want)
		}
	}
}

// TestErrorsStay: a reader does not go on behind damage.
func TestErrorsStay(t *testing.T) {
	r, err := NewReader(bytes.NewReader(patched(t, pcapBigMicro, 32, "00ffffff")), "x")
	if err != nil {
		t.Fatal(err)
	}
	_, first := r.Next()
	_, second := r.Next()
	if first == nil || !errors.Is(second, first) {
		t.Errorf("errors %v, then %v", first, second)
	}
}

// TestTimeResolution: units from picoseconds to 2^-40 s, and an offset.
func TestTimeResolution(t *testing.T) {
	for name, c := range map[string]struct {
		i    netInterface
		ts   uint64
		want int64
	}{
		"picoseconds":  {netInterface{units: resolution(12)}, 1_000_000_000_999, 1_000_000_000},
		"seconds":      {netInterface{units: resolution(0)}, 1_700_000_000, 1_700_000_000_000_000_000},
		"2^-1 s":       {netInterface{units: resolution(0x81)}, 3, 1_500_000_000},
		"2^-40 s":      {netInterface{units: resolution(0x80 + 40)}, 1<<40 + 1<<39, 1_500_000_000},
		"offset":       {netInterface{units: resolution(6), offset: 1_000}, 5, 1_000_000_005_000},
		"offset below": {netInterface{units: resolution(3), offset: -1}, 1_500, 500_000_000},
	} {
		if got, ok := c.i.time(c.ts); !ok || got != c.want {
			t.Errorf("%s: %d, %v, expected %d", name, got, ok, c.want)
		}
	}
	if _, ok := (netInterface{units: 1, offset: -10}).time(5); ok {
		t.Error("a time before 1970 was accepted")
	}
}

func TestOpenReaderErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenReader(dir); !errors.Is(err, ErrDirectory) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a directory: error %v, expected ErrDirectory with its name", err)
	}
	if _, err := OpenReader(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: error %v, expected os.ErrNotExist", err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReader(empty); !errors.Is(err, ErrTruncated) {
		t.Errorf("an empty file: error %v, expected ErrTruncated", err)
	}
}

// brokenReader fails after some octets, as a disk does.
type brokenReader struct{ good io.Reader }

var errDisk = errors.New("disk on fire")

func (b brokenReader) Read(p []byte) (int, error) {
	n, err := b.good.Read(p)
	if err != nil {
		err = errDisk
	}
	return n, err
}

// TestDiskErrorIsNoEnd: an error of the disk is not taken for the end of the file.
func TestDiskErrorIsNoEnd(t *testing.T) {
	for _, n := range []int{2, 24, 30, 42, 44} {
		r, err := NewReader(brokenReader{bytes.NewReader(unhex(t, pcapBigMicro)[:n])}, "x")
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, errDisk) {
			t.Errorf("disk fails after %d octets: error %v", n, err)
		}
	}
}

// FuzzReader: any octets give packets within bounds or an error, and reading always comes to an end.
func FuzzReader(f *testing.F) {
	for _, s := range []string{pcapBigMicro, pcapLittleNano, pcapngLittle, pcapngBig} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b), "fuzz")
		if err != nil {
			return
		}
		total := 0
		for {
			p, err := r.Next()
			if err != nil {
				return
			}
			total += len(p.Data) + 8 // the shortest record has more octets around its data than that
			if len(p.Data) > MaxPacket || len(p.Data) > p.OrigLen || p.Truncated != (len(p.Data) < p.OrigLen) || p.Time < 0 || total > len(b) {
				t.Fatalf("packet of %d octets, %+v, %d in all from a file of %d", len(p.Data), p, total, len(b))
			}
		}
	})
}

// classicFile writes records after the drafts, for tests that need many.
func classicFile(link LinkType, records ...copied) []byte {
	be := binary.BigEndian
	b := be.AppendUint32(nil, magicNano)
	b = append(b, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0)
	b = be.AppendUint32(b, uint32(link))
	for _, r := range records {
		b = be.AppendUint32(b, uint32(r.time/1_000_000_000))
		b = be.AppendUint32(b, uint32(r.time%1_000_000_000))
		b = be.AppendUint32(b, uint32(len(r.data)))
		b = be.AppendUint32(b, uint32(r.origLen))
		b = append(b, r.data...)
	}
	return b
}
