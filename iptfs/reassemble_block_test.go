package iptfs

import (
	"fmt"
	"testing"

	"stillwater/pmd/mbuf"
)

// TestTFST05ImpossibleIPv4 has IPv4 blocks whose own lengths cannot be; a Total Length of 0 made Linux loop forever
// (CVE-2026-31472). The block before is delivered, nothing behind, and the next payload is read again (TFS-028, TFS-029).
func TestTFST05ImpossibleIPv4(t *testing.T) {
	good, later := reasmV4(40, 1), reasmV4(50, 2)
	type header struct{ ihl, total int }
	bad := []header{{5, 0}, {5, 1}, {5, 19}, {15, 59}, {0, 20}, {1, 20}, {2, 20}, {3, 20}, {4, 20}, {0, 0}, {15, 0}}
	for _, h := range bad {
		t.Run(fmt.Sprintf("TFS-029 IHL %d total %d", h.ihl, h.total), func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: 3})
			block := reasmV4(60, 3)
			block[0], block[2], block[3] = byte(0x40|h.ihl), byte(h.total>>8), byte(h.total)
			g.expect(g.recv(1, reasmPayload(0, good, block, good)), good)
			g.expect(g.recv(2, reasmPayload(0, block)))
			g.expect(g.recv(3, reasmPayload(0, later)), later)
			g.expectDrops(mbuf.AggInnerLength, 2)
			g.expectCounters(ReassemblerCounters{RxPkts: 2, RxOctets: 90, Errored: 2})
		})
	}
	t.Run("TFS-029 the smallest that can be", func(t *testing.T) {
		g := newReasmRig(t, ReassemblerConfig{})
		options := reasmV4(60, 4)
		options[0] = 0x4f
		g.expect(g.recv(1, reasmPayload(0, reasmV4(20, 5), options)), reasmV4(20, 5), options)
	})
}

// TestTFST07IPv6Empty follows an IPv6 packet of 40 octets, Payload Length 0, by another block (TFS-022, TFS-030).
func TestTFST07IPv6Empty(t *testing.T) {
	g := newReasmRig(t, ReassemblerConfig{})
	empty, next := reasmV6(40, 1), reasmV4(30, 2)
	g.expect(g.recv(1, reasmPayload(0, empty, next, empty)), empty, next, empty)
}

// TestTFST09PadEndsPayload puts valid packets behind padding, where they mean nothing (TFS-023, TFS-024, TFS-027).
func TestTFST09PadEndsPayload(t *testing.T) {
	good, hidden, later := reasmV4(40, 1), reasmV4(50, 2), reasmV4(60, 3)
	cases := []struct {
		name   string
		blocks [][]byte
		want   [][]byte
		pad    uint64 // octets; all of the payload where want is nil
	}{
		{"packet behind the pad octet", [][]byte{good, {0}, hidden}, [][]byte{good}, 51},
		{"TFS-027 low nibble set", [][]byte{good, {0x0f}, hidden}, [][]byte{good}, 51},
		{"one octet of padding", [][]byte{good, {0}}, [][]byte{good}, 1},
		{"two packets, then padding", [][]byte{good, good, {0x0f, 0x45, 0x45}}, [][]byte{good, good}, 3},
		{"all-pad of one octet", [][]byte{{0}}, nil, 1},
		{"all-pad hides a packet", [][]byte{{0x01}, hidden}, nil, 51},
	}
	for _, c := range cases {
		t.Run("TFS-023 "+c.name, func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{})
			g.expect(g.recv(1, reasmPayload(0, c.blocks...)), c.want...)
			k := g.r.Counters()
			if c.want == nil && (k.AllPadPkts != 1 || k.AllPadOctets != c.pad || k.ExtraPadPkts != 0) ||
				c.want != nil && (k.ExtraPadPkts != 1 || k.ExtraPadOctets != c.pad || k.AllPadPkts != 0) {
				t.Errorf("counters %+v, expected %d octets of padding in one payload", k, c.pad)
			}
			g.expect(g.recv(2, reasmPayload(0, later)), later)
		})
	}
}

// TestTFST10Stubs receives payloads with no room for blocks, or not even for their header (TFS-014). An empty one is
// legal, of either sub-type, and the stream goes on behind all of them.
func TestTFST10Stubs(t *testing.T) {
	packet := reasmV4(100, 1)
	var stubs []struct {
		payload []byte
		v       mbuf.Verdict
	}
	add := func(v mbuf.Verdict, p []byte) {
		stubs = append(stubs, struct {
			payload []byte
			v       mbuf.Verdict
		}{p, v})
	}
	add(mbuf.AggAllPad, reasmPayload(0))
	add(mbuf.AggAllPad, reasmPayload(77)) // the offset of nothing
	add(mbuf.AggAllPad, reasmCC(0))
	add(mbuf.AggAllPad, reasmCC(0xffff))
	for n := range BasicHeaderLen {
		add(mbuf.AggHeader, reasmPayload(0)[:n])
	}
	for n := 1; n < CCHeaderLen; n++ {
		add(mbuf.AggHeader, reasmCC(0)[:n])
	}
	for _, s := range stubs {
		t.Run(fmt.Sprintf("TFS-014 %d octets %.4x", len(s.payload), s.payload), func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: 3})
			g.expect(g.recv(1, reasmPayload(0, packet[:60])))
			g.expect(g.recv(2, s.payload))
			g.expect(g.recv(3, reasmPayload(40, packet[60:])), packet)
			g.expectDrops(s.v, 1)
			if errored := g.r.Counters().Errored; (errored == 1) != (s.v == mbuf.AggHeader) {
				t.Errorf("%d payloads errored", errored)
			}
		})
	}
}

