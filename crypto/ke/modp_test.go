package ke

import (
	"bytes"
	"math/big"
	"testing"

	"stillwater/crypto/suite"
)

// primes are the constants of this package with what RFC 3526 says of each: p = 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130)
// pi] + c).
var primes = []struct {
	id          uint16
	text        string
	bits        uint
	c           int64
	least, most int // octets of the private value, RFC 3526 8
}{
	{suite.KEMODP2048, prime2048, 2048, 124476, 220 / 8, 320 / 8},
	{suite.KEMODP3072, prime3072, 3072, 1690314, 260 / 8, 420 / 8},
	{suite.KEMODP4096, prime4096, 4096, 240904, 300 / 8, 480 / 8},
}

// TestPrimesFollowFromPi derives the primes from the formula in the RFC, so that no digit can be wrong.
func TestPrimesFollowFromPi(t *testing.T) {
	one := big.NewInt(1)
	for _, c := range primes {
		want := new(big.Int).Lsh(one, c.bits)
		want.Sub(want, new(big.Int).Lsh(one, c.bits-64))
		want.Sub(want, one)
		middle := new(big.Int).Add(floorPi(c.bits-130), big.NewInt(c.c))
		want.Add(want, middle.Lsh(middle, 64))
		have, ok := new(big.Int).SetString(c.text, 16)
		if !ok || have.Cmp(want) != 0 {
			t.Errorf("prime of %d bits is %x, want %x", c.bits, have, want)
		}
		if safe := new(big.Int).Rsh(have, 1); !have.ProbablyPrime(1) || !safe.ProbablyPrime(1) {
			t.Errorf("number of %d bits is no safe prime", c.bits)
		}
	}
}

// floorPi is [2^n pi], by Machin's formula: pi = 16 arctan(1/5) - 4 arctan(1/239).
func floorPi(n uint) *big.Int {
	const guard = 64
	pi := new(big.Int).Mul(big.NewInt(16), arctanInverse(5, n+guard))
	pi.Sub(pi, new(big.Int).Mul(big.NewInt(4), arctanInverse(239, n+guard)))
	return pi.Rsh(pi, guard)
}

// arctanInverse is 2^n arctan(1/x), short of its last bits.
func arctanInverse(x int64, n uint) *big.Int {
	power := new(big.Int).Lsh(big.NewInt(1), n)
	power.Quo(power, big.NewInt(x))
	sum := new(big.Int)
	for k := int64(1); power.Sign() != 0; k += 2 {
		term := new(big.Int).Quo(power, big.NewInt(k))
		if k%4 == 3 {
			term.Neg(term)
		}
		sum.Add(sum, term)
		power.Quo(power, big.NewInt(x*x))
	}
	return sum
}

// TestModpExponents: private values are of the sizes that RFC 3526 8 finds fit, use their top bit, and differ.
func TestModpExponents(t *testing.T) {
	for _, c := range primes {
		a, b := generate(t, c.id).half.(*modpHalf).exponent, generate(t, c.id).half.(*modpHalf).exponent
		if len(a) < c.least || len(a) > c.most || a[0] < 0x80 || b[0] < 0x80 || bytes.Equal(a, b) {
			t.Errorf("method %d: private values of %d octets, want %d to %d", c.id, len(a), c.least, c.most)
		}
	}
}

// TestModpPadding: 2^5 and 3^5 fit in an octet, and come out at the length of the prime (RFC 7296 2.14, 3.4).
func TestModpPadding(t *testing.T) {
	for _, c := range primes {
		row, _ := suite.LookupKE(c.id)
		p, err := withPrivate(row, []byte{5})
		if err != nil {
			t.Fatal(err)
		}
		padded := func(last byte) []byte { return append(make([]byte, row.Public-1), last) }
		meet(t, p, padded(32), padded(3), padded(243))
	}
}

// TestModpAgainstBig compares with math/big, which is not constant in time and therefore not used, on random values.
func TestModpAgainstBig(t *testing.T) {
	r := newRand(t)
	for _, c := range primes {
		row, _ := suite.LookupKE(c.id)
		prime, _ := new(big.Int).SetString(c.text, 16)
		private, peer := make([]byte, 1+r.IntN(60)), make([]byte, row.Public)
		for _, b := range [][]byte{private, peer} {
			for i := range b {
				b[i] = byte(r.Uint32())
			}
		}
		peer[0] = 0x7f
		private[0] |= 1
		p, err := withPrivate(row, private)
		if err != nil {
			t.Fatal(err)
		}
		x := new(big.Int).SetBytes(private)
		power := func(base *big.Int) []byte {
			return new(big.Int).Exp(base, x, prime).FillBytes(make([]byte, row.Public))
		}
		meet(t, p, power(big.NewInt(2)), peer, power(new(big.Int).SetBytes(peer)))
	}
}
