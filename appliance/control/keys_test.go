package control

import (
	"testing"

	"stillwater/appliance/dataplane"
	"stillwater/ike"
)

// TestKeysInLine: keys of commands that no ring has taken are in one place each, and are wiped when they leave it, to the ring
// or with the Core.
func TestKeysInLine(t *testing.T) {
	for _, ending := range []string{"submitted", "closed"} {
		t.Run(ending, func(t *testing.T) {
			r := newRig(t, rigConfig{slots: 1024})
			r.open(1, "10.2.0.0/16")
			r.settle()
			for range 600 { // the ring has room for 256
				r.on(ike.AddInbound, 1, r.newSA(0, true))
			}
			line := r.orders.line
			if len(line) < 300 {
				t.Fatalf("%d commands in line", len(line))
			}
			held := append([]*dataplane.Command(nil), line...)
			for _, cmd := range held {
				if cmd.SA.KeymatLen == 0 || cmd.SA.Keymat == [len(cmd.SA.Keymat)]byte{} {
					t.Fatal("a command without keys: nothing is tested")
				}
			}
			if ending == "closed" {
				r.Core.Close()
				r.injectors, r.stack, r.workers = nil, nil, nil // the rig closes once more
			}
			for n := 0; ending == "submitted" && len(r.orders.awaited) > 0 && n < 5000; n++ {
				r.step()
			}
			for _, cmd := range held {
				wantWiped(t, cmd.SA.Keymat[:])
			}
		})
	}
}

// TestKeysOfWhatWaits: keys of an SA whose bundle the lcores have not seen are wiped with the Core.
func TestKeysOfWhatWaits(t *testing.T) {
	r := newRig(t, rigConfig{})
	p := r.newSA(0, true)
	r.open(1, "10.2.0.0/16")
	r.on(ike.AddInbound, 1, p)
	cmd := r.pairs[p.SPIIn].install
	wantWiped(t, p.KeymatIn)
	if cmd.SA.Keymat == [len(cmd.SA.Keymat)]byte{} {
		t.Fatal("no keys: nothing is tested")
	}
	r.Core.Close()
	r.injectors, r.stack, r.workers = nil, nil, nil
	wantWiped(t, cmd.SA.Keymat[:])
}

// TestFullRing: commands beyond the ring's room wait in line, in order, and every one is answered.
func TestFullRing(t *testing.T) {
	r := newRig(t, rigConfig{slots: 1024})
	r.open(1, "10.2.0.0/16")
	r.settle()
	var pairs []*ike.Pair
	for range 700 {
		p := r.newSA(0, true)
		pairs = append(pairs, p)
		r.on(ike.AddInbound, 1, p)
	}
	for n := 0; len(r.orders.awaited) > 0 && n < 5000; n++ {
		r.step()
	}
	if got := len(r.Pairs()); got != len(pairs) {
		t.Errorf("%d pairs receive, expected %d", got, len(pairs))
	}
	for _, p := range pairs {
		r.on(ike.RemoveInbound, 1, p)
	}
	r.on(ike.CloseBundle, 1, nil)
	for n := 0; len(r.orders.awaited) > 0 && n < 5000; n++ {
		r.step()
	}
	r.settle()
	r.nothingLeft()
}

// TestSpread: SAs under negotiation count, so that a crowd that begins at once is spread over the lcores.
func TestSpread(t *testing.T) {
	r := newRig(t, rigConfig{lcores: 4})
	n := [4]int{}
	for range 100 {
		l := r.place()
		n[l]++
		if _, err := r.newSPI(l); err != nil {
			t.Fatal(err)
		}
	}
	if n != [4]int{25, 25, 25, 25} {
		t.Errorf("%v", n)
	}
}