// TestTFST10PlainSA finds the one payload an SA without AGGFRAG takes among those it does not (TFS-013, TFS-078).
func TestTFST10PlainSA(t *testing.T) {
	if !EmptyCC(reasmCC(0)) {
		t.Error("TFS-013: the empty payload of sub-type 1 was refused")
	}
	other := reasmCC(0)
	other[0] = SubTypeBasic
	for _, p := range [][]byte{nil, reasmPayload(0), reasmCC(0)[:23], reasmCC(0, reasmPad(1)), reasmCC(0, reasmV4(20, 1)), other} {
		if EmptyCC(p) {
			t.Errorf("TFS-078: %d octets %.4x were taken", len(p), p)
		}
	}
}

// TestTFST13SubTypes puts payloads of unknown sub-type between fragments, and sets every reserved bit of known ones.
func TestTFST13SubTypes(t *testing.T) {
	packet := reasmV4(100, 1)
	for _, subType := range []byte{2, 3, 255} {
		t.Run(fmt.Sprintf("TFS-014 sub-type %d", subType), func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: 3})
			stranger := reasmPayload(0, packet)
			stranger[0] = subType
			g.expect(g.recvAll(1, reasmPayload(0, packet[:60]), stranger, stranger, reasmPayload(40, packet[60:])), packet)
			g.expectDrops(mbuf.AggSubType, 2)
			if k := g.r.Counters(); k.Errored != 2 {
				t.Errorf("%d payloads errored, expected 2", k.Errored)
			}
		})
	}
	t.Run("TFS-003 TFS-005 reserved bits", func(t *testing.T) {
		g := newReasmRig(t, ReassemblerConfig{Window: 3})
		first, second := reasmPayload(0, packet[:60]), reasmCC(40, packet[60:])
		first[1] = 0xff
		if second[1] != 0xff {
			t.Fatal("the payload of sub-type 1 does not have all bits set")
		}
		g.expect(g.recvAll(1, first, second), packet)
	})
}

// TestTFST14UnknownBlocks puts a block of unknown type first, in the middle and last: what stands before it is delivered,
// and the next payload's BlockOffset is where reading resumes (TFS-020, TFS-028).
func TestTFST14UnknownBlocks(t *testing.T) {
	good, later := reasmV4(40, 1), reasmV6(50, 2)
	for _, nibble := range []byte{1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15} {
		unknown := []byte{nibble << 4, 1, 2, 3, 4, 5, 6, 7}
		for name, c := range map[string]struct{ blocks, want [][]byte }{
			"first":    {[][]byte{unknown, good}, nil},
			"middle":   {[][]byte{good, unknown, good}, [][]byte{good}},
			"last":     {[][]byte{good, good, unknown}, [][]byte{good, good}},
			"one only": {[][]byte{unknown[:1]}, nil},
		} {
			t.Run(fmt.Sprintf("TFS-028 nibble %d %s", nibble, name), func(t *testing.T) {
				g := newReasmRig(t, ReassemblerConfig{Window: 3})
				g.expect(g.recv(1, reasmPayload(0, c.blocks...)), c.want...)
				g.expect(g.recv(2, reasmPayload(8, unknown, later)), later)
				g.expectDrops(mbuf.AggBlockType, 1)
				if k := g.r.Counters(); k.Errored != 1 {
					t.Errorf("%d payloads errored, expected 1", k.Errored)
				}
			})
		}
	}
}

// TestTFS078NextHeaders sends what does not belong on an AGGFRAG SA between two fragments: plain packets are dropped and
// counted, dummies vanish, and both use up their sequence number as an all-pad payload does.
func TestTFS078NextHeaders(t *testing.T) {
	packet, plain := reasmV4(100, 1), reasmV4(60, 2)
	for _, c := range []struct {
		nextHeader uint8
		v          mbuf.Verdict
		errored    uint64
	}{{4, mbuf.BadNextHeader, 1}, {41, mbuf.BadNextHeader, 1}, {6, mbuf.BadNextHeader, 1}, {59, mbuf.Dummy, 0}} {
		t.Run(fmt.Sprintf("TFS-078 next header %d", c.nextHeader), func(t *testing.T) {
			g := newReasmRig(t, ReassemblerConfig{Window: 3})
			g.expect(g.recv(1, reasmPayload(0, packet[:60])))
			g.expect(g.recvAs(2, c.nextHeader, plain))
			g.expect(g.recv(3, reasmPayload(40, packet[60:])), packet)
			g.expectDrops(c.v, 1)
			g.expectCounters(ReassemblerCounters{RxPkts: 1, RxOctets: 100, Errored: c.errored})
		})
	}
}
