package kat

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/subtle"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"stillwater/crypto/suite"
)

func all() (vs []Vector) {
	for _, l := range [][]Vector{AEAD(), GMAC(), HMAC(), CBC()} {
		vs = append(vs, l...)
	}
	return vs
}

// TestCounts pins how many vectors there are, as counted in the origins: a filter that drops some must not pass.
func TestCounts(t *testing.T) {
	type count struct{ valid, invalid int }
	want := map[Primitive]count{
		AESGCM:           {116 + 14 + 12, 81}, // Wycheproof, draft-mcgrew-gcm-test, McGrew and Viega
		ChaCha20Poly1305: {256 + 1, 60},       // Wycheproof, RFC 7634
		AESGMAC:          {45 + 1, 162},       // Wycheproof, draft-mcgrew-gcm-test
		HMACSHA256:       {33 + 7 + 4, 54},    // Wycheproof, RFC 4231, RFC 4868
		HMACSHA384:       {33 + 7 + 4, 54},
		HMACSHA512:       {33 + 7 + 4, 54},
		AESCBC:           {8, 0}, // RFC 3602
	}
	have := map[Primitive]count{}
	for _, v := range all() {
		n := have[v.Primitive]
		if v.Valid {
			n.valid++
		} else {
			n.invalid++
		}
		have[v.Primitive] = n
	}
	for p, w := range want {
		if have[p] != w {
			t.Errorf("%s: %+v vectors, want %+v", p, have[p], w)
		}
	}
}

// TestTranscription runs every vector through the library's own primitives, with no code of ours between, so that a
// failure elsewhere is a back-end's and never a copying mistake here.
func TestTranscription(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range all() {
		id := string(v.Primitive) + " " + v.ID
		if seen[id] {
			t.Errorf("%s: twice", id)
		}
		seen[id] = true
		if got := verifies(t, v); got != v.Valid {
			t.Errorf("%s: verifies %v, want %v", id, got, v.Valid)
		}
	}
}

func verifies(t *testing.T, v Vector) bool {
	switch v.Primitive {
	case AESGCM, ChaCha20Poly1305:
		text, err := aead(t, v).Open(nil, v.Nonce, append(bytes.Clone(v.Sealed), v.Tag...), v.AAD)
		return err == nil && bytes.Equal(text, v.Text)
	case AESGMAC:
		_, err := aead(t, v).Open(nil, v.Nonce, v.Tag, append(bytes.Clone(v.AAD), v.Text...))
		return err == nil
	case AESCBC:
		sealed := make([]byte, len(v.Text))
		cipher.NewCBCEncrypter(block(t, v), v.Nonce).CryptBlocks(sealed, v.Text)
		return bytes.Equal(sealed, v.Sealed)
	}
	mac := hmac.New(HashOf(v.Primitive).New, v.Key)
	mac.Write(v.Text)
	return subtle.ConstantTimeCompare(mac.Sum(nil)[:len(v.Tag)], v.Tag) == 1
}

func aead(t *testing.T, v Vector) cipher.AEAD {
	t.Helper()
	var a cipher.AEAD
	var err error
	if v.Primitive == ChaCha20Poly1305 {
		a, err = chacha20poly1305.New(v.Key)
	} else {
		a, err = cipher.NewGCM(block(t, v))
	}
	if err != nil {
		t.Fatalf("%s: %v", v.ID, err)
	}
	return a
}

func block(t *testing.T, v Vector) cipher.Block {
	t.Helper()
	b, err := aes.NewCipher(v.Key)
	if err != nil {
		t.Fatalf("%s: %v", v.ID, err)
	}
	return b
}

// TestAlg: each ESP algorithm of a single primitive is reached by valid vectors, each AEAD and MAC by invalid ones too.
func TestAlg(t *testing.T) {
	reached := map[suite.Alg][2]int{}
	for _, v := range all() {
		a, ok := v.Alg()
		if !ok {
			continue
		}
		n := reached[a]
		if v.Valid {
			n[0]++
		} else {
			n[1]++
		}
		reached[a] = n
	}
	for _, s := range suite.All() {
		want := primitiveOf(s) != ""
		if n := reached[s.Alg]; (n[0] > 0) != want || (n[1] > 0) != want {
			t.Errorf("%v: %d valid and %d invalid vectors, want some: %v", s, n[0], n[1], want)
		}
	}
}

// TestAlgRefuses: RFC 4231's keys and RFC 3602's bare cipher are no ESP suite.
func TestAlgRefuses(t *testing.T) {
	for _, v := range []Vector{
		{Primitive: HMACSHA256, Key: make([]byte, 20), Tag: make([]byte, 16)},
		{Primitive: HMACSHA256, Key: make([]byte, 32), Tag: make([]byte, 32)},
		{Primitive: AESCBC, Key: make([]byte, 16)},
		{Primitive: AESGCM, Key: make([]byte, 16), Tag: make([]byte, 12)},
	} {
		if a, ok := v.Alg(); ok {
			t.Errorf("%s with key of %d and tag of %d is %v, want none", v.Primitive, len(v.Key), len(v.Tag), a)
		}
	}
}

func TestCallerOwnsTheVectors(t *testing.T) {
	AEAD()[0].Key[0] ^= 1
	if v := AEAD()[0]; !verifies(t, v) {
		t.Error("a change to one list shows in the next")
	}
}
