package iptfs

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"stillwater/pmd/mbuf"
)

// TestTFST22Immediate follows the immediate mode step by step (TFS-071): packets that are whole in a waiting payload, or
// in waiting payloads side by side, are delivered at once, in their order, and only once.
func TestTFST22Immediate(t *testing.T) {
	one, two, three, four := reasmV4(60, 1), reasmV6(200, 2), reasmV4(50, 3), reasmV4(200, 4)
	payloads := [][]byte{
		reasmPayload(0, one, two[:80]),
		reasmPayload(120, two[80:], three, one, four[:3]), // four begins as a runt
		reasmPayload(197, four[3:100]),
		reasmPayload(100, four[100:], three, reasmPad(9)),
	}
	cases := []struct {
		name  string
		order []uint64
		want  [][][]byte // by step
	}{
		{"TFS-071 in order", []uint64{1, 2, 3, 4}, [][][]byte{{one}, {two, three, one}, nil, {four, three}}},
		{"TFS-071 gap at the head", []uint64{2, 3, 4, 1}, [][][]byte{{three, one}, nil, {three, four}, {one, two}}},
		{"TFS-071 backwards", []uint64{4, 3, 2, 1}, [][][]byte{{three}, nil, {three, one, four}, {one, two}}},
		{"TFS-071 gap in a packet", []uint64{1, 2, 4, 3}, [][][]byte{{one}, {two, three, one}, {three}, {four}}},
		{"TFS-071 duplicate of one that waits", []uint64{2, 2, 1}, [][][]byte{{three, one}, nil, {one, two}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: 1000, Immediate: true})
			for i, seq := range c.order {
				if err := reasmDiff(g.recv(seq, payloads[seq-1]), c.want[i]); err != nil {
					t.Errorf("step %d, payload %d: %v", i, seq, err)
				}
			}
			if k := g.r.Counters(); len(c.order) == 4 && (k.RxPkts != 6 || k.ExtraPadPkts != 1 || k.ExtraPadOctets != 9) {
				t.Errorf("counters %+v, expected 6 packets and 9 octets of padding in one payload", k)
			}
		})
	}
}

// TestTFST22Two lets one payload end a packet and begin another whose end waits already: both are delivered at once.
func TestTFST22Two(t *testing.T) {
	one, two := reasmV4(100, 1), reasmV6(100, 2)
	g := newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: 1000, Immediate: true})
	g.expect(g.recv(10, reasmPayload(0, reasmPad(1))))
	g.expect(g.recv(12, reasmPayload(0, one[:40])))
	g.expect(g.recv(14, reasmPayload(70, two[30:])))
	g.expect(g.recv(13, reasmPayload(60, one[40:], two[:30])), one, two)
	g.expect(g.expire(1000))
	g.expectCounters(ReassemblerCounters{RxPkts: 2, RxOctets: 200, AllPadPkts: 1, AllPadOctets: 1, Missed: 1})
}

// TestTFST22Lies breaks a run of waiting fragments by a lying offset, and follows it by one that would fit: as in order,
// the packet is abandoned for good (TFS-064).
func TestTFST22Lies(t *testing.T) {
	packet := reasmV4(300, 1)
	for _, offset := range []int{0, 50, 199, 201, 0xffff} {
		g := newReasmRig(t, ReassemblerConfig{Window: 5, LostTimer: 1000, Immediate: true})
		g.expect(g.recv(10, reasmPayload(0, reasmPad(1))))
		g.expect(g.recv(12, reasmPayload(0, packet[:100])))
		g.expect(g.recv(14, reasmPayload(200, packet[100:])))
		g.expect(g.recv(13, reasmPayload(offset, []byte{0x10})))
		g.expect(g.expire(1000))
		g.expectIncomplete(1)
	}
}

// TestTFST22Falls keeps a partial packet of a waiting payload until the window has passed it (TFS-071, TFS-073).
func TestTFST22Falls(t *testing.T) {
	packet, whole := reasmV4(200, 1), reasmV4(60, 2)
	g := newReasmRig(t, ReassemblerConfig{Window: 2, LostTimer: 1000, Immediate: true})
	g.expect(g.recv(10, reasmPayload(0, whole)), whole)
	g.expect(g.recv(12, reasmPayload(0, packet[:80]))) // 11 is missing
	g.expect(g.recv(14, reasmPayload(0, whole)), whole)
	g.expect(g.recv(15, reasmPayload(0, whole)), whole) // gives up 11, and waits for 13
	g.expectIncomplete(0)
	g.expect(g.recv(16, reasmPayload(0, whole)), whole) // gives up 13, and with it the packet
	g.expectIncomplete(1)
	g.expect(g.recv(13, reasmPayload(120, packet[80:])))
	g.expectCounters(ReassemblerCounters{RxPkts: 4, RxOctets: 240, Incomplete: 1, Missed: 2, Late: 1})
}

