package prf

import (
	"testing"

	"stillwater/crypto/suite"
)

// BenchmarkSum is one prf over what an AUTH value covers, a third of a kilobyte.
func BenchmarkSum(b *testing.B) {
	for _, row := range suite.PRFs() {
		b.Run(row.Name, func(b *testing.B) {
			p := must(New(row.ID))(b)
			key, data, dst := make([]byte, row.Len), make([]byte, 333), make([]byte, 0, row.Len)
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				p.Sum(dst, key, data)
			}
		})
	}
}

// BenchmarkHandshake is the key derivation of one side of IKE_SA_INIT and IKE_AUTH with a shared key: SKEYSEED, the
// seven keys, two AUTH values with prf(SK_p, ID) each, and KEYMAT of AES-256-GCM.
func BenchmarkHandshake(b *testing.B) {
	for _, row := range suite.PRFs() {
		b.Run(row.Name, func(b *testing.B) {
			p := must(New(row.ID))(b)
			nonce, secret, octets := make([]byte, 32), make([]byte, 32), make([]byte, 333)
			b.ReportAllocs()
			for b.Loop() {
				k, err := DeriveIKE(p, Skeyseed(p, nonce, nonce, secret), nonce, nonce, 1, 2, 36, 0)
				if err != nil {
					b.Fatal(err)
				}
				for _, key := range [][]byte{k.Pi, k.Pr} {
					p.Sum(octets[:0], key, secret)
					PSKAuth(p, secret, octets)
				}
				if _, err := Keymat(p, k.D, nil, nonce, nonce, 72); err != nil {
					b.Fatal(err)
				}
				k.Wipe()
			}
		})
	}
}
