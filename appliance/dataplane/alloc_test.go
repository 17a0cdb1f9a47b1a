package dataplane

import (
	"fmt"
	"testing"

	"stillwater/crypto/esp"
	"stillwater/pmd/mbuf"
)

// load puts n copies of a packet on the wire without an allocation.
func (h *host) load(p []byte, n int) {
	ms := h.rx[:n]
	for i := range ms {
		ms[i] = h.pool.Get(len(p))
		copy(ms[i].Append(len(p)), p)
	}
	if sent := h.port.Tx(0).TxBurst(ms); sent < n {
		h.pool.Free(ms[sent:])
	}
}

// TestStepDoesNotAllocate: no mode allocates, idle or loaded, in either direction, with one lcore and with hand-off.
func TestStepDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP: the race detector allocates")
	}
	for name, mode := range modes {
		for _, lcores := range []int{1, 2} {
			for _, burst := range []int{0, 1, mbuf.BurstSize} {
				t.Run(fmt.Sprint(name, " lcores=", lcores, " burst=", burst), func(t *testing.T) {
					r := newRig(t, rigConfig{lcores: lcores, steer: spray()})
					r.connect(mode, r.b.spiOf(lcores-1, 0x1000))
					back := mode(r.a.spiOf(lcores-1, 0x2000), addrB, addrA)
					r.a.installIn(lcores-1, back)
					r.b.point(0, OutRef{0, r.b.installOut(0, back)})
					there, here := numbered(addrA.host, addrB.host, 700, 1), numbered(addrB.host, addrA.host, 700, 2)
					discarded := 0
					round := func() {
						r.hostA.load(there, burst)
						r.hostB.load(here, burst)
						r.step(1e6)
						discarded += r.hostA.discard() + r.hostB.discard()
					}
					for range 50 {
						round()
					}
					if n := testing.AllocsPerRun(200, round); n != 0 {
						t.Errorf("%v allocations per step", n)
					}
					if burst > 0 && discarded < 200 {
						t.Errorf("%d packets passed: the test measured nothing", discarded)
					}
				})
			}
		}
	}
}

// TestDropsDoNotAllocate: neither do packets that end, each in another way, and the events about them.
func TestDropsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP: the race detector allocates")
	}
	r := newHalfRig(t, rigConfig{})
	peer := r.openPeer()
	ttl := numbered(addrA.host, addrB.host, 60, 1)
	ttl[8] = 1
	checksum4(ttl)
	bad := [][]byte{ttl, numbered(addrA.host, addrB.host, 60, 1), numbered(addrA.host, "100.64.0.1", 60, 1), ttl[:10]}
	foreign := header4(addrB.outer, addrA.outer, 50, 64, append(be(0x1234567), make([]byte, 40)...))
	round := func() {
		for _, p := range bad {
			r.hostA.load(p, 4)
		}
		peer.load(foreign, 4)
		r.step(1e6)
		for _, ok := r.a.TakeEvent(0); ok; _, ok = r.a.TakeEvent(0) {
		}
		punts, _ := r.a.Punts(0)
		for m, ok := punts.Pop(); ok; m, ok = punts.Pop() {
			m.Pool().Return(m)
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations per step", n)
	}
	if len(func() map[string]uint64 { c := r.a.total(); return c.Drops() }()) != 5 {
		t.Errorf("verdicts %+v, expected five kinds", r.a.total().Verdicts)
	}
}

// TestSideEntriesDoNotAllocate: neither do injected packets of every kind, packets of a peer that moves about, hand-offs that
// ask for an SA, and redirects.
func TestSideEntriesDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("SKIP: the race detector allocates")
	}
	r := newHalfRig(t, rigConfig{lcores: 2})
	s, _ := newSender(r, udpSA(r.a.spiOf(0, 0x1000), addrB, addrA))
	sa := tunnelSA(0x2000, addrA, addrB)
	out := r.a.installOut(1, sa)
	r.a.gen.Children[0].PerResource = true
	r.a.point(0, OutRef{1, out})
	const rounds = 50
	var arriving [][]byte
	for i := range uint16(rounds + 10) {
		arriving = append(arriving, in4(addrB.outer, 10000+i, s.esp(4, numbered(addrB.host, addrA.host, 80, 1))))
	}
	kinds := map[EventKind]int{}
	inner := numbered(addrA.host, addrB.host, 60, 1)
	order, i, discarded := order{op: Redirect, slot: out, capacity: 1400}, 0, 0
	params, err := sa.params()
	must(t, err)
	order.header, err = esp.NewOuterHeader(params)
	must(t, err)
	w := r.a.workers[1]
	round := func() {
		s.load(arriving[i], 1)
		i++
		r.hostA.load(inner, 4)
		for kind := range uint32(InjectOwn + 1) {
			m := r.a.pools[0].Get(len(inner))
			copy(m.Append(len(inner)), inner)
			m.Aux = kind
			w0 := r.a.workers[0]
			w0.injected.Push(m)
		}
		w.redirect(order)
		w.acks.Pop()
		r.step(1e9)
		for e, ok := r.a.TakeEvent(0); ok; e, ok = r.a.TakeEvent(0) {
			kinds[e.Kind]++
		}
		discarded += r.hostA.discard() + s.discard()
	}
	for range 5 {
		round()
	}
	if n := testing.AllocsPerRun(rounds, round); n != 0 {
		t.Errorf("%v allocations per step", n)
	}
	if discarded < 4*rounds || kinds[EventMoved] < rounds/2 || kinds[EventResource] < rounds/2 {
		t.Errorf("%d packets and events %v: the test saw too little", discarded, kinds)
	}
}
