package iptfs

import (
	"errors"
	"fmt"
	"math"

	"stillwater/pmd/mbuf"
)

// DefaultWindow is the reorder window RFC 9347 2.2.3 suggests where nothing better is known, in packets.
const DefaultWindow = 3

// ReassemblerConfig is what a Reassembler is built from. Immutable once used.
type ReassemblerConfig struct {
	// Window is how many payloads may wait for a missing one (RFC 9348 window-size); 0 disables reordering. At most
	// 65,535. RFC 9347 2.2.3 suggests DefaultWindow.
	Window int
	// LostTimer is how long a missing payload is waited for, in nanoseconds (RFC 9348 lost-packet-timer-interval). 0
	// derives it from the measured gap between the peer's packets: four windows of it, from 1 ms to 1 s.
	LostTimer int64
	// Immediate delivers what a payload holds whole when it arrives, even out of order (RFC 9348 send-immediately).
	Immediate bool
	// MaxInner is the largest inner packet taken, in octets; larger ones are skipped. 0 stands for DefaultMaxInner.
	MaxInner int
	// First is the sequence number of the first payload where the caller knows it, a reader of captures for example. 0: the
	// first number received, but 1 where that is within the window.
	First uint64
	// NoFragments says that the peer was told not to send fragments (RFC 9347 6.1.4, flag D): those that come are dropped.
	NoFragments bool
}

// ErrReassemblerConfig is wrapped by every error of NewReassembler.
var ErrReassemblerConfig = errors.New("reassembler configuration")

func (cfg *ReassemblerConfig) validate() error {
	switch {
	case cfg.Window < 0 || cfg.Window > math.MaxUint16:
		return fmt.Errorf("%w: window of %d packets, expected 0 to %d", ErrReassemblerConfig, cfg.Window, math.MaxUint16)
	case cfg.LostTimer < 0:
		return fmt.Errorf("%w: lost timer of %d ns, expected 0 or more", ErrReassemblerConfig, cfg.LostTimer)
	case cfg.MaxInner < ipv6Len || cfg.MaxInner > math.MaxUint16:
		return fmt.Errorf("%w: largest inner packet of %d octets, expected %d to %d",
			ErrReassemblerConfig, cfg.MaxInner, ipv6Len, math.MaxUint16)
	}
	return nil
}

// Reassembler turns the AGGFRAG payloads of one inbound SA back into inner packets (RFC 9347 2.5). It belongs to exactly
// one SA, because a packet never spans two (RFC 9347 2.2.3): after a rekey the old SA keeps its own until it is closed.
// Owned by one lcore.
//
// A payload is one that has passed the replay check, its integrity check and the replay commit, in this order; anything
// else would let a forger move the window. The caller alternates:
//
//	r.Receive(m, pool, now)
//	for n := r.Drain(out, pool, now); n > 0; ... { forward out[:n] }
//
// and, when the time of Deadline has come, Expire in the place of Receive. Up to mbuf.BurstSize payloads may be received
// between two complete drains.
//
// Memory is bounded by the configuration, whatever the peer sends: window payloads that wait, those received and not yet
// drained, and one partial packet of at most MaxInner octets. Time per payload is bounded by the window and by the
// payload's length over 20, the shortest block.
type Reassembler struct {
	reorder reorder
	blocks  blockReader
	partial partial

	maxInner    int
	noFragments bool
	immediate   bool
	unsearched  bool // payloads came to wait in the window since it was searched for whole packets

	spent  [mbuf.BurstSize]*mbuf.Mbuf // payloads taken apart, freed in bulk
	nSpent int

	counters ReassemblerCounters
	drops    [mbuf.NumVerdicts]uint64
}

