package iptfs

import (
	"fmt"
	"testing"

	"stillwater/pmd/mbuf"
)

// expectDeadline fails the test unless the lost timer is armed for at; 0 stands for not armed.
func (g *reasmRig) expectDeadline(at int64) {
	g.Helper()
	got, armed := g.r.Deadline()
	if !armed {
		got = 0
	}
	if got != at {
		g.Errorf("at %d: deadline %d, expected %d", g.now, got, at)
	}
}

// TestTFST06Silence begins a packet whose rest never comes: the lost timer frees it, at every size a length field can
// name, and packets above the limit are never stored at all (TFS-031, TFS-069, TFS-073).
func TestTFST06Silence(t *testing.T) {
	four, six := reasmV4(200, 1), reasmV6(200, 2)
	four[2], four[3] = 0xff, 0xff // 65,535 octets
	six[4], six[5] = 0xff, 0xff   // 65,575 octets
	nine := reasmV4(9000, 3)
	for _, c := range []struct {
		name     string
		maxInner int
		tail     []byte
		stored   bool
	}{
		{"9000", 9216, nine[:1400], true},
		{"65535", 65535, four, true},
		{"65535 above the limit", 9216, four, false},
		{"65575", 65535, six, false},
		{"runt of one octet", 9216, nine[:1], true},
	} {
		t.Run("TFS-073 "+c.name, func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: 1000, MaxInner: c.maxInner})
			free := g.pool.Available(mbuf.Class2K) + g.pool.Available(mbuf.Class9K) + g.pool.Available(mbuf.Class64K)
			g.now = 500
			g.expect(g.recv(1, reasmPayload(0, c.tail)))
			if !c.stored {
				g.expectDeadline(0)
				g.expectDrops(mbuf.AggTooBig, 1)
				return
			}
			g.expectDeadline(1500)
			g.expect(g.expire(1499))
			g.expectIncomplete(0)
			g.expect(g.expire(1500))
			g.expectIncomplete(1)
			g.expectDeadline(0)
			if left := g.pool.Available(mbuf.Class2K) + g.pool.Available(mbuf.Class9K) + g.pool.Available(mbuf.Class64K); left != free {
				t.Errorf("%d mbufs free, expected %d", left, free)
			}
		})
	}
}

// TestTFST06Progress keeps a slow packet alive: every payload in order, all-pad ones too, starts the timer again.
func TestTFST06Progress(t *testing.T) {
	g := newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: 1000})
	packet := reasmV4(400, 1)
	fragments := reasmSplit(100, packet)
	g.expect(g.recv(1, fragments[0]))
	g.expect(g.expire(900))
	g.expect(g.recv(2, reasmPayload(0, reasmPad(90))))
	g.expectDeadline(1900)
	g.expect(g.expire(1800))
	g.expect(g.recv(3, fragments[1]))
	g.expect(g.expire(2700))
	g.expect(g.recv(4, fragments[2]))
	g.expect(g.recv(5, fragments[3]), packet)
	g.expectDeadline(0)
}

// TestTFS069Partial: a measured interval decides about missing payloads only. A packet whose rest is late, with nothing
// behind it, is kept a second: nothing says that anything was lost.
func TestTFS069Partial(t *testing.T) {
	g := newReasmRig(t, ReassemblerConfig{Window: 3})
	for seq := uint64(1); seq <= 50; seq++ {
		g.now += 1000
		g.expect(g.recv(seq, reasmNumbered(seq)), reasmNumbers(seq)...)
	}
	packet := reasmV4(150, 1)
	fragments := reasmSplit(100, packet)
	g.expect(g.recv(51, fragments[0]))
	begun := g.now
	g.expectDeadline(begun + maxLostTimer)
	g.expect(g.expire(begun + 100*minLostTimer))
	g.expect(g.recv(52, fragments[1]), packet)
}

// TestTFST18Timer walks the lost timer through gaps (TFS-069): a number counts as lost one interval after a later one
// first arrived.
func TestTFST18Timer(t *testing.T) {
	g := newReasmRig(t, ReassemblerConfig{Window: 8, LostTimer: 1000})
	at := func(now int64, seq uint64, out ...uint64) {
		t.Helper()
		g.now = now
		g.expect(g.recv(seq, reasmNumbered(seq)), reasmNumbers(out...)...)
	}
	at(0, 1, 1)
	g.expectDeadline(0)
	at(100, 3) // 2 is missing from 100 on
	g.expectDeadline(1100)
	at(300, 6) // 4 and 5 from 300 on
	at(350, 4) // fills 4
	g.expectDeadline(1100)
	g.expect(g.expire(1099)) // a timer that fires early changes nothing
	g.expect(g.expire(1100), reasmNumbers(3, 4)...)
	g.expectDeadline(1300) // for 5, between gaps
	at(1200, 8)            // 7 from 1200 on
	g.expectDeadline(1300)
	g.expect(g.expire(1300), reasmNumbers(6)...)
	g.expectDeadline(2200)
	at(2200, 7, 7, 8) // the arrival wins the race
	g.expect(g.expire(2200))
	g.expectDeadline(0)
	at(5000, 11)
	at(5000, 14)
	g.expect(g.expire(9000), reasmNumbers(11, 14)...) // two gaps due at once
	g.expectCounters(ReassemblerCounters{RxPkts: 8, RxOctets: 480, Missed: 6})
}

