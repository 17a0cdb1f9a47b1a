package esp_test

import (
	"testing"

	"stillwater/crypto/suite"
	"stillwater/pmd/mbuf"
)

// TestIKE030_LastReceived: the time is that of the last packet that proves the peer alive: authentic, no replay, dummy packets
// included (RFC 7296 2.4).
func TestIKE030_LastReceived(t *testing.T) {
	p := tunnelParams(suite.AES128GCM16)
	o, in := outbound(t, p), inbound(t, p)
	good, dummy := sealOne(t, o, 4, inner4(64, 0))[20:], sealOne(t, o, 59, nil)[20:]
	forged := sealOne(t, o, 4, inner4(64, 0))[20:]
	forged[len(forged)-1] ^= 1
	foreign := append([]byte(nil), good...)
	foreign[0] ^= 1
	for i, c := range []struct {
		name   string
		packet []byte
		v      mbuf.Verdict
		want   int64
	}{
		{"none", forged, mbuf.AuthFailed, 0},
		{"good", good, mbuf.Pass, 2},
		{"replay", good, mbuf.Replayed, 2},
		{"forged", forged, mbuf.AuthFailed, 2},
		{"another SPI", foreign, mbuf.UnknownSPI, 2},
		{"dummy", dummy, mbuf.Dummy, 6},
	} {
		in.Tick(int64(i + 1))
		wantVerdict(t, openOne(t, in, c.packet), c.v)
		if got := in.LastReceived(0); got != c.want {
			t.Errorf("%s: last received at %d, want %d", c.name, got, c.want)
		}
	}
	in.Remove(0)
	if err := in.Install(0, p); err != nil || in.LastReceived(0) != 0 {
		t.Errorf("a new SA in the slot has received at %d, %v", in.LastReceived(0), err)
	}
}
