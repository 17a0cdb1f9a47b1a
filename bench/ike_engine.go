package bench

import (
	"net/netip"

	"stillwater/ike"
)

// loneEngine is a responder that is an ike.Engine, its jobs, and nothing else: the data plane says yes at once. Owned by one
// goroutine.
type loneEngine struct {
	engine  *ike.Engine
	clock   workClock
	in, out []ike.Datagram
	effects ike.Effects
	drawn   uint32
	pairs   int
}

// newLoneEngine takes clients of a realm; its data plane has room for any number of them.
func newLoneEngine(r *realm, limits ike.Limits) (*loneEngine, error) {
	c, err := connection(r, gatewayName, "*"+clientDomain, side{gatewayAddr, gatewayNet}, side{netip.Addr{}, innerNet})
	if err != nil {
		return nil, err
	}
	e := &loneEngine{clock: newWorkClock()}
	e.engine, err = ike.New(ike.Config{
		Connections: []*ike.Connection{c}, Lcores: 1, Place: func() int { return 0 }, Limits: limits,
		NewSPI: func(int) (uint32, error) { e.drawn++; return 0x1000 + e.drawn, nil },
	})
	return e, err
}

func (e *loneEngine) take(ds []ike.Datagram) {
	for _, d := range ds {
		e.in = append(e.in, turned(d))
	}
}

func (e *loneEngine) give(ds []ike.Datagram) []ike.Datagram {
	ds = append(ds, e.out...)
	clear(e.out)
	e.out = e.out[:0]
	return ds
}

func (e *loneEngine) work() {
	e.clock.resume()
	defer e.clock.pause()
	for i := range e.in {
		e.engine.Receive(e.clock.now(), e.in[i])
		e.in[i] = ike.Datagram{}
	}
	e.in = e.in[:0]
	e.settle()
	for when := e.engine.Deadline(); when < e.clock.now()+soon; when = e.engine.Deadline() {
		e.clock.skip(max(when-e.clock.now(), 0))
		e.engine.Tick(e.clock.now())
		e.settle()
	}
}

// soon is what a responder still has to do when the last message is answered, ns: it waits for a sign that the peer uses a new
// tunnel before it sends into it.
const soon = 5e8

// settle does everything that is to be done now.
func (e *loneEngine) settle() {
	for e.carryOut(e.clock.now()) > 0 {
	}
}

// carryOut does what the engine wants, once.
func (e *loneEngine) carryOut(now int64) int {
	fx := &e.effects
	fx.Datagrams, fx.Operations, fx.Jobs, fx.Events = fx.Datagrams[:0], fx.Operations[:0], fx.Jobs[:0], fx.Events[:0]
	e.engine.Take(fx)
	e.out = append(e.out, fx.Datagrams...)
	for i := range fx.Operations {
		op := &fx.Operations[i]
		switch op.Kind {
		case ike.AddInbound:
			clear(op.Pair.KeymatIn)
		case ike.AddOutbound:
			clear(op.Pair.KeymatOut)
			e.pairs++
		case ike.RemoveOutbound:
			e.pairs--
		}
		e.engine.Acknowledge(now, op.Ticket, nil)
	}
	for _, j := range fx.Jobs {
		e.engine.Finish(now, j.Ticket, j.Run())
	}
	return len(fx.Datagrams) + len(fx.Operations) + len(fx.Jobs) + len(fx.Events)
}

func (e *loneEngine) tunnels() int { return e.pairs }

func (e *loneEngine) close() error { return nil }

// workClock is the time of a responder: it runs on while the responder works, by the CPU time of its thread, and can be set
// forward while there is nothing to do. Owned by one goroutine, which is locked to its thread.
type workClock struct {
	offset int64 // of the time from the thread's clock while running, of nothing while paused
	runs   bool
}

// workEpoch is when such clocks begin: 0 means never to some who read them.
const workEpoch = 1e9

func newWorkClock() workClock { return workClock{offset: workEpoch} }

func (c *workClock) now() int64 {
	if c.runs {
		return c.offset + threadTime()
	}
	return c.offset
}

func (c *workClock) resume() { c.offset, c.runs = c.offset-threadTime(), true }
func (c *workClock) pause()  { c.offset, c.runs = c.offset+threadTime(), false }

// skip sets the clock forward by so many ns.
func (c *workClock) skip(d int64) { c.offset += d }
