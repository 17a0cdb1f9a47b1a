package testbed

import (
	"slices"
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/softpmd"
)

// TestObserver counts ESP, in UDP or not, of both families, and nothing else.
func TestObserver(t *testing.T) {
	esp4, esp6 := udp4(0, 100).Packet, udp6(0, 120).Packet
	esp4[9], esp6[6] = 50, 50
	nat4, nat6 := udp4(0, 90).Packet, udp6(0, 110).Packet
	ike4 := udp4(0, 130).Packet
	nat4[22], nat4[23], nat6[42], nat6[43], ike4[22], ike4[23] = 0x11, 0x94, 0x11, 0x94, 0x11, 0x94
	nat4[28], nat6[48] = 0x10, 0x10 // SPIs; IKE has zeros there
	clear(ike4[28:32])
	var o Observer
	for _, p := range [][]byte{esp4, esp6, nat4, nat6, ike4, esp4, udp4(0, 100).Packet, udp6(0, 100).Packet, nil, {0x45}, esp4[:20], {0x60, 1, 2}} {
		o.see(softpmd.A, p, 0)
	}
	if o.Packets() != 5 || o.Octets() != 100+120+90+110+100 {
		t.Errorf("%d packets of %d octets, expected 5 of 520", o.Packets(), o.Octets())
	}
	sizes := o.Sizes()
	if len(sizes) != 4 || sizes[100] != 2 || sizes[120] != 1 || sizes[90] != 1 || sizes[110] != 1 {
		t.Errorf("sizes %v", sizes)
	}
}

// TestWiresRefuse names a wire that is not there, and leaves other devices to their drivers.
func TestWiresRefuse(t *testing.T) {
	for _, device := range []string{"wire:other,a", "wire:", "nodriver:x"} {
		if p, err := (wires{}).open(device, pmd.Config{}); err == nil || p != nil {
			t.Errorf("%s: %v, %v", device, p, err)
		}
	}
}

// TestFlowRing finds packets in a ring that has grown and wrapped many times.
func TestFlowRing(t *testing.T) {
	var f flow
	next, taken := uint64(0), uint64(0)
	for round := range 300 {
		for range round%90 + 1 {
			f.push(next)
			next++
		}
		for taken+uint64(round%40) < next {
			if unknown, late := f.take(taken); unknown || late {
				t.Fatalf("packet %d: unknown %v, late %v", taken, unknown, late)
			}
			taken++
		}
	}
	if f.missing() != next-taken {
		t.Errorf("%d missing, expected %d", f.missing(), next-taken)
	}
	if unknown, _ := f.take(0); !unknown {
		t.Error("a packet was taken twice")
	}
	if !slices.IsSorted([]uint64{f.head, f.tail}) || len(f.ring) > 256 {
		t.Errorf("ring of %d from %d to %d", len(f.ring), f.head, f.tail)
	}
}
