package esp_test

import (
	"bytes"
	"fmt"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

// Codepoints of the ECN field (RFC 3168 5).
const (
	notECT = 0b00
	ect1   = 0b01
	ect0   = 0b10
	ce     = 0b11
	lost   = 0xff // the table's <drop>
)

// ECN-T01: RFC 6040 figure 4, all 16 cells, for both inner families, with every DS field left as it was (SPD-024).
func TestECN003_Decapsulation(t *testing.T) {
	for _, c := range []struct{ inner, outer, want, odd uint8 }{
		{notECT, notECT, notECT, 0}, {notECT, ect0, notECT, 1}, {notECT, ect1, notECT, 1}, {notECT, ce, lost, 1},
		{ect0, notECT, ect0, 0}, {ect0, ect0, ect0, 0}, {ect0, ect1, ect1, 0}, {ect0, ce, ce, 0},
		{ect1, notECT, ect1, 0}, {ect1, ect0, ect1, 1}, {ect1, ect1, ect1, 0}, {ect1, ce, ce, 0},
		{ce, notECT, ce, 0}, {ce, ect0, ce, 0}, {ce, ect1, ce, 1}, {ce, ce, ce, 0},
	} {
		t.Run(fmt.Sprintf("inner %02b outer %02b", c.inner, c.outer), func(t *testing.T) {
			for _, dscp := range []uint8{0, 0xb8, 0xfc} {
				wantECN(t, 4, inner4(40, dscp|c.inner), c.outer, inner4(40, dscp|c.want), c.want == lost, c.odd)
				wantECN(t, 41, inner6(60, dscp|c.inner), c.outer, inner6(60, dscp|c.want), c.want == lost, c.odd)
			}
		})
	}
}

func wantECN(t *testing.T, nh uint8, inner []byte, outerECN uint8, want []byte, drop bool, odd uint8) {
	t.Helper()
	p := tunnelParams(suite.AES128GCM16)
	in := inbound(t, p)
	ms := packets(t, reference{p}.packet(1, nh, inner))
	ms[0].TOS = 0x28 | outerECN // another DS field outside
	in.Open(ms)
	if got := in.Counters(0).OddECN; got != uint32(odd) {
		t.Errorf("ECN-004: %d odd combinations counted, want %d", got, odd)
	}
	if drop {
		wantVerdict(t, ms[0], mbuf.ECNDropped)
		return
	}
	wantVerdict(t, ms[0], mbuf.Pass)
	if !bytes.Equal(ms[0].Data(), want) {
		t.Errorf("inner packet\n%x, want\n%x", ms[0].Data(), want)
	}
}

// ECN-001, ECN-002: outer field by inner field and mode, for all codepoints.
func TestECN001_Encapsulation(t *testing.T) {
	for ecn := range uint8(4) {
		for _, normal := range []bool{true, false} {
			p := tunnelParams(suite.AES128GCM16)
			p.CopyECN = normal
			want := ecn
			if !normal {
				want = notECT
			}
			o := outbound(t, p)
			for nh, inner := range map[uint8][]byte{4: inner4(40, 0xb8|ecn), 41: inner6(60, 0xb8|ecn)} {
				packet := sealOne(t, o, nh, inner)
				if packet[1] != want || onesSum(packet[:20]) != 0xffff {
					t.Errorf("inner %02b, normal mode %v: outer TOS %#x, want %#x", ecn, normal, packet[1], want)
				}
			}
		}
	}
}

func TestECN005_AGGFRAGPropagatesNothing(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.Mode = esp.ModeAGGFRAG
	payload := append(make([]byte, 4), inner4(40, notECT)...)
	ms := packets(t, reference{p}.packet(1, 144, payload))
	ms[0].TOS = ce
	inbound(t, p).Open(ms)
	wantVerdict(t, ms[0], mbuf.Pass)
	if !bytes.Equal(ms[0].Data(), payload) {
		t.Error("the payload was changed")
	}
}

// RFC 1624: the corner where the old and the new arithmetic differ, and all checksums around it.
func TestECN003_ChecksumCorners(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.ReplayWindow = -1
	in := inbound(t, p)
	for id := range 1 << 16 {
		if id%31 != 0 && id < 0xff00 && id > 0x100 {
			continue
		}
		inner := inner4(20, ect0)
		inner[4], inner[5], inner[10], inner[11] = byte(id>>8), byte(id), 0, 0
		sum := ^onesSum(inner)
		inner[10], inner[11] = byte(sum>>8), byte(sum)
		ms := packets(t, reference{p}.packet(1, 4, inner))
		ms[0].TOS = ce
		in.Open(ms)
		if got := ms[0].Data(); got[1]&3 != ce || onesSum(got) != 0xffff {
			t.Fatalf("ID %#x: header % x", id, got)
		}
	}
}
