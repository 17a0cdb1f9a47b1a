package control

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"stillwater/ike"
)

// monotonic is a clock of the machine's that begins at zero.
func monotonic() func() int64 {
	began := time.Now()
	return func() int64 { return int64(time.Since(began)) }
}

// withWorkers gives a rig workers, as Run has them; the test steps on.
func (r *rig) withWorkers(n int) {
	r.workers.close()
	r.stepped, r.workers = false, newPool(n, r.notify)
}

// TestStormDelaysNothing: while every worker is busy for good with the jobs of a handshake storm, a step of the control core
// ends, retransmissions leave when they are due, and packets cross the data plane.
func TestStormDelaysNothing(t *testing.T) {
	r := newRig(t, rigConfig{text: onDemand})
	r.withWorkers(2)
	r.open(1, "10.2.0.0/16")
	r.settle()
	r.up(1, r.newSA(0, true))
	const storm = 5000
	release := make(chan struct{})
	for i := range storm {
		r.fake.effects.Jobs = append(r.fake.effects.Jobs, ike.Job{Ticket: uint64(i + 1), Run: func() any { <-release; return i }})
	}
	r.step()
	r.settle()
	r.receive(outsidePort)
	r.fake.deadline = r.time.Load() + 1
	r.fake.effects.Datagrams = []ike.Datagram{{Local: outerTo(2).Local, Remote: outerTo(2).Remote, Data: []byte("again")}}
	r.sendInside("10.1.0.9", "10.2.0.9")
	r.step()
	r.step()
	if len(r.fake.ticks) != 1 || len(r.fake.results) != 0 {
		t.Errorf("%d timers ran, %d jobs ended", len(r.fake.ticks), len(r.fake.results))
	}
	var protocols []byte
	for _, ip := range r.receive(outsidePort) {
		protocols = append(protocols, ip[9])
	}
	if slices.Sort(protocols); !slices.Equal(protocols, []byte{17, 50}) {
		t.Errorf("protocols %v left, expected the retransmission (17) and the packet (50)", protocols)
	}
	close(release)
	for len(r.fake.results) < storm {
		<-r.wake
		r.step()
	}
	for ticket, value := range r.fake.results {
		if value != int(ticket)-1 {
			t.Fatalf("job %d ended with %v", ticket, value)
		}
	}
	if len(r.workers.wait) != 0 {
		t.Errorf("%d jobs still in line", len(r.workers.wait))
	}
}

// TestPanicCostsOneJob: a panic is the result of its job, on a worker and inside a step; others go on (HAZ-35).
func TestPanicCostsOneJob(t *testing.T) {
	for _, workers := range []int{0, 1} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			r := newRig(t, rigConfig{})
			if workers > 0 {
				r.withWorkers(workers)
			}
			r.fake.effects.Jobs = []ike.Job{
				{Ticket: 1, Run: func() any { panic("in a job") }},
				{Ticket: 2, Run: func() any { return "fine" }},
			}
			r.step()
			for len(r.fake.results) < 2 {
				<-r.wake
				r.step()
			}
			if p, ok := r.fake.results[1].(*ike.JobPanic); !ok || p.Value != "in a job" {
				t.Errorf("the panic became %v", r.fake.results[1])
			}
			if r.fake.results[2] != "fine" {
				t.Errorf("the next job became %v", r.fake.results[2])
			}
		})
	}
}

// TestPoolCloses: workers end while nobody takes their results.
func TestPoolCloses(t *testing.T) {
	p := newPool(3, func() {})
	for range 4 * jobRing {
		p.submit([]ike.Job{{Run: func() any { return nil }}})
	}
	p.close()
}
