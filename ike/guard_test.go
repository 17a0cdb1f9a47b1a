package ike

import (
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater/ike/auth"
	"stillwater/ike/wire"
)

// twoSAs is two engines with two connections, and an IKE SA with a Child SA for each.
func twoSAs(t *testing.T) *ladder {
	t.Helper()
	a, b := pskPair()
	a2, b2 := *a, *b
	a2.Name, b2.Name = "second", "second"
	a2.Self = &auth.Local{ID: identity("a2.test"), Method: auth.PSK, PSK: testPSK}
	b2.Them = &auth.Peer{Name: "second", ID: auth.Exactly(identity("a2.test")), Method: auth.PSK, PSK: testPSK}
	l := newLadder(t, testSeed(t), Config{Connections: []*Connection{a, &a2}}, Config{Connections: []*Connection{b, &b2}})
	for _, name := range []string{"net", "second"} {
		if err := l.a.e.Initiate(l.now, name, ""); err != nil {
			t.Fatal(err)
		}
		l.settle()
	}
	l.pairs(2)
	return l
}

// HAZ-35: a panic costs the SA it happens in, with its Child SAs, and nothing else.
func TestHAZ35_PanicCostsOneSA(t *testing.T) {
	l := twoSAs(t)
	victim := l.b.e.all()[0]
	mine := func(other *ikeSA) *ikeSA { // a's end of an SA of b
		return l.a.e.sas[other.spiI]
	}
	injected = func(s *ikeSA) {
		if s == victim {
			panic("injected")
		}
	}
	defer func() { injected = nil }()
	peer := mine(victim)
	l.b.receive(l.a, peer.protect(peer.header(wire.ExchangeInformational, 2, false), nil)[0])
	l.settle()
	injected = nil
	if c := l.b.e.Counters(); c.Panics != 1 || c.SAs != 1 {
		t.Errorf("%d panics and %d SAs left, want 1 and 1", c.Panics, c.SAs)
	}
	if p := l.b.plane; len(p.in) != 1 || len(p.out) != 1 || len(p.bundles) != 1 {
		t.Errorf("b keeps %d inbound, %d outbound SAs and %d bundles, want 1 each", len(p.in), len(p.out), len(p.bundles))
	}
	i := slices.IndexFunc(l.b.events, func(ev Event) bool { return ev.Kind == EventDown })
	if ev := l.b.events[i]; !strings.Contains(ev.Text, "injected") || ev.Connection != victim.conn.Name {
		t.Errorf("the event is %+v", ev)
	}
	other := mine(l.b.e.all()[0])
	mark := l.mark()
	l.b.receive(l.a, other.protect(other.header(wire.ExchangeInformational, 2, false), nil)[0])
	l.settle()
	l.expect(mark, "b -> a  INFORMATIONAL response 2")
}

// HAZ-35: wherever it happens: at each point of a handshake, in both engines.
func TestHAZ35_PanicAnywhere(t *testing.T) {
	for n := 1; n < 12; n++ {
		l := pskLadder(t, nil)
		calls := 0
		injected = func(*ikeSA) {
			if calls++; calls == n {
				panic("injected")
			}
		}
		l.start()
		injected = nil
		l.run(4 * time.Minute)
		if c := l.a.e.Counters().Panics + l.b.e.Counters().Panics; c != 1 {
			t.Errorf("call %d: %d panics counted, want 1", n, c)
		}
		for _, x := range []*end{l.a, l.b} {
			if len(x.e.sas) == 0 {
				x.gone()
			}
		}
		// The engines go on.
		if err := l.a.e.Initiate(l.now, "net", ""); err != nil {
			t.Fatal(err)
		}
		l.run(time.Minute)
		if l.a.e.best(l.a.e.cfg.Connections[0]) == nil {
			t.Errorf("call %d: the connection does not come up again", n)
		}
	}
}

// HAZ-35: a job that panics in its worker comes back as JobPanic and costs the SA it was for.
func TestHAZ35_JobPanic(t *testing.T) {
	l := pskLadder(t, nil)
	l.b.holdJobs = true
	l.start()
	for _, j := range l.b.jobs {
		l.b.e.Finish(l.now, j.Ticket, &JobPanic{Value: "a worker"})
	}
	l.b.jobs = nil
	if c := l.b.e.Counters(); c.Panics != 1 || c.SAs != 0 || c.HalfOpen != 0 {
		t.Errorf("%d panics, %d SAs, %d half-open, want 1, 0, 0", c.Panics, c.SAs, c.HalfOpen)
	}
}

// A panic that concerns no SA is counted and told.
func TestHAZ35_PanicWithoutSA(t *testing.T) {
	l := pskLadder(t, nil)
	l.b.e.guard(l.now, nil, func() { panic("nobody's") })
	l.settle()
	if c := l.b.e.Counters(); c.Panics != 1 || !l.b.saw(EventNote) {
		t.Errorf("%d panics, events %v", c.Panics, l.b.events)
	}
}

// Results and acknowledgements that nobody waits for are ignored.
func TestUnknownTickets(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	for ticket := range uint64(100) {
		l.a.e.Finish(l.now, ticket, nil)
		l.a.e.Acknowledge(l.now, ticket, nil)
	}
	l.settle()
	l.established()
}