// NewReassembler returns a Reassembler that waits for its first payload, or an error that wraps ErrReassemblerConfig.
func NewReassembler(cfg ReassemblerConfig) (*Reassembler, error) {
	if cfg.MaxInner == 0 {
		cfg.MaxInner = DefaultMaxInner
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Reassembler{
		reorder:     newReorder(cfg.Window, cfg.LostTimer, cfg.First),
		maxInner:    cfg.MaxInner,
		noFragments: cfg.NoFragments,
		immediate:   cfg.Immediate,
	}, nil
}

// Receive takes ownership of the decrypted payload m: m.Seq is its ESP sequence number, m.NextHeader its Next Header and
// its data what ESP carried, padding removed. now is in nanoseconds of the clock all calls share. Nothing is delivered
// here; call Drain. A late or duplicate payload is counted and freed to pool, and so is one for which no room is left
// because the caller does not drain.
func (r *Reassembler) Receive(m *mbuf.Mbuf, pool *mbuf.Pool, now int64) {
	m.Aux = 0
	if v := r.reorder.accept(m, now); v != mbuf.Pass {
		r.drops[v]++
		pool.Put(m)
		return
	}
	r.unsearched = r.immediate
}

// Drain fills out with the next inner packets and returns how many there were; fewer than len(out) means nothing more for
// now. Each is an mbuf of its own that starts at its IP header, with the headroom of a fresh one, NextHeader 4 or 41 and
// the other metadata of the payload that brought it. The caller owns them. Payloads that are used up are freed to pool.
func (r *Reassembler) Drain(out mbuf.Burst, pool *mbuf.Pool, now int64) int {
	n := 0
	for n < len(out) {
		if r.blocks.m == nil {
			whole, ok := r.next(pool, now)
			if !ok {
				break
			}
			if whole != nil {
				out[n] = whole
				n++
			}
		}
		if r.blocks.m != nil {
			n += r.walk(out[n:], pool)
		}
	}
	pool.Free(r.spent[:r.nSpent])
	r.nSpent = 0
	return n
}

// next opens the payload to go on with; ok is false when none is left. Opening one, or searching the window in immediate
// mode, may complete a packet that spans payloads.
func (r *Reassembler) next(pool *mbuf.Pool, now int64) (whole *mbuf.Mbuf, ok bool) {
	if m := r.reorder.ready.pop(); m != nil {
		return r.open(m, pool, now), true
	}
	if r.unsearched {
		return r.searchWindow(pool), true
	}
	return nil, false
}

// Deadline returns when Expire is due, if nothing arrives before; armed is false while nothing waits. It is meaningful
// after a complete drain.
func (r *Reassembler) Deadline() (at int64, armed bool) {
	if since, ok := r.reorder.gap(); ok {
		return since + r.reorder.timer.interval, true
	}
	return r.partial.touched + r.reorder.timer.partial(), r.partial.pending
}

// Expire gives up what has been waited for too long at time now: the missing payloads at the head of the window or, where
// none is missing, the packet whose remainder does not come. What waited behind it is delivered by the next Drain. Called
// early it does nothing.
func (r *Reassembler) Expire(pool *mbuf.Pool, now int64) {
	at, armed := r.Deadline()
	if !armed || now < at {
		return
	}
	if _, gap := r.reorder.gap(); gap {
		r.reorder.expire(now)
		return
	}
	r.abandon(mbuf.AggIncomplete, pool)
}

// Close frees everything held: waiting payloads, counted as Drained, and the partial packet, counted as incomplete. The
// Reassembler must not be used afterwards, but for its counters.
func (r *Reassembler) Close(pool *mbuf.Pool) {
	if r.blocks.m != nil && r.blocks.pass != passEarly {
		pool.Put(r.blocks.m)
		r.drops[mbuf.Drained]++
	}
	r.blocks = blockReader{}
	for m := r.reorder.empty(); m != nil; m = r.reorder.empty() {
		pool.Put(m)
		r.drops[mbuf.Drained]++
	}
	if r.partial.pending {
		r.abandon(mbuf.AggIncomplete, pool)
	}
}
