package control

import (
	"context"
	"errors"
	"slices"
	"testing"

	"stillwater/appliance/dataplane"
	"stillwater/crypto/esp"
)

// oneTunnel is a static tunnel with two SA pairs.
const oneTunnel = `
[[neighbour]]
address = "192.0.2.2"
mac = "02:07:00:00:00:00"
port = "outside"
[[tunnel]]
name = "wan"
local = "192.0.2.1"
remote = "192.0.2.2"
mode = "tunnel"
[[tunnel.policy]]
local_ts = ["10.1.0.0/16"]
remote_ts = ["10.2.0.0/16"]
[[tunnel.sa]]
spi_in = 0x1001
spi_out = 0x2001
encr = "aes128gcm16"
key_in = "000102030405060708090a0b0c0d0e0f10111213"
key_out = "100102030405060708090a0b0c0d0e0f10111213"
[[tunnel.sa]]
spi_in = 0x1002
spi_out = 0x2002
encr = "aes128gcm16"
key_in = "200102030405060708090a0b0c0d0e0f10111213"
key_out = "300102030405060708090a0b0c0d0e0f10111213"
`

// TestStaticPairs: the first SA pair of each lcore sends, others receive only (RFC 9611 4); what they carry is told.
func TestStaticPairs(t *testing.T) {
	r := newRig(t, rigConfig{text: oneTunnel, ethernet: true})
	mac := r.ports[insidePort].Info().MAC
	r.send(insidePort, append(append(mac[:], 2, 9, 0, 0, 0, 0, 8, 0), ipv4("10.1.0.9", "10.2.0.9", 253)...))
	r.settle()
	s := r.StaticPairs()
	if len(s) != 2 || !s[0].HasOut || s[1].HasOut || s[0].SPIOut != 0x2001 || s[1].SPIIn != 0x1002 {
		t.Fatalf("%+v", s)
	}
	if s[0].Sent != (esp.Counters{Packets: 1, Octets: 24, Seq: 1}) || s[1].Sent != (esp.Counters{}) || s[0].Received.Packets != 0 {
		t.Errorf("%+v", s)
	}
	if g := r.plane.Generation(); g.Children[0].Name != "wan" || g.Children[0].Acquire || g.Out[0].Lcore != 0 {
		t.Errorf("%+v, %v", g.Children[0], g.Out)
	}
}

// TestStaticKeysAreWiped: key material of static SAs does not outlive their install, nor one that fails half way.
func TestStaticKeysAreWiped(t *testing.T) {
	r := newRig(t, rigConfig{text: oneTunnel, ethernet: true})
	var held []*dataplane.Command
	broken := errors.New("no data plane")
	for fail := 1; fail <= 3; fail++ {
		held = nil
		err := r.InstallStatic(context.Background(), func(_ context.Context, cmd *dataplane.Command) (dataplane.Ack, error) {
			if held = append(held, cmd); cmd.SA.Keymat == [len(cmd.SA.Keymat)]byte{} {
				t.Error("a command without keys: nothing is tested")
			}
			if len(held) == fail {
				return dataplane.Ack{}, broken
			}
			return dataplane.Ack{}, nil
		}, nil)
		if !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
		for _, cmd := range held {
			wantWiped(t, cmd.SA.Keymat[:])
		}
	}
}

// TestLinkLocal is the example of RFC 4291 appendix A: the universal bit is turned, FF FE stands in the middle.
func TestLinkLocal(t *testing.T) {
	if got := linkLocal([6]byte{0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde}).String(); got != "fe80::3656:78ff:fe9a:bcde" {
		t.Errorf("got %s", got)
	}
	if r := newRig(t, rigConfig{ethernet: true}); !slices.Contains(r.plane.Generation().Local, linkLocal(r.ports[0].Info().MAC)) {
		t.Errorf("the lcores know %v", r.plane.Generation().Local)
	}
}
