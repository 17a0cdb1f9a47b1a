package dataplane

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater/crypto/aead"
	"stillwater/crypto/suite"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// patience is how long a test of running lcores waits before it calls something missing. It is never measured.
const patience = 20 * time.Second

// start runs the plane on goroutines of its own; stop ends it and returns what Run returned.
func (n *node) start() (stop func() error) {
	ended := make(chan error, 1)
	go func() { ended <- n.Run() }()
	return func() error {
		n.Stop()
		return <-ended
	}
}

// run executes a command on a running plane.
func (n *node) run(ctx context.Context, c Command) (Ack, error) {
	n.ticket++
	c.Ticket = n.ticket
	return n.Execute(ctx, &c)
}

// settled waits until every lcore uses the generation last published; they tell once a millisecond, so time passes.
func (n *node) settled(ctx context.Context) {
	for !n.Seen(n.gen.Number) && ctx.Err() == nil {
		n.clock.Advance(1e6)
		runtime.Gosched()
	}
}

// TestRunUnderTraffic installs, rekeys and removes SAs while two lcores run on goroutines and packets pass: the race
// detector sees the builder and the lcores share tables, and nothing is lost.
func TestRunUnderTraffic(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r := newHalfRig(t, rigConfig{lcores: 2, steer: bySource})
	peer := r.openPeer()
	stop := r.a.start()
	var old []uint32
	sent, received := 0, 0
	for i := range uint32(60) {
		for l := range 2 {
			a, err := r.a.run(ctx, Command{Op: InstallOutbound, Lcore: uint8(l), SA: aggregateSA(0x1000+i, addrA, addrB)})
			must(t, err)
			in, err := r.a.run(ctx, Command{Op: InstallInbound, Lcore: uint8(l), SA: aggregateSA(0x5000+i, addrB, addrA)})
			must(t, err)
			r.a.point(0, OutRef{uint8(l), a.Slot}, l)
			r.a.settled(ctx)
			sent += r.hostA.send(numbered(fmt.Sprintf("10.1.0.%d", 100+l), addrB.host, 300, i))
			r.clock.Advance(1e6)
			if old = append(old, a.Slot); len(old) > 2 {
				_, err = r.a.run(ctx, Command{Op: RemoveOutbound, Lcore: uint8(l), Slot: old[0]})
				must(t, err)
				old = old[1:]
			}
			_, err = r.a.run(ctx, Command{Op: RemoveInbound, Lcore: uint8(l), Slot: in.Slot})
			must(t, err)
			received += peer.discard()
		}
	}
	for l := range 2 {
		_, err := r.a.run(ctx, Command{Op: Drain, Lcore: uint8(l)})
		must(t, err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	received += peer.discard()
	c := r.a.Total()
	if c.InsideRx != uint64(sent) || c.OutsideTx != uint64(received) || len(c.Drops()) != 0 {
		t.Errorf("%d sent in, %d received of %d sent out, drops %v", sent, received, c.OutsideTx, c.Drops())
	}
}

// trap is a receive queue that panics when it is told to, once.
type trap struct {
	pmd.RxQueue
	spring chan struct{}
}

func (q *trap) RxBurst(ms []*mbuf.Mbuf) int {
	select {
	case <-q.spring:
		panic("sprung")
	default:
		return q.RxQueue.RxBurst(ms)
	}
}

// TestPanicEndsOneLcore: a panic in one lcore's step ends it, is reported, and the others go on; every command is still
// answered.
func TestPanicEndsOneLcore(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	spring := make(chan struct{}, 1)
	r := newHalfRig(t, rigConfig{lcores: 2, steer: bySource, wrap: func(port, lcore int, q pmd.RxQueue) pmd.RxQueue {
		if port == insidePort && lcore == 1 {
			return &trap{q, spring}
		}
		return q
	}})
	peer := r.openPeer()
	stop := r.a.start()
	a, err := r.a.run(ctx, Command{Op: InstallOutbound, SA: tunnelSA(0x1000, addrA, addrB)})
	must(t, err)
	r.a.point(0, OutRef{0, a.Slot}, 0)
	spring <- struct{}{}
	for !r.a.Dead(1) && ctx.Err() == nil {
		runtime.Gosched()
	}
	r.a.settled(ctx)
	r.hostA.send(numbered("10.1.0.100", addrB.host, 100, 7))
	got := 0
	for got == 0 && ctx.Err() == nil {
		got += peer.discard()
	}
	if _, err := r.a.run(ctx, Command{Op: Drain, Lcore: 1}); err == nil || !strings.Contains(err.Error(), LcoreDead.String()) {
		t.Errorf("command to the dead lcore: %v", err)
	}
	err = stop()
	var p *PanicError
	if !errors.As(err, &p) || p.Lcore != 1 || p.Value != "sprung" || !strings.Contains(string(p.Stack), "RxBurst") {
		t.Errorf("Run returned %v", err)
	}
	if got != 1 || r.a.Dead(0) {
		t.Errorf("%d packets through the living lcore, dead %t", got, r.a.Dead(0))
	}
	if e, ok := r.a.TakeEvent(1); !ok || e.Kind != EventPanic || e.Lcore != 1 {
		t.Errorf("event %+v, expected the panic", e)
	}
}

// TestDeadLcoreAnswers: orders that a lcore had not obeyed when it died are answered all the same, each once.
func TestDeadLcoreAnswers(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	slot := r.a.installOut(0, constantSA(0x1000, addrA, addrB))
	r.a.point(0, OutRef{0, slot})
	r.hostA.send(numbered(addrA.host, addrB.host, 1000, 1), numbered(addrA.host, addrB.host, 1000, 2))
	r.step(1)
	for i, c := range []Command{{Op: RemoveOutbound, Slot: slot}, {Op: Drain}} {
		c.Ticket = uint64(100 + i)
		r.a.Submit(&c)
	}
	r.step(1) // obeyed, not done: packets wait for their slots
	for i := range uint64(10) {
		r.a.Submit(&Command{Op: InstallInbound, SA: tunnelSA(0x2000+uint32(i), addrB, addrA), Ticket: 102 + i})
	}
	r.a.builder.step()
	r.a.workers[0].dead.Store(true)
	r.a.Submit(&Command{Op: Drain, Ticket: 112})
	r.steps(3, 1e6)
	var tickets []uint64
	for a, ok := r.a.TakeAck(); ok; a, ok = r.a.TakeAck() {
		if tickets = append(tickets, a.Ticket); a.Code != LcoreDead {
			t.Errorf("ticket %d: %s, expected %s", a.Ticket, a.Code, LcoreDead)
		}
	}
	slices.Sort(tickets)
	if len(tickets) != 13 || tickets[0] != 100 || tickets[12] != 112 || len(slices.Compact(tickets)) != 13 {
		t.Errorf("answered %v, expected 100 to 112", tickets)
	}
}

// TestIKE031_DeadLcoreIsWiped: control takes the SAs of a dead lcore away like others, and their keys go then; so do those of
// SAs that were on their way there.
func TestIKE031_DeadLcoreIsWiped(t *testing.T) {
	keys := [2]*keyCount{}
	r := newHalfRig(t, rigConfig{engine: func(n int) aead.Engine {
		k := &keyCount{Engine: aead.NewStd(n)}
		keys[0], keys[1] = k, keys[0] // the table of outbound keys is built first
		return k
	}})
	out := r.a.installOut(0, tunnelSA(0x1000, addrA, addrB))
	in := r.a.installIn(0, tunnelSA(0x2000, addrB, addrA))
	r.a.point(0, OutRef{0, out})
	r.hostA.send(numbered(addrA.host, addrB.host, 60, 1))
	r.step(1e6)
	for i := range uint64(4) { // two of each kind that nobody will obey
		r.a.Submit(&Command{Op: InstallInbound, SA: tunnelSA(0x3000+uint32(i), addrB, addrA), Ticket: 50 + i})
		r.a.Submit(&Command{Op: InstallOutbound, SA: tunnelSA(0x3000+uint32(i), addrA, addrB), Ticket: 60 + i})
	}
	r.a.builder.step()
	if keys[0].set+keys[1].set != 10 {
		t.Fatalf("%d keys set, expected 10", keys[0].set+keys[1].set)
	}
	r.a.workers[0].dead.Store(true)
	r.a.Submit(&Command{Op: RemoveOutbound, Slot: out, Ticket: 1})
	r.a.Submit(&Command{Op: RemoveInbound, Slot: in, Ticket: 2})
	r.a.Submit(&Command{Op: RemoveInbound, Slot: noSlot, Ticket: 3})
	r.a.Submit(&Command{Op: InstallInbound, SA: tunnelSA(0x4000, addrB, addrA), Ticket: 4})
	r.steps(3, 1e6)
	acks := map[uint64]Ack{}
	for a, ok := r.a.TakeAck(); ok; a, ok = r.a.TakeAck() {
		if acks[a.Ticket] = a; a.Code != LcoreDead {
			t.Errorf("ack %+v, expected %s", a, LcoreDead)
		}
	}
	if len(acks) != 12 || acks[1].Counters.Packets != 1 {
		t.Errorf("%d acks, the sender's %+v; expected 12 and its one packet", len(acks), acks[1])
	}
	for _, k := range keys {
		if k.set != k.cleared {
			t.Errorf("%d keys were set and %d wiped", k.set, k.cleared)
		}
	}
}

// keyCount counts the keys an engine is given and wipes.
type keyCount struct {
	aead.Engine
	set, cleared int
}

func (k *keyCount) SetKey(slot uint32, a suite.Alg, key []byte) error {
	k.set++
	return k.Engine.SetKey(slot, a, key)
}

func (k *keyCount) ClearKey(slot uint32) {
	k.cleared++
	k.Engine.ClearKey(slot)
}

func TestNewRefuses(t *testing.T) {
	r := newHalfRig(t, rigConfig{})
	for name, change := range map[string]func(*Config){
		"no lcores":     func(c *Config) { c.Lcores = nil },
		"256 lcores":    func(c *Config) { c.Lcores = make([]LcoreConfig, 256) },
		"no slots":      func(c *Config) { c.Slots = 0 },
		"missing queue": func(c *Config) { c.Lcores[0].Tx = c.Lcores[0].Tx[:1] },
		"nil queue":     func(c *Config) { c.Lcores[0].Tx = []pmd.TxQueue{c.Lcores[0].Tx[0], nil} },
	} {
		cfg := r.a.cfg
		cfg.Lcores = slices.Clone(cfg.Lcores)
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
