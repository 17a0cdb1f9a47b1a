package dataplane

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"stillwater/crypto/aead"
	"stillwater/crypto/esp"
	"stillwater/numa"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/ring"
	"stillwater/pmd/tsc"
)

// PortConfig is what the data plane needs to know of a port.
type PortConfig struct {
	Name    string
	Link    pmd.Link
	Outside bool // the unprotected side: ESP comes in here, policy decides what goes out
	VRF     uint16
}

// RxBinding binds a receive queue to an lcore.
type RxBinding struct {
	Port  int // index into Config.Ports
	Queue pmd.RxQueue
}

// LcoreConfig is one lcore: where it runs, its memory, its queues.
type LcoreConfig struct {
	CPU  int // -1: not pinned
	Pool *mbuf.Pool
	Rx   []RxBinding
	Tx   []pmd.TxQueue // by port index, one for every port
}

// Poll is how an lcore spends the time when there is no work.
type Poll uint8

// The ways to poll.
const (
	PollBusy     Poll = iota // keep asking
	PollYield                // let other goroutines of the process run: more lcores than cores, tests
	PollAdaptive             // sleep a little after a while without work
)

// Config describes a data plane.
type Config struct {
	Ports  []PortConfig
	Lcores []LcoreConfig
	Slots  int // SAs of each direction an lcore can hold
	Poll   Poll
	Clock  func() int64                // ns, monotonic
	Engine func(slots int) aead.Engine // back-end; nil: aead.NewStd
}

// The sizes of the rings. Hand-off rings are per pair of lcores and drop when full, so they are long.
const (
	commandRing = 256
	orderRing   = 256
	eventRing   = 1024
	handOffRing = 4096
	punt        = 1024
)

// Plane is the data plane: its lcores, the builder, and the rings to control. Submit and TakeAck are for one goroutine,
// control; Publish, Counters and Seen are safe for concurrent use.
type Plane struct {
	cfg        Config
	workers    []*Worker
	builder    *builder
	generation atomic.Pointer[Generation]
	commands   *ring.Ring[Command]
	acks       *ring.Ring[Ack]
	kick       chan struct{} // wakes the builder when a command was submitted
	stop       atomic.Bool
	refusal    atomic.Pointer[error]
}

// New builds a data plane that does not run yet. It takes no ownership of ports and pools.
func New(cfg Config) (*Plane, error) {
	if n := len(cfg.Lcores); n < 1 || n > 255 {
		return nil, fmt.Errorf("data plane with %d lcores, expected 1 to 255", n)
	}
	if cfg.Slots < 1 {
		return nil, fmt.Errorf("data plane with room for %d SAs, expected at least 1", cfg.Slots)
	}
	if cfg.Engine == nil {
		cfg.Engine = func(n int) aead.Engine { return aead.NewStd(n) }
	}
	p := &Plane{
		cfg: cfg, commands: ring.New[Command](commandRing), acks: ring.New[Ack](commandRing), kick: make(chan struct{}, 1),
	}
	p.generation.Store(NewGeneration(Generation{Policy: emptyPolicy(), Routes: emptyRoutes()}, len(cfg.Lcores)))
	for i := range cfg.Lcores {
		w, err := p.newWorker(i, &cfg.Lcores[i])
		if err != nil {
			return nil, err
		}
		p.workers = append(p.workers, w)
	}
	p.connect()
	p.builder = newBuilder(p, cfg.Slots)
	return p, nil
}

// wheelTick is the resolution of lost-packet timers, in nanoseconds.
const wheelTick = 50_000

