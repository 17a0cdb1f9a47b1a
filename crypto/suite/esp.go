package suite

// minAlign is the alignment of the ESP trailer's end that every algorithm needs (RFC 4303 2.4).
const minAlign = 4

// ESP is a complete ESP suite: what an SA is built from. Immutable value, comparable; it holds no secrets.
type ESP struct {
	Alg   Alg   // dispatch index of the combination
	Encr  Encr  // encryption transform
	Integ Integ // integrity transform; zero where Encr authenticates by itself
}

// KeyLen is the length in octets of the cipher key and the integrity key together, salt not counted: what
// aead.Engine.SetKey takes, cipher key first.
func (s ESP) KeyLen() int { return s.Encr.KeyLen + s.Integ.KeyLen }

// KeymatLen is the length in octets of the key material that IKE derives or a user gives for one direction. It is the
// cipher key then the integrity key (RFC 7296 2.17), or the cipher key then the salt (RFC 4106 8.1, RFC 4543 5.4, RFC
// 7634 2).
func (s ESP) KeymatLen() int { return s.KeyLen() + s.Encr.SaltLen }

// SaltLen is the length in octets of the salt at the tail of the key material, 0 or 4.
func (s ESP) SaltLen() int { return s.Encr.SaltLen }

// IVLen is the length in octets of the IV in each packet, 0 for implicit-IV algorithms and for NULL.
func (s ESP) IVLen() int { return s.Encr.IVLen }

// ICVLen is the length in octets of the integrity check value in each packet.
func (s ESP) ICVLen() int { return s.Encr.ICVLen + s.Integ.ICVLen }

// Align is the number of octets of which payload, padding, pad length and next header together must be a multiple: the
// cipher's block, and never less than 4 (RFC 4303 2.4).
func (s ESP) Align() int { return max(minAlign, s.Encr.BlockLen) }

// String is the suite as strongSwan writes a proposal: "aes128gcm16", "aes256-sha512"; "none" for the zero value.
func (s ESP) String() string {
	switch {
	case s.Alg == 0:
		return "none"
	case s.Integ == Integ{}:
		return s.Encr.Name
	}
	return s.Encr.Name + "-" + s.Integ.Name
}

// Lookup is the suite with that index. It reports false for a number that names no algorithm.
func Lookup(a Alg) (ESP, bool) {
	if a == 0 || int(a) >= AlgCount {
		return ESP{}, false
	}
	return suites[a], true
}

// All is every suite in the order of Alg. The caller owns the slice.
func All() []ESP { return append([]ESP(nil), suites[1:]...) }

// FromTransforms is the suite that a negotiated set of transforms names: encryption transform ID, its Key Length
// attribute in bits (0 where absent) and integrity transform ID (0 where NONE or absent). It reports false where no
// suite has exactly these; a missing mandatory Key Length (RFC 4106 8.4) is such a case.
func FromTransforms(encr uint16, keyBits int, integ uint16) (ESP, bool) {
	for _, s := range suites[1:] {
		if s.Encr.ID == encr && s.Encr.KeyBits == keyBits && s.Integ.ID == integ {
			return s, true
		}
	}
	return ESP{}, false
}
