package suite

import "testing"

// TestIKETransforms: the code points and lengths of ike.md 1.7 to 1.10, written down apart from the tables.
func TestIKETransforms(t *testing.T) {
	t.Run("1.7", testIKEEncr)
	t.Run("1.8", testPRF)
	t.Run("1.9", testInteg)
	t.Run("1.10", testKE)
}

func testIKEEncr(t *testing.T) {
	for _, want := range []struct {
		id                    uint16
		bits                  int
		name                  string
		keymat, salt, iv, icv int
	}{
		{20, 128, "aes128gcm16", 20, 4, 8, 16}, {20, 192, "aes192gcm16", 28, 4, 8, 16}, {20, 256, "aes256gcm16", 36, 4, 8, 16},
		{12, 128, "aes128", 16, 0, 16, 0}, {12, 192, "aes192", 24, 0, 16, 0}, {12, 256, "aes256", 32, 0, 16, 0},
	} {
		have := want
		e, ok := LookupIKEEncr(want.id, want.bits)
		have.id, have.bits, have.name, have.keymat, have.salt = e.ID, e.KeyBits, e.Name, e.KeyLen+e.SaltLen, e.SaltLen
		have.iv, have.icv = e.IVLen, e.ICVLen
		if !ok || have != want {
			t.Errorf("have %+v, want %+v", have, want)
		}
	}
	if len(IKEEncrs()) != 6 {
		t.Errorf("%d rows, want 6", len(IKEEncrs()))
	}
}

func testPRF(t *testing.T) {
	for _, want := range []PRF{{"prfsha256", 5, 32}, {"prfsha384", 6, 48}, {"prfsha512", 7, 64}} {
		if have, ok := LookupPRF(want.ID); !ok || have != want {
			t.Errorf("have %+v, want %+v", have, want)
		}
	}
	if len(PRFs()) != 3 {
		t.Errorf("%d rows, want 3", len(PRFs()))
	}
}

func testInteg(t *testing.T) {
	for _, want := range []Integ{{0, "", 0, 0}, {12, "sha256", 32, 16}, {13, "sha384", 48, 24}, {14, "sha512", 64, 32}} {
		if have, ok := LookupInteg(want.ID); !ok || have != want {
			t.Errorf("have %+v, want %+v", have, want)
		}
	}
}

func testKE(t *testing.T) {
	for _, want := range []KE{
		{"none", 0, 0, 0},
		{"modp2048", 14, 256, 256}, {"modp3072", 15, 384, 384}, {"modp4096", 16, 512, 512},
		{"ecp256", 19, 64, 32}, {"ecp384", 20, 96, 48}, {"ecp521", 21, 132, 66},
		{"x25519", 31, 32, 32},
	} {
		if have, ok := LookupKE(want.ID); !ok || have != want {
			t.Errorf("have %+v, want %+v", have, want)
		}
	}
	if len(KEs()) != 7 {
		t.Errorf("%d rows, want 7", len(KEs()))
	}
}

// TestHAZ04_EveryTransformID: of all 65536 numbers only those of the tables are found.
func TestHAZ04_EveryTransformID(t *testing.T) {
	var ke, prf, integ, encr int
	for id := range 1 << 16 {
		if k, ok := LookupKE(uint16(id)); ok {
			ke++
		} else if k != (KE{}) {
			t.Errorf("key exchange %d is %v beside false", id, k)
		}
		if p, ok := LookupPRF(uint16(id)); ok {
			prf++
		} else if p != (PRF{}) {
			t.Errorf("PRF %d is %v beside false", id, p)
		}
		if i, ok := LookupInteg(uint16(id)); ok {
			integ++
		} else if i != (Integ{}) {
			t.Errorf("integrity %d is %v beside false", id, i)
		}
		for _, bits := range []int{-1, 0, 1, 64, 128, 160, 192, 256, 512, 65535} {
			if _, ok := LookupIKEEncr(uint16(id), bits); ok {
				encr++
			}
		}
	}
	if ke != 8 || prf != 3 || integ != 4 || encr != 6 {
		t.Errorf("found %d methods, %d PRFs, %d integrity and %d encryption transforms, want 8, 3, 4, 6", ke, prf, integ, encr)
	}
}

