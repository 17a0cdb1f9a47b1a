package control

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// running is a rig whose Core runs on a goroutine, with its lcores.
func running(t *testing.T, r *rig) (stop func()) {
	r.stepped = false
	r.Core.clock = monotonic()
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := r.plane.Run(); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() { r.Run(ctx); r.plane.Stop() })
	return func() { cancel(); all.Wait() }
}

// TestOrdersReachTheEngine: whoever asks gets the engine's answer, on the goroutine that owns the Core and on others.
func TestOrdersReachTheEngine(t *testing.T) {
	r := newRig(t, rigConfig{})
	check := func(mode string) {
		ctx := context.Background()
		for name, err := range map[string]error{
			"initiate": r.Initiate(ctx, "peers", "net"), "terminate": r.Terminate(ctx, "peers"), "rekey": r.Rekey(ctx, "peers", true, false),
		} {
			if !errors.Is(err, errUnwilling) {
				t.Errorf("%s, %s: %v", mode, name, err)
			}
		}
		if s, err := r.Snapshot(ctx); err != nil || len(s) != 1 {
			t.Errorf("%s: snapshot %v, %v", mode, s, err)
		}
		if f, err := r.Failures(ctx); err != nil || len(f) != 1 {
			t.Errorf("%s: failures %v, %v", mode, f, err)
		}
	}
	check("stepped")
	stop := running(t, r)
	check("running")
	stop()
	if err := r.Initiate(context.Background(), "peers", ""); !errors.Is(err, ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
}

// TestAskGivenUp: an ask whose caller has gone is not run, so that nothing touches what the caller has returned.
func TestAskGivenUp(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.stepped = false
	ctx, cancel := context.WithCancel(context.Background())
	result, ran := make(chan error), false
	go func() { result <- r.Do(ctx, func(int64) { ran = true }) }()
	<-r.wake // it is in line
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("%v, expected the context's error", err)
	}
	if r.answerAsks(r.time.Load()) != 1 || ran {
		t.Error("it was run all the same")
	}
	for range askRing { // a full line: the ctx still counts
		r.asks <- &ask{done: make(chan struct{})}
	}
	if err := r.Do(ctx, func(int64) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, expected the context's error", err)
	}
}

// TestAskUnderWay: a caller that gives up while the Core is at it waits for the end, and hears that it was done.
func TestAskUnderWay(t *testing.T) {
	r := newRig(t, rigConfig{})
	r.stepped = false
	ctx, cancel := context.WithCancel(context.Background())
	result, done := make(chan error), 0
	go func() {
		err := r.Do(ctx, func(int64) { cancel(); done++ })
		result <- err
	}()
	<-r.wake
	r.answerAsks(r.time.Load())
	if err := <-result; err != nil || done != 1 {
		t.Errorf("%v, done %d times", err, done)
	}
}
