package ike

import (
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A connection that is to be up comes up at Start, and comes again after a failure, later and later.
func TestStartNow(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.Start = StartNow })
	l.a.e.Start(l.now)
	l.settle()
	l.established()
	l.pairs(1)
}

func TestStartNowTriesAgain(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.Start = StartNow })
	var times []int64
	l.fate = func(f *flight) fate {
		if f.is("IKE_SA_INIT request") && (len(times) == 0 || f.header.SPIi != uint64(times[len(times)-1])) {
			times = append(times, int64(f.header.SPIi))
		}
		return lose
	}
	l.a.e.Start(l.now)
	l.run(time.Hour)
	// Each attempt takes 24 s, and the waits double from 1 s to 5 min: 1+2+4+...+256+300*n.
	if n := len(times); n < 12 || n > 22 {
		t.Errorf("%d attempts in an hour, want between 12 and 22", n)
	}
	l.fate = nil
	l.run(10 * time.Minute)
	l.established()
}

// StartNone and StartTrap wait for somebody to ask.
func TestStartWaits(t *testing.T) {
	for _, start := range []StartAction{StartNone, StartTrap} {
		l := pskLadder(t, func(a, _ *Connection) { a.Start = start })
		l.a.e.Start(l.now)
		l.run(time.Hour)
		l.expect(0)
	}
	l := pskLadder(t, func(a, _ *Connection) { a.Start = StartTrap })
	l.a.e.Acquire(l.now, "net", "one", &Trigger{Src: netip.MustParseAddrPort("10.1.0.1:1"), Dst: netip.MustParseAddrPort("10.2.0.1:2"), Protocol: 17})
	l.settle()
	l.established()
	l.pairs(1)
}

// Restart brings a connection up again that the peer has closed, or that died; not one that the operator has closed.
func TestRestart(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.Restart = true })
	l.connect("net")
	if err := l.b.e.Terminate(l.now, "net"); err != nil {
		t.Fatal(err)
	}
	l.settle()
	l.a.gone0()
	l.run(2 * time.Second)
	l.established()
	l.pairs(1)

	if err := l.a.e.Terminate(l.now, "net"); err != nil {
		t.Fatal(err)
	}
	l.run(time.Hour)
	l.a.gone()
}

// gone0 fails the test unless the end has no SA; it may plan to have one.
func (x *end) gone0() {
	x.l.t.Helper()
	if !x.e.Idle() {
		x.l.t.Fatalf("%s has %v", x.name, states(x.e.Snapshot()))
	}
}

// Terminate ends waiting for the next attempt, too.
func TestTerminateWhileWaiting(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.Start = StartNow })
	l.fate = func(*flight) fate { return lose }
	l.a.e.Start(l.now)
	l.run(24 * time.Second)
	l.a.gone0()
	if err := l.a.e.Terminate(l.now, "net"); err != nil {
		t.Fatal(err)
	}
	l.a.gone()
	if err := l.a.e.Terminate(l.now, "net"); !errors.Is(err, ErrNotUp) {
		t.Errorf("the second time: %v, want ErrNotUp", err)
	}
}

// Initiating what is up, or coming up, makes nothing twice.
func TestInitiateTwice(t *testing.T) {
	l := pskLadder(t, nil)
	for range 3 {
		if err := l.a.e.Initiate(l.now, "net", "one"); err != nil {
			t.Fatal(err)
		}
	}
	l.settle()
	l.established()
	l.pairs(1)
	if n := l.requests("IKE_SA_INIT"); n != 1 {
		t.Errorf("%d IKE_SA_INIT requests, want 1", n)
	}
}

// What an operator can ask for in vain.
func TestOperatorErrors(t *testing.T) {
	l := pskLadder(t, func(_, b *Connection) { b.Peer = netip.Addr{} })
	e := l.b.e
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"initiate unknown", e.Initiate(l.now, "x", ""), ErrUnknownConnection},
		{"initiate unknown child", e.Initiate(l.now, "net", "x"), ErrUnknownChild},
		{"initiate without peer", e.Initiate(l.now, "net", ""), ErrNoPeer},
		{"terminate unknown", e.Terminate(l.now, "x"), ErrUnknownConnection},
		{"terminate down", e.Terminate(l.now, "net"), ErrNotUp},
		{"rekey unknown", e.Rekey(l.now, "x", true, true), ErrUnknownConnection},
		{"rekey down", e.Rekey(l.now, "net", true, true), ErrNotUp},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.err, c.want)
		}
	}
	e.Acquire(l.now, "x", "y", nil)
	e.Acquire(l.now, "net", "one", nil)
	l.settle()
	l.expect(0)
}

// Shutdown deletes everything, and is over in bounded time when peers are silent.
func TestShutdown(t *testing.T) {
	l := twoSAs(t)
	l.a.e.Shutdown(l.now)
	l.settle()
	l.a.gone()
	l.run(time.Minute) // b keeps what the last answers need
	l.b.gone()
	if err := l.a.e.Initiate(l.now, "net", ""); !errors.Is(err, ErrStopping) {
		t.Errorf("initiate after Shutdown: %v, want ErrStopping", err)
	}
}

func TestShutdownWithSilentPeer(t *testing.T) {
	l := pskLadder(t, func(a, _ *Connection) { a.Start, a.Restart = StartNow, true })
	l.connect("net")
	l.fate = func(*flight) fate { return lose }
	l.a.e.Shutdown(l.now)
	l.run(shutdownTime)
	l.a.gone()
}

// Configurations that cannot work are refused with the reason.
func TestNewErrors(t *testing.T) {
	a, b := pskPair()
	spi, place := func(int) (uint32, error) { return 256, nil }, func() int { return 0 }
	noID, noProposal := *b, *b
	noID.Name, noID.Them = "x", nil
	noProposal.Name, noProposal.Proposals = "y", nil
	for name, cfg := range map[string]Config{
		"no SPIs":        {Connections: []*Connection{a}, Lcores: 1, Place: place},
		"no lcores":      {Connections: []*Connection{a}, NewSPI: spi, Place: place},
		"no place":       {Connections: []*Connection{a}, Lcores: 1, NewSPI: spi},
		"the same name":  {Connections: []*Connection{a, b}, Lcores: 1, NewSPI: spi, Place: place},
		"no identity":    {Connections: []*Connection{a, &noID}, Lcores: 1, NewSPI: spi, Place: place},
		"without cipher": {Connections: []*Connection{a, &noProposal}, Lcores: 1, NewSPI: spi, Place: place},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "engine configuration") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An engine with nothing to do has no deadline.
func TestIdleDeadline(t *testing.T) {
	l := pskLadder(t, nil)
	if d := l.a.e.Deadline(); d != math.MaxInt64 {
		t.Errorf("deadline %d of an idle engine", d)
	}
	l.a.e.Tick(l.now)
	l.expect(0)
}
