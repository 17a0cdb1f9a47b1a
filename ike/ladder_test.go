package ike

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater/ike/wire"
)

// A ladder is two engines and the network between them, as the figures of the RFCs draw it. Time is virtual; jobs, the data
// planes' work and the network take none unless a test says so. Every datagram becomes a line of the log, decrypted:
//
//	a -> b  IKE_SA_INIT request 0: SA KE Nonce N(NAT_DETECTION_SOURCE_IP) ...
type ladder struct {
	t      testing.TB
	now    int64
	a, b   *end
	flying []*flight
	held   []*flight
	sent   int
	log    []string
	// fate decides about each datagram; nil: all arrive.
	fate func(f *flight) fate
	// route changes addresses on the way, as a NAT does; nil: it does not.
	route func(f *flight)
	// tamper changes octets on the way; nil: it does not.
	tamper func(f *flight)
}

// end is one engine with what surrounds it.
type end struct {
	name     string
	l        *ladder
	e        *Engine
	addr     netip.Addr
	plane    *plane
	events   []Event
	holdJobs bool
	jobs     []Job
	jobsRun  int
	keys     map[uint64]seal // of its SAs by own SPI, past ones too
}

// flight is one datagram on its way.
type flight struct {
	n        int // running number from 1
	from, to *end
	d        Datagram
	header   wire.Header
	text     string
}

// fate is what the network does with a datagram.
type fate uint8

const (
	arrive fate = iota
	lose
	twice
	hold // until release
)

var (
	addrA = netip.MustParseAddr("192.0.2.1")
	addrB = netip.MustParseAddr("192.0.2.2")
)

// newLadder joins engines made from two configurations. Random octets come from the seed.
func newLadder(t testing.TB, seed uint64, a, b Config) *ladder {
	t.Helper()
	l := &ladder{t: t, now: int64(time.Hour)}
	l.a = l.newEnd("a", addrA, a, seed)
	l.b = l.newEnd("b", addrB, b, seed+1)
	return l
}

func (l *ladder) newEnd(name string, addr netip.Addr, cfg Config, seed uint64) *end {
	l.t.Helper()
	x := &end{name: name, l: l, addr: addr, plane: newPlane(l.t, name), keys: map[uint64]seal{}}
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	random := rand.NewChaCha8(key)
	cfg.Random = func(b []byte) { random.Read(b) }
	cfg.NewSPI = x.plane.newSPI
	cfg.Place = func() int { return 0 }
	cfg.LastReceived = func(spi uint32) int64 { return x.plane.lastReceived[spi] }
	cfg.Wall = func() time.Time { return testDay }
	cfg.Lcores = max(cfg.Lcores, 1)
	e, err := New(cfg)
	if err != nil {
		l.t.Fatalf("engine %s: %v", name, err)
	}
	x.e = e
	return x
}

// testDay is the calendar of tests: certificates are valid around it.
var testDay = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

// other is the end at the other side.
func (x *end) other() *end {
	if x == x.l.a {
		return x.l.b
	}
	return x.l.a
}

// settle carries out effects and delivers datagrams until nothing is left to do at this moment.
func (l *ladder) settle() {
	l.t.Helper()
	for round := 0; ; round++ {
		if round > 100000 {
			l.t.Fatalf("the engines do not come to rest:\n%s", l.tail(40))
		}
		busy := l.a.effects()
		busy = l.b.effects() || busy
		if len(l.flying) > 0 {
			f := l.flying[0]
			l.flying = l.flying[1:]
			f.to.e.Receive(l.now, f.d)
			busy = true
		}
		if !busy {
			return
		}
	}
}

// effects carries out what the engine wants. It reports whether that was anything.
func (x *end) effects() bool {
	var fx Effects
	x.e.Take(&fx)
	x.events = append(x.events, fx.Events...)
	for _, d := range fx.Datagrams {
		x.l.launch(x, d)
	}
	for _, op := range fx.Operations {
		x.plane.take(op)
	}
	acks := x.plane.acks()
	for _, ack := range acks {
		x.e.Acknowledge(x.l.now, ack.ticket, ack.err)
	}
	x.jobs = append(x.jobs, fx.Jobs...)
	worked := x.runJobs()
	return worked || len(fx.Datagrams)+len(fx.Operations)+len(fx.Events)+len(acks) > 0
}

