package esp_test

import (
	"math"
	"slices"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

type eventSource interface{ TakeEvents([]esp.Event) int }

// wantEvents fails unless kinds are all that slot 0 has to tell.
func wantEvents(t *testing.T, s eventSource, kinds ...esp.EventKind) {
	t.Helper()
	evs := make([]esp.Event, 16)
	evs = evs[:s.TakeEvents(evs)]
	var got []esp.EventKind
	for _, e := range evs {
		if e.Slot != 0 || e.SPI != 0x1001 {
			t.Errorf("event of slot %d, SPI %#x", e.Slot, e.SPI)
		}
		got = append(got, e.Kind)
	}
	if !slices.Equal(got, kinds) {
		t.Fatalf("events %v, want %v", got, kinds)
	}
}

// Each limit is told by the packet that reaches it, once. An inner packet of 62 octets is 64 octets of text.
func TestSPD004_SoftLimits(t *testing.T) {
	for _, c := range []struct {
		kind esp.EventKind
		soft esp.Limits
	}{
		{esp.SoftPackets, esp.Limits{Packets: 3}},
		{esp.SoftOctets, esp.Limits{Octets: 3 * 64}},
		{esp.SoftOctets, esp.Limits{Octets: 2*64 + 1}},
		{esp.SoftSeq, esp.Limits{Seq: 102}},
	} {
		p := tunnelParams(suite.AES128GCM16)
		p.Soft, p.FirstSeq = c.soft, 100
		o := outbound(t, p)
		for i := 1; i <= 6; i++ {
			sealOne(t, o, 4, inner4(62, 0))
			if i == 3 {
				wantEvents(t, o, c.kind)
			} else {
				wantEvents(t, o)
			}
		}
	}
}

func TestSPD004_HardLimits(t *testing.T) {
	for _, c := range []struct {
		kind esp.EventKind
		hard esp.Limits
	}{
		{esp.HardPackets, esp.Limits{Packets: 3}},
		{esp.HardOctets, esp.Limits{Octets: 3 * 64}},
		{esp.HardSeq, esp.Limits{Seq: 102}},
	} {
		p := tunnelParams(suite.AES128GCM16)
		p.Hard, p.FirstSeq = c.hard, 100
		p.Soft = esp.Limits{Packets: math.MaxUint64, Seq: math.MaxUint64} // far away: no event
		o := outbound(t, p)
		ms := burst(t, 5, 62)
		if n := o.Seal(ms); n != 3 {
			t.Fatalf("%v: %d sealed, want 3", c.kind, n)
		}
		wantVerdict(t, ms[3], mbuf.LifetimeExpired)
		wantEvents(t, o, c.kind)
	}
}

func TestSPD004_SoftAndHardTogether(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.Soft, p.Hard = esp.Limits{Packets: 1, Octets: 64, Seq: 3}, esp.Limits{Packets: 2, Seq: 2}
	o := outbound(t, p)
	o.Seal(burst(t, 4, 62))
	wantEvents(t, o, esp.SoftPackets, esp.SoftOctets, esp.HardPackets, esp.HardSeq)
}

// TestIKE132_SoftSeqByDefault: an SA nobody gave a limit still asks to be replaced long before its numbers end, in both
// directions.
func TestIKE132_SoftSeqByDefault(t *testing.T) {
	for name, c := range map[string]struct {
		esn  bool
		hard uint64
		soft uint64
	}{
		"32 bits": {false, 0, 3 << 30}, "64 bits": {true, 0, 3 << 62}, "hard": {true, 1000, 750}, "hard beyond the end": {false, 1 << 40, 3 << 30},
	} {
		t.Run(name, func(t *testing.T) {
			p := tunnelParams(suite.AES128GCM16)
			p.ESN, p.FirstSeq, p.Hard.Seq = c.esn, c.soft-2, c.hard
			o, in := outbound(t, p), inbound(t, p)
			before, reached := burst(t, 2, 62), burst(t, 1, 62)
			o.Seal(before)
			wantEvents(t, o)
			o.Seal(reached)
			wantEvents(t, o, esp.SoftSeq)
			for _, m := range before {
				openOne(t, in, m.Data()[20:])
			}
			wantEvents(t, in)
			wantVerdict(t, openOne(t, in, reached[0].Data()[20:]), mbuf.Pass)
			wantEvents(t, in, esp.SoftSeq)
		})
	}
}

func TestSPD005_OctetsAreWhatTheAlgorithmWasAppliedTo(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.TFC = esp.TFC{Mode: esp.TFCBucket, Bucket: 100}
	o, in := outbound(t, p), inbound(t, p)
	packet := sealOne(t, o, 4, inner4(64, 0))
	want := esp.Counters{Packets: 1, Octets: 104, Seq: 1} // 100 of payload and TFC padding, 2 of padding, 2 of trailer
	if c := o.Counters(0); c != want {
		t.Errorf("outbound %+v, want %+v", c, want)
	}
	wantVerdict(t, openOne(t, in, packet[20:]), mbuf.Pass)
	if c := in.Counters(0).Counters; c != want {
		t.Errorf("inbound %+v, want %+v", c, want)
	}
}

func TestSPD004_InboundLimits(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.Soft, p.Hard = esp.Limits{Packets: 2, Seq: 7}, esp.Limits{Octets: 4 * 64}
	in := inbound(t, p)
	for i, want := range []mbuf.Verdict{mbuf.Pass, mbuf.Pass, mbuf.Pass, mbuf.Pass, mbuf.LifetimeExpired} {
		m := openOne(t, in, reference{p}.packet(uint64(2*i+1), 4, inner4(62, 0)))
		wantVerdict(t, m, want)
	}
	wantEvents(t, in, esp.SoftPackets, esp.SoftSeq, esp.HardOctets)
}

// The last 32-bit sequence number may overtake others: receiving it ends nothing.
func TestRPL003_LastSequenceNumberInbound(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.FirstSeq = 1<<32 - 10
	in := inbound(t, p)
	for _, seq := range []uint64{1<<32 - 1, 1<<32 - 2} {
		wantVerdict(t, openOne(t, in, reference{p}.packet(seq, 4, inner4(62, 0))), mbuf.Pass)
	}
}

func TestEventsWaitForRoomAndForget(t *testing.T) {
	p, q := tunnelParams(suite.AES128GCM16), tunnelParams(suite.AES128GCM16)
	q.SPI = 0x1002
	for _, x := range []*esp.Params{p, q} {
		x.Soft = esp.Limits{Packets: 1, Octets: 1}
	}
	o := outbound(t, p, q)
	ms := burst(t, 2, 62)
	ms[1].SA = 1
	o.Seal(ms)
	one := make([]esp.Event, 1)
	for i, want := range []esp.Event{{0, 0x1001, esp.SoftPackets}, {0, 0x1001, esp.SoftOctets}, {1, 0x1002, esp.SoftPackets}} {
		if n := o.TakeEvents(one); n != 1 || one[0] != want {
			t.Fatalf("event %d: %d, %+v; want %+v", i, n, one[0], want)
		}
	}
	// A new SA in slot 1 has told nothing yet; what the old one left is overwritten when it does.
	o.Remove(1)
	q.SPI, q.Soft.Octets = 0x1003, 0
	must(t, o.Install(1, q))
	ms = burst(t, 1, 62)
	ms[0].SA = 1
	o.Seal(ms)
	evs := make([]esp.Event, 4)
	want := []esp.Event{{1, 0x1003, esp.SoftPackets}}
	if got := evs[:o.TakeEvents(evs)]; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestEventKindNames(t *testing.T) {
	seen := map[string]bool{}
	for k := esp.SoftPackets; k <= esp.SeqEnd; k++ {
		seen[k.String()] = true
	}
	if len(seen) != 7 || seen["unknown"] || esp.EventKind(99).String() != "unknown" {
		t.Errorf("%v", seen)
	}
}
