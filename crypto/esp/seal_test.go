package esp_test

import (
	"bytes"
	"fmt"
	"testing"

	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

func TestESP011_FirstSequenceNumberIsOne(t *testing.T) { // and TFS-052: no gaps
	o := outbound(t, tunnelParams(suite.AES128GCM16))
	ms := burst(t, 3*mbuf.BurstSize, 64) // longer than usual
	if n := o.Seal(ms); n != len(ms) {
		t.Fatalf("%d sealed", n)
	}
	for i, m := range ms {
		if m.Seq != uint64(i+1) {
			t.Fatalf("packet %d has sequence number %d", i, m.Seq)
		}
	}
}

// ESP-T10.
func TestESP012_SequenceNumberNeverCycles(t *testing.T) {
	for _, c := range []struct {
		esn  bool
		last uint64
	}{{false, 1<<32 - 1}, {true, 1<<64 - 1}} {
		t.Run(fmt.Sprint("esn=", c.esn), func(t *testing.T) {
			p := tunnelParams(suite.AES128GCM16)
			p.ESN, p.FirstSeq = c.esn, c.last-1
			o := outbound(t, p)
			ms := burst(t, 4, 64)
			if n := o.Seal(ms); n != 2 {
				t.Fatalf("%d sealed, want 2", n)
			}
			if ms[1].Seq != c.last {
				t.Errorf("last sequence number %#x, want %#x", ms[1].Seq, c.last)
			}
			wantVerdict(t, ms[2], mbuf.SeqExhausted)
			wantVerdict(t, ms[3], mbuf.SeqExhausted)
			wantEvents(t, o, esp.SoftSeq, esp.SeqEnd)
		})
	}
}

// A 64-bit SA goes on where a 32-bit one ends.
func TestESP014_ESNCrosses2To32(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.ESN, p.FirstSeq = true, 1<<32-2
	o, in := outbound(t, p), inbound(t, p)
	ms := burst(t, 4, 64)
	if n := o.Seal(ms); n != 4 {
		t.Fatalf("%d sealed", n)
	}
	for _, m := range ms {
		m.Adj(20)
	}
	if n := in.Open(ms); n != 4 || ms[3].Seq != 1<<32+1 {
		t.Fatalf("%d opened, last sequence number %#x", n, ms[3].Seq)
	}
}

func TestESP040_DummyPackets(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	o, in := outbound(t, p), inbound(t, p)
	for _, n := range []int{0, 1, 50, 1000} {
		packet := sealOne(t, o, 59, bytes.Repeat([]byte{7}, n))
		wantVerdict(t, openOne(t, in, packet[20:]), mbuf.Dummy)
	}
	if in.Newest(0) != 4 {
		t.Errorf("ESP-041: dummy packets moved the window to %d, want 4", in.Newest(0))
	}
}

// ESP-T06 outbound.
func TestESP042_TFCPadding(t *testing.T) {
	const mtuCapacity = 1446 // of 1500 over IPv4 with AES-GCM: PayloadCapacity's table
	for _, c := range []struct {
		name string
		tfc  esp.TFC
		mtu  int
		want func(n int) int
	}{
		{"off", esp.TFC{}, 1500, func(n int) int { return n }},
		{"mtu", esp.TFC{Mode: esp.TFCMTU}, 1500, func(n int) int { return max(n, mtuCapacity) }},
		{"bucket", esp.TFC{Mode: esp.TFCBucket, Bucket: 100}, 0, func(n int) int { return (n + 99) / 100 * 100 }},
		{"bucket within mtu", esp.TFC{Mode: esp.TFCBucket, Bucket: 1000}, 1500, func(n int) int {
			return max(n, min((n+999)/1000*1000, mtuCapacity))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := tunnelParams(suite.AES128GCM16)
			p.TFC, p.MTU = c.tfc, c.mtu
			o := outbound(t, p)
			for i, n := range []int{20, 99, 100, 101, 999, 1001, 1445, 1446, 1447, 1600} {
				inner := inner4(n, 0)
				text, ok := reference{p}.open(uint64(i+1), sealOne(t, o, 4, inner)[20:])
				if !ok {
					t.Fatal("ICV does not match")
				}
				want := append(bytes.Clone(inner), make([]byte, c.want(n)-n)...)
				if full := (reference{p}).text(want, 4); !bytes.Equal(text, full) {
					t.Fatalf("inner packet of %d: text of %d octets, want %d", n, len(text), len(full))
				}
			}
		})
	}
}

func TestESP042_DummiesLookLikeTheOthers(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.TFC, p.MTU = esp.TFC{Mode: esp.TFCMTU}, 1400
	o := outbound(t, p)
	for _, n := range []int{0, 20, 700} {
		if got := len(sealOne(t, o, 59, make([]byte, n))); got != 1400 {
			t.Errorf("dummy of %d: %d octets on the wire, want 1400", n, got)
		}
	}
}

// A congestion control payload on a tunnel SA has a length of its own only by having no padding (RFC 9347 6.1.2).
func TestESP042_NoTFCBehindAGGFRAG(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.TFC, p.MTU = esp.TFC{Mode: esp.TFCMTU}, 1400
	packet := sealOne(t, outbound(t, p), 144, append([]byte{1}, make([]byte, 23)...))
	wantVerdict(t, openOne(t, inbound(t, p), packet[20:]), mbuf.Dummy)
	if len(packet) != 20+8+8+28+16 {
		t.Errorf("%d octets on the wire", len(packet))
	}
}

func TestSealWithoutRoom(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	o := outbound(t, p)
	const buffer = mbuf.Headroom + 2048 + mbuf.Tailroom
	for _, c := range []struct {
		name           string
		headroom, size int
		want           mbuf.Verdict
	}{
		// In front 20+8+8. Behind a payload of 4n octets: padding 2, trailer 2, ICV 16.
		{"just enough", 36, buffer - 36 - 20, mbuf.Pass},
		{"one octet of headroom short", 35, buffer - 36 - 20, mbuf.TooBig},
		{"one octet of tailroom short", 37, buffer - 36 - 20, mbuf.TooBig},
		{"no headroom", 0, 20, mbuf.TooBig},
		{"no tailroom", 40, buffer - 40, mbuf.TooBig},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := payloads(t, 4, nil)[0]
			if !m.SetHeadroom(c.headroom) || !m.SetLen(c.size) || m.TailroomLen() != buffer-c.headroom-c.size {
				t.Fatalf("a buffer of %d octets, want %d", c.headroom+m.Len()+m.TailroomLen(), buffer)
			}
			copy(m.Data(), inner4(20, 0))
			before := o.Counters(0)
			o.Seal(mbuf.Burst{m})
			wantVerdict(t, m, c.want)
			if c.want != mbuf.Pass && (o.Counters(0) != before || m.Len() != c.size) {
				t.Error("a packet that was refused used a sequence number or was changed")
			}
		})
	}
}

