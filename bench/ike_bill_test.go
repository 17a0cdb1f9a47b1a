package bench

import (
	"math"
	"runtime"
	"testing"
)

// TestBillShare divides the collector's time by allocation.
func TestBillShare(t *testing.T) {
	b := bill{setups: 10, own: spending{thread: 3000, allocated: 25}, all: spending{thread: 8000, process: 12000, allocated: 100}}
	if got := b.collector(); got != 1000 {
		t.Errorf("collector %v ns, expected a quarter of 4000", got)
	}
	if got := b.perSetup(); got != 400 {
		t.Errorf("%v ns a set-up, expected 400", got)
	}
	if got := b.rate(); got != 2.5e6 {
		t.Errorf("%v a second, expected 2.5e6", got)
	}
	if got := b.share(); got != 25 {
		t.Errorf("collector %v %%, expected 25", got)
	}
	b.all = spending{thread: 8000, process: 7999, allocated: 0}
	if got := b.collector(); got != 0 {
		t.Errorf("collector %v ns of a run that allocated nothing", got)
	}
}

var sink []byte

// TestBillTimesWork bills what is inside and not what is outside, octets too.
func TestBillTimesWork(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var b bill
	b.start()
	b.timed(func() { sink = make([]byte, 1<<20) })
	sink = make([]byte, 2<<20)
	b.stop()
	if b.own.thread <= 0 || b.own.thread >= b.all.thread {
		t.Errorf("%d ns in timed parts of %d", b.own.thread, b.all.thread)
	}
	if b.own.allocated < 1<<20 || b.own.allocated >= 2<<20 || b.all.allocated < 3<<20 {
		t.Errorf("%d octets in timed parts of %d, expected 1 MiB of 3", b.own.allocated, b.all.allocated)
	}
}

// TestFillingRow is the whole of what its parts are pieces of, not their mean.
func TestFillingRow(t *testing.T) {
	fast := bill{setups: 100, own: spending{thread: 1e6}}
	slow := bill{setups: 100, own: spending{thread: 4e6}}
	row := fillingRow("x", 1000, []bill{fast, slow})
	if math.Abs(row.Value-40_000) > 1e-6 || math.Abs(row.Min-25_000) > 1e-6 || math.Abs(row.Max-100_000) > 1e-6 || row.Ratio != row.Value/1000 {
		t.Errorf("%+v, expected 200 set-ups in 5 ms, between 25000 and 100000 a second", row)
	}
}

// TestSetupVerdict: twice the reference in every round passes, less fails, few rounds tell nothing.
func TestSetupVerdict(t *testing.T) {
	rounds := func(ns int64, n int) (bills []bill) {
		for range n {
			bills = append(bills, bill{setups: 1, own: spending{thread: ns}})
		}
		return bills
	}
	for _, c := range []struct {
		ns, rounds int
		want       Verdict
	}{{500_000, 8, Pass}, {500_001, 8, Fail}, {400_000, 5, Inconclusive}} {
		if row := setupRow("x", 1000, rounds(int64(c.ns), c.rounds)); row.Verdict != c.want {
			t.Errorf("%d rounds of %d ns against 1000 a second: %s, expected %s", c.rounds, c.ns, row.Verdict, c.want)
		}
	}
}

// TestMemoryVerdict judges the total alone.
func TestMemoryVerdict(t *testing.T) {
	for _, c := range []struct {
		octets float64
		total  bool
		want   Verdict
	}{{memoryAim, true, Pass}, {memoryAim + 1, true, Fail}, {memoryAim + 1, false, ""}} {
		if row := memoryRow("x", c.octets, c.total); row.Verdict != c.want {
			t.Errorf("%v octets: verdict %q, expected %q", c.octets, row.Verdict, c.want)
		}
	}
}
