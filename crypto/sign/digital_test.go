package sign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"testing"
)

// fitting is which schemes each kind of key can use.
var fitting = map[string][]Scheme{
	"rsa":     {RSAPSSSHA256, RSAPSSSHA384, RSAPSSSHA512, RSAPKCS1SHA256, RSAPKCS1SHA384, RSAPKCS1SHA512},
	"p256":    {ECDSASHA256, ECDSASHA384, ECDSASHA512},
	"p384":    {ECDSASHA256, ECDSASHA384, ECDSASHA512},
	"p521":    {ECDSASHA256, ECDSASHA384, ECDSASHA512},
	"ed25519": {Ed25519},
}

// TestIKE086_AuthenticationData: length, AlgorithmIdentifier, signature (RFC 7427 3); it verifies over what was signed and
// over nothing else, with that key and no other.
func TestIKE086_AuthenticationData(t *testing.T) {
	all := keys()
	for name, key := range all {
		for _, s := range fitting[name] {
			data, err := Sign(key, s, message)
			if err != nil {
				t.Fatalf("%s, %v: %v", name, s, err)
			}
			algorithm := s.AlgorithmIdentifier()
			if int(data[0]) != len(algorithm) || !slices.Equal(data[1:1+len(algorithm)], algorithm) {
				t.Errorf("%s, %v: begins with % x", name, s, data[:1+len(algorithm)])
			}
			if err := Verify(key.Public(), data, message, SupportedHashes()); err != nil {
				t.Errorf("%s, %v: own signature: %v", name, s, err)
			}
			if err := Verify(key.Public(), data, append([]byte{0}, message...), SupportedHashes()); !errors.Is(err, ErrSignature) {
				t.Errorf("%s, %v: over other octets: %v", name, s, err)
			}
			for other, key := range all {
				if err := Verify(key.Public(), data, message, SupportedHashes()); other != name && err == nil {
					t.Errorf("%s, %v: verifies with the key of %s", name, s, other)
				}
			}
		}
	}
}

// TestHAZ32_KeyAndAlgorithm: every scheme with every kind of key it is not for, both ways.
func TestHAZ32_KeyAndAlgorithm(t *testing.T) {
	for name, key := range keys() {
		for _, s := range Schemes() {
			if slices.Contains(fitting[name], s) {
				continue
			}
			if _, err := Sign(key, s, message); !errors.Is(err, ErrAlgorithm) {
				t.Errorf("%s signs with %v: %v", name, s, err)
			}
			if err := Verify(key.Public(), authData(s, make([]byte, 256)), message, SupportedHashes()); !errors.Is(err, ErrAlgorithm) {
				t.Errorf("%s verifies %v: %v", name, s, err)
			}
		}
	}
}

// authData is a signature of any octets under the name of a scheme.
func authData(s Scheme, signature []byte) []byte {
	algorithm := s.AlgorithmIdentifier()
	return slices.Concat([]byte{byte(len(algorithm))}, algorithm, signature)
}

