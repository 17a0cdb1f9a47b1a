package numa

import (
	"runtime"
	"testing"
)

// onThread runs f on a thread of its own that ends with it, so that no other test inherits the pinning.
func onThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done
}

func TestPinBindsTheThread(t *testing.T) {
	before, err := Affinity()
	if err != nil || before.Len() == 0 {
		t.Fatalf("affinity %s, %v", before, err)
	}
	for cpu := range before.All() {
		onThread(func() {
			if err := Pin(cpu); err != nil {
				t.Error(err)
				return
			}
			if got, err := Affinity(); err != nil || got != NewCPUSet(cpu) {
				t.Errorf("pinned to %d: affinity %s, %v", cpu, got, err)
			}
		})
	}
	if after, err := Affinity(); err != nil || after != before {
		t.Errorf("affinity of another thread went from %s to %s, %v", before, after, err)
	}
}

func TestPinRefusesImpossibleCPUs(t *testing.T) {
	for _, cpu := range []int{-1, MaxCPUs, 1 << 40} {
		if err := Pin(cpu); err == nil {
			t.Errorf("pinned to cpu %d", cpu)
		}
	}
	onThread(func() {
		if runtime.NumCPU() > MaxCPUs-1 {
			return
		}
		if err := Pin(MaxCPUs - 1); err == nil {
			t.Errorf("pinned to cpu %d of a machine with %d", MaxCPUs-1, runtime.NumCPU())
		}
	})
}
