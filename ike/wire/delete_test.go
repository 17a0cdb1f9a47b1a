package wire_test

import (
	"testing"

	"stillwater/ike/wire"
)

// TestHAZ029_Delete tries protocols, SPI sizes and counts against what the payload holds.
func TestHAZ029_Delete(t *testing.T) {
	for _, protocol := range []byte{0, 1, 2, 3, 4, 255} {
		for _, size := range []int{0, 1, 3, 4, 5, 8, 16, 255} {
			for _, count := range []int{0, 1, 2, 3, 255, 16384, 65535} {
				for _, octets := range []int{0, 1, 3, 4, 8, 12, 16, 65520} {
					body := append([]byte{protocol, byte(size), byte(count >> 8), byte(count)}, make([]byte, octets)...)
					ike := protocol == 1 && size == 0 && count == 0 && octets == 0
					child := (protocol == 2 || protocol == 3) && size == 4 && octets == 4*count
					if !ike && !child {
						refusedBody(t, wire.PayloadDelete, body)
						continue
					}
					if d := mustParse[wire.Delete](t, wire.PayloadDelete, body); len(d.SPIs) != count {
						t.Errorf("protocol %d, %d SPIs: %+v", protocol, count, d)
					}
				}
			}
		}
	}
}

// TestDeleteLimit: what is not protected may name fewer SAs than what is.
func TestDeleteLimit(t *testing.T) {
	for n, fails := range map[int][2]bool{32: {false, false}, 33: {true, false}, 1024: {true, false}, 1025: {true, true}} {
		b := generic(0, 0, append([]byte{3, 4, byte(n >> 8), byte(n)}, make([]byte, 4*n)...))
		for i, lim := range []wire.Limits{wire.OuterLimits, wire.InnerLimits} {
			if _, err := wire.ParsePayloads(wire.PayloadDelete, b, lim, i == 1); (err != nil) != fails[i] {
				t.Errorf("%d SPIs, limit %d: %v", n, lim.SPIs, err)
			}
		}
	}
}
