package pmdtest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stillwater/pmd/mbuf"
)

const (
	testQueues = 3 // not a power of two, on purpose
	testFlows  = 24
)

// checkFlows: with several queues every packet arrives once, a flow stays on one queue and in order.
func checkFlows(tb testing.TB, h Harness) {
	r := newRig(tb, h, testQueues, mtu)
	var ps []packet
	for seq := range uint16(20) {
		for flow := range uint16(testFlows) {
			ps = append(ps, packet{flow: flow, seq: seq, size: 100})
		}
	}
	r.expectFlows(r.transfer(r.a, r.b, ps), 20)
	r.close()
}

// expectFlows demands, of each flow, perFlow arrivals in order on one queue.
func (r *rig) expectFlows(got []arrival, perFlow int) {
	r.Helper()
	queue, next, used := map[uint16]int{}, map[uint16]int{}, map[int]bool{}
	for _, a := range got {
		if int(a.meta.Queue) != a.queue {
			r.Errorf("polled from queue %d, the mbuf says %d", a.queue, a.meta.Queue)
		}
		if q, seen := queue[a.flow]; seen && q != a.queue {
			r.Errorf("flow %d is on queues %d and %d", a.flow, q, a.queue)
		}
		if int(a.seq) != next[a.flow] {
			r.Errorf("flow %d: packet %d after %d", a.flow, a.seq, next[a.flow]-1)
		}
		queue[a.flow], used[a.queue] = a.queue, true
		next[a.flow]++
	}
	for flow, n := range next {
		if n != perFlow {
			r.Errorf("flow %d: %d packets arrived of %d", flow, n, perFlow)
		}
	}
	if len(used) < 2 || len(next) != testFlows {
		r.Errorf("%d flows arrived on %d queues, expected %d on at least 2", len(next), len(used), testFlows)
	}
}

// checkParallel: every queue of both directions is used by a goroutine of its own at the same time. Under the race
// detector this is the proof that queues share nothing.
func checkParallel(tb testing.TB, h Harness) {
	const perFlow = 200
	r := newRig(tb, h, testQueues, mtu)
	var inFlight, received atomic.Int64
	var wg sync.WaitGroup
	for q := range testQueues {
		wg.Go(func() { r.sendFlows(q, perFlow, &inFlight) })
	}
	got := make([][]arrival, testQueues)
	for q := range testQueues {
		wg.Go(func() {
			last := time.Now()
			for received.Load() < testFlows*perFlow && time.Since(last) < r.h.patience {
				n := len(got[q])
				got[q] = r.poll(r.b, q, mbuf.BurstSize, got[q])
				if k := int64(len(got[q]) - n); k > 0 {
					received.Add(k)
					inFlight.Add(-k)
					last = time.Now()
				} else {
					r.h.Idle()
				}
			}
		})
	}
	wg.Wait()
	var all []arrival
	for _, g := range got {
		all = append(all, g...)
	}
	r.expectFlows(all, perFlow)
	r.close()
}

// sendFlows sends the flows that belong to queue q and keeps the sum of all queues within the harness's window.
func (r *rig) sendFlows(q, perFlow int, inFlight *atomic.Int64) {
	last := time.Now()
	for seq := range uint16(perFlow) {
		for flow := uint16(q); flow < testFlows; {
			if time.Since(last) > r.h.patience {
				r.Errorf("transmit queue %d takes no more packets", q)
				return
			}
			if inFlight.Add(1) > int64(r.h.Window) || r.send(r.a, q, []packet{{flow: flow, seq: seq, size: 100}}) == 0 {
				inFlight.Add(-1)
				r.h.Idle()
				continue
			}
			flow, last = flow+testQueues, time.Now()
		}
	}
}

// checkAllocs: a burst sent and received costs no allocation.
func checkAllocs(tb testing.TB, h Harness) {
	r := newRig(tb, h, 1, mtu)
	n := min(mbuf.BurstSize, r.h.Window)
	ms, rx := make([]*mbuf.Mbuf, n), make([]*mbuf.Mbuf, n)
	frame := packet{flow: 18, size: 500}.frame(h.Link)
	tx, in := r.a.port.Tx(0), r.b.port.Rx(0)
	lost := 0
	round := func() {
		k := r.a.pools[0].GetBurst(ms, mbuf.Class2K)
		for _, m := range ms[:k] {
			copy(m.Append(len(frame)), frame)
		}
		taken := tx.TxBurst(ms[:k])
		r.a.pools[0].Free(ms[taken:k])
		polls := 0
		for got := 0; got < taken && polls < 100_000; polls++ {
			c := in.RxBurst(rx)
			if c == 0 {
				r.h.Idle()
			}
			r.b.pools[0].Free(rx[:c])
			got += c
		}
		if taken == 0 || polls == 100_000 {
			lost++
		}
	}
	if a := testing.AllocsPerRun(100, round); a != 0 {
		tb.Errorf("%v allocations per burst of %d, sent and received", a, n)
	}
	if lost > 0 {
		tb.Errorf("%d rounds delivered nothing or too little", lost)
	}
	r.drain(r.b, nil)
	r.close()
}
