package testbed

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMixPackets has every packet of every generated mix be what it says: lengths, checksums, sizes, and each copy
// different from the one before.
func TestMixPackets(t *testing.T) {
	for _, name := range []string{"imix", "40", "56", "64", "65", "1400", "1401", "9216"} {
		l := newLink(t, mustMix(t, name))
		seen := map[string]bool{}
		for range 3 * len(l.mix.Templates) {
			p := l.sendOne()
			if !wellFormed(p) {
				t.Fatalf("%s: %x", name, p[:min(len(p), 60)])
			}
			if seen[string(p)] {
				t.Fatalf("%s: the same packet a second time", name)
			}
			seen[string(p)] = true
		}
	}
}

// wellFormed checks an IP packet with UDP in it, from RFC 791, 8200 and 768.
func wellFormed(p []byte) bool {
	if p[0] == 0x45 {
		udp := p[20:]
		return int(binary.BigEndian.Uint16(p[2:])) == len(p) && onesSum(p[:20]) == 0xffff && p[8] == 64 && p[9] == 17 &&
			int(binary.BigEndian.Uint16(udp[4:])) == len(udp) && udp[6] == 0 && udp[7] == 0
	}
	udp := slices.Clone(p[40:])
	pseudo := slices.Concat(p[8:40], []byte{0, 0, p[4], p[5], 0, 0, 0, 17}, udp)
	if len(pseudo)%2 == 1 {
		pseudo = append(pseudo, 0)
	}
	return p[0] == 0x60 && int(binary.BigEndian.Uint16(p[4:])) == len(p)-40 && p[6] == 17 && p[7] == 64 &&
		int(binary.BigEndian.Uint16(udp[4:])) == len(udp) && onesSum(pseudo) == 0xffff
}

// TestMixIMIX counts seven small, four medium and one large packet, for each flow of both families.
func TestMixIMIX(t *testing.T) {
	x := mustMix(t, "imix")
	count := map[int]int{}
	for _, p := range x.Templates {
		count[len(p.Packet)]++
	}
	half := flowsPerFamily
	if count[40] != 7*half || count[smallest6] != 7*half || count[576] != 8*half || count[1500] != 2*half || x.MaxSize != 1500 || x.Flows != 2*half {
		t.Errorf("sizes %v of %d flows, largest %d", count, x.Flows, x.MaxSize)
	}
}

// TestMixRefused names what is wrong with a mix.
func TestMixRefused(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.pcap")
	if err := os.WriteFile(text, []byte("no capture at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"39", "-1", "9217", "0", "no-such-file.pcap", text, t.TempDir(), ""} {
		if x, err := NewMix(name, largestMTU); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("mix %q: %v, %v", name, x, err)
		}
	}
}

// capture writes a pcap file of link type RAW.
func capture(t testing.TB, packets [][]byte) string {
	t.Helper()
	b := []byte{0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 101}
	for _, p := range packets {
		b = append(b, 0, 0, 0, 1, 0, 0, 0, 0)
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	path := filepath.Join(t.TempDir(), "mix.pcap")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMixFromCapture takes what gateways forward, with a fresh TTL, and leaves the rest out.
func TestMixFromCapture(t *testing.T) {
	good := [][]byte{udp4(0, 100).Packet, udp6(1, 200).Packet, udp4(2, 1500).Packet, udp4(0, 60).Packet}
	old := slices.Clone(good[0])
	old[8], old[10], old[11] = 3, 0, 0
	sum := onesSum(old[:20])
	old[10], old[11] = byte(^sum>>8), byte(^sum)
	multicast, broadcastTo, outside := udp4(0, 60).Packet, udp4(0, 60).Packet, udp4(0, 60).Packet
	copy(multicast[16:], []byte{224, 0, 0, 1})
	copy(broadcastTo[16:], []byte{255, 255, 255, 255})
	copy(outside[16:], []byte{198, 51, 100, 2})
	packets := append(slices.Clone(good), old, multicast, broadcastTo, outside, good[0][:50], []byte{1, 2, 3}, udp4(1, 3000).Packet)
	x, err := NewMix(capture(t, packets), 1500)
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Templates) != 5 || x.Flows != 3 || x.MaxSize != 1500 {
		t.Errorf("%d packets of %d flows, largest %d; expected 5, 3, 1500", len(x.Templates), x.Flows, x.MaxSize)
	}
	l := newLink(t, x)
	for i := range 10 {
		if p := l.sendOne(); !wellFormed(p) {
			t.Errorf("packet %d: %x", i, p)
		}
	}
	if got := newLink(t, x).verdict(nil); got.Lost != 0 {
		t.Errorf("%+v before anything was sent", got)
	}
}

// TestMixOfOnePacket repeats a packet that has no counter: none of the copies is taken for another that is missing.
func TestMixOfOnePacket(t *testing.T) {
	x, err := NewMix(capture(t, [][]byte{udp4(0, 100).Packet}), 1500)
	if err != nil {
		t.Fatal(err)
	}
	l := newLink(t, x)
	ps := l.sendTwoHops(50)
	if got := l.verdict(ps[:40]); got.Lost != 10 || got.Reordered != 0 || got.Corrupt != 0 || got.Received != 40 {
		t.Errorf("%+v, expected 10 lost", got)
	}
}
