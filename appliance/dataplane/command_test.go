package dataplane

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/ring"
	"stillwater/pmd/softpmd"
)

// TestCommandRefusals has every refusal code and what leads to it.
func TestCommandRefusals(t *testing.T) {
	sa := func(change func(*SA)) SA {
		s := aggregateSA(0x5000, addrA, addrB)
		change(&s)
		return s
	}
	for _, c := range []struct {
		name string
		cmd  Command
		want Code
	}{
		{"operation 0", Command{}, BadCommand},
		{"operation beyond the last", Command{Op: Drain + 1}, BadCommand},
		{"lcore", Command{Op: InstallInbound, Lcore: 1, SA: sa(func(*SA) {})}, BadCommand},
		{"slot beyond the table", Command{Op: RemoveInbound, Slot: rigSlots}, BadCommand},
		{"slot beyond all tables", Command{Op: RemoveOutbound, Slot: noSlot}, BadCommand},
		{"empty inbound slot", Command{Op: RemoveInbound, Slot: 3}, BadCommand},
		{"empty outbound slot", Command{Op: RemoveOutbound, Slot: 3}, BadCommand},
		{"unknown algorithm", Command{Op: InstallInbound, SA: sa(func(s *SA) { s.Alg = 0 })}, BadSA},
		{"unknown algorithm, outbound", Command{Op: InstallOutbound, SA: sa(func(s *SA) { s.Alg = 255 })}, BadSA},
		{"child the generation does not have", Command{Op: InstallOutbound, Child: 1, SA: sa(func(*SA) {})}, BadSA},
		{"child, inbound", Command{Op: InstallInbound, Child: 7, SA: sa(func(*SA) {})}, BadSA},
		{"length of key material", Command{Op: InstallInbound, SA: sa(func(s *SA) { s.KeymatLen = 19 })}, BadSA},
		{"length of key material beyond its array", Command{Op: InstallInbound, SA: sa(func(s *SA) { s.KeymatLen = 255 })}, BadSA},
		{"reserved SPI", Command{Op: InstallInbound, SA: sa(func(s *SA) { s.SPI = 255 })}, BadSA},
		{"address families", Command{Op: InstallOutbound, SA: sa(func(s *SA) { s.Src = Addr{1} })}, BadSA},
		{"payload size", Command{Op: InstallOutbound, SA: sa(func(s *SA) { s.Framing.OuterSize = 60 })}, BadSA},
		{"queue", Command{Op: InstallOutbound, SA: sa(func(s *SA) { s.Framing.QueuePackets = 3 })}, BadSA},
		{"interval", Command{Op: InstallOutbound, SA: sa(func(s *SA) { s.Framing.Constant = true })}, BadSA},
		{"tunnel MTU", Command{Op: InstallOutbound, SA: sa(func(s *SA) { s.Mode, s.MTU = esp.ModeTunnel, 20 })}, BadSA},
		{"lost timer", Command{Op: InstallInbound, SA: sa(func(s *SA) { s.Reorder.LostTimer = -1 })}, BadSA},
		{"replay window", Command{Op: InstallInbound, SA: sa(func(s *SA) { s.ReplayWindow = -2 })}, BadSA},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newHalfRig(t, rigConfig{})
			a, err := r.a.try(c.cmd)
			if a.Code != c.want || a.Ticket != r.a.ticket || a.Op != c.cmd.Op || err == nil || !strings.Contains(err.Error(), c.want.String()) {
				t.Errorf("ack %+v, error %v, expected %q", a, err, c.want)
			}
			if c.want == BadSA && (r.a.Refusal() == nil || !errors.Is(err, r.a.Refusal())) {
				t.Errorf("error %v does not wrap the reason %v", err, r.a.Refusal())
			}
			r.a.installIn(0, sa(func(*SA) {})) // nothing of the refused one is left
			r.a.installOut(0, sa(func(*SA) {}))
		})
	}
}

