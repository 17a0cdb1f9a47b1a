package pmdtest

import (
	"slices"
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

const mtu = 1500

// sizes are network-layer octets up to 1,500, around every length where a header, a cache line or a frame minimum ends.
var sizes = []int{20, 21, 27, 28, 29, 45, 46, 47, 49, 50, 51, 63, 64, 65, 113, 114, 127, 128, 129, 255, 256, 257, 511, 512,
	513, 575, 576, 577, 1023, 1024, 1025, 1279, 1280, 1281, 1400, 1485, 1486, 1498, 1499, 1500}

// expect demands that the arrivals are exactly ps, in order.
func (r *rig) expect(got []arrival, ps []packet) {
	r.Helper()
	for i := range min(len(got), len(ps)) {
		if got[i].packet != ps[i] {
			r.Errorf("arrival %d is %+v, expected %+v", i, got[i].packet, ps[i])
			return
		}
	}
	if len(got) != len(ps) {
		r.Errorf("%d packets arrived of %d sent", len(got), len(ps))
	}
}

// checkInfo: a port describes itself as it was asked for.
func checkInfo(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	for _, e := range []*end{r.a, r.b} {
		in := e.port.Info()
		if in.Name == "" || in.Driver == "" || in.Steering == "" {
			tb.Errorf("name %q, driver %q, steering %q: none may be empty", in.Name, in.Driver, in.Steering)
		}
		if in.Link != h.Link {
			tb.Errorf("link is %v, expected %v", in.Link, h.Link)
		}
		if zero := in.MAC == [6]byte{}; zero != (h.Link == pmd.RawIP) || in.MAC[0]&1 != 0 {
			tb.Errorf("link %v with MAC %x: Ethernet has a unicast address, raw IP none", in.Link, in.MAC)
		}
		if in.MTU != mtu {
			tb.Errorf("MTU is %d, expected %d", in.MTU, mtu)
		}
		if h.has(Bidirectional) && (in.RxQueues != 1 || in.TxQueues != 1) {
			tb.Errorf("%d receive and %d transmit queues, expected 1 and 1", in.RxQueues, in.TxQueues)
		}
	}
	r.close()
}

// checkEmptyPoll: a poll of nothing returns nothing and counts nothing.
func checkEmptyPoll(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	for range 100 {
		if n := len(r.poll(r.b, 0, mbuf.BurstSize, nil)); n != 0 {
			tb.Fatalf("%d packets of the suite's own before it sent any", n)
		}
		if n := r.b.port.Rx(0).RxBurst(nil); n != 0 {
			tb.Fatalf("RxBurst into no slots returned %d", n)
		}
		if n := r.a.port.Tx(0).TxBurst(nil); n != 0 {
			tb.Fatalf("TxBurst of no packets returned %d", n)
		}
	}
	r.close()
}

// series is one packet of each size.
func series(flow uint16, sizes []int) []packet {
	var ps []packet
	for i, n := range sizes {
		ps = append(ps, packet{flow: flow, seq: uint16(i), size: n})
	}
	return ps
}

func checkSizes(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	ps := series(1, sizes)
	r.expect(r.transfer(r.a, r.b, ps), ps)
	r.close()
}

func checkJumbo(tb testing.TB, h Harness) {
	h.Window = min(max(h.Window, 1), 8) // 8 packets of 9,000 octets are no more than 48 of 1,500
	r := newRig(tb, h, 1, 9000)
	ps := series(1, []int{1501, 2000, 2034, 2048, 2240, 4095, 4096, 8191, 8192, 8999, 9000, 20, 9000})
	r.expect(r.transfer(r.a, r.b, ps), ps)
	r.close()
}

func checkBackwards(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	ps := series(2, sizes)
	r.expect(r.transfer(r.b, r.a, ps), ps)
	both := packets(3, 20, 700)
	r.expect(r.transfer(r.a, r.b, both), both)
	r.expect(r.transfer(r.b, r.a, both), both)
	r.close()
}

// checkBursts: what a burst call is asked for, from one packet to 256, changes nothing for the packets.
func checkBursts(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	for _, burst := range []int{1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 65, 128, 255, 256} {
		ps := packets(uint16(burst), 2*burst+1, 60)
		r.expect(r.transferBurst(r.a, r.b, ps, burst), ps)
	}
	r.close()
}

// checkOrder: packets of mixed sizes leave a queue in the order in which they were handed over.
func checkOrder(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	ps := packets(4, 2000, 60)
	for i := range ps {
		ps[i].size = sizes[i*7%len(sizes)]
	}
	r.expect(r.transfer(r.a, r.b, ps), ps)
	r.close()
}

// checkMetadata: Port, Queue and Time are set, Hash is a function of the flow, there is room for what stages prepend and
// append, and nothing of the sender's shows.
func checkMetadata(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	opened := r.h.Now()
	got := r.transfer(r.a, r.b, packets(5, 50, 100))
	closed := r.h.Now()
	last := opened
	for i, a := range got {
		m := &a.meta
		if m.Port != indexB || m.Queue != 0 {
			tb.Errorf("packet %d: port %d queue %d, expected %d and 0", i, m.Port, m.Queue, indexB)
		}
		if m.Time < last || m.Time > closed {
			tb.Errorf("packet %d: time %d, expected between %d and %d on the configured clock", i, m.Time, last, closed)
		}
		last = max(last, m.Time)
		if m.Flags&mbuf.FlagHash != got[0].meta.Flags&mbuf.FlagHash || m.Hash != got[0].meta.Hash {
			tb.Errorf("packet %d: hash %#x, expected %#x as for the flow's first", i, m.Hash, got[0].meta.Hash)
		}
		if m.HeadroomLen() < mbuf.Headroom || m.TailroomLen() < mbuf.Tailroom {
			tb.Errorf("packet %d: headroom %d, tailroom %d, expected at least %d and %d", i, m.HeadroomLen(), m.TailroomLen(),
				mbuf.Headroom, mbuf.Tailroom)
		}
		if m.Flags&mbuf.FlagVLAN != 0 || m.Verdict != mbuf.Pass {
			tb.Errorf("packet %d: flags %#x, verdict %v: expected no tag and pass", i, m.Flags, m.Verdict)
		}
	}
	r.close()
}

// checkVLAN: a tag travels beside the data in all its 16 bits, and an untagged packet stays untagged.
func checkVLAN(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	ps := series(6, sizes)
	for i, tci := range []uint16{1, 100, 4094, 0xe064, 0x3fff} {
		ps[3*i].tci = tci
	}
	ps[len(ps)-1].tci = 7 // a tagged packet of a full MTU is not oversize
	got := r.transfer(r.a, r.b, ps)
	r.expect(got, ps)
	if i := slices.IndexFunc(got, func(a arrival) bool { return a.size == 1500 && a.tci == 7 }); i < 0 {
		tb.Error("the tagged packet of 1,500 octets did not arrive")
	}
	r.close()
}
