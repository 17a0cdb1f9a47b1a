package ike

import (
	"fmt"
	"slices"
	"testing"
)

// plane is a data plane that does what it is told, keeps a record, and complains about what a real one could not do.
type plane struct {
	t    testing.TB
	name string

	in, out      map[uint32]*Pair // by own inbound SPI
	bundles      map[BundleID]*Operation
	inUse        map[uint32]int // SPIs drawn, to their lcore
	lastReceived map[uint32]int64
	drawn        uint32
	done         []Operation // all that were acknowledged without an error

	hold   bool                     // operations wait for the test
	holds  func(op Operation) bool  // picks those that wait
	refuse func(op Operation) error // says no to some
	queue  []Operation
}

// ack is the answer to one operation.
type ack struct {
	ticket uint64
	err    error
}

func newPlane(t testing.TB, name string) *plane {
	return &plane{
		t: t, name: name, in: map[uint32]*Pair{}, out: map[uint32]*Pair{}, bundles: map[BundleID]*Operation{},
		inUse: map[uint32]int{}, lastReceived: map[uint32]int64{},
	}
}

// newSPI draws an SPI: in each end another range, so that mixing up directions shows.
func (p *plane) newSPI(lcore int) (uint32, error) {
	p.drawn++
	spi := uint32(p.name[0])<<24 | p.drawn
	p.inUse[spi] = lcore
	return spi, nil
}

func (p *plane) take(op Operation) { p.queue = append(p.queue, op) }

// acks carries out what is queued.
func (p *plane) acks() (list []ack) {
	if p.hold {
		return nil
	}
	queue := p.queue
	p.queue = nil
	for _, op := range queue {
		if p.holds != nil && p.holds(op) {
			p.queue = append(p.queue, op)
			continue
		}
		list = append(list, ack{op.Ticket, p.carryOut(op)})
	}
	return list
}

func (p *plane) carryOut(op Operation) error {
	if p.refuse != nil {
		if err := p.refuse(op); err != nil {
			return err
		}
	}
	if bad := p.apply(op); bad != "" {
		p.t.Errorf("%s: %s", p.name, bad)
		return fmt.Errorf("%s", bad)
	}
	p.done = append(p.done, op)
	return nil
}

// apply changes the record; the text says what was wrong.
func (p *plane) apply(op Operation) string {
	switch op.Kind {
	case OpenBundle:
		if p.bundles[op.Bundle] != nil {
			return fmt.Sprintf("bundle %d is open already", op.Bundle)
		}
		p.bundles[op.Bundle] = &op
	case AddInbound:
		return p.addInbound(op)
	case AddOutbound:
		return p.addOutbound(op)
	case RemoveOutbound:
		if p.out[op.Pair.SPIIn] == nil {
			return fmt.Sprintf("no outbound SA of pair %08x to remove", op.Pair.SPIIn)
		}
		delete(p.out, op.Pair.SPIIn)
	case RemoveInbound:
		if p.in[op.Pair.SPIIn] == nil {
			return fmt.Sprintf("no inbound SA %08x to remove", op.Pair.SPIIn)
		}
		delete(p.in, op.Pair.SPIIn)
		delete(p.inUse, op.Pair.SPIIn)
	case MoveBundle:
		if p.bundles[op.Bundle] == nil {
			return fmt.Sprintf("no bundle %d to move", op.Bundle)
		}
		p.bundles[op.Bundle].Outer = op.Outer
	case CloseBundle:
		return p.closeBundle(op)
	}
	return ""
}

func (p *plane) addInbound(op Operation) string {
	switch {
	case p.bundles[op.Bundle] == nil:
		return fmt.Sprintf("inbound SA %08x for bundle %d, which is not open", op.Pair.SPIIn, op.Bundle)
	case p.in[op.Pair.SPIIn] != nil:
		return fmt.Sprintf("inbound SA %08x is there already", op.Pair.SPIIn)
	case len(op.Pair.KeymatIn) != op.Pair.Suite.KeymatLen():
		return fmt.Sprintf("inbound SA %08x with %d octets of keys", op.Pair.SPIIn, len(op.Pair.KeymatIn))
	}
	p.in[op.Pair.SPIIn] = copyPair(op.Pair)
	clear(op.Pair.KeymatIn)
	return ""
}

func (p *plane) addOutbound(op Operation) string {
	switch {
	case p.in[op.Pair.SPIIn] == nil:
		return fmt.Sprintf("outbound SA of pair %08x before its inbound SA", op.Pair.SPIIn)
	case p.out[op.Pair.SPIIn] != nil:
		return fmt.Sprintf("outbound SA of pair %08x is there already", op.Pair.SPIIn)
	case op.Replaces != 0 && p.in[op.Replaces] == nil:
		return fmt.Sprintf("outbound SA of pair %08x replaces %08x, which is not there", op.Pair.SPIIn, op.Replaces)
	}
	p.out[op.Pair.SPIIn] = copyPair(op.Pair)
	clear(op.Pair.KeymatOut)
	return ""
}

func (p *plane) closeBundle(op Operation) string {
	if p.bundles[op.Bundle] == nil {
		return fmt.Sprintf("no bundle %d to close", op.Bundle)
	}
	delete(p.bundles, op.Bundle)
	return ""
}

func copyPair(pair *Pair) *Pair {
	c := *pair
	c.KeymatIn, c.KeymatOut = slices.Clone(pair.KeymatIn), slices.Clone(pair.KeymatOut)
	return &c
}
