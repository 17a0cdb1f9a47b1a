package control

import (
	"context"
	"slices"
	"sync"
	"testing"

	"stillwater/ike"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// trapQueue is a receive queue that panics when it is told to.
type trapQueue struct {
	pmd.RxQueue
	spring chan struct{}
}

func (q *trapQueue) RxBurst(ms []*mbuf.Mbuf) int {
	select {
	case <-q.spring:
		panic("sprung")
	default:
		return q.RxQueue.RxBurst(ms)
	}
}

// TestIKE031_DeathIsTold: the engine hears once of a lcore that has ended, new SAs go elsewhere, and every operation on what
// was there is still answered.
func TestIKE031_DeathIsTold(t *testing.T) {
	spring := make(chan struct{}, 1)
	r := newRig(t, rigConfig{lcores: 2, wrap: func(port, lcore int, q pmd.RxQueue) pmd.RxQueue {
		if port == insidePort && lcore == 1 {
			return &trapQueue{q, spring}
		}
		return q
	}})
	own, fallback := r.newSA(1, false), r.newSA(0, true)
	r.open(1, "10.2.0.0/16")
	r.settle()
	r.up(1, own)
	r.up(1, fallback)
	var all sync.WaitGroup
	all.Go(func() { r.plane.Run() })
	turn := func(done func() bool) {
		for !done() && t.Context().Err() == nil {
			r.time.Add(stepTime)
			r.Step(r.time.Load())
		}
	}
	spring <- struct{}{}
	turn(func() bool { return r.plane.Dead(1) })
	turn(func() bool { return len(r.fake.calls) > 0 })
	if !slices.Equal(r.fake.calls, []string{"dead 1"}) || r.event("panic") != 1 || r.injector() != r.injectors[0] {
		t.Errorf("told %q, counted %d", r.fake.calls, r.event("panic"))
	}
	for range 4 {
		if r.place() != 0 {
			t.Error("a new SA for a dead lcore")
		}
		_, err := r.newSPI(0)
		must(t, err)
	}
	late := r.newSA(1, false)
	tickets := []uint64{r.on(ike.AddInbound, 1, late), r.on(ike.RemoveOutbound, 1, own), r.on(ike.RemoveInbound, 1, own)}
	for _, ticket := range tickets {
		turn(func() bool { return len(r.fake.acks[ticket]) > 0 })
	}
	if err := r.outcome(tickets[0]); err == nil {
		t.Error("an SA was installed on a dead lcore")
	}
	if s := r.Pairs(); len(s) != 1 || s[0].SPIIn != fallback.SPIIn {
		t.Errorf("%+v", s)
	}
	r.plane.Stop()
	all.Wait()
}

// TestRunEnds: Run drains the lcores and tells the peers.
func TestRunEnds(t *testing.T) {
	r := newRig(t, rigConfig{lcores: 2})
	running(t, r)()
	if !slices.Equal(r.fake.calls, []string{"start", "shutdown"}) {
		t.Errorf("%q", r.fake.calls)
	}
	if err := r.Do(context.Background(), func(int64) {}); err == nil {
		t.Error("an ended core answers")
	}
}