// TestRefusalIsOfThisCommand: the reason of an earlier refusal is not given for a later one.
func TestRefusalIsOfThisCommand(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	sa := tunnelSA(0x5000, addrA, addrB)
	sa.MTU = 20
	_, first := r.a.try(Command{Op: InstallOutbound, SA: sa})
	sa.MTU, sa.Alg = 1500, 0
	_, second := r.a.try(Command{Op: InstallOutbound, SA: sa})
	if first == nil || second == nil || first.Error() == second.Error() {
		t.Errorf("two different refusals read\n %v\n %v", first, second)
	}
}

func TestSlotsRunOut(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	for i := range uint32(rigSlots) {
		r.a.installIn(0, tunnelSA(0x1000+i, addrB, addrA))
		r.a.installOut(0, tunnelSA(0x1000+i, addrA, addrB))
	}
	for _, op := range []Op{InstallInbound, InstallOutbound} {
		if a, _ := r.a.try(Command{Op: op, SA: tunnelSA(0x2000, addrA, addrB)}); a.Code != NoSlot {
			t.Errorf("operation %d: %s, expected no slot", op, a.Code)
		}
	}
}

// TestSPIInUse: the second inbound SA of an SPI is refused, the first goes on, and the slot is free for another.
func TestSPIInUse(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.connect(aggregateSA, 0x1000)
	for range 3 * rigSlots {
		if a, err := r.b.try(Command{Op: InstallInbound, SA: aggregateSA(0x1000, addrB, addrA)}); a.Code != SPIInUse || err == nil {
			t.Fatalf("%s, expected %s", a.Code, SPIInUse)
		}
	}
	r.hostA.send(numbered(addrA.host, addrB.host, 100, 1))
	r.steps(3, 1e6)
	if got := idsOf(r.hostB.receive()); !slices.Equal(got, []uint32{1}) {
		t.Errorf("delivered %v", got)
	}
	for i := range uint32(rigSlots - 1) {
		r.b.installIn(0, aggregateSA(0x2000+i, addrA, addrB))
	}
}

// TestInstallRemoveCycles: a thousand SAs come and go, with traffic, and neither slots nor mbufs are lost.
func TestInstallRemoveCycles(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigConfig{})
			for i := range uint32(1000) {
				out, in := r.connect(mode, 0x1000+i)
				r.hostA.send(numbered(addrA.host, addrB.host, 100, i))
				r.steps(3, 1e6)
				if got := idsOf(r.hostB.receive()); !slices.Equal(got, []uint32{i}) {
					t.Fatalf("cycle %d delivered %v", i, got)
				}
				r.a.point(0, NoSA)
				if a := r.a.do(Command{Op: RemoveOutbound, Slot: out}); a.Counters.Packets == 0 || a.Counters.Octets < 100 || a.Counters.Seq != a.Counters.Packets {
					t.Fatalf("cycle %d: final outbound counters %+v", i, a.Counters)
				}
				r.steps(2, 1e6) // what is on the wire
				if a := r.b.do(Command{Op: RemoveInbound, Slot: in}); a.Counters.Packets == 0 || a.Counters.Seq != a.Counters.Packets {
					t.Fatalf("cycle %d: final inbound counters %+v", i, a.Counters)
				}
			}
			for _, w := range append(r.a.workers, r.b.workers...) {
				if len(w.paced) != 0 || len(w.ready) != 0 || w.sad.Len() != 0 || len(w.leaving) != 0 {
					t.Errorf("left over: paced %v, ready %v, %d SPIs, %d removals", w.paced, w.ready, w.sad.Len(), len(w.leaving))
				}
			}
			for _, p := range []*node{r.a, r.b} {
				if f := p.builder.free[0]; len(f.in) != rigSlots || len(f.out) != rigSlots || p.builder.waiting[0] != 0 {
					t.Errorf("%d and %d slots free, expected %d; %d orders under way", len(f.in), len(f.out), rigSlots, p.builder.waiting[0])
				}
			}
		})
	}
}