// TestTFST18GapBeforePartial has a packet pending and then a gap: the fragment that is missing may still come until the
// gap's own time is up, which is later than the packet's.
func TestTFST18GapBeforePartial(t *testing.T) {
	packet := reasmV4(300, 1)
	fragments := reasmSplit(100, packet)
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprintf("TFS-069 late=%v", late), func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: 3, LostTimer: 1000})
			g.expect(g.recv(1, fragments[0]))
			g.expectDeadline(1000)
			g.now = 900
			g.expect(g.recv(3, fragments[2]))
			g.expectDeadline(1900)
			g.expect(g.expire(1500))
			if late {
				g.expect(g.expire(1900))
				g.expectIncomplete(1)
				g.expect(g.recv(2, fragments[1]))
				return
			}
			g.expect(g.recv(2, fragments[1]), packet)
			g.expectIncomplete(0)
		})
	}
}

// TestTFS069Interval checks the interval that is derived from the peer's packet gap: max(1 ms, 4*(window+1)*gap), at most
// 1 s, and 1 s until there is a gap to measure.
func TestTFS069Interval(t *testing.T) {
	const ms = 1_000_000
	cases := []struct {
		name      string
		window    int
		gap, want int64
	}{
		{"10 Gb/s", 3, 1200, ms},
		{"100 us", 3, ms / 10, 16 * ms / 10},
		{"1 Mb/s", 3, 12 * ms, 16 * 12 * ms},
		{"window 0", 0, 12 * ms, 4 * 12 * ms},
		{"one packet a second", 3, 1000 * ms, 1000 * ms},
		{"widest window, slowest peer", 65535, 9000 * ms, 1000 * ms},
	}
	for _, c := range cases {
		t.Run("TFS-069 "+c.name, func(t *testing.T) {
			timer := newLostTimer(c.window, 0)
			if timer.interval != 1000*ms {
				t.Errorf("interval of %d ns before any packet, expected 1 s", timer.interval)
			}
			for i := range int64(50) {
				timer.observe(uint64(i+10), i*c.gap)
			}
			if timer.interval != c.want {
				t.Errorf("interval of %d ns, expected %d", timer.interval, c.want)
			}
		})
	}
}

// TestTFS069Bursts measures the same gap when packets are polled in bursts of 32, when half of them are lost, and when
// some arrive out of order; the clock standing still or running back does no harm.
func TestTFS069Bursts(t *testing.T) {
	const gap, want = 1_000_000, 16_000_000
	burst, lossy := newLostTimer(3, 0), newLostTimer(3, 0)
	for i := range int64(20) {
		for k := range int64(32) {
			burst.observe(uint64(1+i*32+k), (i+1)*32*gap)
		}
		lossy.observe(uint64(1+2*i), (i+1)*2*gap)
		lossy.observe(uint64(i), (i+1)*2*gap)
		lossy.observe(uint64(2+2*i), 0)
	}
	if burst.interval != want || lossy.interval != want {
		t.Errorf("intervals of %d and %d ns, expected %d", burst.interval, lossy.interval, want)
	}
}

// TestTFS069Adapts follows a peer that changes its rate (TFS-059), within a few dozen packets.
func TestTFS069Adapts(t *testing.T) {
	timer := newLostTimer(3, 0)
	now := int64(0)
	run := func(packets int, gap int64) {
		for range packets {
			now += gap
			timer.observe(timer.seq+1, now)
		}
	}
	run(50, 100_000)
	fast := timer.interval
	run(60, 10_000_000)
	if fast != 1_600_000 || timer.interval < 150_000_000 || timer.interval > 160_000_000 {
		t.Errorf("interval went from %d to %d ns, expected 1.6 ms to 160 ms", fast, timer.interval)
	}
}

// TestTFS069Configured keeps a configured interval whatever the peer does.
func TestTFS069Configured(t *testing.T) {
	timer := newLostTimer(3, 777)
	for i := range int64(50) {
		timer.observe(uint64(i+1), i*1_000_000)
	}
	if timer.interval != 777 {
		t.Errorf("interval of %d ns, expected 777", timer.interval)
	}
}
