package iptfs

import (
	"fmt"
	"testing"

	"stillwater/pmd/mbuf"
)

// TestTFST08Runts splits packets before their length is known, at every octet, with and without all-pad payloads between
// the parts (TFS-032).
func TestTFST08Runts(t *testing.T) {
	before, after := reasmV4(40, 1), reasmV4(50, 2)
	packets := map[string][]byte{"IPv4": reasmV4(90, 3), "IPv6": reasmV6(90, 4)}
	for name, packet := range packets {
		for n := 1; n <= 6; n++ {
			for _, pads := range []int{0, 1, 3} {
				t.Run(fmt.Sprintf("TFS-032 %s at %d pads %d", name, n, pads), func(t *testing.T) {
					g := newReasmRig(t, ReassemblerConfig{Window: 3})
					payloads := [][]byte{reasmPayload(0, before, packet[:n])}
					for range pads {
						payloads = append(payloads, reasmPayload(0, reasmPad(60)))
					}
					payloads = append(payloads, reasmPayload(90-n, packet[n:], after))
					g.expect(g.recvAll(1, payloads...), before, packet, after)
					g.expectIncomplete(0)
				})
			}
		}
	}
}

// TestTFST08OctetByOctet sends a whole packet one octet a payload: the length fields arrive over six of them.
func TestTFST08OctetByOctet(t *testing.T) {
	for _, packet := range [][]byte{reasmV4(30, 1), reasmV6(45, 2)} {
		g := newReasmRig(t, ReassemblerConfig{Window: 3})
		g.expect(g.recvAll(1, reasmSplit(1, packet)...), packet)
	}
}

// TestTFST08RuntEnds has an offset end the packet before its length field is complete, and then a payload that would
// continue it well: the packet is gone for good.
func TestTFST08RuntEnds(t *testing.T) {
	packet, after := reasmV4(90, 1), reasmV4(50, 2)
	for _, second := range [][]byte{reasmPayload(2, packet[1:3]), reasmPayload(2, packet[1:3], after)} {
		g := newReasmRig(t, ReassemblerConfig{Window: 3})
		g.expect(g.recv(1, reasmPayload(0, packet[:1])))
		got := g.recv(2, second)
		if len(second) > BasicHeaderLen+2 {
			g.expect(got, after)
		}
		g.expectIncomplete(1)
		g.expectDeadline(0)
		g.expect(g.recv(3, reasmPayload(87, packet[3:], after)), after)
	}
}

// TestTFST08RuntLies contradicts a runt: an offset that ends the packet before its length field, one that disagrees with
// the length once it is known, and lengths that cannot be or are too large. What starts at BlockOffset is delivered.
func TestTFST08RuntLies(t *testing.T) {
	packet, after := reasmV4(90, 1), reasmV4(50, 2)
	six := reasmV6(90, 3)
	short, huge := reasmV4(90, 4), reasmV4(90, 5)
	short[2], short[3] = 0, 19
	huge[2], huge[3] = 0xff, 0xff
	cases := []struct {
		name       string
		tail, rest []byte
		offset     int
		v          mbuf.Verdict
		incomplete uint64
	}{
		{"ends inside the length field", packet[:1], packet[1:3], 2, mbuf.AggOffset, 1},
		{"IPv6 ends inside the length field", six[:3], six[3:5], 2, mbuf.AggOffset, 1},
		{"one too small", packet[:2], packet[2:89], 87, mbuf.AggOffset, 1},
		{"one too large", packet[:2], append(packet[2:90:90], 0), 89, mbuf.AggOffset, 1},
		{"zero", packet[:2], nil, 0, mbuf.AggOffset, 1},
		{"total length 19", short[:3], short[3:20], 17, mbuf.AggInnerLength, 1},
		{"larger than the largest", huge[:3], huge[3:], 0xffff - 3, mbuf.AggTooBig, 0},
	}
	for _, c := range cases {
		t.Run("TFS-064 "+c.name, func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: 3})
			g.expect(g.recv(1, reasmPayload(0, c.tail)))
			if c.offset <= len(c.rest) {
				g.expect(g.recv(2, reasmPayload(c.offset, c.rest, after)), after)
			} else {
				g.expect(g.recv(2, reasmPayload(c.offset, c.rest)))
			}
			g.expect(g.recv(3, reasmPayload(0, after)), after)
			g.expectDrops(c.v, 1)
			g.expectIncomplete(c.incomplete)
		})
	}
}
