package control

import (
	"testing"

	"stillwater/crypto/esp"
	"stillwater/ike"
)

// TestPairCounters: what a pair has carried is exact, also when its outbound half has gone while the inbound one lingers, and
// when another SA sits in its slot.
func TestPairCounters(t *testing.T) {
	r := newRig(t, rigConfig{text: onDemand})
	first, second := r.newSA(0, true), r.newSA(0, true)
	r.open(1, "10.2.0.0/16")
	r.settle()
	r.up(1, first)
	for range 3 {
		r.sendInside("10.1.0.9", "10.2.0.9")
		r.settle()
	}
	// RFC 4303 2.4: 20 octets of payload, 2 of padding and 2 of trailer.
	carried := esp.Counters{Packets: 3, Octets: 3 * 24, Seq: 3}
	if s := r.Pairs(); len(s) != 1 || s[0].Name != "peers/net" || !s[0].Out || s[0].Sent != carried || s[0].Received != (esp.Counters{}) {
		t.Errorf("%+v, expected %+v sent", s, carried)
	}
	r.on(ike.RemoveOutbound, 1, first)
	for range 8 {
		r.step()
		if s := r.Pairs(); len(s) != 1 || s[0].Sent != carried || s[0].Out {
			t.Fatalf("while it goes: %+v", s)
		}
	}
	r.up(1, second)
	r.sendInside("10.1.0.9", "10.2.0.9")
	r.settle()
	sent := map[uint32]uint64{}
	for _, s := range r.Pairs() {
		sent[s.SPIIn] = s.Sent.Packets
	}
	if sent[first.SPIIn] != 3 || sent[second.SPIIn] != 1 || r.pairs[first.SPIIn].out.slot != r.pairs[second.SPIIn].out.slot {
		t.Errorf("%v", sent)
	}
}
