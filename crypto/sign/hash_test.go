package sign

import (
	"bytes"
	"slices"
	"testing"
)

// TestIKE086_HashList: the notification data is a list of 16-bit numbers (RFC 7427 4).
func TestIKE086_HashList(t *testing.T) {
	data := AppendHashes([]byte{0xee}, SupportedHashes())
	if want := []byte{0xee, 0, 2, 0, 3, 0, 4, 0, 5}; !bytes.Equal(data, want) {
		t.Errorf("announced % x, want % x", data, want)
	}
	for name, c := range map[string]struct {
		data []byte
		want []Hash
	}{
		"nothing":          {nil, nil},
		"one octet":        {[]byte{2}, nil},
		"peer's order":     {[]byte{0, 4, 0, 2}, []Hash{SHA512, SHA256}},
		"SHA-1":            {[]byte{0, 1, 0, 3}, []Hash{SHA384}},
		"SHA-1 only":       {[]byte{0, 1}, nil},
		"unknown":          {[]byte{0, 0, 0, 6, 4, 0, 0xff, 0xff, 0, 5}, []Hash{Identity}},
		"odd octet at end": {[]byte{0, 2, 0}, []Hash{SHA256}},
		"twice":            {[]byte{0, 2, 0, 2, 0, 3, 0, 2}, []Hash{SHA256, SHA384}},
	} {
		if got := ParseHashes(c.data); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestDigest: the values of "abc" in FIPS 180-4's examples; Identity leaves the octets alone (RFC 8420 2).
func TestDigest(t *testing.T) {
	for h, want := range map[Hash]string{
		SHA256: "ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c b410ff61 f20015ad",
		SHA384: `cb00753f 45a35e8b b5a03d69 9ac65007 272c32ab 0eded163 1a8b605a 43ff5bed
			8086072b a1e7cc23 58baeca1 34c825a7`,
		SHA512: `ddaf35a1 93617aba cc417349 ae204131 12e6fa4e 89a97ea2 0a9eeee6 4b55d39a
			2192992a 274fc1a8 36ba3c23 a3feebbd 454d4423 643ce80e 2a9ac94f a54ca49f`,
		Identity: "616263",
	} {
		if got := h.digest([]byte("abc")); !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("%v: %x", h, got)
		}
	}
	if SHA1.String() != "SHA1" || Hash(77).String() != "hash 77" {
		t.Errorf("names: %v, %v", SHA1, Hash(77))
	}
}
