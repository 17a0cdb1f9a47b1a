package iptfs

import (
	"fmt"
	"testing"

	"stillwater/pmd/mbuf"
)

// reasmNumbered returns a payload with one whole packet that names seq.
func reasmNumbered(seq uint64) []byte { return reasmPayload(0, reasmV4(60, int(seq&0xffff))) }

// reasmNumbers returns the packets of the payloads numbered seqs.
func reasmNumbers(seqs ...uint64) (packets [][]byte) {
	for _, s := range seqs {
		packets = append(packets, reasmV4(60, int(s&0xffff)))
	}
	return packets
}

// reasmArrival is a number that arrives, or with lost the moment all timers fire, and the numbers delivered then.
type reasmArrival struct {
	seq  uint64
	lost bool
	out  []uint64
}

// reasmLadder runs arrivals through a rig and returns it. The lost timer is 1,000 ns, and stands still but for lost.
func reasmLadder(t *testing.T, window int, ladder []reasmArrival) *reasmRig {
	t.Helper()
	g := newReasmRig(t, ReassemblerConfig{Window: window, LostTimer: 1000})
	for i, a := range ladder {
		var got [][]byte
		if a.lost {
			got = g.expire(g.now + 1000)
		} else {
			got = g.recv(a.seq, reasmNumbered(a.seq))
		}
		if err := reasmDiff(got, reasmNumbers(a.out...)); err != nil {
			t.Errorf("step %d, %+v: %v", i, a, err)
		}
	}
	return g
}

// TestTFST15Loss loses fragments of a packet over four payloads: first, middle, last, two in a row, and one exactly as
// wide as the window. The neighbours survive (TFS-045, TFS-064 a).
func TestTFST15Loss(t *testing.T) {
	before, packet, after := reasmV4(50, 1), reasmV4(400, 2), reasmV4(50, 3)
	payloads := reasmSplit(125, before, packet, after) // packet lies in all four, before in the first, after in the last
	cases := []struct {
		name       string
		lost       []uint64
		want       [][]byte
		incomplete uint64
	}{
		{"first", []uint64{1}, [][]byte{after}, 0},
		{"middle", []uint64{2}, [][]byte{before, after}, 1},
		{"next", []uint64{3}, [][]byte{before, after}, 1},
		{"last", []uint64{4}, [][]byte{before}, 1},
		{"two in a row", []uint64{2, 3}, [][]byte{before, after}, 1},
		{"all but the last", []uint64{1, 2, 3}, [][]byte{after}, 0},
		{"two apart", []uint64{1, 3}, [][]byte{after}, 0},
	}
	later := [][]byte{reasmV4(60, 4), reasmV4(60, 5), reasmV4(60, 6), reasmV4(60, 7)}
	for _, c := range cases {
		for window := range 5 {
			t.Run(fmt.Sprintf("TFS-064 %s window %d", c.name, window), func(t *testing.T) {
				g := newReasmRig(t, ReassemblerConfig{Window: window, LostTimer: 1000})
				lost := map[uint64]bool{}
				for _, s := range c.lost {
					lost[s] = true
				}
				g.recv(1000, nil) // the stream is under way: nobody waits for its beginning
				var got [][]byte
				for i, p := range append(payloads[:4:4], reasmPayload(0, later[0]), reasmPayload(0, later[1]), reasmPayload(0, later[2]), reasmPayload(0, later[3])) {
					if s := uint64(i + 1); !lost[s] {
						got = append(got, g.recv(1000+s, p)...)
					}
				}
				g.expect(append(got, g.expire(1000)...), append(c.want[:len(c.want):len(c.want)], later...)...)
				k := g.r.Counters()
				if k.Missed != uint64(len(c.lost)) || k.Incomplete != c.incomplete {
					t.Errorf("missed %d, incomplete %d, expected %d and %d", k.Missed, k.Incomplete, len(c.lost), c.incomplete)
				}
			})
		}
	}
}