func (p *Plane) newWorker(id int, c *LcoreConfig) (*Worker, error) {
	if len(c.Tx) != len(p.cfg.Ports) {
		return nil, fmt.Errorf("lcore %d: %d transmit queues for %d ports, expected one for each", id, len(c.Tx), len(p.cfg.Ports))
	}
	n, slots := len(p.cfg.Lcores), p.cfg.Slots
	w := &Worker{
		id: id, pool: c.Pool, shared: &p.generation, gen: p.generation.Load(),
		outbound: esp.NewOutbound(p.cfg.Engine(slots), slots), inbound: esp.NewInbound(p.cfg.Engine(slots), slots),
		sad: esp.NewSAD(slots), out: make([]outSA, slots), in: make([]inSA, slots),
		outLive: make([]bool, slots), inLive: make([]bool, slots), outView: make([]saView, slots), inView: make([]saView, slots),
		staleIn: newStaleSAs(slots), staleOut: newStaleSAs(slots), turn: make([]uint32, viewQuota), leaving: make([]uint32, 0, slots),
		ready: make([]uint32, 0, slots), paced: make([]uint32, 0, slots), waiting: make([]succession, 0, slots), wheel: tsc.NewWheel(wheelTick, slots),
		orders: ring.New[order](orderRing), acks: ring.New[Ack](orderRing),
		punts: ring.New[*mbuf.Mbuf](punt), injected: ring.New[*mbuf.Mbuf](punt), events: ring.New[Event](eventRing),
		burst: make(mbuf.Burst, mbuf.BurstSize), sealing: make(mbuf.Burst, mbuf.BurstSize), inner: make(mbuf.Burst, innerBurst),
		scratch: make(mbuf.Burst, innerBurst),
		rejects: make(mbuf.Burst, 0, 2*innerBurst), fired: make([]uint32, mbuf.BurstSize), limits: make([]esp.Event, 16),
		sealedTo: make([]handOff, n), clearTo: make([]handOff, n),
		sealedFrom: make([]*packetRing, 0, n), clearFrom: make([]*packetRing, 0, n),
	}
	for port, q := range c.Tx {
		if q == nil {
			return nil, fmt.Errorf("lcore %d: no transmit queue on port %s", id, p.cfg.Ports[port].Name)
		}
		w.tx = append(w.tx, txQueue{queue: q, buf: make(mbuf.Burst, 0, txStage), outside: p.cfg.Ports[port].Outside})
	}
	for _, rx := range c.Rx {
		port := &p.cfg.Ports[rx.Port]
		q := rxQueue{queue: rx.Queue, vrf: port.VRF}
		if port.Link == pmd.Ethernet {
			q.l2 = etherLen
		}
		if port.Outside {
			w.outside = append(w.outside, q)
		} else {
			w.inside = append(w.inside, q)
		}
	}
	return w, nil
}

// innerBurst is the size of the delivery burst: some payloads hold 72 packets, and bursts of that many are split late.
const innerBurst = 256

// connect lays the two hand-off rings between every pair of lcores.
func (p *Plane) connect() {
	for _, from := range p.workers {
		for _, to := range p.workers {
			if from == to {
				continue
			}
			sealed, clear := ring.New[*mbuf.Mbuf](handOffRing), ring.New[*mbuf.Mbuf](handOffRing)
			from.sealedTo[to.id] = handOff{ring: sealed, dead: to.dead.Load, buf: make(mbuf.Burst, 0, innerBurst)}
			from.clearTo[to.id] = handOff{ring: clear, dead: to.dead.Load, buf: make(mbuf.Burst, 0, innerBurst)}
			to.sealedFrom = append(to.sealedFrom, sealed)
			to.clearFrom = append(to.clearFrom, clear)
		}
	}
}

// Lcores returns how many lcores there are.
func (p *Plane) Lcores() int { return len(p.workers) }

// Publish makes g, from NewGeneration, what every lcore uses from its next step on.
func (p *Plane) Publish(g *Generation) { p.generation.Store(g) }

// Generation returns the generation last published.
func (p *Plane) Generation() *Generation { return p.generation.Load() }

// Seen reports whether every living lcore has used generation n or a later one: nothing older is in use then.
func (p *Plane) Seen(n uint64) bool {
	for _, w := range p.workers {
		if !w.dead.Load() && w.seen.Load() < n {
			return false
		}
	}
	return true
}

