package iptfs

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"stillwater/pmd/mbuf"
)

func TestNewFramerRefuses(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*FramerConfig)
	}{
		{"payload size 63", func(c *FramerConfig) { c.PayloadSize = 63 }},
		{"payload size 65536", func(c *FramerConfig) { c.PayloadSize = 65536 }},
		{"payload size 104", func(c *FramerConfig) { c.MinFragment = 81 }},
		{"min fragment 5", func(c *FramerConfig) { c.MinFragment = 5 }},
		{"min fragment -1", func(c *FramerConfig) { c.MinFragment = -1 }},
		{"max inner 19", func(c *FramerConfig) { c.MaxInner = 19 }},
		{"max inner 65536", func(c *FramerConfig) { c.MaxInner = 65536 }},
		{"max blocks -1", func(c *FramerConfig) { c.MaxBlocks = -1 }},
		{"queue packets 0", func(c *FramerConfig) { c.QueuePackets = 0 }},
		{"queue packets 100", func(c *FramerConfig) { c.QueuePackets = 100 }},
		{"queue packets 33554432", func(c *FramerConfig) { c.QueuePackets = 1 << 25 }},
		{"queue octets 0", func(c *FramerConfig) { c.QueueOctets = 0 }},
		{"mark octets 1048577", func(c *FramerConfig) { c.MarkOctets = 1<<20 + 1 }},
		{"hold time -1", func(c *FramerConfig) { c.HoldTime = -1 }},
		{"hold time 9223372036854775807", func(c *FramerConfig) { c.HoldTime = math.MaxInt64 }},
		{"max wait -1", func(c *FramerConfig) { c.MaxWait = -1 }},
	} {
		cfg := framerConfig(104, true)
		c.change(&cfg)
		if _, err := NewFramer(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error about %q", err, c.want)
		}
	}
}

func TestNewFramerDefaults(t *testing.T) {
	r := newFramerRig(t, framerConfig(1404, true))
	if r.MaxInner() != 9216 || r.cfg.MinFragment != 40 || r.cfg.MarkOctets != 996148 {
		t.Errorf("max inner %d, min fragment %d, mark octets %d, want 9216, 40, 996148", r.MaxInner(), r.cfg.MinFragment, r.cfg.MarkOctets)
	}
}

// YNG-061: outer payload octets are inner octets, padding and headers, at every moment and to the octet; YNG-030: a
// packet counts once, when its last octet is sent.
func TestYNG061_CountersAddUp(t *testing.T) {
	rnd := rand.New(rand.NewPCG(testSeed(t), 5))
	for _, fixed := range []bool{true, false} {
		r := newFramerRig(t, framerConfig(404, fixed))
		var headers, octets, pads uint64
		var packets int
		for range 1000 {
			for _, p := range r.offer(0, framerSizes(rnd, rnd.IntN(4), 1000)...) {
				packets++
				octets += uint64(len(p))
			}
			n := len(r.emit(rnd.IntN(5), 0))
			pads += uint64(len(r.emitPad(rnd.IntN(2))))
			headers = r.counters.Payloads * BasicHeaderLen
			c := r.Counters()
			waiting, waitingOctets := r.Waiting()
			if c.PayloadOctets != headers+c.TxOctets+c.TxAllPadOctets+c.TxExtraPadOctets {
				t.Fatalf("%+v does not add up after %d payloads", c, n)
			}
			if c.TxOctets+uint64(waitingOctets) != octets || int(c.TxPkts)+waiting != packets {
				t.Fatalf("%+v, %d packets of %d octets wait, want %d, %d in all", c, waiting, waitingOctets, packets, octets)
			}
			if fixed && c.PayloadOctets != c.Payloads*404 || !fixed && (c.TxExtraPadPkts != 0 || c.TxAllPadPkts != pads) {
				t.Fatalf("fixed %t: %+v", fixed, c)
			}
		}
	}
}

// TFS-T60: an idle and a saturated sender make the same number of payloads of the same size.
func TestTFST60_IdleEqualsSaturated(t *testing.T) {
	every, err := PacketRate(812_744)
	if err != nil {
		t.Fatal(err)
	}
	run := func(load int) (sizes []int) {
		r := newFramerRig(t, framerConfig(1442, true))
		p, err := NewPacer(every, 1)
		if err != nil {
			t.Fatal(err)
		}
		p.Start(0)
		for now := int64(0); now < 1_000_000; now += 100 {
			for range load {
				if waiting, _ := r.Waiting(); waiting < 200 {
					r.offer(now, 900)
				}
			}
			for _, b := range r.emit(p.Due(now), now) {
				sizes = append(sizes, len(b))
			}
		}
		if busy := r.Counters().TxAllPadPkts == 0; busy != (load > 0) {
			t.Errorf("load %d: %+v", load, r.Counters())
		}
		return sizes
	}
	idle, saturated := run(0), run(2)
	if len(idle) != len(saturated) || len(idle) != 813 {
		t.Fatalf("%d payloads idle, %d saturated, want 813", len(idle), len(saturated))
	}
	for i := range idle {
		if idle[i] != 1442 || saturated[i] != 1442 {
			t.Fatalf("payload %d: %d octets idle, %d saturated, want 1442", i, idle[i], saturated[i])
		}
	}
}

// TFS-031 and the capacity table: the payload sizes ESP offers carry exactly their capacity of inner octets.
func TestTFS004_CapacityByHeader(t *testing.T) {
	for _, c := range []struct{ payload, basic, cc int }{
		{522, 518, 498}, {1226, 1222, 1202}, {1346, 1342, 1322}, {1446, 1442, 1422}, {8946, 8942, 8922},
	} {
		for sub, want := range []int{c.basic, c.cc} {
			cfg := framerConfig(c.payload, true)
			cfg.CC = true
			r := newFramerRig(t, cfg)
			r.SetHeader(Header{SubType: uint8(sub)})
			r.offer(0, 9000, 9000)
			r.emit(1, 0)
			if got := r.Counters().TxOctets; got != uint64(want) {
				t.Errorf("payload of %d, sub-type %d: %d inner octets, want %d", c.payload, sub, got, want)
			}
		}
	}
}

func TestFramerAllocations(t *testing.T) {
	for _, fixed := range []bool{true, false} {
		cfg := framerConfig(1442, fixed)
		cfg.QueuePackets, cfg.MaxWait = 16, 1<<40
		r := newFramerRig(t, cfg)
		in, out := make(mbuf.Burst, mbuf.BurstSize), make(mbuf.Burst, mbuf.BurstSize)
		if n := testing.AllocsPerRun(200, func() {
			for i := range in { // half of them meet a full queue
				in[i] = r.packet(4, 20+40*i)
			}
			n := r.Offer(in, 0)
			r.pool.Free(in[n:])
			n = r.Emit(out, r.pool, 0)
			n += r.EmitPad(out[n:], r.pool)
			r.pool.Free(out[:n])
		}); n != 0 {
			t.Errorf("fixed %t: %v allocations, want 0", fixed, n)
		}
	}
}
