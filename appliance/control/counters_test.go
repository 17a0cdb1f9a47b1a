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

// TestIKE030_LastReceived: the engine learns when a pair last received; of pairs that it does not have, never.
func TestIKE030_LastReceived(t *testing.T) {
	a := newRig(t, rigConfig{text: onDemand})
	p := a.newSA(0, true)
	a.open(1, "10.2.0.0/16")
	a.settle()
	in := a.on(ike.AddInbound, 1, p)
	a.settle()
	must(t, a.outcome(in))
	if at := a.lastReceived(p.SPIIn); at != 0 {
		t.Errorf("%d before any packet", at)
	}
	b := newRig(t, rigConfig{text: onDemand}) // seals what a opens
	q := &ike.Pair{SPIIn: p.SPIOut, SPIOut: p.SPIIn, Suite: gcm, ESN: true, Fallback: true, KeymatIn: keysOf(p.SPIOut), KeymatOut: keysOf(p.SPIIn)}
	b.open(1, "10.2.0.0/16")
	b.settle()
	b.up(1, q)
	b.sendInside("10.1.0.9", "10.2.0.9")
	b.settle()
	sealed := b.receive(outsidePort)
	if len(sealed) != 1 {
		t.Fatalf("%d packets", len(sealed))
	}
	ip := sealed[0] // both rigs have one address: the peer's side of the wire is turned around
	copy(ip[12:20], append(append([]byte(nil), ip[16:20]...), ip[12:16]...))
	begun := a.time.Load()
	a.send(outsidePort, ip)
	a.settle()
	if at := a.lastReceived(p.SPIIn); at < begun || at > a.time.Load() {
		t.Errorf("%d, expected it after %d", at, begun)
	}
	if at := a.lastReceived(p.SPIIn + 1); at != 0 {
		t.Errorf("%d of a pair that is not there", at)
	}
	if s := a.Pairs(); len(s) != 1 || s[0].Received.Packets != 1 {
		t.Errorf("%+v", s)
	}
}
