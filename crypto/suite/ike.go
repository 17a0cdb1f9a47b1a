package suite

import "strings"

// PRF is one row of IANA "Transform Type 2 - Pseudorandom Function Transform IDs". Immutable value.
type PRF struct {
	Name string // strongSwan's spelling
	ID   uint16 // IANA transform ID
	Len  int    // octets of output, which are also those of the preferred key (RFC 4868 2.1.2)
}

// KE is one row of IANA "Transform Type 4 - Key Exchange Method Transform IDs". The row of ID 0, "none", stands only in
// a Child SA proposal and makes a key exchange optional there (RFC 7296 3.3.2). Immutable value.
type KE struct {
	Name   string // strongSwan's spelling
	ID     uint16 // IANA transform ID
	Public int    // octets of the public value in the KE payload
	Secret int    // octets of the shared secret g^ir
}

// IKE is one chosen suite of an IKE SA. Immutable value, comparable; it holds no secrets.
type IKE struct {
	Encr  Encr  // protects the SK payload; its KeyLen plus SaltLen is the length of SK_ei and SK_er
	Integ Integ // protects the SK payload; zero where Encr authenticates by itself
	PRF   PRF   // derives keys and computes AUTH
	KE    KE    // the method of the exchange
}

// String is the suite as strongSwan writes a proposal: "aes256gcm16-prfsha384-ecp384",
// "aes256-sha256-prfsha256-modp2048".
func (s IKE) String() string {
	words := []string{s.Encr.Name, s.Integ.Name, s.PRF.Name, s.KE.Name}
	if (s.Integ == Integ{}) {
		words = append(words[:1], words[2:]...)
	}
	return strings.Join(words, "-")
}

// LookupPRF is the pseudorandom function with that transform ID. It reports false for one that is not in the table.
func LookupPRF(id uint16) (PRF, bool) {
	for _, p := range prfs {
		if p.ID == id {
			return p, true
		}
	}
	return PRF{}, false
}

// LookupKE is the key exchange method with that transform ID, NONE (0) included. It reports false for one that is not in
// the table.
func LookupKE(id uint16) (KE, bool) {
	for _, k := range kes {
		if k.ID == id {
			return k, true
		}
	}
	return KE{}, false
}

// LookupIKEEncr is the encryption transform with that ID and Key Length attribute in bits (0 where absent), if an IKE SA
// may use it. It reports false for any other: NULL, GMAC and implicit-IV transforms protect ESP alone (RFC 7296 5, RFC
// 8750 7), and a missing or surplus Key Length makes a transform unacceptable (RFC 7296 3.3.5).
func LookupIKEEncr(id uint16, keyBits int) (Encr, bool) {
	for _, e := range ikeEncrs {
		if e.ID == id && e.KeyBits == keyBits {
			return e, true
		}
	}
	return Encr{}, false
}

// LookupInteg is the integrity transform with that ID. NONE (0) is the zero row: it says nothing of whether the
// encryption beside it can do without (RFC 5282 8). It reports false for an ID that is not in the table.
func LookupInteg(id uint16) (Integ, bool) {
	if id == IntegNone {
		return Integ{}, true
	}
	for _, i := range integs {
		if i.ID == id {
			return i, true
		}
	}
	return Integ{}, false
}
