package sign

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// modulus is an odd number of so many bits; keys are checked before anybody needs its factors.
func modulus(bits uint) *big.Int {
	return new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), bits-1), big.NewInt(1))
}

// TestHAZ16_DegenerateKeys: RSA of a size, modulus or exponent that is no key; unknown curves and types (HAZ-17).
func TestHAZ16_DegenerateKeys(t *testing.T) {
	for name, c := range map[string]struct {
		key  crypto.PublicKey
		word string // of the error
	}{
		"RSA 512":          {&rsa.PublicKey{N: modulus(512), E: 65537}, "512 bits"},
		"RSA 1024":         {&rsa.PublicKey{N: modulus(1024), E: 65537}, "1024 bits"},
		"RSA 2047":         {&rsa.PublicKey{N: modulus(2047), E: 65537}, "2047 bits"},
		"RSA 8193":         {&rsa.PublicKey{N: modulus(8193), E: 65537}, "8193 bits"},
		"RSA 262144":       {&rsa.PublicKey{N: modulus(262144), E: 65537}, "262144 bits"},
		"RSA even modulus": {&rsa.PublicKey{N: new(big.Int).Add(modulus(2048), big.NewInt(1)), E: 65537}, "even"},
		"RSA e=-1":         {&rsa.PublicKey{N: modulus(2048), E: -1}, "exponent -1"},
		"RSA e=0":          {&rsa.PublicKey{N: modulus(2048), E: 0}, "exponent 0"},
		"RSA e=1":          {&rsa.PublicKey{N: modulus(2048), E: 1}, "exponent 1"},
		"RSA e=2":          {&rsa.PublicKey{N: modulus(2048), E: 2}, "exponent 2"},
		"RSA e=65536":      {&rsa.PublicKey{N: modulus(2048), E: 65536}, "exponent 65536"},
		"RSA no modulus":   {&rsa.PublicKey{E: 65537}, "without modulus"},
		"RSA n=0":          {&rsa.PublicKey{N: new(big.Int), E: 65537}, "without modulus"},
		"RSA n<0":          {&rsa.PublicKey{N: new(big.Int).Neg(modulus(2048)), E: 65537}, "without modulus"},
		"RSA nil":          {(*rsa.PublicKey)(nil), "without modulus"},
		"ECDSA P-224":      {&ecdsa.PublicKey{Curve: elliptic.P224()}, "curve"},
		"ECDSA no curve":   {&ecdsa.PublicKey{}, "curve"},
		"ECDSA nil":        {(*ecdsa.PublicKey)(nil), "curve"},
		"Ed25519 short":    {ed25519.PublicKey(make([]byte, 31)), "31 octets"},
		"X25519":           {&ecdh.PublicKey{}, "type *ecdh.PublicKey"},
		"none":             {nil, "type <nil>"},
		"private key":      {keyP256(), "type *ecdsa.PrivateKey"},
	} {
		err := CheckKey(c.key)
		if !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v, want %q", name, err, c.word)
		}
		for _, s := range Schemes() {
			if err := Verify(c.key, authData(s, make([]byte, 64)), message, SupportedHashes()); !errors.Is(err, ErrKey) {
				t.Errorf("%s, %v: %v", name, s, err)
			}
		}
		for _, method := range []uint8{MethodRSA, MethodECDSA256, MethodECDSA384, MethodECDSA521} {
			if err := VerifyLegacy(c.key, method, make([]byte, 64), message); !errors.Is(err, ErrKey) {
				t.Errorf("%s, method %d: %v", name, method, err)
			}
		}
		if _, err := ForKey(c.key, SupportedHashes()); !errors.Is(err, ErrKey) {
			t.Errorf("%s: a scheme for it: %v", name, err)
		}
		if list := Preference(c.key); list != nil {
			t.Errorf("%s: prefers %v", name, list)
		}
	}
}

// TestHAZ17_PointOffTheCurve: coordinates that are no point must not verify anything, nor panic.
func TestHAZ17_PointOffTheCurve(t *testing.T) {
	data := must(Sign(keyP256(), ECDSASHA256, message))
	for _, xy := range [][2]int64{{0, 0}, {1, 1}, {0, 1}} {
		//lint:ignore SA1019 the safe way to make a key refuses these points, which is not what is tested
		pub := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(xy[0]), Y: big.NewInt(xy[1])}
		if err := Verify(pub, data, message, SupportedHashes()); !errors.Is(err, ErrSignature) {
			t.Errorf("point %v: %v", xy, err)
		}
	}
}

