package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"errors"
	"math/big"
	"slices"
	"testing"
)

// rfc4754 are the examples of RFC 4754 8.1 to 8.3: public key, r and s over "abc".
var rfc4754 = []struct {
	method     uint8
	curve      elliptic.Curve
	x, y, r, s string
}{
	{
		MethodECDSA256, elliptic.P256(),
		"2442A5CC 0ECD015F A3CA31DC 8E2BBC70 BF42D60C BCA20085 E0822CB0 4235E970",
		"6FC98BD7 E50211A4 A27102FA 3549DF79 EBCB4BF2 46B80945 CDDFE7D5 09BBFD7D",
		"CB28E099 9B9C7715 FD0A80D8 E47A7707 9716CBBF 917DD72E 97566EA1 C066957C",
		"86FA3BB4 E26CAD5B F90B7F81 899256CE 7594BB1E A0C89212 748BFF3B 3D5B0315",
	},
	{
		MethodECDSA384, elliptic.P384(),
		`96281BF8 DD5E0525 CA049C04 8D345D30 82968D10 FEDF5C5A CA0C64E6 465A97EA
		 5CE10C9D FEC21797 41571072 1F437922`,
		`447688BA 94708EB6 E2E4D59F 6AB6D7ED FF9301D2 49FE49C3 3096655F 5D502FAD
		 3D383B91 C5E7EDAA 2B714CC9 9D5743CA`,
		`FB017B91 4E291494 32D8BAC2 9A514640 B46F53DD AB2C6994 8084E293 0F1C8F7E
		 08E07C9C 63F2D21A 07DCB56A 6AF56EB3`,
		`B263A130 5E057F98 4D38726A 1B468741 09F417BC A112674C 528262A4 0A629AF1
		 CBB9F516 CE0FA7D2 FF630863 A00E8B9F`,
	},
	{
		MethodECDSA521, elliptic.P521(),
		`0151518F 1AF0F563 517EDD54 85190DF9 5A4BF57B 5CBA4CF2 A9A3F647 4725A35F
		 7AFE0A6D DEB8BEDB CD6A197E 592D4018 8901CECD 650699C9 B5E456AE A5ADD190
		 52A8`,
		`006F3B14 2EA1BFFF 7E2837AD 44C9E4FF 6D2D34C7 3184BBAD 90026DD5 E6E85317
		 D9DF45CA D7803C6C 20035B2F 3FF63AFF 4E1BA64D 1C077577 DA3F4286 C58F0AEA
		 E643`,
		`0154FD38 36AF92D0 DCA57DD5 341D3053 988534FD E8318FC6 AAAAB68E 2E6F4339
		 B19F2F28 1A7E0B22 C269D93C F8794A92 78880ED7 DBB8D936 2CAEACEE 54432055
		 2251`,
		`017705A7 030290D1 CEB605A9 A1BB03FF 9CDD521E 87A696EC 926C8C10 C8362DF4
		 97536710 1F67D1CF 9BCCBF2F 3D239534 FA509E70 AAC851AE 01AAC68D 62F86647
		 2660`,
	},
}

// TestIKE088_RFC4754Examples: r|s as in the payloads the RFC prints.
func TestIKE088_RFC4754Examples(t *testing.T) {
	for _, c := range rfc4754 {
		point := slices.Concat([]byte{4}, unhex(t, c.x), unhex(t, c.y))
		pub := must(ecdsa.ParseUncompressedPublicKey(c.curve, point))
		signature := slices.Concat(unhex(t, c.r), unhex(t, c.s))
		if err := VerifyLegacy(pub, c.method, signature, []byte("abc")); err != nil {
			t.Errorf("method %d: %v", c.method, err)
		}
		if err := VerifyLegacy(pub, c.method, signature, []byte("abd")); !errors.Is(err, ErrSignature) {
			t.Errorf("method %d, other octets: %v", c.method, err)
		}
	}
}

