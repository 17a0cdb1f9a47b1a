package suite

import "testing"

// rows is what the RFCs say of each suite, written down apart from the tables: transform IDs (dataplane.md 0.1), Key Length
// attribute, then octets of cipher and integrity keys, KEYMAT, IV, ICV, salt and alignment.
var rows = map[Alg]struct {
	name                              string
	encr                              uint16
	bits                              int
	integ                             uint16
	key, keymat, iv, icv, salt, align int
}{
	AES128GCM16:         {"aes128gcm16", 20, 128, 0, 16, 20, 8, 16, 4, 4}, // RFC 4106 8.1, 8.3
	AES192GCM16:         {"aes192gcm16", 20, 192, 0, 24, 28, 8, 16, 4, 4},
	AES256GCM16:         {"aes256gcm16", 20, 256, 0, 32, 36, 8, 16, 4, 4},
	ChaCha20Poly1305:    {"chacha20poly1305", 28, 0, 0, 32, 36, 8, 16, 4, 4}, // RFC 7634 2, 4
	AES128GCM16IIV:      {"aes128gcm16iiv", 30, 128, 0, 16, 20, 0, 16, 4, 4}, // RFC 8750 3, 8
	AES192GCM16IIV:      {"aes192gcm16iiv", 30, 192, 0, 24, 28, 0, 16, 4, 4},
	AES256GCM16IIV:      {"aes256gcm16iiv", 30, 256, 0, 32, 36, 0, 16, 4, 4},
	ChaCha20Poly1305IIV: {"chacha20poly1305iiv", 31, 0, 0, 32, 36, 0, 16, 4, 4},
	AES128GMAC:          {"aes128gmac", 21, 128, 0, 16, 20, 8, 16, 4, 4}, // RFC 4543 3.3, 5.4, 9
	AES192GMAC:          {"aes192gmac", 21, 192, 0, 24, 28, 8, 16, 4, 4},
	AES256GMAC:          {"aes256gmac", 21, 256, 0, 32, 36, 8, 16, 4, 4},
	AES128CBCSHA256:     {"aes128-sha256", 12, 128, 12, 16 + 32, 48, 16, 16, 0, 16}, // RFC 3602 2, RFC 4868 2.6
	AES128CBCSHA384:     {"aes128-sha384", 12, 128, 13, 16 + 48, 64, 16, 24, 0, 16},
	AES128CBCSHA512:     {"aes128-sha512", 12, 128, 14, 16 + 64, 80, 16, 32, 0, 16},
	AES192CBCSHA256:     {"aes192-sha256", 12, 192, 12, 24 + 32, 56, 16, 16, 0, 16},
	AES192CBCSHA384:     {"aes192-sha384", 12, 192, 13, 24 + 48, 72, 16, 24, 0, 16},
	AES192CBCSHA512:     {"aes192-sha512", 12, 192, 14, 24 + 64, 88, 16, 32, 0, 16},
	AES256CBCSHA256:     {"aes256-sha256", 12, 256, 12, 32 + 32, 64, 16, 16, 0, 16},
	AES256CBCSHA384:     {"aes256-sha384", 12, 256, 13, 32 + 48, 80, 16, 24, 0, 16},
	AES256CBCSHA512:     {"aes256-sha512", 12, 256, 14, 32 + 64, 96, 16, 32, 0, 16},
	NullSHA256:          {"null-sha256", 11, 0, 12, 32, 32, 0, 16, 0, 4}, // RFC 2410, RFC 4868 2.6
	NullSHA384:          {"null-sha384", 11, 0, 13, 48, 48, 0, 24, 0, 4},
	NullSHA512:          {"null-sha512", 11, 0, 14, 64, 64, 0, 32, 0, 4},
}

// TestTable proves, for every suite, the code points of dataplane.md 0.1 and the lengths of ESP-031 (salt of 4, IV of 8),
// ESP-033 (ICV of 16), ESP-034 (KEYMAT of 20, 28, 36), ESP-036 (GMAC), ESP-037 (ChaCha20-Poly1305) and ESP-038 (no IV).
func TestTable(t *testing.T) {
	if len(rows) != AlgCount-1 || len(All()) != AlgCount-1 {
		t.Fatalf("%d rows and %d suites, want %d of each", len(rows), len(All()), AlgCount-1)
	}
	for a, want := range rows {
		t.Run(want.name, func(t *testing.T) {
			s, ok := Lookup(a)
			if !ok {
				t.Fatalf("algorithm %d is not found", a)
			}
			have := want
			have.name, have.encr, have.bits, have.integ = s.String(), s.Encr.ID, s.Encr.KeyBits, s.Integ.ID
			have.key, have.keymat, have.iv, have.icv = s.KeyLen(), s.KeymatLen(), s.IVLen(), s.ICVLen()
			have.salt, have.align = s.SaltLen(), s.Align()
			if have != want {
				t.Errorf("have %+v, want %+v", have, want)
			}
			if s.Alg != a || a.String() != want.name {
				t.Errorf("suite says it is %d %q, want %d %q", s.Alg, a, a, want.name)
			}
			if b, ok := FromTransforms(want.encr, want.bits, want.integ); !ok || b != s {
				t.Errorf("transforms %d, %d bits, %d are %v, want this", want.encr, want.bits, want.integ, b)
			}
		})
	}
}