// TestTFST16Duplicates repeats a payload that waits, one that was delivered, and a fragment of a packet that is complete.
// The replay window stops them before; with replay protection off this stage must (TFS-066).
func TestTFST16Duplicates(t *testing.T) {
	g := reasmLadder(t, 3, []reasmArrival{
		{seq: 1, out: []uint64{1}},
		{seq: 3},
		{seq: 3}, // waits
		{seq: 4},
		{seq: 3},
		{seq: 1}, // delivered
		{seq: 2, out: []uint64{2, 3, 4}},
		{seq: 3},
		{seq: 4},
	})
	g.expectDrops(mbuf.AggDuplicate, 2)
	g.expectDrops(mbuf.AggLate, 3)
	g.expectCounters(ReassemblerCounters{RxPkts: 4, RxOctets: 240, Duplicate: 2, Late: 3})

	g = newReasmRig(t, ReassemblerConfig{Window: 3})
	packet := reasmV4(200, 1)
	g.expect(g.recvAll(1, reasmPayload(0, packet[:120]), reasmPayload(80, packet[120:])), packet)
	g.expect(g.recv(1, reasmPayload(0, packet[:120])))
	g.expect(g.recv(2, reasmPayload(80, packet[120:])))
	g.expect(g.recv(3, reasmPayload(80, packet[120:])))
	g.expectCounters(ReassemblerCounters{RxPkts: 1, RxOctets: 200, Late: 2})
}

// TestTFST17BeyondWindow moves the window by w, w+1, 2w and 2^31: what it passes is counted missed, once, and is late
// when it comes (TFS-066, TFS-067, TFS-068).
func TestTFST17BeyondWindow(t *testing.T) {
	for _, w := range []uint64{1, 3, 64} {
		for _, c := range []struct {
			distance, missed uint64 // of the payload behind the gap from the missing one; numbers given up at once
		}{{w, 0}, {w + 1, 1}, {2 * w, w}, {2*w + 1, w + 1}, {1 << 31, 1<<31 - w}, {1 << 40, 1<<40 - w}} {
			t.Run(fmt.Sprintf("TFS-066 window %d distance %d", w, c.distance), func(t *testing.T) {
				g := reasmLadder(t, int(w), []reasmArrival{{seq: 100, out: []uint64{100}}, {seq: 101 + c.distance}})
				if k := g.r.Counters(); k.Missed != c.missed {
					t.Errorf("%d missed, expected %d", k.Missed, c.missed)
				}
				if c.missed > 0 {
					g.expect(g.recv(101, reasmNumbered(101)))
					g.expect(g.recv(100+c.missed, reasmNumbered(100+c.missed)))
				}
				g.expect(g.expire(1000), reasmNumbers(101+c.distance)...)
				late := min(c.missed, 1) * 2
				g.expectCounters(ReassemblerCounters{RxPkts: 2, RxOctets: 120, Missed: c.distance, Late: late})
			})
		}
	}
}

// TestTFST17Slides has newer payloads push the window over one gap while others wait behind it.
func TestTFST17Slides(t *testing.T) {
	g := reasmLadder(t, 3, []reasmArrival{
		{seq: 1, out: []uint64{1}},
		{seq: 3},
		{seq: 5},                         // 2 and 4 are missing, the window is [2,5]
		{seq: 6, out: []uint64{3}},       // gives up 2
		{seq: 2},                         // late
		{seq: 9, out: []uint64{5, 6}},    // gives up 4, waits for 7
		{seq: 8},                         // out of order behind the gap
		{seq: 7, out: []uint64{7, 8, 9}}, // fills it
		{seq: 10, out: []uint64{10}},
	})
	g.expectCounters(ReassemblerCounters{RxPkts: 8, RxOctets: 480, Missed: 2, Late: 1})
}

// TestTFST17WindowZero disables reordering: a newer payload is delivered at once, an older one is late (TFS-067).
func TestTFST17WindowZero(t *testing.T) {
	g := reasmLadder(t, 0, []reasmArrival{
		{seq: 1, out: []uint64{1}},
		{seq: 3, out: []uint64{3}},
		{seq: 2},
		{seq: 4, out: []uint64{4}},
		{seq: 4},
		{seq: 400, out: []uint64{400}},
	})
	g.expectCounters(ReassemblerCounters{RxPkts: 4, RxOctets: 240, Missed: 396, Late: 2})
	if _, armed := g.r.Deadline(); armed {
		t.Error("lost timer armed with nothing to wait for")
	}
}