func TestSealTooLongForItsLengthField(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	o := outbound(t, p)
	most := o.Overhead(0).Capacity(65535)
	ms := payloads(t, 59, make([]byte, most+1), make([]byte, most))
	if n := o.Seal(ms); n != 1 || ms[0].Seq != 1 {
		t.Fatalf("%d sealed, sequence number %d", n, ms[0].Seq)
	}
	wantVerdict(t, ms[1], mbuf.TooBig)
	if got := ms[0].Len(); got > 65535 || got <= 65531 {
		t.Errorf("outer packet of %d octets", got)
	}
}

// A packet that is held back takes neither place nor sequence number from those around it.
func TestSealMixedWithRefused(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.CopyECN = true
	o := outbound(t, p)
	ms := burst(t, 5, 64)
	ms[0].SA, ms[3].SA = 1, 1<<31
	ms[1].SetLen(19)
	first, second := ms[2], ms[4]
	if n := o.Seal(ms); n != 2 || ms[0] != first || ms[1] != second {
		t.Fatalf("%d sealed", n)
	}
	if first.Seq != 1 || second.Seq != 2 {
		t.Errorf("sequence numbers %d, %d", first.Seq, second.Seq)
	}
	for i, want := range []mbuf.Verdict{mbuf.NoSA, mbuf.Malformed, mbuf.NoSA} {
		wantVerdict(t, ms[2+i], want)
	}
}

// A key that is not there must not let the packet out.
func TestSealWithoutKey(t *testing.T) {
	e := aead.NewStd(2)
	o := esp.NewOutbound(e, 2)
	must(t, o.Install(0, tunnelParams(suite.AES128GCM16)))
	must(t, o.Install(1, tunnelParams(suite.AES128GCM16)))
	e.ClearKey(0)
	ms := burst(t, 3, 64)
	ms[1].SA = 1
	if n := o.Seal(ms); n != 1 || ms[0].SA != 1 {
		t.Fatalf("%d sealed", n)
	}
	wantVerdict(t, ms[1], mbuf.NoSA)
}
