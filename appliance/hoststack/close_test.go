package hoststack

import (
	"bytes"
	"runtime"
	"sync"
	"testing"
	"time"
)

// stackGoroutines counts the goroutines that are in this package or in netstack, but for the one that asks.
func stackGoroutines() int {
	b := make([]byte, 1<<20)
	b = b[:runtime.Stack(b, true)]
	n := -1
	for one := range bytes.SplitSeq(b, []byte("\n\n")) {
		if bytes.Contains(one, []byte("gvisor.dev/")) || bytes.Contains(one, []byte("hoststack.")) {
			n++
		}
	}
	return n
}

// wantGoroutines waits until no more than n are left: a goroutine that has told its WaitGroup still takes a moment to end.
func wantGoroutines(t *testing.T, n int) {
	t.Helper()
	for range 1_000_000 {
		if stackGoroutines() <= n {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d goroutines are left, expected %d", stackGoroutines(), n)
}

// TestCloseLeavesNothing: no goroutine, no timer that sends and no callback is left, whatever was under way.
func TestCloseLeavesNothing(t *testing.T) {
	before := stackGoroutines()
	r := newRig(t)
	r.a.listen(500)
	must(t, r.a.SendUDP(Datagram{addrPort("192.0.2.1:500"), addrPort("192.0.2.99:500"), []byte("waits for a neighbour")}))
	r.a.Resolve(outside, x4)
	r.a.Resolve(outside, b6)
	r.settle()
	r.a.Resolve(outside, addr("192.0.2.98"))
	piece := cut4(udpPacket(addrPort("192.0.2.2:500"), addrPort("192.0.2.1:500"), make([]byte, 2000)), 1480)[0]
	r.a.Receive(outside, onEthernet(macA, macB, piece), ethernetLen)
	r.a.Close()
	r.b.Close()
	r.a.reset()
	r.a.Close()
	r.a.Receive(outside, onEthernet(broadcast, macB, arpPacket(1, macB, b4, [6]byte{}, a4)), ethernetLen)
	r.a.Resolve(outside, b4)
	r.pass(5 * time.Minute)
	wantFrames(t, "after Close", r.a.sent)
	wantChanged(t, r.a)
	wantGoroutines(t, before)
}

// TestConcurrentUse: all calls at once, for the race detector: a neighbour that moves and is lost, and Close, among them.
func TestConcurrentUse(t *testing.T) {
	r := newRig(t)
	own, peer := addrPort("192.0.2.1:500"), addrPort("192.0.2.2:500")
	must(t, r.a.ListenUDP(500, func(d Datagram) {
		if err := r.a.SendUDP(d); err == nil {
			r.a.note(func() { r.a.got = append(r.a.got, d) })
		}
	}))
	var all sync.WaitGroup
	for i, f := range []func(){
		func() {
			r.a.Receive(outside, onEthernet(macA, macB, udpPacket(peer, own, []byte("hello"))), ethernetLen)
		},
		func() {
			r.a.Receive(outside, onEthernet(broadcast, macB, arpPacket(1, macB, b4, [6]byte{}, a4)), ethernetLen)
		},
		func() {
			r.a.Receive(outside, onEthernet(broadcast, macX, arpPacket(1, macX, b4, [6]byte{}, a4)), ethernetLen)
		},
		func() { r.a.Receive(outside, ping(addr("10.2.0.77"), in4, nil), 0) },
		func() { r.a.Resolve(outside, b4) },
		func() { r.a.Resolve(outside, b6) },
		func() { r.a.Counters() },
		func() { r.clock.Advance(20 * time.Millisecond) },
	} {
		all.Go(func() {
			for n := range 200 {
				if f(); i == 0 && n == 150 {
					r.a.Close()
				}
			}
		})
	}
	all.Wait()
	if len(r.a.got) < 1 {
		t.Error("no datagram was answered")
	}
}