// TestALG001_KeysAccepted: RSA of 2048 to 8192 bits (RFC 8247 4.1), the curves of RFC 4754, Ed25519.
func TestALG001_KeysAccepted(t *testing.T) {
	for _, bits := range []uint{2048, 3072, 4096, 8192} {
		for _, e := range []int{3, 17, 65537, 1<<31 - 1} {
			if err := CheckKey(&rsa.PublicKey{N: modulus(bits), E: e}); err != nil {
				t.Errorf("RSA of %d bits, e=%d: %v", bits, e, err)
			}
		}
	}
	for name, key := range keys() {
		if err := CheckKey(key.Public()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestIKE086_ForKey: the hash is one the peer announced and as strong as the key where that can be had (RFC 7427 4).
func TestIKE086_ForKey(t *testing.T) {
	rsaOf := func(bits uint) crypto.PublicKey { return &rsa.PublicKey{N: modulus(bits), E: 65537} }
	for _, c := range []struct {
		name   string
		key    crypto.PublicKey
		peer   []Hash
		prefer []Scheme
		want   Scheme // 0: ErrHash
	}{
		{"P-256, all", keyP256().Public(), SupportedHashes(), nil, ECDSASHA256},
		{"P-256, no SHA-256", keyP256().Public(), []Hash{SHA512, SHA384}, nil, ECDSASHA384},
		{"P-384, all", keyP384().Public(), SupportedHashes(), nil, ECDSASHA384},
		{"P-384, no SHA-384", keyP384().Public(), []Hash{SHA256, SHA512}, nil, ECDSASHA512},
		{"P-384, SHA-256 only", keyP384().Public(), []Hash{SHA256}, nil, ECDSASHA256},
		{"P-521, all", keyP521().Public(), SupportedHashes(), nil, ECDSASHA512},
		{"P-521, no SHA-512", keyP521().Public(), []Hash{SHA256, SHA384}, nil, ECDSASHA384},
		{"RSA 2048", rsaOf(2048), SupportedHashes(), nil, RSAPSSSHA256},
		{"RSA 4096", rsaOf(4096), SupportedHashes(), nil, RSAPSSSHA384},
		{"RSA 8192", rsaOf(8192), SupportedHashes(), nil, RSAPSSSHA512},
		{"RSA, PKCS #1 configured", rsaOf(4096), SupportedHashes(), must(ParseSchemes("rsa-pkcs1")), RSAPKCS1SHA256},
		{"RSA, a preference nobody takes", rsaOf(2048), []Hash{SHA256}, []Scheme{RSAPSSSHA512}, 0},
		{"preferences for other keys", keyP256().Public(), SupportedHashes(), []Scheme{RSAPSSSHA256, 0, 99, ECDSASHA512}, ECDSASHA512},
		{"Ed25519", keyEd25519().Public(), SupportedHashes(), nil, Ed25519},
		{"Ed25519, no Identity (RFC 8420 2)", keyEd25519().Public(), []Hash{SHA256, SHA384, SHA512}, nil, 0},
		{"SHA-1 only", keyP256().Public(), []Hash{SHA1}, nil, 0},
		{"nothing", keyP256().Public(), nil, nil, 0},
	} {
		got, err := ForKey(c.key, c.peer, c.prefer...)
		if got != c.want || (c.want == 0) != errors.Is(err, ErrHash) {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}

// TestPreferenceIsComplete: every scheme that fits is in the list once, PKCS #1 v1.5 behind all of PSS.
func TestPreferenceIsComplete(t *testing.T) {
	for name, key := range keys() {
		list := Preference(key.Public())
		sorted := slices.Sorted(slices.Values(list))
		if !slices.Equal(sorted, fitting[name]) {
			t.Errorf("%s: %v, want %v in some order", name, list, fitting[name])
		}
	}
	list := Preference(keyRSA().Public())
	if slices.Index(list, RSAPKCS1SHA256) != 3 {
		t.Errorf("RSA: %v", list)
	}
}
