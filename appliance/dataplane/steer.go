package dataplane

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// NumBuckets is how many buckets the SPIs fall into; a generation maps each to an lcore.
const NumBuckets = 256

// Permutation is the keyed permutation of 32-bit SPIs whose top octet names a bucket. It is a four-round Feistel network,
// so every SPI has exactly one image, and without the key an observer of SPIs cannot tell which of them share an lcore
// (RFC 9611 7; DESIGN.md 5). Immutable after NewPermutation.
type Permutation struct{ key [4]uint32 }

// NewPermutation makes the permutation of a 16-octet key.
func NewPermutation(key [16]byte) Permutation {
	var p Permutation
	for i := range p.key {
		p.key[i] = binary.LittleEndian.Uint32(key[4*i:])
	}
	return p
}

// Bucket returns the bucket of an SPI.
func (p *Permutation) Bucket(spi uint32) uint8 {
	l, r := spi>>16, spi&0xffff
	for _, k := range p.key {
		l, r = r, l^round(r, k)
	}
	return uint8(l >> 8)
}

// round is the Feistel round function: 16 bits of a keyed multiply-and-shift mix of r.
func round(r, k uint32) uint32 {
	x := uint64(r^k) * 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= uint64(k)<<32 | 0xbf58476d
	return uint32(x >> 48)
}

// Buckets maps each bucket to the lcore that owns its SPIs.
type Buckets [NumBuckets]uint8

// EvenBuckets deals the buckets to lcores in turn.
func EvenBuckets(lcores int) Buckets {
	var b Buckets
	for i := range b {
		b[i] = uint8(i % lcores)
	}
	return b
}

// Lcore returns the owner of an SPI.
func (b *Buckets) Lcore(p *Permutation, spi uint32) int { return int(b[p.Bucket(spi)]) }

// ErrNoSteering is returned where no bucket table can give every SPI its lcore.
var ErrNoSteering = errors.New("no bucket table fits")

// SteerStatic draws the permutation and the bucket table of a data plane at its start: every given SPI belongs to the lcore
// it is paired with, and the buckets that none of them claims are dealt so that each lcore gets its share of all. SPIs of
// keys that were agreed by hand cannot be chosen, so the permutation is: keys are drawn from random until no bucket is
// claimed by two lcores, which needs a few draws for some tens of SPIs, and one where there are none.
func SteerStatic(owner map[uint32]int, lcores int, random func([]byte)) (Permutation, Buckets, error) {
	const draws = 10000
	for range draws {
		var key [16]byte
		random(key[:])
		p := NewPermutation(key)
		if claimed, ok := claim(&p, owner); ok {
			return p, deal(claimed, lcores), nil
		}
	}
	return Permutation{}, Buckets{}, fmt.Errorf("steering of %d SPIs to %d lcores: %w after %d keys", len(owner), lcores, ErrNoSteering, draws)
}

// unclaimed marks a bucket that no given SPI falls into.
const unclaimed = -1

// claim returns the owner of each bucket; false when two lcores want one.
func claim(p *Permutation, owner map[uint32]int) (claimed [NumBuckets]int, ok bool) {
	for i := range claimed {
		claimed[i] = unclaimed
	}
	for spi, lcore := range owner {
		k := p.Bucket(spi)
		if claimed[k] != unclaimed && claimed[k] != lcore {
			return claimed, false
		}
		claimed[k] = lcore
	}
	return claimed, true
}

// deal gives each free bucket to the lcore that has the fewest.
func deal(claimed [NumBuckets]int, lcores int) (b Buckets) {
	have := make([]int, lcores)
	for _, l := range claimed {
		if l != unclaimed {
			have[l]++
		}
	}
	for i, l := range claimed {
		if l == unclaimed {
			l = slices.Index(have, slices.Min(have))
			have[l]++
		}
		b[i] = uint8(l)
	}
	return b
}

// NewSPI draws an SPI that belongs to lcore: top bit clear, never below 256 (RFC 4303 2.1; DESIGN.md 5). The caller checks
// that it is not in use.
func NewSPI(p *Permutation, b *Buckets, lcore int, random func([]byte)) (uint32, error) {
	const draws = 1 << 20
	for range draws {
		var raw [4]byte
		random(raw[:])
		spi := binary.BigEndian.Uint32(raw[:]) &^ (1 << 31)
		if spi >= 256 && b.Lcore(p, spi) == lcore {
			return spi, nil
		}
	}
	return 0, fmt.Errorf("SPI for lcore %d: %w: no bucket leads there", lcore, ErrNoSteering)
}
