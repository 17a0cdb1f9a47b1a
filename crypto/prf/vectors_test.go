package prf

import (
	"bytes"
	_ "embed"
	"strconv"
	"strings"
	"testing"

	"stillwater/crypto/kat"
	"stillwater/crypto/suite"
)

//go:embed testdata/vectors.txt
var vectorsText string

// vector is one line of vectors.txt.
type vector struct {
	name           string
	p              PRF
	key, data, out []byte
}

// vectors are those of one section, want in number.
func vectors(t *testing.T, section string, want int) (vs []vector) {
	t.Helper()
	_, text, _ := strings.Cut(vectorsText, "["+section+"]\n")
	text, _, _ = strings.Cut(text, "\n\n")
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		id := must(strconv.ParseUint(f[1], 10, 16))(t)
		p := must(New(uint16(id)))(t)
		vs = append(vs, vector{f[0], p, octets(t, f[2]), octets(t, f[3]), octets(t, f[4])})
	}
	if len(vs) != want {
		t.Fatalf("%d vectors of %s, want %d", len(vs), section, want)
	}
	return vs
}

// TestSumVectors: HMAC as RFC 4231 has it, with the data in one part and in many.
func TestSumVectors(t *testing.T) {
	for _, v := range vectors(t, "prf", 18) {
		if have := v.p.Sum(nil, v.key, v.data); !bytes.Equal(have, v.out) {
			t.Errorf("%s: have %x, want %x", v.name, have, v.out)
		}
		parts := [][]byte{nil}
		for _, o := range v.data {
			parts = append(parts, []byte{o})
		}
		if have := v.p.Sum(nil, v.key, parts...); !bytes.Equal(have, v.out) {
			t.Errorf("%s in parts: have %x, want %x", v.name, have, v.out)
		}
	}
}

// TestSumWycheproof: the tags there are the first half of the output, as the integrity transforms have them.
func TestSumWycheproof(t *testing.T) {
	ids := map[kat.Primitive]uint16{
		kat.HMACSHA256: suite.PRFHMACSHA256, kat.HMACSHA384: suite.PRFHMACSHA384, kat.HMACSHA512: suite.PRFHMACSHA512,
	}
	valid, invalid := 0, 0
	for _, v := range kat.HMAC() {
		p := must(New(ids[v.Primitive]))(t)
		if equal := bytes.Equal(p.Sum(nil, v.Key, v.Text)[:len(v.Tag)], v.Tag); equal != v.Valid {
			t.Errorf("%s: equal %v, want %v", v.ID, equal, v.Valid)
		}
		if v.Valid {
			valid++
		} else {
			invalid++
		}
	}
	if valid < 100 || invalid < 100 {
		t.Fatalf("%d valid and %d invalid vectors", valid, invalid)
	}
}

// TestIKE081_Skeyseed: CAVP gives the nonces as one string, so that where it is cut must not matter.
func TestIKE081_Skeyseed(t *testing.T) {
	for _, v := range vectors(t, "skeyseed", 6) {
		for _, cut := range []int{0, 1, len(v.key) / 2, len(v.key)} {
			if have := Skeyseed(v.p, v.key[:cut], v.key[cut:], v.data); !bytes.Equal(have, v.out) {
				t.Errorf("%s: have %x, want %x", v.name, have, v.out)
			}
		}
	}
}

// TestIKE080_Plus: prf+ as CAVP has it, to every length, so that every cut through a block is there.
func TestIKE080_Plus(t *testing.T) {
	for _, v := range vectors(t, "prf+", 7) {
		for n := range len(v.out) + 1 {
			have, err := v.p.Plus([]byte("kept"), v.key, v.data, n)
			if err != nil || string(have[:4]) != "kept" || !bytes.Equal(have[4:], v.out[:n]) {
				t.Fatalf("%s, %d octets: have %x, %v, want %x", v.name, n, have, err, v.out[:n])
			}
		}
	}
}
