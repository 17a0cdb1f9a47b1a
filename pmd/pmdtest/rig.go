package pmdtest

import (
	"bytes"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

const (
	// poolSize is the small mbufs of each lcore: more than BackPressure allows a medium to hold.
	poolSize  = 4200
	poolJumbo = 64

	indexA, indexB = 7, 9 // what the ports write to Mbuf.Port
)

// rig is two connected ports with the pools of their lcores, owned by one check.
type rig struct {
	testing.TB
	h    Harness
	a, b *end
}

// end is one port; lcore i polls queue i of each direction and owns pools[i].
type end struct {
	port  pmd.Port
	pools []*mbuf.Pool
	index uint16
}

// newRig opens the ports with the given queues in each direction; mtu is in octets, 0 the driver's default.
func newRig(tb testing.TB, h Harness, queues, mtu int) *rig {
	tb.Helper()
	if h.Window == 0 {
		h.Window = 64
	}
	if h.Now == nil {
		var now atomic.Int64
		h.Now = func() int64 { return now.Add(1000) }
	}
	if h.patience == 0 {
		h.patience = 5 * time.Second
	}
	if h.Idle == nil {
		h.Idle = runtime.Gosched
	}
	r := &rig{TB: tb, h: h, a: newEnd(tb, indexA, queues), b: newEnd(tb, indexB, queues)}
	r.a.port, r.b.port = h.Open(tb, r.a.config(h, mtu), r.b.config(h, mtu))
	return r
}

func newEnd(tb testing.TB, index uint16, queues int) *end {
	tb.Helper()
	e := &end{index: index}
	for range queues {
		p, err := mbuf.NewPool(mbuf.PoolConfig{Name: "pmdtest", N2K: poolSize, N9K: poolJumbo})
		if err != nil {
			tb.Fatal(err)
		}
		e.pools = append(e.pools, p)
	}
	return e
}

func (e *end) config(h Harness, mtu int) pmd.Config {
	return pmd.Config{RxPools: e.pools, TxPools: e.pools, MTU: mtu, Index: e.index, Now: h.Now, Seed: 1}
}

// close closes the ports and demands every mbuf back. It is the last line of every check.
func (r *rig) close() {
	r.Helper()
	for _, e := range []*end{r.a, r.b} {
		if err := e.port.Close(); err != nil {
			r.Errorf("close of port %s: %v", e.port.Info().Name, err)
		}
	}
	for _, e := range []*end{r.a, r.b} {
		for q, p := range e.pools {
			if err := p.Close(); err != nil {
				r.Errorf("lcore %d of port %s leaks: %v", q, e.port.Info().Name, err)
			}
		}
	}
}

// arrival is a received packet after its mbuf went home.
type arrival struct {
	packet
	queue      int // the queue it was polled from
	meta       mbuf.Mbuf
	polledFrom *end
}

// build takes an mbuf for p from the pool of queue q.
func (r *rig) build(from *end, q int, p packet) *mbuf.Mbuf {
	f := p.frame(r.h.Link)
	m := from.pools[q].Get(len(f))
	if m == nil {
		return nil
	}
	copy(m.Append(len(f)), f)
	if p.tci != 0 {
		m.VLAN, m.Flags = p.tci, m.Flags|mbuf.FlagVLAN
	}
	return m
}

// send offers ps to a transmit queue once, takes back what was not taken and returns how many were.
func (r *rig) send(from *end, q int, ps []packet) int {
	ms := make([]*mbuf.Mbuf, 0, len(ps))
	for _, p := range ps {
		m := r.build(from, q, p)
		if m == nil {
			break // the rest of the pool is in flight
		}
		ms = append(ms, m)
	}
	n := from.port.Tx(q).TxBurst(ms)
	if n < 0 || n > len(ms) {
		r.Errorf("TxBurst of %d packets returned %d", len(ms), n)
		return 0
	}
	for i, m := range ms[n:] {
		if !bytes.Equal(m.Data(), ps[n+i].frame(r.h.Link)) {
			r.Errorf("TxBurst took %d of %d packets and changed packet %d, which is still the caller's", n, len(ms), n+i)
		}
	}
	from.pools[q].Free(ms[n:])
	return n
}

// poll asks one receive queue once for up to n packets, checks what it got octet by octet, frees it and appends it to got.
func (r *rig) poll(at *end, q, n int, got []arrival) []arrival {
	ms := make([]*mbuf.Mbuf, n)
	k := at.port.Rx(q).RxBurst(ms)
	if k < 0 || k > n {
		r.Errorf("RxBurst into %d slots returned %d", n, k)
		return got
	}
	for _, m := range ms[:k] {
		p, mine := identify(m.Data(), r.h.Link)
		if !mine {
			if !r.h.has(Shared) {
				r.Errorf("queue %d received %d octets nobody sent: %.40x", q, m.Len(), m.Data())
			}
			continue
		}
		if m.Flags&mbuf.FlagVLAN != 0 {
			p.tci = m.VLAN
		}
		if !bytes.Equal(m.Data(), p.frame(r.h.Link)) {
			r.Errorf("packet %+v arrived with other octets, %d of them", p, m.Len())
		}
		got = append(got, arrival{packet: p, queue: q, meta: *m, polledFrom: at})
	}
	at.pools[q].Free(ms[:k])
	return got
}

// transfer sends ps by queue 0 and receives until all of them have arrived, at whichever queues.
func (r *rig) transfer(from, to *end, ps []packet) []arrival {
	r.Helper()
	return r.transferBurst(from, to, ps, mbuf.BurstSize)
}

// transferBurst is transfer with the burst size of both sides.
func (r *rig) transferBurst(from, to *end, ps []packet, burst int) []arrival {
	r.Helper()
	window := r.h.Window
	if !r.h.has(Live) {
		window = len(ps)
	}
	var got []arrival
	sent, last := 0, time.Now()
	for len(got) < len(ps) {
		before := sent + len(got)
		if n := min(len(ps)-sent, window-(sent-len(got)), burst); n > 0 {
			sent += r.send(from, 0, ps[sent:sent+n])
		}
		if r.h.has(Live) || sent == len(ps) {
			for q := range to.pools {
				got = r.poll(to, q, burst, got)
			}
		}
		switch {
		case sent+len(got) > before:
			last = time.Now()
		case time.Since(last) > r.h.patience:
			r.Fatalf("%d packets offered, %d taken, %d arrived, then none for %v", len(ps), sent, len(got), r.h.patience)
		default:
			r.h.Idle()
		}
	}
	return got
}

// drain receives until nothing more comes although the medium had every chance: for checks where packets may be lost.
func (r *rig) drain(at *end, got []arrival) []arrival {
	for idle := 0; idle < 1000; idle++ {
		before := len(got)
		for q := range at.pools {
			got = r.poll(at, q, mbuf.BurstSize, got)
		}
		if len(got) > before {
			idle = 0
		}
		r.h.Idle()
	}
	return got
}