// TestIKE086_Malformed: lengths that do not fit, an unknown AlgorithmIdentifier, octets behind the signature.
func TestIKE086_Malformed(t *testing.T) {
	good := must(Sign(keyP256(), ECDSASHA256, message))
	pss := must(Sign(keyRSA(), RSAPSSSHA256, message))
	for name, c := range map[string]struct {
		key  crypto.PublicKey
		data []byte
		want error
	}{
		"nothing":                {keyP256().Public(), nil, ErrFormat},
		"length only":            {keyP256().Public(), good[:1], ErrFormat},
		"length 0":               {keyP256().Public(), append([]byte{0}, good[1:]...), ErrAlgorithm},
		"length one less":        {keyP256().Public(), append([]byte{good[0] - 1}, good[1:]...), ErrAlgorithm},
		"length one more":        {keyP256().Public(), append([]byte{good[0] + 1}, good[1:]...), ErrAlgorithm},
		"length beyond the data": {keyP256().Public(), append([]byte{255}, good[1:]...), ErrFormat},
		"no signature":           {keyP256().Public(), good[:13], ErrFormat},
		"unknown algorithm":      {keyP256().Public(), append(slices.Clone(good[:12]), append([]byte{9}, good[13:]...)...), ErrAlgorithm},
		"trailing octet":         {keyP256().Public(), append(slices.Clone(good), 0), ErrSignature},
		"cut":                    {keyP256().Public(), good[:len(good)-1], ErrSignature},
		"trailing octet, RSA":    {keyRSA().Public(), append(slices.Clone(pss), 0), ErrSignature},
		"leading zero, RSA":      {keyRSA().Public(), slices.Insert(slices.Clone(pss), 68, 0), ErrSignature},
		"cut, RSA":               {keyRSA().Public(), pss[:len(pss)-1], ErrSignature},
	} {
		if err := Verify(c.key, c.data, message, SupportedHashes()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestIKE086_EveryPrefix: no beginning of authentication data is enough.
func TestIKE086_EveryPrefix(t *testing.T) {
	for name, key := range keys() {
		data := must(Sign(key, fitting[name][0], message))
		for n := range data {
			if Verify(key.Public(), data[:n], message, SupportedHashes()) == nil {
				t.Errorf("%s: %d octets of %d verify", name, n, len(data))
			}
		}
	}
}

// TestIKE086_HashMustBeAnnounced: a good signature with a hash we did not ask for.
func TestIKE086_HashMustBeAnnounced(t *testing.T) {
	for name, key := range keys() {
		for _, s := range fitting[name] {
			others := slices.DeleteFunc(SupportedHashes(), func(h Hash) bool { return h == s.Hash() })
			data := must(Sign(key, s, message))
			if err := Verify(key.Public(), data, message, others); !errors.Is(err, ErrHash) {
				t.Errorf("%s, %v: %v", name, s, err)
			}
			if err := Verify(key.Public(), data, message, nil); !errors.Is(err, ErrHash) {
				t.Errorf("%s, %v, nothing announced: %v", name, s, err)
			}
		}
	}
}

// TestHAZ15_EmptyAndZeroSignatures of every scheme, in all lengths that matter (HAZ-33 is the same).
func TestHAZ15_EmptyAndZeroSignatures(t *testing.T) {
	zero := must(asn1.Marshal(pair{new(big.Int), new(big.Int)}))
	one := must(asn1.Marshal(pair{big.NewInt(1), big.NewInt(1)}))
	for name, key := range keys() {
		for _, s := range fitting[name] {
			for _, signature := range [][]byte{nil, {0}, {1}, make([]byte, 64), make([]byte, 256), zero, one} {
				if Verify(key.Public(), authData(s, signature), message, SupportedHashes()) == nil {
					t.Errorf("%s, %v: % x verifies", name, s, signature)
				}
			}
		}
	}
}

// TestECDSARange: r and s of 0, of the order and above are refused (HAZ-15), and so is the negative of a good s.
func TestECDSARange(t *testing.T) {
	key := keyP256()
	var good pair
	must(asn1.Unmarshal(must(key.Sign(rand.Reader, SHA256.digest(message), SHA256.options())), &good))
	order := key.Params().N
	for _, p := range []pair{
		{good.R, new(big.Int)}, {new(big.Int), good.S}, {order, good.S}, {good.R, order},
		{new(big.Int).Add(good.R, order), good.S}, {good.R, new(big.Int).Add(good.S, order)}, {good.R, new(big.Int).Neg(good.S)},
	} {
		if Verify(key.Public(), authData(ECDSASHA256, must(asn1.Marshal(p))), message, SupportedHashes()) == nil {
			t.Errorf("%v verifies", p)
		}
	}
	if err := Verify(key.Public(), authData(ECDSASHA256, must(asn1.Marshal(good))), message, SupportedHashes()); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// options lets a test sign with a bare hash.
func (h Hash) options() crypto.SignerOpts { return hashes[h] }

// TestSignRefusesKeys: no key at all, and keys that the other end would refuse.
func TestSignRefusesKeys(t *testing.T) {
	if _, err := Sign(nil, ECDSASHA256, message); !errors.Is(err, ErrKey) {
		t.Errorf("no key: %v", err)
	}
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	if _, err := Sign(p224, ECDSASHA256, message); !errors.Is(err, ErrKey) {
		t.Errorf("P-224: %v", err)
	}
}
