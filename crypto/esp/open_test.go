package esp_test

import (
	"bytes"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

// ESP-T03: every shorter prefix of a packet, of every suite.
func TestESP001_TruncatedPackets(t *testing.T) {
	everySuite(t, func(t *testing.T, p *esp.Params) {
		packet := reference{p}.packet(p.FirstSeq, 4, inner4(64, 0))
		in := inbound(t, p)
		shortest := 8 + p.Suite.IVLen() + 2 + p.Suite.ICVLen()
		for n := range packet {
			m := openOne(t, in, packet[:n])
			if n < shortest || (n-shortest+2)%p.Suite.Encr.BlockLen != 0 {
				wantVerdict(t, m, mbuf.TooShort)
			} else {
				wantVerdict(t, m, mbuf.AuthFailed)
			}
		}
	})
}

// ESP-T04.
func TestESP006_PadLength(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	payload := inner4(64, 0)
	for i, c := range []struct {
		name    string
		padding int
		claim   byte
		want    mbuf.Verdict
		odd     uint32
	}{
		{"ESP-004 none", 2, 2, mbuf.Pass, 0},
		{"ESP-004 255 octets", 254, 254, mbuf.Pass, 0},
		{"as much as there is", 2, 66, mbuf.Malformed, 1}, // nothing is left of the inner packet
		{"one more than there is", 2, 67, mbuf.BadPadding, 0},
		{"255 of 66", 2, 255, mbuf.BadPadding, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := inbound(t, p)
			text := bytes.Clone(payload)
			for k := range c.padding {
				text = append(text, byte(k+1))
			}
			packet := reference{p}.seal(uint64(i+1), make([]byte, 8), append(text, c.claim, 4))
			wantVerdict(t, openOne(t, in, packet), c.want)
			if odd := in.Counters(0).OddPadding; odd != c.odd {
				t.Errorf("%d packets with odd padding, want %d", odd, c.odd)
			}
			if in.Newest(0) != uint64(i+1) {
				t.Error("an authentic packet did not move the window")
			}
		})
	}
}

func TestESP005_OddPaddingIsCountedAndAccepted(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	in := inbound(t, p)
	text := append(inner4(64, 0), 0, 0, 2, 4) // padding 0, 0
	wantVerdict(t, openOne(t, in, reference{p}.seal(1, make([]byte, 8), text)), mbuf.Pass)
	wantVerdict(t, openOne(t, in, reference{p}.packet(2, 4, inner4(64, 0))), mbuf.Pass)
	if odd := in.Counters(0).OddPadding; odd != 1 {
		t.Errorf("%d packets with odd padding, want 1", odd)
	}
}

// ESP-T05 and TFS-078: which Next Header goes on in which mode.
func TestTFS078_NextHeader(t *testing.T) {
	cc := append([]byte{1}, make([]byte, 23)...)
	for _, c := range []struct {
		name    string
		mode    esp.Mode
		nh      byte
		payload []byte
		want    mbuf.Verdict
	}{
		{"tunnel IPv4", esp.ModeTunnel, 4, inner4(20, 0), mbuf.Pass},
		{"ESP-016 tunnel IPv4 fragment", esp.ModeTunnel, 4, fragment(inner4(44, 0)), mbuf.Pass},
		{"tunnel IPv6", esp.ModeTunnel, 41, inner6(40, 0), mbuf.Pass},
		{"ESP-041 tunnel dummy", esp.ModeTunnel, 59, []byte{9, 9}, mbuf.Dummy},
		{"ESP-041 tunnel dummy, empty", esp.ModeTunnel, 59, nil, mbuf.Dummy},
		{"TFS-013 tunnel congestion control", esp.ModeTunnel, 144, cc, mbuf.Dummy},
		{"tunnel congestion control with data", esp.ModeTunnel, 144, append(cc, 0), mbuf.BadNextHeader},
		{"tunnel AGGFRAG of sub-type 0", esp.ModeTunnel, 144, make([]byte, 24), mbuf.BadNextHeader},
		{"tunnel AGGFRAG, empty", esp.ModeTunnel, 144, nil, mbuf.BadNextHeader},
		{"tunnel transport", esp.ModeTunnel, 6, inner4(40, 0), mbuf.BadNextHeader},
		{"tunnel IPv4 in IPv6's name", esp.ModeTunnel, 41, inner4(60, 0), mbuf.BadVersion},
		{"tunnel IPv6 in IPv4's name", esp.ModeTunnel, 4, inner6(60, 0), mbuf.BadVersion},
		{"aggfrag", esp.ModeAGGFRAG, 144, make([]byte, 24), mbuf.Pass},
		{"aggfrag, empty", esp.ModeAGGFRAG, 144, nil, mbuf.Pass},
		{"aggfrag dummy", esp.ModeAGGFRAG, 59, []byte{9}, mbuf.Pass},
		{"aggfrag IPv4", esp.ModeAGGFRAG, 4, inner4(20, 0), mbuf.BadNextHeader},
		{"aggfrag IPv6", esp.ModeAGGFRAG, 41, inner6(40, 0), mbuf.BadNextHeader},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := tunnelParams(suite.AES128GCM16)
			p.Mode = c.mode
			in := inbound(t, p)
			m := openOne(t, in, reference{p}.packet(1, c.nh, c.payload))
			wantVerdict(t, m, c.want)
			if m.Verdict == mbuf.Pass && (m.NextHeader != c.nh || !bytes.Equal(m.Data(), c.payload)) {
				t.Errorf("next header %d, payload % x", m.NextHeader, m.Data())
			}
			if in.Newest(0) != 1 {
				t.Error("the window did not move")
			}
		})
	}
}