// TestTFST19Beyond32Bits crosses 2^32 in the window and in the middle of a packet (TFS-063).
func TestTFST19Beyond32Bits(t *testing.T) {
	const edge = 1 << 32
	reasmLadder(t, 3, []reasmArrival{
		{seq: edge - 2, out: []uint64{edge - 2}},
		{seq: edge},
		{seq: edge + 1},
		{seq: edge - 1, out: []uint64{edge - 1, edge, edge + 1}},
		{seq: 1},
	})
	g := newReasmRig(t, ReassemblerConfig{Window: 3})
	packet := reasmV4(400, 1)
	g.expect(g.recvAll(edge-2, reasmSplit(100, packet)...), packet)
}

// TestTFST20First starts SAs at numbers low and high, and in the middle of a packet (TFS-074): a number the window still
// covers waits for number 1, any other is the first.
func TestTFST20First(t *testing.T) {
	cases := []struct {
		name   string
		window int
		ladder []reasmArrival
		missed uint64
	}{
		{"1", 3, []reasmArrival{{seq: 1, out: []uint64{1}}, {seq: 2, out: []uint64{2}}}, 0},
		{"2 waits for 1", 3, []reasmArrival{{seq: 2}, {seq: 1, out: []uint64{1, 2}}}, 0},
		{"4 waits until the timer", 3, []reasmArrival{{seq: 4}, {lost: true, out: []uint64{4}}, {seq: 1}}, 3},
		{"4 waits until the window moves", 3, []reasmArrival{{seq: 4}, {seq: 5}, {seq: 7, out: []uint64{4, 5}}}, 3},
		{"5 is the first", 3, []reasmArrival{{seq: 5, out: []uint64{5}}, {seq: 4}}, 0},
		{"4000000000 is the first", 3, []reasmArrival{{seq: 4000000000, out: []uint64{4000000000}}}, 0},
		{"window 0: 2 is the first", 0, []reasmArrival{{seq: 2, out: []uint64{2}}, {seq: 1}}, 0},
		{"0 is never sent", 3, []reasmArrival{{seq: 0}, {seq: 1, out: []uint64{1}}}, 0},
		{"0 does not begin a stream", 3, []reasmArrival{{seq: 0}, {seq: 5, out: []uint64{5}}}, 0},
		{"the last number of all", 3, []reasmArrival{{seq: 1<<64 - 1}, {seq: 1<<64 - 2, out: []uint64{1<<64 - 2}}}, 0},
	}
	for _, c := range cases {
		t.Run("TFS-074 "+c.name, func(t *testing.T) {
			g := reasmLadder(t, c.window, c.ladder)
			if k := g.r.Counters(); k.Missed != c.missed {
				t.Errorf("%d missed, expected %d", k.Missed, c.missed)
			}
		})
	}
	t.Run("TFS-074 the caller knows the first", func(t *testing.T) {
		g := newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: 1000, First: 70})
		g.expect(g.recv(69, reasmNumbered(69)))
		g.expect(g.recv(72, reasmNumbered(72)))
		g.expect(g.recv(70, reasmNumbered(70)), reasmNumbers(70)...)
		g.expect(g.recv(71, reasmNumbered(71)), reasmNumbers(71, 72)...)
		g.expectCounters(ReassemblerCounters{RxPkts: 3, RxOctets: 180, Late: 1})
	})
	t.Run("TFS-074 BlockOffset above 0", func(t *testing.T) {
		g := newReasmRig(t, ReassemblerConfig{Window: 3})
		packet := reasmV4(60, 1)
		g.expect(g.recv(77, reasmPayload(1000, reasmPad(500))))
		g.expect(g.recv(78, reasmPayload(500, reasmPad(500), packet)), packet)
		g.expectIncomplete(0)
	})
}
