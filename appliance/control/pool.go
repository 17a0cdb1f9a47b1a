package control

import (
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"stillwater/ike"
)

// result is a finished job.
type result struct {
	ticket uint64
	value  any
}

// pool does public-key work off the control core, so that a storm of handshakes delays neither retransmissions nor
// liveness checks. Its threads yield to lcores and to the control core where they share a CPU.
type pool struct {
	jobs chan ike.Job
	wait []ike.Job // jobs that the channel has no room for, owned by the Core
	done chan result
	quit chan struct{}
	tell func() // a result is there
	all  sync.WaitGroup
}

// workerNice is how far workers step back: a lcore that shares their CPU keeps nine tenths of it.
const workerNice = 10

// jobRing is how many jobs are on their way to workers; more wait in line.
const jobRing = 256

// newPool starts n workers; 0 starts none. tell is called, on any of them, whenever a result is there.
func newPool(n int, tell func()) *pool {
	p := &pool{jobs: make(chan ike.Job, jobRing), done: make(chan result, 2*jobRing), quit: make(chan struct{}), tell: tell}
	for range n {
		p.all.Go(p.work)
	}
	return p
}

// work is one worker. Its thread is nice for good, so it ends with it.
func (p *pool) work() {
	runtime.LockOSThread()
	// Best effort: without it workers compete as equals, which costs latency and nothing else.
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), workerNice)
	for {
		select {
		case j := <-p.jobs:
			select {
			case p.done <- result{j.Ticket, run(j)}:
				p.tell()
			case <-p.quit:
				return
			}
		case <-p.quit:
			return
		}
	}
}

// run does one job. A panic in it is the result: the engine ends the one SA that asked.
func run(j ike.Job) (value any) {
	defer func() {
		if r := recover(); r != nil {
			value = &ike.JobPanic{Value: r}
		}
	}()
	return j.Run()
}

// submit lines jobs up.
func (p *pool) submit(js []ike.Job) {
	p.wait = append(p.wait, js...)
	p.feed()
}

// feed hands over what there is room for.
func (p *pool) feed() {
	for len(p.wait) > 0 {
		select {
		case p.jobs <- p.wait[0]:
			p.wait[0] = ike.Job{}
			p.wait = p.wait[1:]
			continue
		default:
		}
		return
	}
	p.wait = nil
}

// close ends the workers after the job in hand.
func (p *pool) close() {
	close(p.quit)
	p.all.Wait()
}
