package softpmd

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// MaxReorderDepth bounds by how many later packets a reordered one can be overtaken.
const MaxReorderDepth = 64

// Impairment is what one direction of a wire does to its packets. The zero value does nothing and costs nothing.
type Impairment struct {
	Delay  time.Duration // from the last bit sent to the packet's arrival
	Jitter time.Duration // 0 to Jitter is added to Delay, uniformly; it never reorders
	Rate   uint64        // bits per second, shared by the queues, with 24 octets per frame for preamble, gap and FCS; 0: no limit

	// Loss, Duplicate and Reorder are probabilities from 0 to 1, decided for each packet in the order of its transmit queue.
	// A duplicate needs an mbuf from the sender's pool and room in the ring, and is left out where there is none.
	Loss, Duplicate, Reorder float64

	ReorderDepth int           // a reordered packet is overtaken by 1 to ReorderDepth later ones of its queue; 0: 3
	ReorderHold  time.Duration // and waits for them no longer than this; 0: 1 ms

	// Only picks the packets that can be lost, duplicated and reordered; nil: all. The others draw no chance.
	Only func(frame []byte) bool
}

// normalise fills in defaults and checks the values.
func (i *Impairment) normalise() error {
	if i.ReorderDepth == 0 {
		i.ReorderDepth = 3
	}
	if i.ReorderHold == 0 {
		i.ReorderHold = time.Millisecond
	}
	for _, p := range []struct {
		name  string
		value float64
	}{{"loss", i.Loss}, {"duplicate", i.Duplicate}, {"reorder", i.Reorder}} {
		if !(p.value >= 0 && p.value <= 1) { // so written because of NaN
			return fmt.Errorf("%s of %v, expected a probability from 0 to 1", p.name, p.value)
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"delay", i.Delay}, {"jitter", i.Jitter}, {"reorder_hold", i.ReorderHold}} {
		if d.value < 0 || d.value > time.Hour {
			return fmt.Errorf("%s of %v, expected 0 to 1h", d.name, d.value)
		}
	}
	if i.ReorderDepth < 1 || i.ReorderDepth > MaxReorderDepth {
		return fmt.Errorf("reorder_depth of %d, expected 1 to %d", i.ReorderDepth, MaxReorderDepth)
	}
	return nil
}

// timed reports whether packets arrive later than they are sent.
func (i *Impairment) timed() bool {
	return i.Delay > 0 || i.Jitter > 0 || i.Rate > 0 || i.Reorder > 0
}

// plain reports whether packets pass unharmed and at once.
func (i *Impairment) plain() bool { return !i.timed() && i.Loss == 0 && i.Duplicate == 0 }

// chance is a probability as a threshold for 53 random bits.
type chance uint64

func newChance(p float64) chance { return chance(p * (1 << 53)) }

// happens draws; a chance of zero draws nothing, so that what is switched off does not move what is on.
func (c chance) happens(r *rand.PCG) bool { return c > 0 && r.Uint64()>>11 < uint64(c) }
