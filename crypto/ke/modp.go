package ke

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"sync"

	"filippo.io/bigmod"
)

// modp is a group of integers modulo a safe prime p, with generator 2. As (p-1)/2 is prime as well, the range of a
// public value is all there is to check (RFC 6989 2.1).
type modp struct {
	modulus  func() *bigmod.Modulus
	exponent int // octets of the private value
}

// The private values are 320, 384 and 448 bits: within what RFC 3526 8 finds fit for the strength of each group (220 to
// 320, 260 to 420, 300 to 480 bits), and over twice the 112, 128 and 152 bits that these primes are commonly held to
// give.
var (
	modp2048 = newMODP(prime2048, 320/8)
	modp3072 = newMODP(prime3072, 384/8)
	modp4096 = newMODP(prime4096, 448/8)
)

// newMODP puts the arithmetic on the prime off to its first use. A prime that is no hexadecimal number is a mistake in
// the program.
func newMODP(prime string, exponent int) modp {
	return modp{exponent: exponent, modulus: sync.OnceValue(func() *bigmod.Modulus {
		octets, err := hex.DecodeString(prime)
		if err != nil {
			panic(err)
		}
		m, err := bigmod.NewModulus(octets)
		if err != nil {
			panic(err)
		}
		return m
	})}
}

// modpHalf is a private exponent.
type modpHalf struct {
	modulus  *bigmod.Modulus
	exponent []byte
}

// generate sets the top bit: an exponent is never 0 or 1, and its length says nothing.
func (g modp) generate() (half, []byte, error) {
	exponent := make([]byte, g.exponent)
	if _, err := rand.Read(exponent); err != nil {
		return nil, nil, err
	}
	exponent[0] |= 0x80
	return g.half(exponent)
}

func (g modp) half(exponent []byte) (half, []byte, error) {
	h := &modpHalf{g.modulus(), exponent}
	two, err := bigmod.NewNat().SetBytes([]byte{2}, h.modulus)
	if err != nil {
		return nil, nil, err
	}
	return h, bigmod.NewNat().Exp(two, exponent, h.modulus).Bytes(h.modulus), nil
}

var errRange = errors.New("public value is not between 1 and p-1")

// shared returns the secret at the length of the prime (RFC 7296 2.14). The tests of the peer's value are of RFC 6989
// 2.1; SetBytes makes the one for p and above.
func (h *modpHalf) shared(peer []byte) ([]byte, error) {
	r, err := bigmod.NewNat().SetBytes(peer, h.modulus)
	if err != nil || r.IsZero()|r.IsOne()|r.IsMinusOne(h.modulus) == 1 {
		return nil, errRange
	}
	power := bigmod.NewNat().Exp(r, h.exponent, h.modulus)
	defer clear(power.Bits())
	return power.Bytes(h.modulus), nil
}

func (h *modpHalf) wipe() { clear(h.exponent) }
