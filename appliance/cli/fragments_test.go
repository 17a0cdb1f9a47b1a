package cli

import (
	"slices"
	"testing"
)

// TestDecapFragments opens ESP in IP fragments from the first packet on, in any order, and counts fragments whose packet
// never became whole.
func TestDecapFragments(t *testing.T) {
	r := newRand(t)
	for _, v6 := range []bool{false, true} {
		s := newForeign(transforms[0], randomOctets(r, 64))
		if v6 {
			s.src, s.dst = outer6[0], outer6[1]
		}
		packets := innerPackets(r, 20, 800)
		outer := sealAll(s, 1, 1000, packets)
		var pieces [][]byte
		for i, p := range outer {
			switch {
			case i > 8:
				pieces = append(pieces, p)
			case v6:
				pieces = append(pieces, cut6(p, uint32(i), 400)...)
			default:
				p[4], p[5] = 1, byte(i)
				pieces = append(pieces, cut(p, 400)...)
			}
		}
		pieces = inBlocks(pieces, 6, shuffle(r))
		got, c := newBench(t).decap(etherFormat, s.keys(), recordsOf(pieces))
		samePackets(t, "fragments", got, packets)
		if *c.Outer != uint64(len(outer)) || len(*c.Drops) != 0 {
			t.Errorf("%d outer packets and drops %v, expected %d and none", *c.Outer, *c.Drops, len(outer))
		}
		lost := slices.Delete(slices.Clone(pieces), 0, 1)
		if _, c := newBench(t).decap(etherFormat, s.keys(), recordsOf(lost)); (*c.Drops)["outer_fragment"] != 2 {
			t.Errorf("drops %v, expected the 2 other fragments of a packet", *c.Drops)
		}
	}
}

// TestDecapOverlongFragments ignores fragments that add up to more than an IP packet can be.
func TestDecapOverlongFragments(t *testing.T) {
	r := newRand(t)
	s := newForeign(transforms[0], randomOctets(r, 64))
	packets := innerPackets(r, 6, 300)
	ping := innerPackets(r, 1, 1020)[0]
	last := append([]byte(nil), ping[:20]...)
	overlong := [][]byte{}
	for at := 0; at+1000 <= 65528; at += 1000 {
		overlong = append(overlong, mend(append([]byte(nil), ping...), uint16(at/8)|0x2000))
	}
	overlong = append(overlong, mend(append(last, make([]byte, 535)...), 65000/8))
	got, c := newBench(t).decap(rawFormat, s.keys(), recordsOf(append(overlong, sealAll(s, 1, 500, packets)...)))
	samePackets(t, "behind an overlong packet", got, packets)
	if n := total(*c.Drops); n != uint64(len(overlong)) {
		t.Errorf("drops %v, expected each of the %d fragments", *c.Drops, len(overlong))
	}
}
