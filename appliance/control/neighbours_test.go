package control

import (
	"net/netip"
	"testing"

	"stillwater/appliance/hoststack"
)

// hostDatagram is one of the host stack's.
var hostDatagram = hoststack.Datagram{
	Local: netip.MustParseAddrPort("192.0.2.1:500"), Remote: netip.MustParseAddrPort("192.0.2.9:500"), Data: []byte("x"),
}

// heard is an answer of the host stack about 192.0.2.2.
func heard(mac byte, valid bool) hoststack.Neighbour {
	return hoststack.Neighbour{Port: outsidePort, Addr: netip.MustParseAddr("192.0.2.2"), MAC: [6]byte{2, mac}, Valid: valid}
}

// egress is the published way of a bundle to its peer.
func (r *rig) egress(b *bundle) (valid bool) {
	return r.plane.Generation().Children[b.index].Egress.Valid
}

// TestNeighbours: an answer changes routes and the way of every bundle there, once; a lost neighbour is asked for again.
func TestNeighbours(t *testing.T) {
	r := newRig(t, rigConfig{ethernet: true})
	r.open(1, "10.2.0.0/16")
	r.settle()
	b := r.bundles[1]
	if r.egress(b) {
		t.Fatal("a way to a peer whose link address nobody knows")
	}
	for _, c := range []struct {
		answer  hoststack.Neighbour
		changes bool
		valid   bool
	}{
		{heard(7, true), true, true}, {heard(7, true), false, true}, {heard(8, true), true, true},
		{heard(0, false), true, false}, {heard(0, false), false, false}, {heard(7, true), true, true},
	} {
		r.settle()
		before := r.number
		r.inbox.neighbour(c.answer)
		r.settle()
		if changed := r.number != before; changed != c.changes || r.egress(b) != c.valid {
			t.Errorf("%+v: changed %t, way %t", c.answer, changed, r.egress(b))
		}
	}
}

// TestFixedNeighbours: what the operator wrote stays.
func TestFixedNeighbours(t *testing.T) {
	r := newRig(t, rigConfig{ethernet: true, text: oneChild + `
[[neighbour]]
address = "192.0.2.2"
mac = "02:07:00:00:00:00"
port = "outside"
`})
	before := r.number
	r.inbox.neighbour(heard(8, true))
	r.inbox.neighbour(heard(0, false))
	r.settle()
	if r.number != before || r.neighbours.known[hop{outsidePort, heard(0, true).Addr}] != [6]byte{2, 7} {
		t.Errorf("%v in generation %d", r.neighbours.known, r.number)
	}
}

// TestAnswersAreJoined: of several answers about one neighbour the last counts, so that nobody fills memory with them.
func TestAnswersAreJoined(t *testing.T) {
	var in inbox
	for i := range 1000 {
		in.neighbour(heard(byte(i), true))
	}
	if _, ns, _ := in.take(); len(ns) != 1 || ns[hop{outsidePort, heard(0, true).Addr}].MAC[1] != 999%256 {
		t.Errorf("%v", ns)
	}
}
