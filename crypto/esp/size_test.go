package esp_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
)

// The capacity table of the specification, section 1.4; its figures leave out 4 octets of AGGFRAG header.
func TestTFS061_PayloadCapacity(t *testing.T) {
	for _, row := range [][6]int{ // outer size; v4, v4 and UDP, v6, v6 and UDP, v4 with implicit IV
		{576, 518, 510, 498, 490, 526},
		{1280, 1222, 1214, 1202, 1194, 1230},
		{1400, 1342, 1334, 1322, 1314, 1350},
		{1500, 1442, 1434, 1422, 1414, 1450},
		{9000, 8942, 8934, 8922, 8914, 8950},
	} {
		for i, want := range row[1:] {
			p := tunnelParams(suite.AES128GCM16)
			if i == 4 {
				p = tunnelParams(suite.AES128GCM16IIV)
			} else if i >= 2 {
				p.Src, p.Dst = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
			}
			if i == 1 || i == 3 {
				p.Encap, p.SrcPort, p.DstPort = esp.EncapUDP, 4500, 4500
			}
			got, err := esp.PayloadCapacity(p, row[0])
			if err != nil || got != want+4 {
				t.Errorf("outer %d, column %d: %d, %v; want %d", row[0], i, got, err, want+4)
			}
		}
	}
}

func TestPayloadCapacityOfNothing(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	var e *esp.ParamError
	for outer := range 56 {
		if n, err := esp.PayloadCapacity(p, outer); !errors.As(err, &e) {
			t.Errorf("outer %d: %d, %v", outer, n, err)
		}
	}
	if n, err := esp.PayloadCapacity(p, 56); err != nil || n != 2 {
		t.Errorf("outer 56: %d, %v; want 2", n, err)
	}
	if _, err := esp.PayloadCapacity(&esp.Params{}, 1500); !errors.As(err, &e) {
		t.Errorf("no addresses: %v", err)
	}
}

// What the arithmetic says is what Seal makes, for every suite and residue; and it is the largest that fits.
func TestTFS061_CapacityIsExact(t *testing.T) {
	for _, s := range suite.All() {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			p := tunnelParams(s.Alg)
			o := outbound(t, p)
			for outer := 600; outer < 600+2*s.Align(); outer++ {
				n, err := esp.PayloadCapacity(p, outer)
				must(t, err)
				for _, more := range []int{0, 1} {
					got := len(sealOne(t, o, 59, make([]byte, n+more)))
					if got != o.Overhead(0).PacketSize(n+more) {
						t.Fatalf("payload %d: outer packet of %d octets, want %d", n+more, got, o.Overhead(0).PacketSize(n+more))
					}
					if (got <= outer) != (more == 0) || more == 0 && got <= outer-s.Align() {
						t.Fatalf("outer %d: capacity %d, %d more make %d", outer, n, more, got)
					}
				}
			}
		})
	}
}
