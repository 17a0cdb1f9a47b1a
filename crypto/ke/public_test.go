package ke

import (
	"bytes"
	"errors"
	"math/big"
	"slices"
	"testing"

	"stillwater/crypto/suite"
)

// refuses checks that both sides refuse a public value.
func refuses(t *testing.T, p *Private, what string, peer []byte) {
	t.Helper()
	secret, err := p.Shared(peer)
	if refused, ok := errors.AsType[*Error](err); !ok || refused.Method != p.Method() || secret != nil {
		t.Errorf("%s: secret %x, %v, want an Error", what, secret, err)
	}
	public, secret, err := Respond(p.Method(), peer)
	if _, ok := errors.AsType[*Error](err); !ok || public != nil || secret != nil {
		t.Errorf("%s: answer %x, %x, %v, want an Error", what, public, secret, err)
	}
}

// TestHAZ05_Lengths: every length but the method's is refused, up to what a KE payload can hold.
func TestHAZ05_Lengths(t *testing.T) {
	each(t, func(t *testing.T, row suite.KE) {
		p := generate(t, row.ID)
		good := generate(t, row.ID).Public()
		long := append(bytes.Clone(good), bytes.Repeat([]byte{0xff}, 65535)...)
		for n := range 1200 {
			if n != row.Public {
				refuses(t, p, "prefix", long[:n])
			}
		}
		for _, n := range []int{65535 - 8, 65535, len(long)} {
			refuses(t, p, "long value", long[:n])
		}
		refuses(t, p, "nil", nil)
		refuses(t, p, "zero in front", append([]byte{0}, good...))
		refuses(t, p, "point with its form", append([]byte{4}, good...))
	})
}

// TestHAZ03_ModpRange: 0, 1, p-1, p and what is above are refused, 2 and p-2 are not (RFC 6989 2.1).
func TestHAZ03_ModpRange(t *testing.T) {
	for _, id := range []uint16{suite.KEMODP2048, suite.KEMODP3072, suite.KEMODP4096} {
		row, _ := suite.LookupKE(id)
		t.Run(row.Name, func(t *testing.T) {
			p := generate(t, id)
			prime := new(big.Int).SetBytes(groups[id].(modp).modulus().Nat().Bytes(groups[id].(modp).modulus()))
			value := func(base *big.Int, offset int64) []byte {
				return new(big.Int).Add(base, big.NewInt(offset)).FillBytes(make([]byte, row.Public))
			}
			zero := new(big.Int)
			for what, bad := range map[string][]byte{
				"0": value(zero, 0), "1": value(zero, 1), "p-1": value(prime, -1), "p": value(prime, 0), "p+1": value(prime, 1),
				"p+2": value(prime, 2), "all ones": bytes.Repeat([]byte{0xff}, row.Public),
			} {
				refuses(t, p, what, bad)
			}
			for what, good := range map[string][]byte{"2": value(zero, 2), "p-2": value(prime, -2)} {
				if _, err := p.Shared(good); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

// TestHAZ03_OffTheCurve: the point at infinity, coordinates that are swapped, out of range or off by one bit anywhere
// are refused, and so is a point of another curve (RFC 6989 2.3).
func TestHAZ03_OffTheCurve(t *testing.T) {
	for _, id := range []uint16{suite.KEECP256, suite.KEECP384, suite.KEECP521} {
		row, _ := suite.LookupKE(id)
		t.Run(row.Name, func(t *testing.T) {
			p := generate(t, id)
			good := generate(t, id).Public()
			half := row.Public / 2
			refuses(t, p, "zeros", make([]byte, row.Public))
			refuses(t, p, "all ones", bytes.Repeat([]byte{0xff}, row.Public))
			refuses(t, p, "y|x", slices.Concat(good[half:], good[:half]))
			refuses(t, p, "x|x", slices.Concat(good[:half], good[:half]))
			other := generate(t, suite.KEECP521).Public()
			refuses(t, p, "another curve", slices.Concat(make([]byte, 1), other, other)[:row.Public])
			for bit := range 8 * row.Public {
				bad := bytes.Clone(good)
				bad[bit/8] ^= 1 << (bit % 8)
				if _, err := p.Shared(bad); err == nil {
					t.Fatalf("accepted with bit %d changed", bit)
				}
			}
		})
	}
}

// TestIKE049_Curve25519TopBit: the top bit of a value is ignored (RFC 8031 3.2).
func TestIKE049_Curve25519TopBit(t *testing.T) {
	p, peer := generate(t, suite.KEX25519), generate(t, suite.KEX25519).Public()
	want, err := p.Shared(peer)
	if err != nil {
		t.Fatal(err)
	}
	peer[31] |= 0x80
	if have, err := p.Shared(peer); err != nil || !bytes.Equal(have, want) {
		t.Errorf("have %x, %v, want %x", have, err, want)
	}
}

// TestIKE049_Curve25519SmallOrder: the values whose result is all zero, written down in RFC 7748 6.1's terms: u = 0 and
// 1, p, p+1 and p-1, with and without the top bit.
func TestIKE049_Curve25519SmallOrder(t *testing.T) {
	p := generate(t, suite.KEX25519)
	for _, u := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		peer := octets(t, u)
		refuses(t, p, u, peer)
		peer[31] |= 0x80
		refuses(t, p, u+" with the top bit", peer)
	}
}

// FuzzShared: whatever a peer sends is refused with an Error or gives a secret of the method's length that is not zero.
func FuzzShared(f *testing.F) {
	private := map[uint16]*Private{}
	for i, row := range suite.KEs() {
		private[row.ID] = generate(f, row.ID)
		f.Add(uint8(i), generate(f, row.ID).Public())
		f.Add(uint8(i), make([]byte, row.Public))
		f.Add(uint8(i), bytes.Repeat([]byte{0xff}, row.Public))
		f.Add(uint8(i), []byte{})
	}
	f.Fuzz(func(t *testing.T, which uint8, peer []byte) {
		if len(peer) > 2048 {
			return
		}
		row := suite.KEs()[int(which)%len(suite.KEs())]
		secret, err := private[row.ID].Shared(peer)
		if _, typed := errors.AsType[*Error](err); err != nil && (!typed || secret != nil) {
			t.Errorf("%s: %x, %v", row.Name, secret, err)
		}
		if err == nil && (len(secret) != row.Secret || bytes.Equal(secret, make([]byte, row.Secret))) {
			t.Errorf("%s: secret %x", row.Name, secret)
		}
	})
}