// fragment makes an inner packet the middle of a datagram: More Fragments, offset 8.
func fragment(p []byte) []byte {
	p[6], p[7] = 0x20, 1
	return p
}

// ESP-T06 inbound.
func TestESP044_CutAtTheInnerLength(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	for _, inner := range [][]byte{inner4(20, 0), inner4(33, 0), inner6(40, 0), inner6(53, 0)} {
		nh := map[byte]byte{4: 4, 6: 41}[inner[0]>>4]
		in := inbound(t, p)
		for fill := range 300 {
			payload := append(bytes.Clone(inner), bytes.Repeat([]byte{0xa5}, fill)...)
			m := openOne(t, in, reference{p}.packet(uint64(fill+1), nh, payload))
			wantVerdict(t, m, mbuf.Pass)
			if !bytes.Equal(m.Data(), inner) {
				t.Fatalf("%d octets of TFC padding: % x", fill, m.Data())
			}
		}
	}
}

func TestESP044_ImpossibleInnerLength(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	with := func(b []byte, at int, v byte) []byte { b[at] = v; return b }
	for i, payload := range [][]byte{
		nil, {0x45}, inner4(20, 0)[:19],
		with(inner4(20, 0), 0, 0x44), // header of 16 octets
		with(inner4(20, 0), 0, 0x46), // header longer than the packet
		with(inner4(20, 0), 3, 19),
		with(inner4(20, 0), 3, 21),
		with(inner4(20, 0), 2, 0xff),
		inner6(40, 0)[:39],
		with(inner6(40, 0), 5, 1),
		with(inner6(40, 0), 4, 0xff),
	} {
		nh := byte(4)
		if len(payload) > 0 && payload[0]>>4 == 6 {
			nh = 41
		}
		m := openOne(t, inbound(t, p), reference{p}.packet(1, nh, payload))
		if m.Verdict != mbuf.Malformed {
			t.Errorf("case %d: %v", i, m.Verdict)
		}
	}
}

// RPL-T05 within one lcore: hand-off brings both copies to the owner, where one passes.
func TestRPL003_SameNumberTwiceInABurst(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	in := inbound(t, p)
	a, b := reference{p}.packet(1, 4, inner4(20, 0)), reference{p}.packet(2, 4, inner4(20, 0))
	ms := packets(t, a, b, a, b, a)
	if n := in.Open(ms); n != 2 {
		t.Fatalf("%d passed, want 2", n)
	}
	for _, m := range ms[2:] {
		wantVerdict(t, m, mbuf.Replayed)
	}
	wantVerdict(t, openOne(t, in, a), mbuf.Replayed)
	if c := in.Counters(0); c.Replayed != 4 || c.Packets != 2 {
		t.Errorf("%d replayed, %d packets; want 4, 2", c.Replayed, c.Packets)
	}
}

