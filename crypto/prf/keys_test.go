package prf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
)

// TestIKE081_Layout: whatever the lengths, the seven keys are consecutive pieces of one prf+, in the order of the RFC.
func TestIKE081_Layout(t *testing.T) {
	r := newRand(t)
	each(t, func(t *testing.T, p PRF) {
		for range 50 {
			skeyseed, ni, nr := make([]byte, p.Len()), make([]byte, 16+r.IntN(241)), make([]byte, 16+r.IntN(241))
			for _, b := range [][]byte{skeyseed, ni, nr} {
				for i := range b {
					b[i] = byte(r.Uint32())
				}
			}
			encr, integ := r.IntN(40), r.IntN(65)
			k := must(DeriveIKE(p, skeyseed, ni, nr, 0x0102030405060708, 0x1112131415161718, encr, integ))(t)
			material := bytes.Join([][]byte{ni, nr, octets(t, "01020304050607081112131415161718")}, nil)
			all := bytes.Join([][]byte{k.D, k.Ai, k.Ar, k.Ei, k.Er, k.Pi, k.Pr}, nil)
			compare(t, "the sequence of keys", all, must(p.Plus(nil, skeyseed, material, len(all)))(t))
			lengths := []int{len(k.D), len(k.Ai), len(k.Ar), len(k.Ei), len(k.Er), len(k.Pi), len(k.Pr)}
			if want := []int{p.Len(), integ, integ, encr, encr, p.Len(), p.Len()}; fmt.Sprint(lengths) != fmt.Sprint(want) {
				t.Errorf("lengths %v, want %v", lengths, want)
			}
		}
	})
}

// TestDeriveRefuses: lengths that no algorithm has are errors, also where their sum would overflow.
func TestDeriveRefuses(t *testing.T) {
	each(t, func(t *testing.T, p PRF) {
		for _, c := range [][2]int{
			{-1, 0}, {0, -1}, {math.MaxInt, 0}, {0, math.MaxInt}, {math.MinInt, 0}, {math.MaxInt, math.MaxInt}, {1 << 62, 1 << 62},
			{127 * p.Len(), 0}, {0, 127 * p.Len()}, {255 * p.Len(), 255 * p.Len()},
		} {
			if k, err := DeriveIKE(p, nil, nil, nil, 0, 0, c[0], c[1]); !errors.Is(err, ErrLength) || k != nil {
				t.Errorf("%d and %d octets: error %v, want ErrLength", c[0], c[1], err)
			}
		}
		for _, n := range []int{-1, 255*p.Len() + 1} {
			if k, err := Keymat(p, nil, nil, nil, nil, n); !errors.Is(err, ErrLength) || k != nil {
				t.Errorf("KEYMAT of %d octets: error %v, want ErrLength", n, err)
			}
		}
	})
}

// TestIKE094_Wipe: the array behind all seven keys is cleared, and appending to one key never reaches the next.
func TestIKE094_Wipe(t *testing.T) {
	each(t, func(t *testing.T, p PRF) {
		k := must(DeriveIKE(p, []byte("s"), []byte("i"), []byte("r"), 1, 2, 36, 32))(t)
		parts := [][]byte{k.D, k.Ai, k.Ar, k.Ei, k.Er, k.Pi, k.Pr}
		for i, part := range parts {
			if bytes.Equal(part, make([]byte, len(part))) || cap(part) != len(part) {
				t.Errorf("key %d is %x with room for %d", i, part, cap(part))
			}
		}
		k.Wipe()
		for i, part := range parts {
			if !bytes.Equal(part, make([]byte, len(part))) {
				t.Errorf("key %d is still %x", i, part)
			}
		}
		if k.D != nil || k.Ai != nil || k.Ar != nil || k.Ei != nil || k.Er != nil || k.Pi != nil || k.Pr != nil {
			t.Error("a key is still there")
		}
		k.Wipe()
	})
}

// TestKeysAreNotPrinted: no verb, encoder or logger shows a key.
func TestKeysAreNotPrinted(t *testing.T) {
	const key = "AAAAAAAAAAAAAAAA"
	k := Keys{D: []byte(key), Pi: []byte(key), all: []byte(key)}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
		fmt.Fprintf(&out, verb+verb, k, &k)
	}
	must(out.Write(must(json.Marshal(k))(t)))(t)
	slog.New(slog.NewTextHandler(&out, nil)).Info("", "keys", k, "pointer", &k)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("", "keys", k, "pointer", &k)
	for _, trace := range []string{key, "QUFB", "4141", "65 65", `\x41`, "0x41"} {
		if strings.Contains(out.String(), trace) {
			t.Errorf("output has %q: %s", trace, out.String())
		}
	}
	if strings.Count(out.String(), "(IKE keys)") != 16+1+2+2 {
		t.Errorf("output is %s", out.String())
	}
}
