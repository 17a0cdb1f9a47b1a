// Package appliance is the composition root: it opens ports, lays out lcores and their memory, turns the configuration into
// policy, routes and SAs, and runs the data plane until it is told to drain.
package appliance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"stillwater/appliance/config"
	"stillwater/appliance/dataplane"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/tsc"
)

// Options are what a caller, not an operator, decides.
type Options struct {
	// Yield lets lcores share cores with everything else in the process: several appliances in one process, more lcores
	// than cores, tests. It also leaves threads unpinned.
	Yield bool
	// Clock replaces the calibrated clock, ns. The caller then calls Step instead of Run.
	Clock func() int64
	Log   *slog.Logger // nil: slog.Default
	// BeforeOutbound is called when every inbound SA is in place and nothing has been sent yet; nil: nothing is waited for.
	// Testbeds bring two appliances up together with it, where IKE would.
	BeforeOutbound func(context.Context) error
	// Open opens a port of the configuration; nil: pmd.Open. Testbeds put their own wires in its place.
	Open func(device string, cfg pmd.Config) (pmd.Port, error)
}

// drainTime bounds how long framers may take to empty at shut-down.
const drainTime = 2 * time.Second

// slotsPerLcore is the size of an lcore's SA tables.
const slotsPerLcore = 1024

// Appliance is one configured appliance. Run or Step it once; Status is safe for concurrent use.
type Appliance struct {
	cfg    *config.Config
	opt    Options
	log    *slog.Logger
	clock  *tsc.Clock // nil with Options.Clock
	pools  []*mbuf.Pool
	ports  []pmd.Port
	plane  *dataplane.Plane
	layout layout
	pairs  []saSlot
	ready  chan struct{} // closed by Run when every SA is installed

	statusMu sync.Mutex // guards ports, pairs, events and punted between Run and Status
	events   map[string]uint64
	punted   uint64
	ticket   uint64
}

// saSlot is where one SA pair was installed.
type saSlot struct {
	tunnel, number int // number: of the [[tunnel.sa]] in its tunnel
	lcore          int
	spiIn, spiOut  uint32
	suite          string
	inSlot         uint32
	outSlot        uint32
	hasOut         bool
}

// New opens ports and builds everything; nothing runs yet and nothing is left behind when it fails.
func New(cfg *config.Config, opt Options) (a *Appliance, err error) {
	a = &Appliance{cfg: cfg, opt: opt, log: opt.Log, events: map[string]uint64{}, ready: make(chan struct{})}
	if a.opt.Open == nil {
		a.opt.Open = pmd.Open
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	defer func() {
		if err != nil {
			a.release()
			a = nil
		}
	}()
	now := opt.Clock
	if now == nil {
		a.clock = tsc.New()
		now = a.clock.Now
	}
	if a.layout, err = planLayout(cfg, opt.Yield); err != nil {
		return a, err
	}
	if err = a.openPorts(now); err != nil {
		return a, err
	}
	a.plane, err = dataplane.New(dataplane.Config{
		Ports: a.planePorts(), Lcores: a.planeLcores(), Slots: slotsPerLcore, Poll: a.poll(), Clock: now,
	})
	return a, err
}

func (a *Appliance) poll() dataplane.Poll {
	switch {
	case a.layout.shared:
		return dataplane.PollYield
	case a.cfg.System.Poll == config.PollAdaptive:
		return dataplane.PollAdaptive
	}
	return dataplane.PollBusy
}

// Plane returns the data plane, for tests that step it and for counters.
func (a *Appliance) Plane() *dataplane.Plane { return a.plane }

// Ready is closed once Run has installed every SA and traffic flows.
func (a *Appliance) Ready() <-chan struct{} { return a.ready }

// Run installs the SAs, carries traffic until ctx ends, drains, and closes the ports. The keys of the configuration are
// wiped as soon as they are installed.
func (a *Appliance) Run(ctx context.Context) error {
	defer a.release()
	failed := make(chan error, 1)
	go func() { failed <- a.plane.Run() }()
	stopAttendant := a.attend()
	err := a.install(ctx, a.plane.Execute)
	if err == nil {
		a.announce()
		close(a.ready)
		select {
		case <-ctx.Done():
			a.drain()
		case err = <-failed: // every lcore has ended by itself
			failed <- nil
		}
	}
	a.plane.Stop()
	err = errors.Join(err, <-failed)
	stopAttendant()
	return err
}

// Setup installs the SAs on a plane that the caller steps.
func (a *Appliance) Setup(now func() int64) error {
	return a.install(context.Background(), func(ctx context.Context, c *dataplane.Command) (dataplane.Ack, error) {
		return a.plane.ExecuteStepped(c, now)
	})
}

// Close releases ports and memory of an appliance that was stepped, not Run.
func (a *Appliance) Close() error { return a.release() }

// execute is one command and its acknowledgement.
type execute func(context.Context, *dataplane.Command) (dataplane.Ack, error)

// drain stops the intake and waits until the framers are empty, 2 s at most.
func (a *Appliance) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	for l := range a.plane.Lcores() {
		c := dataplane.Command{Op: dataplane.Drain, Lcore: uint8(l), Ticket: a.nextTicket()}
		if _, err := a.plane.Execute(ctx, &c); err != nil {
			a.log.Warn("drain incomplete", "lcore", l, "error", err)
		}
	}
}

