package sign

import (
	"fmt"
	"slices"
	"strings"
)

// Scheme is one way to sign under RFC 7427: a signature algorithm, its padding and its hash. The zero value is none.
type Scheme uint8

// The schemes. None uses SHA-1, none leaves PSS parameters to their defaults (RFC 8247 4.2).
const (
	ECDSASHA256 Scheme = iota + 1
	ECDSASHA384
	ECDSASHA512
	Ed25519
	RSAPSSSHA256
	RSAPSSSHA384
	RSAPSSSHA512
	RSAPKCS1SHA256
	RSAPKCS1SHA384
	RSAPKCS1SHA512
	schemeEnd
)

// family is the arithmetic of a scheme: what the key must be, and how the signature is padded.
type family uint8

const (
	familyECDSA family = iota + 1
	familyEdDSA
	familyPSS
	familyPKCS1
)

// schemes is the table; the first encoding of a row is the one sent, all of them are accepted (IKE-087).
var schemes = [schemeEnd]struct {
	name      string
	family    family
	hash      Hash
	encodings []string
}{
	ECDSASHA256:    {"ecdsa-sha256", familyECDSA, SHA256, ecdsaEncodings(2)},
	ECDSASHA384:    {"ecdsa-sha384", familyECDSA, SHA384, ecdsaEncodings(3)},
	ECDSASHA512:    {"ecdsa-sha512", familyECDSA, SHA512, ecdsaEncodings(4)},
	Ed25519:        {"ed25519", familyEdDSA, Identity, []string{der(tagSequence, oidEd)}},
	RSAPSSSHA256:   {"rsa-pss-sha256", familyPSS, SHA256, pssEncodings(1, 32)},
	RSAPSSSHA384:   {"rsa-pss-sha384", familyPSS, SHA384, pssEncodings(2, 48)},
	RSAPSSSHA512:   {"rsa-pss-sha512", familyPSS, SHA512, pssEncodings(3, 64)},
	RSAPKCS1SHA256: {"rsa-pkcs1-sha256", familyPKCS1, SHA256, pkcs1Encodings(11)},
	RSAPKCS1SHA384: {"rsa-pkcs1-sha384", familyPKCS1, SHA384, pkcs1Encodings(12)},
	RSAPKCS1SHA512: {"rsa-pkcs1-sha512", familyPKCS1, SHA512, pkcs1Encodings(13)},
}

// known reports whether s is a row of the table.
func (s Scheme) known() bool { return s != 0 && s < schemeEnd }

// String is the name that ParseSchemes takes, or the number of something else.
func (s Scheme) String() string {
	if !s.known() {
		return fmt.Sprintf("scheme %d", uint8(s))
	}
	return schemes[s].name
}

// Hash is what the scheme hashes with, 0 for an unknown scheme.
func (s Scheme) Hash() Hash {
	if !s.known() {
		return 0
	}
	return schemes[s].hash
}

// AlgorithmIdentifier is the DER that announces the scheme on the wire, nil for an unknown one. The caller owns the slice.
func (s Scheme) AlgorithmIdentifier() []byte {
	if !s.known() {
		return nil
	}
	return []byte(schemes[s].encodings[0])
}

// Schemes is every scheme of the table. The caller owns the slice.
func Schemes() []Scheme {
	list := make([]Scheme, 0, schemeEnd-1)
	for s := Scheme(1); s < schemeEnd; s++ {
		list = append(list, s)
	}
	return list
}

// Lookup is the scheme with that AlgorithmIdentifier, octet for octet one of the encodings in the table.
func Lookup(algorithm []byte) (Scheme, bool) {
	for s := Scheme(1); s < schemeEnd; s++ {
		if slices.Contains(schemes[s].encodings, string(algorithm)) {
			return s, true
		}
	}
	return 0, false
}

// ParseSchemes reads a name as String writes it, or what several have in common: "rsa-pss", "rsa-pkcs1", "ecdsa". The answer
// is in the order of the table, weakest hash first; the error names what there is.
func ParseSchemes(name string) ([]Scheme, error) {
	var list []Scheme
	var names []string
	for _, s := range Schemes() {
		if s.String() == name || strings.HasPrefix(s.String(), name+"-") && name != "rsa" {
			list = append(list, s)
		}
		names = append(names, s.String())
	}
	if list == nil {
		return nil, fmt.Errorf("signature scheme %q: want rsa-pss, rsa-pkcs1, ecdsa or one of %s", name, strings.Join(names, ", "))
	}
	return list, nil
}
