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
	"stillwater/appliance/control"
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
	// Clock replaces the calibrated clock, ns. The caller then calls Setup and Step instead of Run.
	Clock func() int64
	Log   *slog.Logger // nil: slog.Default
	// BeforeOutbound is called when every inbound SA is in place and nothing has been sent yet; nil: nothing is waited for.
	// Testbeds bring two appliances up together with it, where IKE would.
	BeforeOutbound func(context.Context) error
	// Open opens a port of the configuration; nil: pmd.Open. Testbeds put their own wires in its place.
	Open func(device string, cfg pmd.Config) (pmd.Port, error)
}

// The SAs of each direction that an lcore has room for. A slot is about a kilobyte. Gateways need a few for each child and
// lcore; who answers anybody needs room for all of them.
const (
	gatewaySlots = 1024
	openSlots    = 16384
)

// slots is the size of an lcore's SA tables.
func slots(cfg *config.Config) int {
	n := 0
	for i := range cfg.Tunnels {
		n += len(cfg.Tunnels[i].SAs)
	}
	for i := range cfg.Connections {
		if _, fixed := cfg.Connections[i].Peer(); !fixed {
			return openSlots
		}
		n += slotsPerChild * len(cfg.Connections[i].Children)
	}
	return max(n, gatewaySlots)
}

// slotsPerChild leaves room for per-resource SAs of both ends, and for what rekeys replace, which lingers.
const slotsPerChild = 16

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
	core   *control.Core
	ready  chan struct{} // closed by Run when every static SA is installed

	statusMu sync.Mutex // guards ports between Run and Status
}

// New opens ports and builds everything; nothing runs yet and nothing is left behind when it fails.
func New(cfg *config.Config, opt Options) (a *Appliance, err error) {
	a = &Appliance{cfg: cfg, opt: opt, log: opt.Log, ready: make(chan struct{})}
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
		Ports: a.planePorts(), Lcores: a.planeLcores(), Slots: slots(cfg), Poll: a.poll(), Clock: now,
	})
	if err != nil {
		return a, err
	}
	a.core, err = control.New(control.Config{Appliance: cfg, Plane: a.plane, Ports: a.ports, Clock: now, Stepped: opt.Clock != nil, Log: a.log})
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

// Core returns the control core.
func (a *Appliance) Core() *control.Core { return a.core }

// Run installs the static SAs, brings connections up, carries traffic until ctx ends, drains, tells the peers, and closes the
// ports. The secrets of the configuration are wiped as soon as they are installed.
func (a *Appliance) Run(ctx context.Context) error {
	defer a.release()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		failed <- a.plane.Run()
		cancel() // every lcore has ended, or Stop was called: nothing is left to control
	}()
	err := a.core.InstallStatic(ctx, a.plane.Execute, a.opt.BeforeOutbound)
	a.cfg.Wipe()
	if err == nil {
		a.announce()
		stopClock := a.watchClock()
		close(a.ready)
		a.core.Run(ctx)
		stopClock()
	}
	a.plane.Stop()
	return errors.Join(err, <-failed)
}

// Setup installs the static SAs of an appliance that the caller steps, and starts its connections.
func (a *Appliance) Setup(now func() int64) error {
	err := a.core.InstallStatic(context.Background(), func(_ context.Context, c *dataplane.Command) (dataplane.Ack, error) {
		return a.plane.ExecuteStepped(c, now)
	}, a.opt.BeforeOutbound)
	a.cfg.Wipe()
	if err == nil {
		a.core.Start(now())
	}
	return err
}

// Step runs the control core and every lcore once at time now, on the caller's goroutine, and returns the work found.
func (a *Appliance) Step(now int64) int { return a.core.Step(now) + a.plane.Step(now) }

// Close releases ports and memory of an appliance that was stepped, not Run.
func (a *Appliance) Close() error { return a.release() }

// watchClock checks the clock against the kernel's once a second until the returned function is called.
func (a *Appliance) watchClock() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				a.checkClock()
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

func (a *Appliance) checkClock() {
	if a.clock == nil {
		return
	}
	if ppm, err := a.clock.Check(); err != nil {
		a.log.Warn("clock", "source", a.clock.Source(), "drift_ppm", ppm, "error", err)
	}
}

// release closes ports, then pools: a pool's memory may only go when nobody holds a buffer. In memory, a wire's other end may
// still hold some; that pool stays mapped, and its last buffer goes home to it.
func (a *Appliance) release() error {
	a.statusMu.Lock()
	defer a.statusMu.Unlock()
	var errs []error
	if a.core != nil {
		a.core.Close()
	}
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
	for _, w := range a.cfg.Warnings {
		a.log.Warn("configuration", "warning", w)
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
