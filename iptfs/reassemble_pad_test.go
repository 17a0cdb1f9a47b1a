package iptfs

import (
	"fmt"
	"testing"

	"stillwater/pmd/mbuf"
)

// TestTFST11AllPadBetween puts 1, 3 and 100 all-pad payloads, of either sub-type, between each pair of fragments
// (TFS-050, TFS-051, TFS-065).
func TestTFST11AllPadBetween(t *testing.T) {
	packet := reasmV6(500, 1)
	fragments := reasmSplit(150, packet)
	for _, pads := range []int{1, 3, 100} {
		for name, pad := range map[string][]byte{
			"sub-type 0": reasmPayload(0, reasmPad(150)), "sub-type 1": reasmCC(0, reasmPad(150)), "empty": reasmPayload(0),
		} {
			t.Run(fmt.Sprintf("TFS-065 %d of %s", pads, name), func(t *testing.T) {
				g := newReasmRig(t, ReassemblerConfig{Window: 3})
				var payloads [][]byte
				for _, f := range fragments {
					payloads = append(payloads, f)
					for range pads {
						payloads = append(payloads, pad)
					}
				}
				g.expect(g.recvAll(1, payloads...), packet)
				g.expectIncomplete(0)
				g.expectDrops(mbuf.AggAllPad, uint64(pads*len(fragments)))
			})
		}
	}
}

// TestTFST11LostAllPad loses one of the all-pad payloads: nobody can know that it was one, so the packet is lost too.
func TestTFST11LostAllPad(t *testing.T) {
	g := newReasmRig(t, ReassemblerConfig{Window: 0})
	packet := reasmV4(100, 1)
	g.expect(g.recv(1, reasmPayload(0, packet[:60])))
	g.expect(g.recv(3, reasmPayload(40, packet[60:], packet)), packet)
	g.expectCounters(ReassemblerCounters{RxPkts: 1, RxOctets: 100, Incomplete: 1, Missed: 1})
}

// TestTFST11Flood receives a million all-pad payloads: nothing is delivered, nothing allocated, and no mbuf is missing.
func TestTFST11Flood(t *testing.T) {
	const flood, room = 1_000_000, 100
	g := newReasmRig(t, ReassemblerConfig{Window: 3})
	payload := reasmPayload(0, reasmPad(room))
	out := make(mbuf.Burst, mbuf.BurstSize)
	seq, delivered := uint64(0), 0
	allocs := testing.AllocsPerRun(1, func() {
		for range flood / 2 {
			seq++
			m := g.pool.Get(len(payload))
			copy(m.Append(len(payload)), payload)
			m.Seq, m.NextHeader = seq, NextHeader
			g.r.Receive(m, g.pool, int64(seq))
			delivered += g.r.Drain(out, g.pool, int64(seq))
		}
	})
	if allocs != 0 || delivered != 0 {
		t.Errorf("%v allocations, %d packets delivered, expected none", allocs, delivered)
	}
	g.expectCounters(ReassemblerCounters{AllPadPkts: flood, AllPadOctets: flood * room})
}
