package esp_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
)

// goldenParams are the SA of testdata/headers.txt.
func goldenParams(outer byte, df, ds, encap string) *esp.Params {
	p := tunnelParams(suite.NullSHA256)
	p.SPI, p.FirstSeq = 0x01020304, 7
	p.Src, p.Dst = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.2")
	if outer == '6' {
		p.Src, p.Dst = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:1::2")
		p.FlowLabel = 0xabcde
	}
	p.DF = map[string]esp.DFMode{"set": esp.DFSet, "clear": esp.DFClear, "copy": esp.DFCopy}[df]
	p.DSCP = 10
	if ds == "copy" {
		p.DSCP, p.CopyECN = esp.DSCPCopy, true
	}
	if encap != "none" {
		p.Encap, p.SrcPort, p.DstPort = esp.EncapUDP, 4500, 4501
		p.UDPZeroChecksum6 = encap == "udpzero"
	}
	return p
}

// SPD-T01, UDP-T03: SPD-020, SPD-021, SPD-023, SPD-070, ECN-001, ECN-002, UDP-001, UDP-002, whole packets bit for bit.
func TestSPD020_GoldenPackets(t *testing.T) {
	for _, f := range lines(t, "testdata/headers.txt") {
		t.Run(strings.Join(f[:4], " "), func(t *testing.T) {
			nh := map[byte]uint8{'4': 4, '6': 41}[f[0][0]]
			o := outbound(t, goldenParams(f[0][3], f[1], f[2], f[3]))
			got := sealOne(t, o, nh, unhex(t, f[4]))
			if want := unhex(t, f[5]); !bytes.Equal(got, want) {
				t.Errorf("outer packet\n%x, want\n%x", got, want)
			}
		})
	}
}

func TestSPD020_DefaultAndConfiguredTTL(t *testing.T) {
	for ttl, want := range map[uint8]byte{0: 64, 1: 1, 255: 255} {
		p := tunnelParams(suite.AES128GCM16)
		p.TTL = ttl
		if got := sealOne(t, outbound(t, p), 4, inner4(64, 0)); got[8] != want {
			t.Errorf("TTL %d: %d on the wire, want %d", ttl, got[8], want)
		}
	}
}

// RFC 6864 4.1 and 4.2: IDs differ where a router may fragment, and do not matter where it must not.
func TestSPD020_IPv4ID(t *testing.T) {
	ids := func(df esp.DFMode) (ids []uint16) {
		p := tunnelParams(suite.AES128GCM16)
		p.DF, p.FirstSeq = df, 0xfffe
		o := outbound(t, p)
		for range 4 {
			packet := sealOne(t, o, 4, inner4(64, 0))
			if onesSum(packet[:20]) != 0xffff {
				t.Errorf("checksum of % x is wrong", packet[:20])
			}
			ids = append(ids, binary.BigEndian.Uint16(packet[4:]))
		}
		return ids
	}
	for i, id := range ids(esp.DFSet) {
		if id != 0 {
			t.Errorf("packet %d with DF set has ID %d, want 0", i, id)
		}
	}
	clearIDs := ids(esp.DFClear)
	for i := range clearIDs[1:] {
		if clearIDs[i+1] != clearIDs[i]+1 {
			t.Errorf("IDs %v with DF clear, want consecutive ones", clearIDs)
		}
	}
}

// A dummy packet has no inner header: nothing is copied from what it carries.
func TestESP040_DummyCopiesNothing(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.DSCP, p.CopyECN, p.DF = esp.DSCPCopy, true, esp.DFCopy
	packet := sealOne(t, outbound(t, p), 59, bytes.Repeat([]byte{0xff}, 40))
	if packet[1] != 0 || packet[6] != 0x40 {
		t.Errorf("TOS %#x, fragment octet %#x; want 0 and DF", packet[1], packet[6])
	}
}

// ECN-T02: an AGGFRAG payload that looks like a marked IP packet.
func TestTFS092_AGGFRAGOuterIsNotECT(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	p.Mode, p.DSCP = esp.ModeAGGFRAG, 46
	packet := sealOne(t, outbound(t, p), 144, inner4(64, 0xff))
	if packet[1] != 46<<2 {
		t.Errorf("TOS %#x, want %#x", packet[1], 46<<2)
	}
}

// UDP-013, UDP-T05: the peer of one SA moves, of the other it does not; counters go on.
func TestUDP013_RedirectMovesOneSA(t *testing.T) {
	p, q := tunnelParams(suite.AES128GCM16), tunnelParams(suite.AES128GCM16)
	q.SPI = 0x1002
	p.Encap, p.SrcPort, p.DstPort = esp.EncapUDP, 4500, 4500
	q.Encap, q.SrcPort, q.DstPort = esp.EncapUDP, 4500, 4500
	o := outbound(t, p, q)
	sealOne(t, o, 4, inner4(64, 0))
	p.Dst, p.DstPort = netip.MustParseAddr("2001:db8::7"), 31337
	p.Src = netip.MustParseAddr("2001:db8::1")
	h, err := esp.NewOuterHeader(p)
	must(t, err)
	o.Redirect(0, h)
	ms := payloads(t, 4, inner4(64, 0), inner4(64, 0))
	ms[1].SA = 1
	if n := o.Seal(ms); n != 2 {
		t.Fatal(ms[0].Verdict, ms[1].Verdict)
	}
	moved, stayed := ms[0].Data(), ms[1].Data()
	if moved[0]>>4 != 6 || binary.BigEndian.Uint16(moved[42:]) != 31337 || moved[39] != 7 {
		t.Errorf("moved SA: % x", moved[:48])
	}
	if ms[0].Seq != 2 {
		t.Errorf("sequence number %d after the move, want 2", ms[0].Seq)
	}
	if stayed[0]>>4 != 4 || binary.BigEndian.Uint16(stayed[22:]) != 4500 {
		t.Errorf("the other SA: % x", stayed[:28])
	}
}
