package ike

import (
	"runtime"
	"testing"
	"time"
)

// handshake runs one setup between two engines and reports how long the responder's share took.
func handshake(b *testing.B, l *ladder, share *time.Duration) {
	if err := l.a.e.Initiate(l.now, "net", ""); err != nil {
		b.Fatal(err)
	}
	var fx Effects
	for {
		busy := l.a.carry(&fx, nil)
		for _, d := range fx.Datagrams {
			start := time.Now()
			l.b.e.Receive(l.now, turned(d))
			*share += time.Since(start)
		}
		busy = l.b.carry(&fx, share) || busy
		for _, d := range fx.Datagrams {
			l.a.e.Receive(l.now, turned(d))
		}
		if !busy {
			return
		}
	}
}

func turned(d Datagram) Datagram { return Datagram{Local: d.Remote, Remote: d.Local, Data: d.Data} }

// carry runs jobs and acknowledges operations of one engine; the datagrams are left in fx.
func (x *end) carry(fx *Effects, share *time.Duration) bool {
	start := time.Now()
	*fx = Effects{Datagrams: fx.Datagrams[:0], Operations: fx.Operations[:0], Jobs: fx.Jobs[:0], Events: fx.Events[:0]}
	x.e.Take(fx)
	for i := 0; i < len(fx.Jobs); i++ {
		x.e.Finish(x.l.now, fx.Jobs[i].Ticket, fx.Jobs[i].Run())
	}
	for i := 0; i < len(fx.Operations); i++ {
		x.e.Acknowledge(x.l.now, fx.Operations[i].Ticket, nil)
	}
	if share != nil {
		*share += time.Since(start)
	}
	return len(fx.Jobs)+len(fx.Operations)+len(fx.Datagrams) > 0
}

// BenchmarkResponder is what one setup costs the responder: IKE_SA_INIT, IKE_AUTH with a shared secret and X25519, a Child SA.
// responder-us/op is its share alone.
func BenchmarkResponder(b *testing.B) {
	l := benchLadder(b)
	var share time.Duration
	for b.Loop() {
		handshake(b, l, &share)
		l.forgetAll()
	}
	b.ReportMetric(float64(share.Microseconds())/float64(b.N), "responder-us/op")
}

func benchLadder(b testing.TB) *ladder {
	a, peer := pskPair()
	a.Unique, peer.Unique = UniqueNever, UniqueNever
	a.Children[0].IPTFS, peer.Children[0].IPTFS = IPTFSPrefer, IPTFSPrefer
	return newLadder(b, 1, Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{peer}})
}

// forgetAll drops the SAs of both ends without a word.
func (l *ladder) forgetAll() {
	for _, x := range []*end{l.a, l.b} {
		for _, s := range x.e.all() {
			s.quiet = true
			s.close(l.now, nil)
		}
		x.e.Take(&Effects{})
		clear(x.plane.inUse)
	}
}

// An established IKE SA with one Child SA takes at most 6 KiB in the engine.
func TestMemoryOfAnSA(t *testing.T) {
	a, b := pskPair()
	a.Unique, b.Unique = UniqueNever, UniqueNever
	l := newLadder(t, testSeed(t), Config{Connections: []*Connection{a}}, Config{Connections: []*Connection{b}})
	const n = 500
	before := heap()
	for range n {
		l.a.e.initiate(l.now, a, allChildren(a))
		l.quietly()
	}
	if got := len(l.b.e.sas); got != n {
		t.Fatalf("%d SAs, want %d", got, n)
	}
	each := (heap() - before) / (2 * n) // both ends are in this process
	t.Logf("an IKE SA with a Child SA takes %d octets", each)
	if each > 6<<10 {
		t.Errorf("an IKE SA with a Child SA takes %d octets, want at most 6144", each)
	}
	runtime.KeepAlive(l)
}

// quietly settles without keeping a log or a record.
func (l *ladder) quietly() {
	var fx Effects
	for busy := true; busy; {
		busy = l.a.carry(&fx, nil)
		for _, d := range fx.Datagrams {
			l.b.e.Receive(l.now, turned(d))
		}
		busy = l.b.carry(&fx, nil) || busy
		for _, d := range fx.Datagrams {
			l.a.e.Receive(l.now, turned(d))
		}
	}
	clear(l.a.plane.inUse)
	clear(l.b.plane.inUse)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
