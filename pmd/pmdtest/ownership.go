package pmdtest

import (
	"testing"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// lost is what a pair of ports has counted as not delivered from a to b.
func (r *rig) lost() uint64 {
	a, b := r.a.port.Stats(), r.b.port.Stats()
	return a.TxDropped + b.RxDropped + b.RxErrors
}

// checkStats: packets and octets (as in the mbuf, no tag, no FCS) are counted once on each side.
func checkStats(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	ps := series(7, sizes)
	octets := uint64(0)
	for _, p := range ps {
		octets += uint64(linkLen(h.Link) + p.size)
	}
	r.transfer(r.a, r.b, ps)
	a, b := r.a.port.Stats(), r.b.port.Stats()
	if a.TxPackets != uint64(len(ps)) || a.TxOctets != octets || a.TxDropped != 0 {
		tb.Errorf("sender counts %+v, expected %d packets of %d octets and none dropped", a, len(ps), octets)
	}
	foreign := h.has(Shared) && b.RxPackets >= uint64(len(ps)) && b.RxOctets >= octets
	if !foreign && (b.RxPackets != uint64(len(ps)) || b.RxOctets != octets || b.RxDropped+b.RxErrors != 0) {
		tb.Errorf("receiver counts %+v, expected %d packets of %d octets and none lost", b, len(ps), octets)
	}
	r.close()
}

// oddOnes sends packets a port may refuse, each between good ones, and demands that every one is delivered whole or
// counted, and that none of them blocks the queue.
func oddOnes(tb testing.TB, h Harness, deliverable bool, frames [][]byte) {
	r := newRig(tb, h, 1, mtu)
	var good []packet
	for i, f := range frames {
		p := packet{flow: 8, seq: uint16(i), size: 60}
		good = append(good, p)
		m := r.a.pools[0].Get(len(f))
		copy(m.Append(len(f)), f)
		r.mustSend([]*mbuf.Mbuf{r.build(r.a, 0, p), m})
	}
	whole, other := r.receiveAny(frames)
	r.expect(other, good)
	if !deliverable && whole > 0 {
		tb.Errorf("%d oversize packets were delivered", whole)
	}
	if missing := uint64(len(frames) - whole); r.lost() < missing || !h.has(Shared) && r.lost() > missing {
		tb.Errorf("%d of %d odd packets are missing, the ports count %d: sender %+v, receiver %+v",
			missing, len(frames), r.lost(), r.a.port.Stats(), r.b.port.Stats())
	}
	r.close()
}

// mustSend hands ms over, however many calls that takes.
func (r *rig) mustSend(ms []*mbuf.Mbuf) {
	r.Helper()
	for tries := 0; len(ms) > 0; tries++ {
		ms = ms[r.a.port.Tx(0).TxBurst(ms):]
		if tries == 100_000 {
			r.Fatalf("a packet of %d octets blocks the transmit queue for ever", ms[0].Len())
		}
		if len(ms) > 0 {
			r.h.Idle()
		}
	}
}

// receiveAny receives until nothing more comes. It counts the packets that equal one of frames and returns the others.
func (r *rig) receiveAny(frames [][]byte) (whole int, other []arrival) {
	known := map[string]bool{}
	for _, f := range frames {
		known[string(f)] = true
	}
	ms := make([]*mbuf.Mbuf, mbuf.BurstSize)
	for idle := 0; idle < 1000; idle++ {
		n := r.b.port.Rx(0).RxBurst(ms)
		for _, m := range ms[:n] {
			idle = 0
			if known[string(m.Data())] {
				whole++
			} else if p, ok := identify(m.Data(), r.h.Link); ok && p.size == m.Len()-linkLen(r.h.Link) {
				other = append(other, arrival{packet: p})
			} else if !r.h.has(Shared) {
				r.Errorf("received %d octets nobody sent: %.40x", m.Len(), m.Data())
			}
		}
		r.b.pools[0].Free(ms[:n])
		r.h.Idle()
	}
	return whole, other
}

// checkOversize: more than the MTU is never delivered, whole or cut.
func checkOversize(tb testing.TB, h Harness) {
	var frames [][]byte
	for i, size := range []int{mtu + 1, 1600, 2048, 4000, 9000} {
		frames = append(frames, packet{flow: 9, seq: uint16(i), size: size}.frame(h.Link))
	}
	oddOnes(tb, h, false, frames)
}

// checkRunts: packets too short for their headers may be delivered, but not mangled, and must not wedge the port.
func checkRunts(tb testing.TB, h Harness) {
	var frames [][]byte
	for _, size := range []int{0, 1, 2, 12, 13, 14, 15, 19} {
		f := packet{flow: 10, size: minPacket}.frame(pmd.Ethernet)[:size]
		frames = append(frames, f)
	}
	oddOnes(tb, h, true, frames)
}

// checkBackPressure fills the medium: TxBurst must come back, take fewer at some time, and everything taken arrives.
func checkBackPressure(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	ps := packets(11, 4000, 1500)
	sent, full := 0, false
	for sent < len(ps) && !full {
		want := min(32, len(ps)-sent)
		n := r.send(r.a, 0, ps[sent:sent+want])
		sent, full = sent+n, n < want
	}
	if !full {
		tb.Errorf("%d packets of 1,500 octets wait unread and the transmit queue still takes all", sent)
	}
	if n := r.send(r.a, 0, packets(12, 256, 1500)); n == 256 {
		tb.Error("a full queue took a burst of 256")
	} else {
		ps = append(ps[:sent:sent], packets(12, n, 1500)...)
	}
	r.expect(r.drain(r.b, nil), ps)
	again := packets(13, 100, 1500)
	r.expect(r.transfer(r.a, r.b, again), again)
	if r.a.port.Stats().TxDropped != 0 {
		tb.Errorf("back-pressure dropped packets: %+v", r.a.port.Stats())
	}
	r.close()
}

// checkEmptyPool: without mbufs a receive queue delivers nothing; what it does not keep for later it counts, and it
// works again as soon as there are mbufs.
func checkEmptyPool(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	var hoard []*mbuf.Mbuf
	for m := r.b.pools[0].Get(0); m != nil; m = r.b.pools[0].Get(0) {
		hoard = append(hoard, m)
	}
	ps := packets(14, min(32, r.h.Window), 200)
	r.sendAll(ps)
	if got := r.drain(r.b, nil); len(got) != 0 {
		tb.Errorf("%d packets arrived without an mbuf to be in", len(got))
	}
	r.b.pools[0].Free(hoard)
	got := r.drain(r.b, nil)
	if n := uint64(len(got)) + r.lost(); n < uint64(len(ps)) || !h.has(Shared) && n > uint64(len(ps)) {
		tb.Errorf("%d packets sent, %d arrived later, %d counted as lost: %+v", len(ps), len(got), r.lost(), r.b.port.Stats())
	}
	again := packets(15, 100, 200)
	r.expect(r.transfer(r.a, r.b, again), again)
	r.close()
}

// sendAll sends ps from a by queue 0 in as many bursts as it takes.
func (r *rig) sendAll(ps []packet) {
	r.Helper()
	for sent, tries := 0, 0; sent < len(ps); tries++ {
		sent += r.send(r.a, 0, ps[sent:])
		if tries == 100_000 {
			r.Fatalf("the transmit queue takes only %d of %d packets", sent, len(ps))
		}
		if sent < len(ps) {
			r.h.Idle()
		}
	}
}

// checkClose: packets that were sent and never received go home.
func checkClose(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	r.sendAll(packets(16, min(50, r.h.Window), 300))
	if h.has(Live) {
		r.transferBurst(r.a, r.b, packets(17, 1, 300), 1)
	}
	r.close()
}