func (a *Appliance) nextTicket() uint64 {
	a.ticket++
	return a.ticket
}

// release closes ports, then pools: a pool's memory may only go when nobody holds a buffer. In memory, a wire's other end may
// still hold some; that pool stays mapped, and its last buffer goes home to it.
func (a *Appliance) release() error {
	a.statusMu.Lock()
	defer a.statusMu.Unlock()
	var errs []error
	if a.plane != nil {
		a.plane.Close()
	}
	for _, p := range a.ports {
		errs = append(errs, p.Close())
	}
	for _, p := range a.pools {
		if err := p.Close(); err != nil && !errors.Is(err, mbuf.ErrInUse) {
			errs = append(errs, err)
		}
	}
	a.ports, a.pools = nil, nil
	a.cfg.Wipe()
	return errors.Join(errs...)
}

// announce logs what came up.
func (a *Appliance) announce() {
	for _, p := range a.ports {
		i := p.Info()
		a.log.Info("port open", "port", i.Name, "driver", i.Driver, "rx_queues", i.RxQueues, "tx_queues", i.TxQueues, "steering", i.Steering, "mtu", i.MTU)
	}
	for _, line := range a.layout.explain {
		a.log.Info("placement", "decision", line)
	}
	for i := range a.cfg.Tunnels {
		t := &a.cfg.Tunnels[i]
		a.log.Info("tunnel up", "tunnel", t.Name, "mode", t.Mode.String(), "local", t.Local, "remote", t.Remote, "sa_pairs", len(t.SAs))
	}
}

// openPorts makes a pool per lcore and opens every port with queues for the lcores.
func (a *Appliance) openPorts(now func() int64) error {
	for l := range a.layout.lcores {
		n := a.cfg.System.Mbufs
		p, err := mbuf.NewPool(mbuf.PoolConfig{
			Name: fmt.Sprintf("lcore %d", l), N2K: n, N9K: max(n/8, 64), N64K: 16, Huge: a.cfg.System.Hugepages,
		})
		if err != nil {
			return err
		}
		a.pools = append(a.pools, p)
	}
	for i, pc := range a.cfg.Ports {
		queues := pc.Queues
		if queues == 0 || queues > len(a.pools) {
			queues = len(a.pools)
		}
		p, err := a.opt.Open(pc.Device, pmd.Config{RxPools: a.pools[:queues], TxPools: a.pools, MTU: pc.MTU, Index: uint16(i), Now: now})
		if err != nil {
			return fmt.Errorf("port %q: %w", pc.Name, err)
		}
		a.ports = append(a.ports, p)
		if got := p.Info().TxQueues; got < len(a.pools) {
			return fmt.Errorf("port %q: device %s has %d transmit queues, expected one for each of %d lcores", pc.Name, pc.Device, got, len(a.pools))
		}
	}
	return nil
}

func (a *Appliance) planePorts() []dataplane.PortConfig {
	var out []dataplane.PortConfig
	for i, pc := range a.cfg.Ports {
		out = append(out, dataplane.PortConfig{
			Name: pc.Name, Link: a.ports[i].Info().Link, Outside: pc.Role == config.RoleOutside, VRF: uint16(pc.VRF),
		})
	}
	return out
}

// planeLcores deals receive queue q of every port to lcore q, and gives every lcore a transmit queue on every port.
func (a *Appliance) planeLcores() []dataplane.LcoreConfig {
	out := make([]dataplane.LcoreConfig, len(a.pools))
	for l := range out {
		out[l] = dataplane.LcoreConfig{CPU: a.layout.cpu(l), Pool: a.pools[l]}
		for i, p := range a.ports {
			if l < p.Info().RxQueues {
				out[l].Rx = append(out[l].Rx, dataplane.RxBinding{Port: i, Queue: p.Rx(l)})
			}
			out[l].Tx = append(out[l].Tx, p.Tx(l))
		}
	}
	return out
}