// TestTFST22Same runs random scenarios of loss, reordering and lies through both modes: the sets of packets are the same,
// and so are all counters (TFS-071, TFS-072).
func TestTFST22Same(t *testing.T) {
	rng := rand.New(rand.NewPCG(testSeed(t), 22))
	early := 0
	for i := range 300 {
		cfg := ReassemblerConfig{Window: rng.IntN(9), LostTimer: 5000, MaxInner: 600 + rng.IntN(700), NoFragments: i%16 == 15}
		events, _ := reasmScenario(rng, []int{0, 3, 20}[i%3], rng.IntN(12), 120, 1)
		inOrder := newReasmRig(t, cfg)
		cfg.Immediate = true
		immediate := newReasmRig(t, cfg)
		want, got := inOrder.play(events, 4), immediate.play(events, 1+rng.IntN(4))
		if reasmDiff(got, want) != nil {
			early++
		}
		if err := reasmDiff(reasmSorted(got), reasmSorted(want)); err != nil {
			t.Fatalf("scenario %d, %+v: %v", i, cfg, err)
		}
		if a, b := immediate.r.Counters(), inOrder.r.Counters(); a != b {
			t.Fatalf("scenario %d, %+v: counters\n %+v, expected\n %+v", i, cfg, a, b)
		}
	}
	if early == 0 {
		t.Error("the immediate mode never delivered out of order: nothing was tested")
	}
}

// TestTFST22Limits drops, in the window, packets above the limit and those there is no mbuf for, each counted once.
func TestTFST22Limits(t *testing.T) {
	big, small := reasmV4(300, 1), reasmV4(60, 2)
	payloads := [][]byte{
		reasmPayload(0, small),
		reasmPayload(0, big, small, big[:100]),
		reasmPayload(200, big[100:], small, big[:3]), // the runt's length is known with the next payload
		reasmPayload(297, big[3:], small),
	}
	g := newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: 1000, Immediate: true, MaxInner: 200})
	for _, seq := range []uint64{2, 3, 4} {
		g.expect(g.recv(seq, payloads[seq-1]), small)
	}
	g.expect(g.recv(1, payloads[0]), small)
	g.expectDrops(mbuf.AggTooBig, 3)
	g.expectIncomplete(0)

	g = newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: 1000, Immediate: true})
	for _, seq := range []uint64{2, 3} {
		g.r.Receive(g.mbuf(seq, NextHeader, payloads[seq-1]), g.pool, 0)
	}
	hoard := g.hoard()
	g.expect(g.drain(3))
	g.pool.Free(hoard)
	g.expectDrops(mbuf.NoBuffer, 4) // three whole, one that spans both
	g.expect(g.recv(1, payloads[0]), small)
	g.expectDrops(mbuf.NoBuffer, 4)
}

// TestTFST22Resumes interrupts the reading of a waiting payload by a full burst, and lets the gap be filled meanwhile.
func TestTFST22Resumes(t *testing.T) {
	blocks := [][]byte{reasmV4(60, 1), reasmV4(61, 2), reasmV4(62, 3), reasmV4(63, 4)}
	for _, fill := range []string{"arrival", "timer", "close"} {
		t.Run(fmt.Sprintf("TFS-071 %s", fill), func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: 1000, Immediate: true})
			g.r.Receive(g.mbuf(2, NextHeader, reasmPayload(0, blocks...)), g.pool, 0)
			out := make(mbuf.Burst, 2)
			if n := g.r.Drain(out, g.pool, 0); n != 2 {
				t.Fatalf("%d packets, expected 2", n)
			}
			g.pool.Free(out)
			switch fill {
			case "arrival":
				g.expect(g.recv(1, reasmPayload(0, blocks[0])), blocks[2], blocks[3], blocks[0])
			case "timer":
				g.expect(g.expire(1000), blocks[2], blocks[3])
			case "close": // the rig's cleanup finds every mbuf
			}
		})
	}
}

// hoard takes all mbufs of the pool.
func (g *reasmRig) hoard() (ms mbuf.Burst) {
	for m := g.pool.Get(1); m != nil; m = g.pool.Get(1) {
		ms = append(ms, m)
	}
	return ms
}
