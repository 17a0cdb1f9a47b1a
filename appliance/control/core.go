package control

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/faketime"

	"stillwater/appliance/config"
	"stillwater/appliance/dataplane"
	"stillwater/appliance/hoststack"
	"stillwater/appliance/spd"
	"stillwater/ike"
	"stillwater/pmd"
)

// Config is what a Core is made of. It keeps all of it; Plane must not be used for commands by anybody else.
type Config struct {
	Appliance *config.Config
	Plane     *dataplane.Plane
	Ports     []pmd.Port // open, in the order of the configuration
	Clock     func() int64
	Stepped   bool // the caller calls Step: no goroutine is started, jobs run inside it
	Log       *slog.Logger
}

// Core is the control core. Owned by one goroutine; Do, Status and the methods that say so are safe for concurrent use.
type Core struct {
	cfg     *config.Config
	plane   *dataplane.Plane
	ports   []pmd.Port
	clock   func() int64
	stepped bool
	log     *slog.Logger

	engine    negotiator
	stack     *hoststack.Stack
	stackTime *faketime.ManualClock // nil: the stack has the real time
	lastStep  int64
	injectors []*hoststack.Injector // by lcore
	fragments *hoststack.Reassembler
	errors    *hoststack.Limiter
	workers   *pool
	inbox     inbox
	effects   ike.Effects

	own        []netip.Addr
	neighbours neighbours
	routed     *spd.Routes // of the last generation
	compiled   *spd.DB     // the same
	perm       dataplane.Permutation
	buckets    dataplane.Buckets
	spis       map[uint32]int // inbound SPIs in use, and whose they are
	load       []int          // how many of them, by lcore
	lost       []bool         // lcores whose end the engine has heard of

	static      []Static
	staticMatch []*spd.Selectors
	staticRefs  []dataplane.OutRef
	conns       []*ike.Connection
	connAt      map[*ike.Connection]int
	childAt     map[*ike.Child]trap
	traps       []trap
	trapOf      map[trap]int
	bundles     map[ike.BundleID]*bundle
	order       []*bundle // as they were opened; those that are over leave it with the next policy
	byIndex     map[uint32]*bundle
	seats       map[seat]*pair   // outbound SAs in use
	pairs       map[uint32]*pair // by inbound SPI
	indexes     indexes

	draft     draft
	number    uint64   // of the last generation
	lastSeen  uint64   // one that every lcore uses, or a later one
	waiters   []waiter // by number
	publishAt int64
	orders    orders

	asks  chan *ask
	wake  chan struct{}
	ended chan struct{} // closed when Run is over

	mu     sync.Mutex // guards counts, and pairs and static against those who only read
	counts counts
}

// counts is what Status tells of the control core's own work.
type counts struct {
	events map[string]uint64
	punted uint64
	rekeys uint64
}

// New builds a Core that does nothing yet: connections are checked, credentials loaded, the host stack is up.
func New(cfg Config) (c *Core, err error) {
	c = &Core{
		cfg: cfg.Appliance, plane: cfg.Plane, ports: cfg.Ports, clock: cfg.Clock, stepped: cfg.Stepped, log: cfg.Log,
		spis: map[uint32]int{}, connAt: map[*ike.Connection]int{}, childAt: map[*ike.Child]trap{}, trapOf: map[trap]int{},
		bundles: map[ike.BundleID]*bundle{}, pairs: map[uint32]*pair{},
		orders:  orders{plane: cfg.Plane, awaited: map[uint64]then{}},
		byIndex: map[uint32]*bundle{}, seats: map[seat]*pair{}, load: make([]int, cfg.Plane.Lcores()), lost: make([]bool, cfg.Plane.Lcores()),
		asks: make(chan *ask, askRing), wake: make(chan struct{}, 1), ended: make(chan struct{}), counts: counts{events: map[string]uint64{}},
	}
	defer func() {
		if err != nil {
			c.Close()
			c = nil
		}
	}()
	c.neighbours = newNeighbours(c.cfg)
	c.own = c.ownAddresses()
	lcores := c.plane.Lcores()
	if c.perm, c.buckets, err = dataplane.SteerStatic(c.assignStatic(), lcores, func(b []byte) { rand.Read(b) }); err != nil {
		return c, err
	}
	if err = c.prepare(); err != nil {
		return c, err
	}
	if err = c.startStack(); err != nil {
		return c, err
	}
	engine, err := ike.New(ike.Config{
		Connections: c.conns, Lcores: lcores, NewSPI: c.newSPI, Place: c.place, LastReceived: c.lastReceived, Limits: c.limits(),
	})
	if err != nil {
		return c, err
	}
	c.engine, c.workers = engine, newPool(c.workerCount(), c.notify)
	return c, nil
}

