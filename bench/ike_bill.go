package bench

import (
	"runtime/metrics"

	"golang.org/x/sys/unix"
)

// bill adds up what a responder costs. Collections serve both sides of a conversation in one heap, so their CPU time is
// divided by who allocated how much: a collection costs as much as there is to mark, comes as often as that much has been
// allocated, and so costs the same for every octet. Owned by one goroutine, which is locked to its thread.
type bill struct {
	measure string // in profiles
	setups  int
	own     spending // of the timed parts
	begin   spending
	all     spending // of everything from start to stop
}

// spending is what has been used up.
type spending struct {
	thread    int64  // CPU time of this thread, ns; help that the collector demands of who allocates is in it
	process   int64  // CPU time of all threads, ns
	allocated uint64 // octets
}

// look reads the clocks of the calling thread.
func look() spending {
	var process unix.Timespec
	unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &process) // fails for a bad clock number or address only
	heap := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(heap)
	return spending{threadTime(), process.Nano(), heap[0].Value.Uint64()}
}

// since is what has been used since an earlier look.
func (u spending) since(v spending) spending {
	return spending{u.thread - v.thread, u.process - v.process, u.allocated - v.allocated}
}

func (u *spending) add(v spending) {
	u.thread += v.thread
	u.process += v.process
	u.allocated += v.allocated
}

func (b *bill) start() { b.begin = look() }
func (b *bill) stop()  { b.all.add(look().since(b.begin)) }

// timed bills what work costs.
func (b *bill) timed(work func()) {
	before := look()
	var clock int64
	labelled(b.measure, func() {
		clock = threadTime()
		work()
		clock = threadTime() - clock
	})
	used := look().since(before)
	used.thread = clock // without the looks
	b.own.add(used)
}

// collector is the responder's share of the CPU time that other threads, which only collect, took, ns.
func (b *bill) collector() float64 {
	if b.all.allocated == 0 {
		return 0
	}
	return float64(max(b.all.process-b.all.thread, 0)) * float64(b.own.allocated) / float64(b.all.allocated)
}

// perSetup is the CPU time of one set-up, collector included, ns.
func (b *bill) perSetup() float64 {
	return (float64(b.own.thread) + b.collector()) / float64(b.setups)
}

// rate is set-ups per second of CPU time.
func (b *bill) rate() float64 { return 1e9 / b.perSetup() }

// share is the collector's part of the CPU time, percent.
func (b *bill) share() float64 {
	return 100 * b.collector() / (float64(b.own.thread) + b.collector())
}
