package ike

import (
	"testing"
	"time"

	"stillwater/ike/wire"
)

// Most tests are about something else than when the responder of a new SA begins to send, and who asks first.
func init() { firstUse, laterUse, peerFirst = 0, 0, 0 }

// TestRSC009_InitiatorFirst: the original responder asks for an SA of an lcore only if that still has none a while later.
func TestRSC009_InitiatorFirst(t *testing.T) {
	peerFirst = 200 * time.Millisecond
	t.Cleanup(func() { peerFirst = 0 })
	l := resourceLadder(t, nil)
	l.connect("net")
	want := func(n int) {
		t.Helper()
		if l.settle(); len(l.b.plane.in) != n {
			t.Errorf("b hears %d SAs, want %d", len(l.b.plane.in), n)
		}
	}
	id := l.b.bundleID()
	l.b.e.Resource(l.now, id, 2, nil)
	want(1)
	l.run(100 * time.Millisecond)
	l.b.e.Resource(l.now, id, 2, nil)
	want(1)
	l.run(100 * time.Millisecond)
	l.b.e.Resource(l.now, id, 2, nil)
	want(2)
	l.b.e.Resource(l.now, id, 3, nil)
	l.run(2 * time.Second) // it has what it needs, or nothing to send
	l.b.e.Resource(l.now, id, 3, nil)
	want(2)
}

// patient lets responders wait as they do outside tests.
func patient(t *testing.T) {
	firstUse, laterUse = 100*time.Millisecond, 5*time.Second
	t.Cleanup(func() { firstUse, laterUse = 0, 0 })
}

// TestIKE131_FirstUse: the responder of the first SA waits for a packet, a further request or a moment.
func TestIKE131_FirstUse(t *testing.T) {
	for _, c := range []struct {
		name string
		sign func(l *ladder)
		wait time.Duration
	}{
		{"a packet", func(l *ladder) { l.traffic() }, useCheck},
		{"a request", func(l *ladder) { l.ask(l.a.sa(), inform) }, 0},
		{"nothing", func(*ladder) {}, 100 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			patient(t)
			l := pskLadder(t, nil)
			l.connect("net")
			if len(l.a.plane.out) != 1 || len(l.b.plane.out) != 0 || len(l.b.plane.in) != 1 {
				t.Fatalf("a sends on %d SAs, b on %d and hears %d", len(l.a.plane.out), len(l.b.plane.out), len(l.b.plane.in))
			}
			c.sign(l)
			if c.wait > 0 {
				l.run(c.wait - time.Millisecond)
				if len(l.b.plane.out) != 0 {
					t.Errorf("b sends before %v", c.wait)
				}
				l.run(time.Millisecond)
			}
			l.pairs(1)
			if !l.b.saw(EventChildUp) {
				t.Error("no event")
			}
		})
	}
}

// TestIKE131_LaterUse: a later SA has the fallback SA to send with, so there is time.
func TestIKE131_LaterUse(t *testing.T) {
	patient(t)
	l := resourceLadder(t, nil)
	l.connect("net")
	l.run(time.Second)
	l.a.e.Resource(l.now, l.a.bundleID(), 2, nil)
	l.run(4900 * time.Millisecond)
	if len(l.b.plane.out) != 1 || len(l.b.plane.in) != 2 {
		t.Errorf("b sends on %d SAs and hears %d, want 1 and 2", len(l.b.plane.out), len(l.b.plane.in))
	}
	l.run(100 * time.Millisecond)
	l.pairs(2)
	l.a.e.Resource(l.now, l.a.bundleID(), 3, nil)
	l.run(3 * time.Second)
	l.traffic()
	l.run(useChecks)
	l.pairs(3)
	// The next SA says that the one before has been answered.
	l.a.e.Resource(l.now, l.a.bundleID(), 1, nil)
	l.settle()
	l.a.e.Rekey(l.now, "net", true, false)
	l.run(graveTime)
	l.pairs(4)
}

// A soak in which nobody sends too early: every SA that an end sends on, new ones too, is one that the other opens, as long as
// no one loses patience.
func TestIKE131_NeverTooEarly(t *testing.T) {
	patient(t)
	laterUse = time.Hour
	base := testSeed(t)
	for i := range uint64(3) {
		soakGently(t, base+i*1000, func(a, b *Connection) { a.Resources, b.Resources = 3, 3 }, func(l *ladder) {
			for _, x := range []*end{l.a, l.b} {
				for id := range x.e.bundles {
					x.e.Resource(l.now, id, int(l.now/1e6)%4, nil)
				}
			}
			l.settle()
			l.sameKeys()
		})
	}
}

// TestIKE142_Strays: what is on its way to an SA that is new or gone is no reason for a message; what goes on is.
func TestIKE142_Strays(t *testing.T) {
	l := pskLadder(t, nil)
	l.connect("net")
	old := l.b.child(childUp).spiIn
	l.a.e.Rekey(l.now, "net", false, true)
	l.run(6 * time.Second) // the old SA has lingered
	report := func(spi uint32, during time.Duration) int {
		mark := l.mark()
		for end := l.now + int64(during); l.now < end; {
			l.b.e.UnknownSPI(l.now, l.b.at(0), l.a.at(0), spi)
			l.run(100 * time.Millisecond)
		}
		return len(l.log) - mark
	}
	if n := report(l.b.child(childUp).spiIn, 5*time.Second); n != 0 {
		t.Errorf("%d messages about an SA that is there", n)
	}
	if n := report(old, 5*time.Second); n != 0 {
		t.Errorf("%d messages about an SA that was just deleted", n)
	}
	if n := report(0x12345678, 1900*time.Millisecond); n != 0 {
		t.Errorf("%d messages about an SPI before 2 s", n)
	}
	if n := report(0x12345678, 10*time.Second); n != 2 {
		t.Errorf("%d messages about an SPI that stays unknown, want one and its answer", n)
	}
	for i := range uint32(100) {
		l.b.e.UnknownSPI(l.now, l.b.at(0), l.a.at(0), 0x1000+i)
	}
	if s := l.b.sa(); len(s.strays) > strays {
		t.Errorf("%d SPIs remembered, want %d at most", len(s.strays), strays)
	}
}

// TestDescribeSelectors: the words of an operator.
func TestDescribeSelectors(t *testing.T) {
	for _, c := range []struct {
		want string
		list []wire.Selector
	}{
		{"10.1.0.0/16", []wire.Selector{netA}},
		{"10.0.0.1-10.0.0.9", []wire.Selector{addresses("10.0.0.1", "10.0.0.9")}},
		{"::/0", []wire.Selector{sel("::/0", 0)}},
		{"10.0.0.0/8[tcp/80], 10.0.0.1/32[udp/1-5]", []wire.Selector{sel("10.0.0.0/8", 6, 80, 80), sel("10.0.0.1/32", 17, 1, 5)}},
		{"10.0.0.0/8[icmp], 10.0.0.0/8[47]", []wire.Selector{sel("10.0.0.0/8", 1), sel("10.0.0.0/8", 47)}},
		{"10.0.0.0/8[tcp/opaque]", []wire.Selector{sel("10.0.0.0/8", 6, 0xFFFF, 0)}},
	} {
		if got := describeSelectors(c.list); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if got := describePair([]wire.Selector{netA}, []wire.Selector{netB}); got != "10.1.0.0/16 = 10.2.0.0/16" {
		t.Errorf("%q", got)
	}
}