// Submit hands a command over; false when the ring is full, to be tried again after TakeAck. c's key material is wiped.
func (p *Plane) Submit(c *Command) bool {
	if !p.commands.Push(*c) {
		return false
	}
	c.wipe()
	select {
	case p.kick <- struct{}{}:
	default:
	}
	return true
}

// TakeAck returns the next acknowledgement, if there is one.
func (p *Plane) TakeAck() (Ack, bool) { return p.acks.Pop() }

// TakeEvent returns the next event of an lcore, if there is one. One goroutine calls it.
func (p *Plane) TakeEvent(lcore int) (Event, bool) { return p.workers[lcore].events.Pop() }

// Punts returns the ring of packets that an lcore has for the host stack, and the ring for packets to inject there. The host
// stack pops the first and returns those mbufs to their pool; it pushes the second.
func (p *Plane) Punts(lcore int) (punts, inject *ring.Ring[*mbuf.Mbuf]) {
	w := p.workers[lcore]
	return w.punts, w.injected
}

// Counters returns the published counters of an lcore, at most a millisecond old while it runs.
func (p *Plane) Counters(lcore int) Counters { return p.workers[lcore].published.load() }

// Total sums the counters of all lcores.
func (p *Plane) Total() (sum Counters) {
	for i := range p.workers {
		c := p.Counters(i)
		sum.Add(&c)
	}
	return sum
}

// Dead reports whether an lcore has ended by a panic.
func (p *Plane) Dead(lcore int) bool { return p.workers[lcore].dead.Load() }

// Refusal returns the reason of the latest command that was refused with BadSA.
func (p *Plane) Refusal() error {
	if e := p.refusal.Load(); e != nil {
		return *e
	}
	return nil
}

// Step runs the builder and every lcore once at time now, in order, on the caller's goroutine: for tests and tools that
// own the clock. It returns the work found. It must not be mixed with Run.
func (p *Plane) Step(now int64) int {
	work := p.builder.step()
	for _, w := range p.workers {
		if !w.dead.Load() {
			work += w.Step(now)
		}
	}
	return work
}

// Run polls on one goroutine per lcore until Stop, and returns when the last has ended: the errors of lcores that panicked.
func (p *Plane) Run() error {
	errs := make([]error, len(p.workers))
	var lcores, build sync.WaitGroup
	done := make(chan struct{})
	build.Go(func() { p.build(done) })
	for i, w := range p.workers {
		lcores.Go(func() { errs[i] = p.runLcore(w, p.cfg.Lcores[i].CPU) })
	}
	lcores.Wait()
	close(done)
	build.Wait()
	return errors.Join(errs...)
}

// Stop ends Run after the current step of each lcore.
func (p *Plane) Stop() { p.stop.Store(true) }

func (p *Plane) runLcore(w *Worker, cpu int) error {
	if cpu >= 0 {
		runtime.LockOSThread() // for good: a pinned thread must not go back to serve other goroutines
		if err := numa.Pin(cpu); err != nil {
			w.dead.Store(true)
			return fmt.Errorf("lcore %d: %w", w.id, err)
		}
	}
	return w.run(p.cfg.Clock, &p.stop, p.idler())
}

// adaptive polling sleeps this long after this many steps without work.
const (
	adaptiveSteps = 1000
	adaptiveSleep = 50 * time.Microsecond
)

// idler returns what an lcore does between steps.
func (p *Plane) idler() func(work int) {
	switch p.cfg.Poll {
	case PollYield:
		return func(int) { runtime.Gosched() }
	case PollAdaptive:
		quiet := 0
		return func(work int) {
			if quiet++; work > 0 {
				quiet = 0
			}
			if quiet > adaptiveSteps {
				time.Sleep(adaptiveSleep)
			}
		}
	}
	return func(int) {}
}

// build runs the builder until done. Commands wake it; while orders are on their way it looks for acks every millisecond.
func (p *Plane) build(done <-chan struct{}) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		for p.builder.step() > 0 {
		}
		select {
		case <-p.kick:
		case <-tick.C:
		case <-done:
			p.builder.step()
			return
		}
	}
}
