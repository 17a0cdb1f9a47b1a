package iptfs

import (
	"fmt"
	"testing"
)

func TestTFS020_BlockKinds(t *testing.T) {
	for first := range 256 {
		want := BlockUnknown
		switch first >> 4 {
		case 0:
			want = BlockPad
		case 4:
			want = BlockIPv4
		case 6:
			want = BlockIPv6
		}
		if got := BlockKind(byte(first)); got != want {
			t.Errorf("first octet %#02x: got kind %d, want %d", first, got, want)
		}
	}
}

func TestBlockLen(t *testing.T) {
	for _, c := range []struct {
		name         string
		b            []byte
		length, need int
		ok           bool
	}{
		{"TFS-021 IPv4 of 20", []byte{0x45, 0, 0, 20}, 20, 0, true},
		{"TFS-021 IPv4 of 65535", []byte{0x45, 0xff, 0xff, 0xff}, 65535, 0, true},
		{"TFS-022 IPv6 of 60", []byte{0x60, 0, 0, 0, 0, 20}, 60, 0, true},
		{"TFS-022 IPv6 of 65575", []byte{0x6f, 0, 0, 0, 0xff, 0xff}, 65575, 0, true},
		{"TFS-023 pad runs to the end", []byte{0, 0x45, 0, 0, 20, 1, 2, 3}, 8, 0, true},
		{"TFS-023 pad of one octet", []byte{0}, 1, 0, true},
		{"TFS-027 low nibble of a pad block", []byte{0x0f, 0xff}, 2, 0, true},
		{"TFS-030 IPv6 without payload", []byte{0x60, 0, 0, 0, 0, 0}, 40, 0, true},
		{"TFS-032 nothing", nil, 0, 1, true},
		{"TFS-032 IPv4 of 1 octet", []byte{0x45}, 0, 4, true},
		{"TFS-032 IPv4 of 3 octets", []byte{0x45, 0, 0}, 0, 4, true},
		{"TFS-032 IPv6 of 1 octet", []byte{0x60}, 0, 6, true},
		{"TFS-032 IPv6 of 5 octets", []byte{0x60, 0, 0, 0, 0xff}, 0, 6, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			length, need, ok := BlockLen(c.b)
			if length != c.length || need != c.need || ok != c.ok {
				t.Errorf("%x: got %d, %d, %t, want %d, %d, %t", c.b, length, need, ok, c.length, c.need, c.ok)
			}
		})
	}
}

func TestTFS028_UnknownBlocks(t *testing.T) {
	for _, nibble := range []byte{1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15} {
		for n := 1; n <= 40; n++ {
			b := make([]byte, n)
			b[0] = nibble<<4 | 5
			if length, need, ok := BlockLen(b); ok || length != 0 || need != 0 {
				t.Errorf("nibble %d, %d octets: got %d, %d, %t, want 0, 0, false", nibble, n, length, need, ok)
			}
		}
	}
}

// An IPv4 total length below the header length, 0 above all, must never be taken for a block.
func TestTFS029_ImpossibleIPv4(t *testing.T) {
	for ihl := range 16 {
		for _, total := range []int{0, 1, 4, 19, 20, 21, ihl*4 - 1, ihl * 4, 59, 60, 65535} {
			b := []byte{0x40 | byte(ihl), 0, byte(total >> 8), byte(total)}
			want := ihl >= 5 && total >= ihl*4 && total >= 0
			length, need, ok := BlockLen(b)
			if ok != want || need != 0 || ok && length != total || !ok && length != 0 {
				t.Errorf("header length %d, total %d: got %d, %d, %t, want %t", ihl, total, length, need, ok, want)
			}
		}
	}
}

func FuzzBlockLen(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x45, 0, 0, 0})
	f.Add([]byte{0x45, 0, 0, 20})
	f.Add([]byte{0x60, 0, 0, 0, 0, 0})
	f.Add([]byte{0x0f, 1, 2})
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		length, need, ok := BlockLen(b)
		if err := codecCheckBlock(b, length, need, ok); err != nil {
			t.Fatalf("%x: got %d, %d, %t: %v", b, length, need, ok, err)
		}
		for n := range min(len(b), blockNeed) {
			short, need, ok2 := BlockLen(b[:n])
			if ok && !ok2 || need == 0 && ok2 && BlockKind(b[0]) != BlockPad && short != length {
				t.Fatalf("%x: %d, %t, but its first %d octets: %d, %t", b, length, ok, n, short, ok2)
			}
		}
	})
}

// codecCheckBlock states what every answer of BlockLen promises: progress for a known length, more than there is for a
// runt.
func codecCheckBlock(b []byte, length, need int, ok bool) error {
	switch {
	case !ok && (length != 0 || need != 0):
		return fmt.Errorf("a refused block has no length")
	case ok && need == 0 && (length < 1 || length > 65575):
		return fmt.Errorf("length outside 1 to 65575")
	case ok && need != 0 && (need <= len(b) || need > blockNeed || length != 0):
		return fmt.Errorf("a runt of %d octets cannot need %d", len(b), need)
	}
	return nil
}
