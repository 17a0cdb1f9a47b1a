package control

import (
	"net/netip"
	"testing"

	"stillwater/appliance/dataplane"
	"stillwater/ike"
)

// TestMoveReachesEverySA: an outbound SA that was on its way while its bundle moved sends to the new place too (IKE-164).
func TestMoveReachesEverySA(t *testing.T) {
	for steps := range 6 {
		r := newRig(t, rigConfig{text: onDemand})
		p := r.newSA(0, true)
		r.open(1, "10.2.0.0/16")
		in := r.on(ike.AddInbound, 1, p)
		r.settle()
		must(t, r.outcome(in))
		r.on(ike.AddOutbound, 1, p)
		for range steps {
			r.step()
		}
		moved := outerTo(77)
		moved.UDP, moved.Remote = true, netip.AddrPortFrom(moved.Remote.Addr(), 4501)
		done := r.do(ike.Operation{Kind: ike.MoveBundle, Bundle: 1, Outer: moved})
		r.settle()
		must(t, r.outcome(done))
		r.sendInside("10.1.0.9", "10.2.0.9")
		r.settle()
		packets := r.receive(outsidePort)
		if len(packets) != 1 {
			t.Fatalf("after %d steps: %d packets", steps, len(packets))
		}
		if ip := packets[0]; netip.AddrFrom4([4]byte(ip[16:20])) != moved.Remote.Addr() || ip[9] != 17 || ip[22] != 4501>>8 || ip[23] != 4501&0xff {
			t.Errorf("after %d steps a packet goes to %v, protocol %d", steps, ip[16:20], ip[9])
		}
	}
}

// TestRedirectHasNoKeys: what is kept of an outbound SA to redirect it is without its keys.
func TestRedirectHasNoKeys(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.open(1, "10.2.0.0/16")
	r.settle()
	sa := r.newSA(0, true)
	r.up(1, sa)
	p := r.pairs[sa.SPIIn]
	cmd := r.redirect(p)
	wantWiped(t, p.sent.Keymat[:], cmd.SA.Keymat[:])
	if cmd.Op != dataplane.Redirect || cmd.Slot != p.out.slot || cmd.SA.SPI != sa.SPIOut {
		t.Errorf("%+v", cmd)
	}
}