// TestIKE088_Lengths: 64, 96 and 132 octets and no other length; no DER.
func TestIKE088_Lengths(t *testing.T) {
	for _, c := range []struct {
		key    *ecdsa.PrivateKey
		method uint8
		octets int
	}{{keyP256(), MethodECDSA256, 64}, {keyP384(), MethodECDSA384, 96}, {keyP521(), MethodECDSA521, 132}} {
		method, good, err := SignLegacy(c.key, message)
		if err != nil || method != c.method || len(good) != c.octets {
			t.Fatalf("method %d, %d octets, %v, want method %d, %d octets", method, len(good), err, c.method, c.octets)
		}
		if err := VerifyLegacy(c.key.Public(), method, good, message); err != nil {
			t.Errorf("method %d: %v", method, err)
		}
		for n := range c.octets + 3 {
			signature := append(slices.Clone(good), 0, 0)[:n]
			if err := VerifyLegacy(c.key.Public(), method, signature, message); n != c.octets && !errors.Is(err, ErrFormat) {
				t.Errorf("method %d, %d octets: %v", method, n, err)
			}
		}
		if VerifyLegacy(c.key.Public(), method, must(toDER(good)), message) == nil {
			t.Errorf("method %d takes DER", method)
		}
	}
}

// TestIKE088_ShortNumbers: r and s are padded on the left to the length of the curve.
func TestIKE088_ShortNumbers(t *testing.T) {
	for _, size := range []int{32, 48, 66} {
		raw, err := fromDER(must(toDER([]byte{1, 2})), size)
		if err != nil || len(raw) != 2*size || raw[size-1] != 1 || raw[2*size-1] != 2 {
			t.Errorf("%d: % x, %v", size, raw, err)
		}
	}
	for name, der := range map[string][]byte{
		"nothing":  nil,
		"negative": unhex(t, "3006 0201ff 020101"),
		"long":     must(toDER(slices.Repeat([]byte{1}, 66))),
		"trailing": append(must(toDER([]byte{1, 2})), 0),
	} {
		if _, err := fromDER(der, 32); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHAZ32_MethodAndKey: every older method with every key, every number with a key that fits some other.
func TestHAZ32_MethodAndKey(t *testing.T) {
	own := map[string]uint8{"rsa": MethodRSA, "p256": MethodECDSA256, "p384": MethodECDSA384, "p521": MethodECDSA521}
	for name, key := range keys() {
		for method := range 256 {
			err := VerifyLegacy(key.Public(), uint8(method), make([]byte, 64), message)
			if fits := own[name] == uint8(method) && own[name] != 0; !fits && !errors.Is(err, ErrAlgorithm) {
				t.Errorf("%s, method %d: %v", name, method, err)
			}
		}
	}
	if _, _, err := SignLegacy(keyEd25519(), message); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("Ed25519 without RFC 7427: %v", err)
	}
	if _, _, err := SignLegacy(nil, message); !errors.Is(err, ErrKey) {
		t.Errorf("no key: %v", err)
	}
}

// TestHAZ15_LegacyZero: empty and zero signatures of the older methods (HAZ-33).
func TestHAZ15_LegacyZero(t *testing.T) {
	for _, c := range []struct {
		key    crypto.Signer
		method uint8
		octets int
	}{{keyP256(), 9, 64}, {keyP384(), 10, 96}, {keyP521(), 11, 132}, {keyRSA(), 1, 256}} {
		one := new(big.Int).SetInt64(1).FillBytes(make([]byte, c.octets))
		for _, signature := range [][]byte{nil, {}, make([]byte, c.octets), one, slices.Repeat([]byte{0xff}, c.octets)} {
			if VerifyLegacy(c.key.Public(), c.method, signature, message) == nil {
				t.Errorf("method %d: % x verifies", c.method, signature)
			}
		}
	}
}

// TestALG001_LegacyRSA: method 1 is PKCS #1 v1.5 with any hash of SHA-2 and never SHA-1 (RFC 8247 4.2).
func TestALG001_LegacyRSA(t *testing.T) {
	key := keyRSA()
	method, signature, err := SignLegacy(key, message)
	if err != nil || method != MethodRSA {
		t.Fatal(method, err)
	}
	if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, SHA256.digest(message), signature); err != nil {
		t.Errorf("not SHA-256: %v", err)
	}
	for _, h := range []Hash{SHA256, SHA384, SHA512} {
		signature := must(rsa.SignPKCS1v15(rand.Reader, key, hashes[h], h.digest(message)))
		if err := VerifyLegacy(key.Public(), MethodRSA, signature, message); err != nil {
			t.Errorf("%v: %v", h, err)
		}
	}
	old := sha1.Sum(message)
	signature = must(rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA1, old[:]))
	if err := VerifyLegacy(key.Public(), MethodRSA, signature, message); !errors.Is(err, ErrSignature) {
		t.Errorf("SHA-1: %v", err)
	}
}
