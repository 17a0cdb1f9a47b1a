package sign

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// rfcAlgorithms are the objects printed in RFC 7427 appendix A and RFC 8420 appendix A.
var rfcAlgorithms = map[Scheme]string{
	RSAPKCS1SHA256: "300d 0609 2a86 4886 f70d 0101 0b05 00",
	RSAPKCS1SHA384: "300d 0609 2a86 4886 f70d 0101 0c05 00",
	RSAPKCS1SHA512: "300d 0609 2a86 4886 f70d 0101 0d05 00",
	ECDSASHA256:    "300a 0608 2a86 48ce 3d04 0302",
	ECDSASHA384:    "300a 0608 2a86 48ce 3d04 0303",
	ECDSASHA512:    "300a 0608 2a86 48ce 3d04 0304",
	Ed25519:        "3005 0603 2b65 70",
	RSAPSSSHA256: `3046 0609 2a86 4886 f70d 0101 0a30 39a0 0f30 0d06 0960 8648 0165 0304 0201 0500
		a11c 301a 0609 2a86 4886 f70d 0101 0830 0d06 0960 8648 0165 0304 0201 0500 a203 0201 20a3 0302 0101`,
}

// strictPSS are the encodings without the default trailerField that DER demands (X.690 11.5), written out by hand.
var strictPSS = map[Scheme]string{
	RSAPSSSHA256: `3041 0609 2a864886f70d01010a 3034 a00f 300d 0609 608648016503040201 0500
		a11c 301a 0609 2a864886f70d010108 300d 0609 608648016503040201 0500 a203 0201 20`,
	RSAPSSSHA384: `3041 0609 2a864886f70d01010a 3034 a00f 300d 0609 608648016503040202 0500
		a11c 301a 0609 2a864886f70d010108 300d 0609 608648016503040202 0500 a203 0201 30`,
	RSAPSSSHA512: `3041 0609 2a864886f70d01010a 3034 a00f 300d 0609 608648016503040203 0500
		a11c 301a 0609 2a864886f70d010108 300d 0609 608648016503040203 0500 a203 0201 40`,
}

func TestIKE087_AlgorithmIdentifiers(t *testing.T) {
	for scheme, text := range rfcAlgorithms {
		if got, ok := Lookup(unhex(t, text)); !ok || got != scheme {
			t.Errorf("%v: the RFC's object is %v, %t", scheme, got, ok)
		}
	}
	for scheme, text := range strictPSS {
		if got, ok := Lookup(unhex(t, text)); !ok || got != scheme {
			t.Errorf("%v without trailerField is %v, %t", scheme, got, ok)
		}
		if want := unhex(t, text); !bytes.Equal(scheme.AlgorithmIdentifier(), want) || len(want) != 67 {
			t.Errorf("%v is sent as %x, want %x, 67 octets", scheme, scheme.AlgorithmIdentifier(), want)
		}
	}
	for _, s := range []Scheme{RSAPKCS1SHA256, ECDSASHA256, ECDSASHA384, ECDSASHA512, Ed25519} {
		if want := unhex(t, rfcAlgorithms[s]); !bytes.Equal(s.AlgorithmIdentifier(), want) {
			t.Errorf("%v is sent as %x, want %x", s, s.AlgorithmIdentifier(), want)
		}
	}
}

// TestIKE089_RefusedAlgorithms: SHA-1, DSA and PSS whose parameters are left to their defaults (RFC 7427 A, RFC 8247 4.2); a
// hash and a mask that differ; Ed448, which is not here.
func TestIKE089_RefusedAlgorithms(t *testing.T) {
	mixed := strings.Replace(strictPSS[RSAPSSSHA256], "608648016503040201", "608648016503040202", 1)
	for name, text := range map[string]string{
		"sha1WithRSA":           "300d 0609 2a86 4886 f70d 0101 0505 00",
		"dsa-with-sha1":         "3009 0607 2a86 48ce 3804 03",
		"dsa-with-sha256":       "300b 0609 6086 4801 6503 0403 02",
		"ecdsa-with-sha1":       "3009 0607 2a86 48ce 3d04 01",
		"PSS, empty parameters": "300d 0609 2a86 4886 f70d 0101 0a30 00",
		"PSS, default parameters": `303e 0609 2a86 4886 f70d 0101 0a30 31a0 0b30 0906 052b 0e03 021a 0500 a118 3016
			0609 2a86 4886 f70d 0101 0830 0906 052b 0e03 021a 0500 a203 0201 14a3 0302 0101`,
		"PSS, hash and mask differ": mixed,
		"PSS, salt of 20":           strings.TrimSuffix(strictPSS[RSAPSSSHA256], "20") + "14",
		"Ed448":                     "3005 0603 2b65 71",
		"sha256WithRSA, no NULL":    "300b 0609 2a86 4886 f70d 0101 0b",
		"ecdsa-sha256 with NULL":    "300c 0608 2a86 48ce 3d04 0302 0500",
		"rsaEncryption":             "300d 0609 2a86 4886 f70d 0101 0105 00",
		"nothing":                   "",
	} {
		if s, ok := Lookup(unhex(t, text)); ok {
			t.Errorf("%s is taken as %v", name, s)
		}
	}
}