// TestIKE067_KeyLengthOfIKE: AES without a Key Length is no transform, nor is it with one of no AES.
func TestIKE067_KeyLengthOfIKE(t *testing.T) {
	for _, c := range []struct {
		id   uint16
		bits int
	}{{20, 0}, {12, 0}, {20, 127}, {12, 64}, {12, 65535}, {20, -128}} {
		if e, ok := LookupIKEEncr(c.id, c.bits); ok {
			t.Errorf("transform %d of %d bits is %v, want none", c.id, c.bits, e)
		}
	}
}

// TestIKE070_NothingWeakInIKE: no cipher that does not encrypt, none that is for ESP alone, no PRF under 128 bits.
func TestIKE070_NothingWeakInIKE(t *testing.T) {
	for _, e := range Encrs() {
		_, ok := LookupIKEEncr(e.ID, e.KeyBits)
		if ok && (e.Kind == KindNull || e.Kind == KindGMAC || e.ImplicitIV) {
			t.Errorf("%s protects an IKE SA", e.Name)
		}
	}
	for _, p := range PRFs() {
		if p.Len < 128/8 {
			t.Errorf("%s has %d octets", p.Name, p.Len)
		}
	}
}

// TestALG001_IKEAlgorithms: what RFC 8247 2 says an implementation MUST have is there, and what it forbids or advises
// against is not. Of its SHOULDs, ChaCha20-Poly1305 and AES-CCM are left out.
func TestALG001_IKEAlgorithms(t *testing.T) {
	encr := func(id uint16, bits int) bool { _, ok := LookupIKEEncr(id, bits); return ok }
	prf := func(id uint16) bool { _, ok := LookupPRF(id); return ok }
	integ := func(id uint16) bool { _, ok := LookupInteg(id); return ok }
	ke := func(id uint16) bool { _, ok := LookupKE(id); return ok }
	for name, ok := range map[string]bool{
		"MUST ENCR_AES_CBC 128":         encr(12, 128),
		"MUST ENCR_AES_CBC 256":         encr(12, 256),
		"SHOULD ENCR_AES_GCM_16":        encr(20, 128) && encr(20, 256),
		"MUST PRF_HMAC_SHA2_256":        prf(5),
		"SHOULD+ PRF_HMAC_SHA2_512":     prf(7),
		"MUST AUTH_HMAC_SHA2_256_128":   integ(12),
		"SHOULD AUTH_HMAC_SHA2_512_256": integ(14),
		"MUST group 14":                 ke(14),
		"SHOULD group 19":               ke(19),
	} {
		if !ok {
			t.Errorf("%s is missing", name)
		}
	}
	for name, there := range map[string]bool{
		"MUST NOT DES": encr(2, 0), "MAY 3DES": encr(3, 0), "MUST NOT NULL": encr(11, 0),
		"MUST NOT PRF_HMAC_MD5": prf(1), "MUST- PRF_HMAC_SHA1": prf(2),
		"MUST NOT AUTH_HMAC_MD5_96": integ(1), "MUST- AUTH_HMAC_SHA1_96": integ(2),
		"MUST NOT AUTH_DES_MAC": integ(3), "MUST NOT AUTH_KPDK_MD5": integ(4),
		"MUST NOT groups 1, 22":          ke(1) || ke(22),
		"SHOULD NOT groups 2, 5, 23, 24": ke(2) || ke(5) || ke(23) || ke(24),
	} {
		if there {
			t.Errorf("%s is there", name)
		}
	}
}

func TestIKEString(t *testing.T) {
	gcm, _ := LookupIKEEncr(20, 256)
	cbc, _ := LookupIKEEncr(12, 128)
	integ, _ := LookupInteg(12)
	p384, _ := LookupPRF(6)
	p256, _ := LookupPRF(5)
	ecp, _ := LookupKE(20)
	modp, _ := LookupKE(14)
	for want, s := range map[string]IKE{
		"aes256gcm16-prfsha384-ecp384":     {Encr: gcm, PRF: p384, KE: ecp},
		"aes128-sha256-prfsha256-modp2048": {cbc, integ, p256, modp},
	} {
		if s.String() != want {
			t.Errorf("have %q, want %q", s, want)
		}
		if _, err := ParseIKEProposal(want); err != nil {
			t.Error(err)
		}
	}
}

// TestIKETablesAreImmutable: what callers do to their copies stays theirs.
func TestIKETablesAreImmutable(t *testing.T) {
	PRFs()[0].Len, KEs()[0].Public, IKEEncrs()[0].KeyLen = 1, 1, 1
	if PRFs()[0].Len != 32 || KEs()[0].Public != 32 || IKEEncrs()[0].KeyLen != 16 {
		t.Error("a change to a copy shows in the tables")
	}
}
