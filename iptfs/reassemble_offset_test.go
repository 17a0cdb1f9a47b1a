package iptfs

import (
	"testing"

	"stillwater/pmd/mbuf"
)

// TestTFST03PendingOffsetLies gives the continuation of a pending packet a wrong BlockOffset: the packet is abandoned,
// parsing goes on where the offset points, and what comes later is intact (TFS-043, TFS-046, TFS-064 d).
func TestTFST03PendingOffsetLies(t *testing.T) {
	packet, follower, later := reasmV4(300, 1), reasmV4(60, 2), reasmV6(80, 3)
	const need, data = 100, 160 // octets of packet still to come, and of data in the second payload
	// An offset one too small makes the packet's last octet a block; the one here is padding, so nothing follows it.
	packet[299] = 0
	cases := []struct {
		name   string
		offset int
		want   [][]byte // from the second payload
	}{
		{"the truth", need, [][]byte{packet, follower}},
		{"one too small", need - 1, nil},
		{"one too large", need + 1, nil},
		{"end of the data", data, nil},
		{"one past the data", data + 1, nil},
		{"far past the data", 0xffff, nil},
		{"zero, with data", 0, nil},
		{"one", 1, nil},
	}
	for _, c := range cases {
		t.Run("TFS-064 "+c.name, func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: 3})
			g.expect(g.recv(1, reasmPayload(0, packet[:200])))
			g.expect(g.recv(2, reasmPayload(c.offset, packet[200:], follower)), c.want...)
			g.expect(g.recv(3, reasmPayload(0, later)), later)
			if c.want == nil {
				g.expectDrops(mbuf.AggOffset, 1)
				g.expectIncomplete(1)
			}
		})
	}
}

// TestTFST03Resync abandons because of a lying offset that points at a good block, which is delivered.
func TestTFST03Resync(t *testing.T) {
	packet, follower := reasmV4(300, 1), reasmV4(60, 2)
	g := newReasmRig(t, ReassemblerConfig{Window: 3})
	g.expect(g.recv(1, reasmPayload(0, packet[:200])))
	g.expect(g.recv(2, reasmPayload(50, packet[200:250], follower)), follower) // 50 octets of the packet are missing
	g.expectDrops(mbuf.AggOffset, 1)
	g.expectIncomplete(1)
}

// TestTFST04IdleOffsetLies gives BlockOffsets that nothing is pending for: what lies before them is skipped and never
// delivered, and the next payload is read as ever (TFS-045, TFS-064).
func TestTFST04IdleOffsetLies(t *testing.T) {
	first, second, later := reasmV4(100, 1), reasmV4(60, 2), reasmV4(40, 3)
	first[50], second[59] = 0x10, 0x0f // an unknown block, and padding, for offsets that point there
	cases := []struct {
		name   string
		offset int
		want   [][]byte
		v      mbuf.Verdict
	}{
		{"at the second block", 100, [][]byte{second}, mbuf.Pass},
		{"inside the first block", 50, nil, mbuf.AggBlockType},
		{"at the last octet", 159, nil, mbuf.Pass},
		{"at the end", 160, nil, mbuf.Pass},
		{"one past the end", 161, nil, mbuf.Pass},
		{"far past the end", 0xffff, nil, mbuf.Pass},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: 3})
			g.expect(g.recv(1, reasmPayload(c.offset, first, second)), c.want...)
			g.expect(g.recv(2, reasmPayload(0, later)), later)
			g.expectIncomplete(0)
			if c.v != mbuf.Pass {
				g.expectDrops(c.v, 1)
			}
		})
	}
}

// TestTFST12AllPadLookalike has a payload with BlockOffset 0 and a packet in it arrive in the middle of a run of
// fragments: it is not all-pad, so the pending packet is abandoned and the new one delivered (TFS-064 c). Linux takes it
// for padding and loses it.
func TestTFST12AllPadLookalike(t *testing.T) {
	packet := reasmV4(300, 1)
	for _, lookalike := range [][]byte{reasmV4(60, 2), reasmV6(60, 3)} {
		g := newReasmRig(t, ReassemblerConfig{Window: 3})
		g.expect(g.recv(1, reasmPayload(0, packet[:200])))
		g.expect(g.recv(2, reasmPayload(0, lookalike)), lookalike)
		g.expect(g.recv(3, reasmPayload(100, packet[200:], lookalike)), lookalike)
		g.expectDrops(mbuf.AggOffset, 1)
		g.expectIncomplete(1)
	}
}