// TestESP038_Twins: an implicit-IV transform differs from its original in number, name and the IV on the wire, nothing else.
func TestESP038_Twins(t *testing.T) {
	for iiv, original := range map[Alg]Alg{
		AES128GCM16IIV: AES128GCM16, AES192GCM16IIV: AES192GCM16, AES256GCM16IIV: AES256GCM16,
		ChaCha20Poly1305IIV: ChaCha20Poly1305,
	} {
		a, _ := Lookup(iiv)
		b, _ := Lookup(original)
		if !a.Encr.ImplicitIV || b.Encr.ImplicitIV || a.IVLen() != 0 || b.IVLen() != 8 {
			t.Errorf("%v and %v: implicit %v and %v, IV of %d and %d", a, b, a.Encr.ImplicitIV, b.Encr.ImplicitIV,
				a.IVLen(), b.IVLen())
		}
		a.Alg, a.Encr.ID, a.Encr.Name, a.Encr.IVLen, a.Encr.ImplicitIV = b.Alg, b.Encr.ID, b.Encr.Name, b.Encr.IVLen, false
		if a != b {
			t.Errorf("%v and %v differ in more than number, name and IV", iiv, original)
		}
	}
}

// TestESP034_KeyLengthIsMandatory: the AES transforms do not match without their Key Length attribute, nor with one that
// is none of theirs; those of a fixed length do not match with one.
func TestESP034_KeyLengthIsMandatory(t *testing.T) {
	for _, c := range []struct {
		encr  uint16
		bits  int
		integ uint16
	}{
		{EncrAESGCM16, 0, IntegNone},
		{EncrAESGCM16, 160, IntegNone},
		{EncrAESGCM16IIV, 0, IntegNone},
		{EncrNullAuthAESGMAC, 0, IntegNone},
		{EncrAESCBC, 0, IntegHMACSHA256128},
		{EncrChaCha20Poly1305, 256, IntegNone},
		{EncrNull, 128, IntegHMACSHA256128},
		{EncrAESGCM16, 128, IntegHMACSHA256128}, // authenticates twice
		{EncrAESCBC, 128, IntegNone},            // does not authenticate
		{EncrNull, 0, IntegNone},
		{EncrAESCBC, 128, 2},   // HMAC-SHA1-96
		{0, 0, 0},              // nothing
		{18, 128, IntegNone},   // ESP-033: ICV of 8
		{19, 128, IntegNone},   // ESP-033: ICV of 12
		{65535, 65535, 65535},  // nonsense
		{EncrAESCBC, -128, 12}, // nonsense
	} {
		if s, ok := FromTransforms(c.encr, c.bits, c.integ); ok || s != (ESP{}) {
			t.Errorf("transforms %d, %d bits, %d are %v, want none", c.encr, c.bits, c.integ, s)
		}
	}
}

// TestESP039_RequiredAlgorithms: what RFC 8221 5 and 6 say MUST or SHOULD be there is there.
func TestESP039_RequiredAlgorithms(t *testing.T) {
	encr, integ := map[uint16]bool{}, map[uint16]bool{}
	for _, s := range All() {
		encr[s.Encr.ID], integ[s.Integ.ID] = true, true
	}
	for name, ok := range map[string]bool{
		"MUST ENCR_NULL":                encr[11],
		"MUST ENCR_AES_CBC":             encr[12],
		"MUST ENCR_AES_GCM_16":          encr[20],
		"SHOULD ENCR_CHACHA20_POLY1305": encr[28],
		"MUST AUTH_HMAC_SHA2_256_128":   integ[12],
		"SHOULD AUTH_HMAC_SHA2_512_256": integ[14],
		"MUST AUTH_NONE (with AEAD)":    integ[0],
	} {
		if !ok {
			t.Errorf("%s is missing", name)
		}
	}
	for name, there := range map[string]bool{
		"MUST NOT ENCR_DES_IV64":     encr[1],
		"SHOULD NOT ENCR_3DES":       encr[3],
		"MUST NOT ENCR_BLOWFISH":     encr[7],
		"MUST NOT AUTH_HMAC_MD5_96":  integ[1],
		"MUST NOT AUTH_DES_MAC":      integ[3],
		"obsolete AUTH_HMAC_SHA1_96": integ[2],
	} {
		if there {
			t.Errorf("%s is offered", name)
		}
	}
}

func TestLookupRefuses(t *testing.T) {
	for _, a := range []Alg{0, Alg(AlgCount), 255} {
		if s, ok := Lookup(a); ok || s != (ESP{}) {
			t.Errorf("algorithm %d is %v, want none", uint8(a), s)
		}
	}
	if have, want := Alg(0).String(), "alg(0)"; have != want {
		t.Errorf("algorithm 0 is %q, want %q", have, want)
	}
	if have, want := Alg(255).String(), "alg(255)"; have != want {
		t.Errorf("algorithm 255 is %q, want %q", have, want)
	}
	if have, want := (ESP{}).String(), "none"; have != want {
		t.Errorf("the zero suite is %q, want %q", have, want)
	}
}

// TestTablesAreImmutable: what callers do to their copies stays theirs.
func TestTablesAreImmutable(t *testing.T) {
	All()[0].Encr.KeyLen = 1
	Encrs()[0].KeyLen = 1
	Integs()[0].KeyLen = 1
	s, _ := Lookup(AES128GCM16)
	if s.KeyLen() != 16 || Encrs()[0].KeyLen != 16 || Integs()[0].KeyLen != 32 {
		t.Error("a change to a copy shows in the tables")
	}
}

func TestSelfAuth(t *testing.T) {
	for _, s := range All() {
		if (s.Integ == Integ{}) != s.Encr.Kind.SelfAuth() {
			t.Errorf("%v: integrity transform %d with a kind that authenticates by itself: %v", s, s.Integ.ID, s.Encr.Kind.SelfAuth())
		}
		if s.ICVLen() != max(s.Encr.ICVLen, s.Integ.ICVLen) {
			t.Errorf("%v: two ICVs", s)
		}
	}
}
