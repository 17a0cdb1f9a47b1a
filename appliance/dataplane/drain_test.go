package dataplane

import (
	"testing"
)

// TestDrain: the intake stops, what is in the framers and behind a slow port leaves, then comes the ack.
func TestDrain(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			r := newHalfRig(t, rigConfig{ring: 16})
			peer := r.openPeer()
			r.a.point(0, OutRef{0, r.a.installOut(0, mode(0x1000, addrA, addrB))})
			for range 6 {
				for i := range uint32(16) {
					r.hostA.send(numbered(addrA.host, addrB.host, 1000, i))
				}
				r.step(1e4) // the port takes 16 packets in all
			}
			before := r.a.total()
			r.a.Submit(&Command{Op: Drain, Ticket: 5})
			r.hostA.send(numbered(addrA.host, addrB.host, 1000, 99))
			received := 0
			for i := range 300 {
				r.step(1e6)
				a, ok := r.a.TakeAck()
				if i < 3 && ok {
					t.Fatal("acknowledged while the port is backed up")
				}
				if ok {
					if a.Ticket != 5 || a.Op != Drain || a.Code != Done {
						t.Fatalf("ack %+v", a)
					}
					break
				}
				if i > 3 {
					received += peer.discard()
				}
			}
			w := r.a.workers[0]
			for slot := range w.out {
				if !w.out[slot].idle() {
					t.Errorf("slot %d holds packets after the ack", slot)
				}
			}
			received += peer.discard()
			r.steps(20, 1e6)
			if c := r.a.total(); c.InsideRx != before.InsideRx {
				t.Errorf("%d packets taken in after the drain", c.InsideRx-before.InsideRx)
			} else if name != "constant" && uint64(received) != c.OutsideTx {
				t.Errorf("%d packets arrived of %d sent", received, c.OutsideTx)
			}
		})
	}
}

// TestDrainGivesUp: a port that takes nothing any more holds a drain up for quietSteps steps, counted from its order.
func TestDrainGivesUp(t *testing.T) {
	r := newHalfRig(t, rigConfig{ring: 4}) // the outside wire is not connected: nothing leaves
	for range 2 {                          // an earlier one, and removals, must not count
		r.a.point(0, OutRef{0, r.a.installOut(0, tunnelSA(0x1000, addrA, addrB))})
		r.hostA.send(numbered(addrA.host, addrB.host, 100, 1))
		r.step(1e6)
		r.a.workers[0].draining = false
		r.a.Submit(&Command{Op: Drain, Ticket: 9})
		steps := 0
		for ; steps < 2*quietSteps; steps++ {
			r.step(1e6)
			if _, ok := r.a.TakeAck(); ok {
				break
			}
		}
		if steps < quietSteps-1 || steps > quietSteps+8 {
			t.Errorf("acknowledged after %d steps, expected %d", steps, quietSteps)
		}
		r.a.workers[0].draining = false
		r.a.do(Command{Op: RemoveOutbound, Slot: r.a.gen.Out[0].Slot})
	}
}