// TestRemovedTwice: the second removal of one slot is refused, whether the first is done or still waits.
func TestRemovedTwice(t *testing.T) {
	r := newRig(t, rigConfig{})
	out, _ := r.connect(constantSA, 0x1000)
	for i := range uint32(30) {
		r.hostA.send(numbered(addrA.host, addrB.host, 1000, i))
	}
	r.step(1)
	r.a.point(0, NoSA)
	for i := range uint64(2) {
		r.a.Submit(&Command{Op: RemoveOutbound, Slot: out, Ticket: 100 + i})
	}
	r.step(1)
	r.step(1) // no slot has passed: packets wait
	if a, ok := r.a.TakeAck(); !ok || a.Ticket != 101 || a.Code != BadCommand {
		t.Errorf("ack %+v, expected the second to be refused", a)
	}
	r.steps(60, 1e6)
	if a, ok := r.a.TakeAck(); !ok || a.Ticket != 100 || a.Code != Done {
		t.Errorf("ack %+v, expected the first to be done", a)
	}
	if a, _ := r.a.try(Command{Op: RemoveOutbound, Slot: out}); a.Code != BadCommand {
		t.Errorf("ack %+v of an empty slot", a)
	}
	checkOnce(t, idsOf(r.hostB.receive()), 30)
}

// TestTFS053_RemoveFinishesPackets: an outbound SA with packets in its framer sends them all, to the last fragment, before
// its removal is acknowledged.
func TestTFS053_RemoveFinishesPackets(t *testing.T) {
	for _, mode := range []func(uint32, addresses, addresses) SA{aggregateSA, constantSA} {
		r := newRig(t, rigConfig{})
		out, _ := r.connect(mode, 0x1000)
		for i := range uint32(25) {
			r.hostA.send(numbered(addrA.host, addrB.host, 1000, i))
		}
		r.a.workers[0].draining = true // nothing comes in before the order is there
		r.a.Submit(&Command{Op: RemoveOutbound, Slot: out, Ticket: 77})
		r.a.workers[0].draining = false
		for range 100 {
			r.a.builder.step()
			r.step(1e6)
			if a, ok := r.a.TakeAck(); ok {
				if a.Ticket != 77 || a.Code != Done {
					t.Fatalf("ack %+v", a)
				}
				break
			}
		}
		if r.a.workers[0].outLive[out] {
			t.Error("never removed")
		}
		r.steps(3, 1e6)
		checkOnce(t, idsOf(r.hostB.receive()), 25)
		r.a.point(0, NoSA)
	}
}

// TestKeysAreWiped: after Submit the caller's command holds no key, after the builder has taken it neither do the slots of
// the ring.
func TestKeysAreWiped(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	for i := range uint32(3) {
		c := Command{Op: InstallOutbound, SA: tunnelSA(0x1000+i, addrA, addrB)}
		if c.SA.Keymat == [maxKeymat]byte{} {
			t.Fatal("the test's key is zero")
		}
		if !r.a.Submit(&c) {
			t.Fatal("ring full")
		}
		if c.SA.Keymat != [maxKeymat]byte{} {
			t.Error("Submit left the key in the caller's command")
		}
	}
	if !holdsKey(r.a.commands) {
		t.Fatal("no key in the ring while a command waits: the test looks in the wrong place")
	}
	r.a.builder.step()
	if holdsKey(r.a.commands) {
		t.Error("a slot of the command ring still holds a key")
	}
	r.steps(2, 1e6)
}

// holdsKey looks at the memory of a command ring's slots.
func holdsKey(commands *ring.Ring[Command]) bool {
	slots := reflect.ValueOf(commands).Elem().FieldByName("slots")
	for i := range slots.Len() {
		key := slots.Index(i).FieldByName("SA").FieldByName("Keymat")
		for k := range key.Len() {
			if key.Index(k).Uint() != 0 {
				return true
			}
		}
	}
	return false
}

// TestSubmitKeepsTheKeyOfAFullRing: what did not get in can be tried again.
func TestSubmitKeepsTheKeyOfAFullRing(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	for i := range uint64(commandRing) {
		if !r.a.Submit(&Command{Op: RemoveInbound, Ticket: i}) {
			t.Fatal("ring full too early")
		}
	}
	c := Command{Op: InstallInbound, SA: tunnelSA(0x1000, addrB, addrA)}
	key := c.SA.Keymat
	if r.a.Submit(&c) || c.SA.Keymat != key {
		t.Error("a full ring took the command or its key")
	}
}

