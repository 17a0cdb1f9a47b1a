package ike

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"time"
)

// Config is what an Engine works with. Immutable after New, connections included.
type Config struct {
	Connections []*Connection // order decides among those that fit a peer
	Random      func([]byte)  // fills with unpredictable octets; nil: crypto/rand
	Lcores      int           // worker cores, at least 1
	// NewSPI draws an unused inbound SPI that steers to the lcore. The caller keeps the set of those in use and takes one out
	// of it once RemoveInbound is acknowledged. An error refuses the Child SA.
	NewSPI func(lcore int) (uint32, error)
	Place  func() int // lcore for a bundle's first, fallback SA
	// LastReceived is when the pair's inbound SA last authenticated a packet, ns, 0 never (IKE-030). Asked only when a check is
	// due.
	LastReceived func(spiIn uint32) int64
	Limits       Limits           // the zero Limits: DefaultLimits
	Wall         func() time.Time // the calendar, for certificates; nil: time.Now
}

// Engine is every IKE SA of an appliance. Owned by one goroutine; only the Run function of a Job may be called elsewhere.
type Engine struct {
	cfg      Config
	near     nearby // connections by the peer's address
	limits   Limits
	random   func([]byte)
	effects  Effects
	counters Counters

	sas    map[uint64]*ikeSA   // by own SPI
	inits  map[digest]*ikeSA   // half-open SAs of this end as responder, by their IKE_SA_INIT request
	dials  map[string]*dial    // by connection name
	byPeer map[string][]*ikeSA // authenticated, by both identities
	alarms alarms              // what is due when
	waits  map[uint64]await    // jobs and operations under way, by ticket
	ticket uint64              // the last one given out
	halves halfOpen            // who has not authenticated yet
	cookie cookieJar           // secrets of cookies
	hints  rate                // unprotected answers (LIM-14)
	told   rate                // refusals of strangers that the operator hears of
	losses failures            // for Failures

	bundles    map[BundleID]*bundle
	nextBundle BundleID
	children   map[uint32]*childSA // by own inbound SPI
	spare      map[int][]uint32    // SPIs drawn for offers that came to nothing, by lcore
	dead       map[int]bool        // lcores that are gone

	stopping bool // Shutdown was called: nothing is brought up any more
}

// errConfig marks what New refuses.
var errConfig = errors.New("engine configuration")

// New is an engine without SAs. It refuses a configuration without NewSPI, Place or lcores, and connections with the same
// name, without identities or without what proves them.
func New(cfg Config) (*Engine, error) {
	if cfg.NewSPI == nil || cfg.Place == nil || cfg.Lcores < 1 {
		return nil, fmt.Errorf("%w: want NewSPI, Place and at least 1 lcore, have %d", errConfig, cfg.Lcores)
	}
	if cfg.Random == nil {
		cfg.Random = func(b []byte) { rand.Read(b) } // never fails (crypto/rand since Go 1.24)
	}
	if cfg.Wall == nil {
		cfg.Wall = time.Now
	}
	if cfg.LastReceived == nil {
		cfg.LastReceived = func(uint32) int64 { return 0 }
	}
	e := &Engine{
		cfg:      cfg,
		limits:   cfg.Limits.orDefault(),
		near:     newNearby(cfg.Connections),
		random:   cfg.Random,
		sas:      map[uint64]*ikeSA{},
		inits:    map[digest]*ikeSA{},
		dials:    map[string]*dial{},
		byPeer:   map[string][]*ikeSA{},
		waits:    map[uint64]await{},
		halves:   halfOpen{byPrefix: map[prefix]int{}},
		bundles:  map[BundleID]*bundle{},
		children: map[uint32]*childSA{},
	}
	e.hints.perPeer, e.told.perPeer = map[prefix]int64{}, map[prefix]int64{}
	for _, c := range cfg.Connections {
		if err := e.addConnection(c); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// addConnection gives a connection its place among those that are dialled.
func (e *Engine) addConnection(c *Connection) error {
	switch {
	case c.Self == nil || c.Them == nil:
		return fmt.Errorf("%w: connection %q has no identities", errConfig, c.Name)
	case len(c.Proposals) == 0:
		return fmt.Errorf("%w: connection %q has no IKE proposals", errConfig, c.Name)
	case e.dials[c.Name] != nil:
		return fmt.Errorf("%w: two connections named %q", errConfig, c.Name)
	}
	if err := errors.Join(c.Self.Check(), c.Them.Check()); err != nil {
		return fmt.Errorf("%w: connection %q: %w", errConfig, c.Name, err) // HAZ-25: a missing secret shows here
	}
	d := &dial{conn: c}
	d.alarm = newAlarm(func(now int64) { e.dialAgain(now, d) })
	e.dials[c.Name] = d
	return nil
}

// Tick does everything that is due at now. Call it at Deadline; calling it earlier or later is harmless.
func (e *Engine) Tick(now int64) {
	for {
		a := e.alarms.due(now)
		if a == nil {
			return
		}
		a.fire(now)
	}
}

// Deadline is when Tick next has work, ns; math.MaxInt64 when nothing is planned.
func (e *Engine) Deadline() int64 {
	if len(e.alarms) == 0 {
		return math.MaxInt64
	}
	return e.alarms[0].when
}

// Take appends to into what the engine wants done, in order, and forgets it.
func (e *Engine) Take(into *Effects) {
	into.Datagrams = append(into.Datagrams, e.effects.Datagrams...)
	into.Operations = append(into.Operations, e.effects.Operations...)
	into.Jobs = append(into.Jobs, e.effects.Jobs...)
	into.Events = append(into.Events, e.effects.Events...)
	// What is taken holds keys and peers' octets, so the engine keeps no reference to it.
	clear(e.effects.Datagrams)
	clear(e.effects.Operations)
	clear(e.effects.Jobs)
	clear(e.effects.Events)
	e.effects = Effects{
		Datagrams:  e.effects.Datagrams[:0],
		Operations: e.effects.Operations[:0],
		Jobs:       e.effects.Jobs[:0],
		Events:     e.effects.Events[:0],
	}
}

// send puts one datagram on its way.
func (e *Engine) send(d Datagram) { e.effects.Datagrams = append(e.effects.Datagrams, d) }