// TestHAZ16_AlgorithmIdentifierOctets: no other octet anywhere in an AlgorithmIdentifier is tolerated, nor a cut or a tail.
func TestHAZ16_AlgorithmIdentifierOctets(t *testing.T) {
	for _, s := range Schemes() {
		for _, encoding := range schemes[s].encodings {
			for i := range len(encoding) {
				changed := []byte(encoding)
				for changed[i]++; changed[i] != encoding[i]; changed[i]++ {
					if got, ok := Lookup(changed); ok && got == s {
						t.Fatalf("%v: octet %d may be %#x", s, i, changed[i])
					}
				}
				if _, ok := Lookup([]byte(encoding[:i])); ok {
					t.Fatalf("%v: %d octets of %d will do", s, i, len(encoding))
				}
			}
			if _, ok := Lookup([]byte(encoding + "\x00")); ok {
				t.Errorf("%v: takes an octet more", s)
			}
		}
	}
}

// TestEncodingsAreDistinct: no AlgorithmIdentifier stands for two schemes, and all fit the length octet (RFC 7427 3).
func TestEncodingsAreDistinct(t *testing.T) {
	seen := map[string]Scheme{}
	for _, s := range Schemes() {
		for _, e := range schemes[s].encodings {
			if other, twice := seen[e]; twice {
				t.Errorf("%s means %v and %v", hex.EncodeToString([]byte(e)), other, s)
			}
			if seen[e] = s; len(e) > 127 || int(e[1]) != len(e)-2 {
				t.Errorf("%v: %d octets, inner length %d", s, len(e), e[1])
			}
		}
	}
	if len(schemes[RSAPSSSHA256].encodings) != 4 {
		t.Error("PSS: want the encodings with and without NULL (RFC 4055 2.1), with and without trailerField")
	}
}

func TestParseSchemes(t *testing.T) {
	for name, want := range map[string][]Scheme{
		"ed25519":          {Ed25519},
		"ecdsa":            {ECDSASHA256, ECDSASHA384, ECDSASHA512},
		"rsa-pss":          {RSAPSSSHA256, RSAPSSSHA384, RSAPSSSHA512},
		"rsa-pkcs1":        {RSAPKCS1SHA256, RSAPKCS1SHA384, RSAPKCS1SHA512},
		"rsa-pss-sha384":   {RSAPSSSHA384},
		"rsa-pkcs1-sha512": {RSAPKCS1SHA512},
	} {
		if got, err := ParseSchemes(name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "rsa", "ecdsa-sha1", "rsa-pss-", "RSA-PSS", "ed448"} {
		if got, err := ParseSchemes(name); err == nil || !strings.Contains(err.Error(), "want rsa-pss") {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
}

// TestUnknownScheme: numbers outside the table name nothing and do not panic.
func TestUnknownScheme(t *testing.T) {
	for _, s := range []Scheme{0, schemeEnd, 255} {
		if s.Hash() != 0 || s.AlgorithmIdentifier() != nil || s.String() != fmt.Sprintf("scheme %d", s) {
			t.Errorf("scheme %d: %v %x %v", s, s.Hash(), s.AlgorithmIdentifier(), s)
		}
		if _, err := Sign(keyP256(), s, message); err == nil {
			t.Errorf("signed with scheme %d", s)
		}
	}
}
