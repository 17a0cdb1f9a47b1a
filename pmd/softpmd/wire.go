// Package softpmd is a wire in memory: two ends, "a" and "b", each a pmd.Port. Mbufs travel by pointer through single
// producer, single consumer rings, one for each pair of transmit and receive queue, so that lcores share no line they
// both write. Tests, the demonstration and the benchmark harness run on it without root and without a NIC.
//
// A direction can be slowed and damaged: delay, jitter, rate, loss, duplication, reordering. All of it follows from a seed
// and from the order in which packets enter each transmit queue, and time is the clock of pmd.Config, so a stepped test
// sees the same wire every time. Both ends must be given the same clock.
//
// What it deliberately does not do: packets keep the headroom and tailroom the sender left, instead of the 128 and 64
// octets a NIC would give them, because moving them would be the copy that this wire exists to avoid. An encapsulated
// packet that the receiver encapsulates again may therefore run out of headroom.
package softpmd

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"stillwater/pmd"
)

// End names one of the two ends of a wire.
type End int

// The ends.
const (
	A End = iota
	B
)

// String returns "a" or "b".
func (e End) String() string {
	if e == A {
		return "a"
	}
	return "b"
}

func (e End) peer() End { return 1 - e }

// DefaultRing is the slots of each ring where the configuration says 0: what a common NIC has.
const DefaultRing = 1024

const (
	maxRing    = 1 << 16
	defaultMTU = 1500
	maxMTU     = 65535
)

// WireConfig describes a wire. The arrays are indexed by End.
type WireConfig struct {
	Name   string        // for errors and Info.Name; "wire" where empty
	Link   pmd.Link      // what every packet starts with
	Ring   int           // packets each pair of queues holds in flight, a power of two; 0: DefaultRing
	Impair [2]Impairment // what happens to packets sent by that end
	Hash   [2]HashFunc   // how packets received by that end are spread over its queues; nil: Toeplitz
	// Steering is what Info says about Hash, "rss" where empty. With "none" packets carry no hash and all use queue 0.
	Steering [2]string
	Seed     uint64     // for impairments; 0: drawn. pmd.Config.Seed of a sending end comes first
	MAC      [2][6]byte // link addresses; zero: made from Name
}

// Wire is two ends and what is between them. Safe for concurrent use.
type Wire struct {
	cfg   WireConfig
	hooks [2]atomic.Pointer[hooks] // by sending end
	lanes [2]atomic.Pointer[lane]  // by sending end; nil while one of the ends is closed

	mu      sync.Mutex
	ports   [2]*port
	retired []retiree
}

// retiree is a lane whose receiver has closed. Its sender may have been pushing at that moment, so it is emptied once more
// when that has closed, too.
type retiree struct {
	*lane
	sender End
}

// NewWire returns a wire with both ends closed. The error names the setting, its value and what was expected.
func NewWire(cfg WireConfig) (*Wire, error) {
	if cfg.Name == "" {
		cfg.Name = "wire"
	}
	if cfg.Ring == 0 {
		cfg.Ring = DefaultRing
	}
	if cfg.Ring < 1 || cfg.Ring > maxRing || cfg.Ring&(cfg.Ring-1) != 0 {
		return nil, fmt.Errorf("wire %q: ring of %d, expected a power of two up to %d", cfg.Name, cfg.Ring, maxRing)
	}
	for end := range cfg.Impair {
		if err := cfg.Impair[end].normalise(); err != nil {
			return nil, fmt.Errorf("wire %q, sent by end %v: %w", cfg.Name, End(end), err)
		}
	}
	return &Wire{cfg: cfg}, nil
}

// Open opens one end. Packets flow when both ends are open; until then TxBurst takes none. An end that was closed can be
// opened again, with other pools and other numbers of queues.
func (w *Wire) Open(end End, cfg pmd.Config) (pmd.Port, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, err := w.open(end, cfg)
	if err != nil {
		return nil, err // not p: a nil *port would be a pmd.Port that is not nil
	}
	return p, nil
}

func (w *Wire) open(end End, cfg pmd.Config) (*port, error) {
	if end != A && end != B {
		return nil, fmt.Errorf("wire %q: end %d, expected %d or %d", w.cfg.Name, int(end), A, B)
	}
	if w.ports[end] != nil {
		return nil, fmt.Errorf("wire %q: end %v is open already", w.cfg.Name, end)
	}
	if cfg.MTU == 0 {
		cfg.MTU = defaultMTU
	}
	if cfg.MTU < 0 || cfg.MTU > maxMTU {
		return nil, fmt.Errorf("wire %q: MTU of %d, expected 1 to %d octets", w.cfg.Name, cfg.MTU, maxMTU)
	}
	if cfg.Seed == 0 {
		cfg.Seed = w.cfg.Seed
	}
	for cfg.Seed == 0 {
		cfg.Seed = rand.Uint64()
	}
	w.ports[end] = newPort(w, end, cfg)
	if w.ports[end.peer()] != nil {
		w.connect()
	}
	return w.ports[end], nil
}

// connect makes the lanes of both directions after the second end was opened. What an end sent before it was last closed
// and nobody has received yet is lost with the old lane.
func (w *Wire) connect() {
	for _, from := range []End{A, B} {
		l := newLane(w.cfg, w.ports[from], w.ports[from.peer()])
		l.prev = w.lanes[from].Load()
		w.lanes[from].Store(l)
	}
}

// disconnect takes end out of use; its lcores have stopped. What was on the way to it goes home. What it sent can still
// be received by the other end.
func (w *Wire) disconnect(end End) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ports[end] = nil
	if in := w.lanes[end.peer()].Load(); in != nil {
		in.empty() // before the sender can notice: then it empties its queues of the lane itself
		w.lanes[end.peer()].Store(nil)
		w.retired = append(w.retired, retiree{in, end.peer()})
	}
	kept := w.retired[:0]
	for _, r := range w.retired {
		if w.ports[r.sender] == nil {
			r.empty()
		} else {
			kept = append(kept, r)
		}
	}
	w.retired = kept
}

// inUse reports whether any end is open.
func (w *Wire) inUse() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ports[A] != nil || w.ports[B] != nil
}

// Seed returns the seed of the impairments of packets sent by end: 0 while it is closed.
func (w *Wire) Seed(end End) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.ports[end]; p != nil {
		return p.cfg.Seed
	}
	return 0
}