// runJobs does the public-key work, unless the test holds it.
func (x *end) runJobs() bool {
	if x.holdJobs || len(x.jobs) == 0 {
		return false
	}
	jobs := x.jobs
	x.jobs = nil
	for _, j := range jobs {
		x.jobsRun++
		x.e.Finish(x.l.now, j.Ticket, j.Run())
	}
	return true
}

// launch puts a datagram on the network.
func (l *ladder) launch(from *end, d Datagram) {
	if d.Keepalive {
		l.log = append(l.log, fmt.Sprintf("%s -> %s  keepalive", from.name, from.other().name))
		return
	}
	l.sent++
	from.remember()
	f := &flight{n: l.sent, from: from, to: from.other(), d: d}
	f.d.Data = slices.Clone(d.Data)
	f.header, _ = wire.ParseHeader(f.d.Data)
	f.text = from.describe(f.d.Data)
	l.log = append(l.log, fmt.Sprintf("%s -> %s  %s", from.name, f.to.name, f.text))
	// The receiver sees the addresses the other way round.
	f.d.Local, f.d.Remote = d.Remote, d.Local
	if l.tamper != nil {
		l.tamper(f)
	}
	if l.route != nil {
		l.route(f)
	}
	what := arrive
	if l.fate != nil {
		what = l.fate(f)
	}
	switch what {
	case lose:
		l.log[len(l.log)-1] += "  (lost)"
	case hold:
		l.log[len(l.log)-1] += "  (held)"
		l.held = append(l.held, f)
	case twice:
		again := *f
		again.d.Data = slices.Clone(f.d.Data)
		l.flying = append(l.flying, f, &again)
	default:
		l.flying = append(l.flying, f)
	}
}

// release delivers the held datagrams in the order given by their positions; none: all as they were sent.
func (l *ladder) release(order ...int) {
	l.t.Helper()
	held := l.held
	l.held = nil
	if len(order) == 0 {
		l.flying = append(l.flying, held...)
	}
	for _, i := range order {
		l.flying = append(l.flying, held[i])
	}
	l.settle()
}

// run lets time pass, stopping at every deadline.
func (l *ladder) run(d time.Duration) {
	l.t.Helper()
	end := l.now + int64(d)
	l.settle()
	for {
		next := min(l.a.e.Deadline(), l.b.e.Deadline())
		if next > end {
			break
		}
		if next < l.now {
			l.t.Fatalf("deadline %d lies in the past of %d", next, l.now)
		}
		l.now = next
		l.a.e.Tick(l.now)
		l.b.e.Tick(l.now)
		l.settle()
	}
	l.now = end
}

// mark is the place in the log.
func (l *ladder) mark() int { return len(l.log) }

func (l *ladder) tail(n int) string {
	return strings.Join(l.log[max(0, len(l.log)-n):], "\n")
}

// at is the end's address with a port.
func (x *end) at(port uint16) netip.AddrPort { return netip.AddrPortFrom(x.addr, port) }

// sa is the end's only IKE SA.
func (x *end) sa() *ikeSA {
	x.l.t.Helper()
	if len(x.e.sas) != 1 {
		x.l.t.Fatalf("%s has %d IKE SAs, want 1\n%s", x.name, len(x.e.sas), x.l.tail(20))
	}
	for _, s := range x.e.sas {
		return s
	}
	return nil
}

// saw reports whether an event of that kind has happened.
func (x *end) saw(kind EventKind) bool {
	return slices.ContainsFunc(x.events, func(ev Event) bool { return ev.Kind == kind })
}

// failure is the last failure of the end.
func (x *end) failure() Failure {
	x.l.t.Helper()
	fs := x.e.Failures()
	if len(fs) == 0 {
		x.l.t.Fatalf("%s has no failure to show\n%s", x.name, x.l.tail(20))
	}
	return fs[len(fs)-1]
}