// prepare compiles what the configuration says about tunnels and connections.
func (c *Core) prepare() error {
	if err := c.checkStatic(); err != nil {
		return err
	}
	for i := range c.cfg.Tunnels {
		m, err := staticSelectors(c.cfg, i)
		if err != nil {
			return fmt.Errorf("tunnel %q: %w", c.cfg.Tunnels[i].Name, err)
		}
		c.staticMatch = append(c.staticMatch, m)
	}
	for i := range c.cfg.Connections {
		conn, err := c.connection(i)
		if err != nil {
			return fmt.Errorf("connection %q: %w", c.cfg.Connections[i].Name, err)
		}
		c.conns = append(c.conns, conn)
		c.connAt[conn] = i
		for j, child := range conn.Children {
			t := trap{i, j}
			c.childAt[child], c.trapOf[t] = t, len(c.traps)
			c.traps = append(c.traps, t)
		}
	}
	c.indexes.next = uint32(len(c.cfg.Tunnels) + len(c.traps))
	return nil
}

// workerCount is how many threads do public-key work: one for each CPU that lcores leave, at least one, none when stepped.
func (c *Core) workerCount() int {
	switch {
	case c.stepped || len(c.conns) == 0:
		return 0
	case c.cfg.IKE.Workers > 0:
		return c.cfg.IKE.Workers
	}
	return max(1, runtime.NumCPU()-c.plane.Lcores()-1)
}

// limits takes the half-open limits of the configuration.
func (c *Core) limits() ike.Limits {
	l := ike.DefaultLimits
	l.CookiesAt, l.HalfOpenPeer, l.HalfOpen = c.cfg.IKE.HalfOpenCookies, c.cfg.IKE.HalfOpenPerSource, c.cfg.IKE.HalfOpenTotal
	return l
}

// newSPI draws an inbound SPI that leads to lcore and is not in use.
func (c *Core) newSPI(lcore int) (uint32, error) {
	for {
		spi, err := dataplane.NewSPI(&c.perm, &c.buckets, lcore, func(b []byte) { rand.Read(b) })
		if err != nil {
			return 0, err
		}
		if _, used := c.spis[spi]; !used {
			c.useSPI(spi, lcore)
			return spi, nil
		}
	}
}

// useSPI counts an SPI for its lcore from the moment it is drawn, so that a crowd of negotiations is spread.
func (c *Core) useSPI(spi uint32, lcore int) {
	c.spis[spi] = lcore
	c.load[lcore]++
}

// freeSPI lets an SPI be drawn again.
func (c *Core) freeSPI(spi uint32) {
	if lcore, used := c.spis[spi]; used {
		delete(c.spis, spi)
		c.load[lcore]--
	}
}

// place is the living lcore with the fewest SA pairs, those under negotiation included.
func (c *Core) place() int {
	best := -1
	for l := range c.load {
		if !c.plane.Dead(l) && (best < 0 || c.load[l] < c.load[best]) {
			best = l
		}
	}
	return max(best, 0)
}

// lastReceived is when a pair last received an authenticated packet (IKE-030).
func (c *Core) lastReceived(spiIn uint32) int64 {
	if p := c.pairs[spiIn]; p != nil && p.in.state == there {
		return c.plane.LastReceived(p.lcore, p.in.slot)
	}
	return 0
}

// Close ends workers and the host stack and wipes the keys that no lcore has taken. It comes after Run, or after the last Step.
func (c *Core) Close() {
	if c.workers != nil {
		c.workers.close()
	}
	if c.stack != nil {
		c.stack.Close()
	}
	for _, i := range c.injectors {
		i.Close()
	}
	c.orders.wipe()
	for _, p := range c.pairs {
		if p.install != nil {
			clear(p.install.SA.Keymat[:])
		}
	}
}
