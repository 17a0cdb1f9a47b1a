package ike

import (
	"math/rand/v2"
	"testing"
	"time"
)

// weather is a network that loses, repeats and delays datagrams, and data planes and workers that take their time.
type weather struct {
	l      *ladder
	random *rand.Rand
	loss   int // percent
	dup    int
	delay  int
	slow   int // percent of steps in which an end's plane or workers stand still
	bad    bool
}

func (w *weather) percent(p int) bool { return w.random.IntN(100) < p }

func (w *weather) fate(*flight) fate {
	switch {
	case !w.bad:
		return arrive
	case w.percent(w.loss):
		return lose
	case w.percent(w.dup):
		return twice
	case w.percent(w.delay):
		return hold
	}
	return arrive
}

// step lets a moment pass: held datagrams arrive in any order, ends stand still or go on.
func (w *weather) step() {
	l := w.l
	for _, x := range []*end{l.a, l.b} {
		x.plane.hold = w.bad && !x.plane.hold && w.percent(w.slow) // never as long as an SA lingers
		x.holdJobs = w.bad && w.percent(w.slow)
	}
	w.random.Shuffle(len(l.held), func(i, j int) { l.held[i], l.held[j] = l.held[j], l.held[i] })
	for range w.random.IntN(len(l.held) + 1) {
		l.flying = append(l.flying, l.held[0])
		l.held = l.held[1:]
	}
	l.traffic()
	l.run(time.Duration(w.random.IntN(1500)) * time.Millisecond)
}

// traffic is an ESP packet on every outbound SA.
func (l *ladder) traffic() {
	for _, x := range []*end{l.a, l.b} {
		for _, out := range x.plane.out {
			if other := x.other().plane; other.in[out.SPIOut] != nil {
				other.lastReceived[out.SPIOut] = l.now
			}
		}
	}
}

// restless is a connection whose SAs are rekeyed all the time, by both ends.
func restless(c *Connection) {
	c.Children[0].RekeyTime, c.Children[0].RekeyJitter, c.Children[0].OverTime = 40*time.Second, 30, 4*time.Minute
	c.RekeyTime, c.RekeyJitter, c.OverTime = 2*time.Minute, 30, 8*time.Minute
	c.DPDDelay = 20 * time.Second
	// So patient that no SA is ever given up.
	c.Retransmit = Retransmit{First: time.Second, Cap: 10 * time.Second, Factor: 1.5, Tries: 16, InitTries: 9}
	c.Children[0].Proposals = espProposals("aes128gcm16", "aes128gcm16-x25519")
}

// soakGently is soak with data planes and workers that keep up.
func soakGently(t *testing.T, seed uint64, change func(a, b *Connection), check func(l *ladder)) {
	t.Helper()
	soakIn(t, weather{loss: 8, dup: 8, delay: 20}, seed, 20, change, check)
}

// soak is a soak in bad weather.
func soak(t *testing.T, seed uint64, minutes int, change func(a, b *Connection), check func(l *ladder)) {
	t.Helper()
	soakIn(t, weather{loss: 15, dup: 10, delay: 30, slow: 20}, seed, minutes, change, check)
}

// soakIn runs a connection through the weather and looks after every step that packets can flow.
func soakIn(t *testing.T, w weather, seed uint64, minutes int, change func(a, b *Connection), check func(l *ladder)) {
	t.Helper()
	a, b := pskPair()
	restless(a)
	restless(b)
	if change != nil {
		change(a, b)
	}
	l := newLadder(t, seed, Config{Connections: []*Connection{a}, Lcores: 4}, Config{Connections: []*Connection{b}, Lcores: 4})
	l.connect("net")
	w.l, w.random, w.bad = l, rand.New(rand.NewPCG(seed, 1)), true
	l.fate = w.fate
	for end := l.now + int64(minutes)*int64(time.Minute); l.now < end; {
		w.step()
		check(l)
		if t.Failed() {
			t.Fatalf("seed %d, after %v\n%s", seed, time.Duration(l.now), l.tail(40))
		}
	}
	w.bad = false
	w.step()
	l.release()
	finishSoak(l)
	if t.Failed() {
		t.Fatalf("seed %d\n%s", seed, l.tail(40))
	}
}

// finishSoak lets the last rekeys end and takes everything down: nothing may be left.
func finishSoak(l *ladder) {
	for range 20 {
		l.run(30 * time.Second)
		l.traffic()
	}
	l.usable()
	rekeys := l.a.sa2().rekeys
	if rekeys < 2 {
		l.t.Errorf("%d rekeys of the IKE SA, want some", rekeys)
	}
	for _, x := range []*end{l.a, l.b} {
		for _, ev := range x.events {
			if ev.Kind == EventDown && ev.Text != "deleted" && ev.Text != "" {
				l.t.Errorf("%s lost an IKE SA: %s", x.name, ev.Text)
			}
		}
		x.e.Shutdown(l.now)
	}
	l.run(time.Minute)
	for _, x := range []*end{l.a, l.b} {
		x.gone()
		x.spisInUse()
		if len(x.e.waits) != 0 {
			l.t.Errorf("%s waits for %d answers for ever", x.name, len(x.e.waits))
		}
	}
}

// sa2 is the youngest established IKE SA of an end.
func (x *end) sa2() *ikeSA {
	x.l.t.Helper()
	var best *ikeSA
	for _, s := range x.e.sas {
		if s.state == stateEstablished && (best == nil || s.better(best)) {
			best = s
		}
	}
	if best == nil {
		x.l.t.Fatalf("%s has no established IKE SA\n%s", x.name, x.l.tail(40))
	}
	return best
}

// TestSoak: one Child SA, rekeyed by both ends; at every moment each end sends on an SA that the other one opens.
func TestSoak(t *testing.T) {
	base, rounds := testSeed(t), uint64(12)
	if testing.Short() {
		rounds = 3
	}
	for i := range rounds {
		soak(t, base+i*1000, 30, nil, func(l *ladder) { l.usable() })
	}
}

// TestSoakResources: a bundle of Child SAs for four lcores at each end, which both ends ask for (RFC 9611). A new SA may be sent
// on a moment before the other end has heard of it, the fallback SA never.
func TestSoakResources(t *testing.T) {
	base, rounds := testSeed(t), uint64(6)
	if testing.Short() {
		rounds = 2
	}
	for i := range rounds {
		soak(t, base+i*1000, 20, func(a, b *Connection) { a.Resources, b.Resources = 3, 3 }, func(l *ladder) {
			for _, x := range []*end{l.a, l.b} {
				for id := range x.e.bundles {
					x.e.Resource(l.now, id, int(l.now/1e6)%4, nil)
				}
				x.fallbackWorks()
			}
			l.settle()
		})
	}
}

// fallbackWorks fails the test unless the end sends on a fallback SA that the other end opens.
func (x *end) fallbackWorks() {
	x.l.t.Helper()
	for _, out := range x.plane.out {
		if in := x.other().plane.in[out.SPIOut]; out.Fallback && in != nil && string(in.KeymatIn) == string(out.KeymatOut) {
			return
		}
	}
	x.l.t.Errorf("%s has no fallback SA that works", x.name)
}