// TestBackPressure: while control takes no acks the builder takes no commands; every command is answered once, in the
// end, and by what it deserves: no order is refused because the lcore is busy.
func TestBackPressure(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	slot := r.a.installOut(0, tunnelSA(0x1000, addrA, addrB))
	const total = 5 * commandRing
	submitted := uint64(0)
	for idle := 0; idle < 100; idle++ {
		for submitted < total && r.a.Submit(&Command{Op: RemoveInbound, Slot: 2, Ticket: 1000 + submitted}) {
			submitted++
			idle = 0
		}
		r.step(1e6)
	}
	if submitted == total || r.a.commands.Len() != commandRing {
		t.Errorf("%d commands taken, %d wait: no back-pressure", submitted, r.a.commands.Len())
	}
	answered := map[uint64]int{}
	for idle := 0; idle < 100; idle++ {
		for submitted < total && r.a.Submit(&Command{Op: RemoveInbound, Slot: 2, Ticket: 1000 + submitted}) {
			submitted++
		}
		for a, ok := r.a.TakeAck(); ok; a, ok = r.a.TakeAck() {
			idle = 0
			if answered[a.Ticket]++; a.Code != BadCommand {
				t.Fatalf("ticket %d: %s, expected that the slot is empty", a.Ticket, a.Code)
			}
		}
		r.step(1e6)
	}
	for i := range uint64(total) {
		if answered[1000+i] != 1 {
			t.Fatalf("ticket %d was answered %d times", 1000+i, answered[1000+i])
		}
	}
	r.a.do(Command{Op: RemoveOutbound, Slot: slot})
}

// TestBusyLcoreIsNoRefusal: more orders than an lcore's ring has room for wait, they are not refused.
func TestBusyLcoreIsNoRefusal(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	const total = orderRing + 100
	submitted := uint64(0)
	codes := map[Code]int{}
	for range 50 { // the lcore stands still
		for submitted < total && r.a.Submit(&Command{Op: Drain, Ticket: 1 + submitted}) {
			submitted++
		}
		r.a.builder.step()
	}
	for range 200 {
		for submitted < total && r.a.Submit(&Command{Op: Drain, Ticket: 1 + submitted}) {
			submitted++
		}
		r.step(1e6)
		for a, ok := r.a.TakeAck(); ok; a, ok = r.a.TakeAck() {
			codes[a.Code]++
		}
	}
	if codes[Done] != total || len(codes) != 1 {
		t.Errorf("answers %v, expected %d done", codes, total)
	}
}

// TestSlotHygiene: a slot that is used again starts from nothing: sequence number, window, framer, verdict counts.
func TestSlotHygiene(t *testing.T) {
	r := newRig(t, rigConfig{})
	var first []byte
	for i := range uint32(2) {
		r.wire.SetTap(softpmd.A, func(_ softpmd.End, f []byte, _ int64) { first = bytes.Clone(f) })
		out, in := r.connect(aggregateSA, 0x1000+i)
		r.hostA.send(numbered(addrA.host, addrB.host, 100, i))
		r.steps(2, 1e6)
		if seq := be32(first[24:]); seq != 1 {
			t.Errorf("cycle %d: first sequence number %d", i, seq)
		}
		r.hostB.receive()
		r.a.point(0, NoSA)
		r.a.do(Command{Op: RemoveOutbound, Slot: out})
		r.b.do(Command{Op: RemoveInbound, Slot: in})
	}
	before := r.b.total().Verdicts[mbuf.UnknownSPI]
	peerCopy := r.a.pools[0].Get(len(first)) // a packet of the SA that is gone
	copy(peerCopy.Append(len(first)), first)
	r.a.ports[outsidePort].Tx(0).TxBurst(mbuf.Burst{peerCopy})
	r.step(1e6)
	if got := r.b.total().Verdicts[mbuf.UnknownSPI] - before; got != 1 {
		t.Errorf("%d unknown SPIs, expected the packet of the removed SA", got)
	}
}