func TestRPL003_WindowMovesBeyondAPacketOfTheSameBurst(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.ReplayWindow = 64
	in := inbound(t, p)
	ms := packets(t, reference{p}.packet(1000, 4, inner4(20, 0)), reference{p}.packet(5, 4, inner4(20, 0)))
	if n := in.Open(ms); n != 1 {
		t.Fatalf("%d passed, want 1", n)
	}
	wantVerdict(t, ms[1], mbuf.TooOld)
}

// RPL-T04 and UDP-T04: what is not authentic moves nothing, and what is old is not the newest.
func TestUDP011_OnlyTheNewestAuthenticPacketCounts(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	in := inbound(t, p)
	wantVerdict(t, openOne(t, in, reference{p}.packet(10, 4, inner4(20, 0))), mbuf.Pass)
	forged := reference{p}.packet(1<<31, 4, inner4(20, 0))
	forged[len(forged)-1] ^= 1
	wantVerdict(t, openOne(t, in, forged), mbuf.AuthFailed)
	if in.Newest(0) != 10 {
		t.Errorf("newest is %d after a forged packet, want 10", in.Newest(0))
	}
	m := openOne(t, in, reference{p}.packet(9, 4, inner4(20, 0)))
	wantVerdict(t, m, mbuf.Pass)
	if m.Seq == in.Newest(0) {
		t.Error("a packet from behind is taken for the newest")
	}
	if m = openOne(t, in, reference{p}.packet(11, 4, inner4(20, 0))); m.Seq != in.Newest(0) {
		t.Error("the newest packet is not taken for it")
	}
}

func TestRPL002_DefaultWindow(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	in := inbound(t, p)
	for _, c := range []struct {
		seq  uint64
		want mbuf.Verdict
	}{{5000, mbuf.Pass}, {5000 - 1983, mbuf.Pass}, {5000 - 1984, mbuf.TooOld}} {
		wantVerdict(t, openOne(t, in, reference{p}.packet(c.seq, 4, inner4(20, 0))), c.want)
	}
}

func TestRPL007_RefusedBeforeCrypto(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.ESN = true
	in := inbound(t, p)
	wantVerdict(t, openOne(t, in, reference{p}.packet(5, 4, inner4(20, 0))), mbuf.Pass)
	forged := reference{p}.packet(0xfffffff0, 4, inner4(20, 0))
	wantVerdict(t, openOne(t, in, forged), mbuf.SeqInvalid)
	if in.Counters(0).AuthFailed != 0 {
		t.Error("the back-end was asked")
	}
}

// RPL-008: what a re-synchronisation needs to know.
func TestRPL008_IntegrityFailuresInARow(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	in := inbound(t, p)
	good := func(seq uint64) []byte { return reference{p}.packet(seq, 4, inner4(20, 0)) }
	for seq := uint64(1); seq <= 3; seq++ {
		forged := good(seq)
		forged[20] ^= 1
		openOne(t, in, forged)
	}
	if c := in.Counters(0); c.AuthRun != 3 || c.AuthFailed != 3 {
		t.Errorf("run %d, total %d; want 3, 3", c.AuthRun, c.AuthFailed)
	}
	openOne(t, in, good(4))
	if c := in.Counters(0); c.AuthRun != 0 || c.AuthFailed != 3 {
		t.Errorf("run %d, total %d after a good packet; want 0, 3", c.AuthRun, c.AuthFailed)
	}
}

func TestESP020_SlotWithoutOrWithAnotherSA(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	in := inbound(t, p)
	other := *p
	other.SPI++
	wantVerdict(t, openOne(t, in, reference{&other}.packet(1, 4, inner4(20, 0))), mbuf.UnknownSPI)
	ms := packets(t, reference{p}.packet(1, 4, inner4(20, 0)))
	ms[0].SA = 1 << 31
	in.Open(ms)
	wantVerdict(t, ms[0], mbuf.UnknownSPI)
	in.Remove(0)
	wantVerdict(t, openOne(t, in, reference{p}.packet(1, 4, inner4(20, 0))), mbuf.UnknownSPI)
}
