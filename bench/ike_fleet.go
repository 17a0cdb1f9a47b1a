package bench

import (
	"fmt"
	"net/netip"

	"stillwater/ike"
)

// responder is what is measured: an end that clients come to. Owned by one goroutine.
type responder interface {
	take(ds []ike.Datagram)                // puts datagrams where work finds them
	work()                                 // does everything there is to do: the part that is timed
	give(ds []ike.Datagram) []ike.Datagram // appends what it has sent
	tunnels() int                          // SA pairs that are installed both ways
	close() error
}

// fleet is the clients of one responder. Owned by one goroutine.
type fleet struct {
	clients []*initiator
	at      map[netip.Addr]*initiator
	now     int64
}

// newFleet makes n clients.
func newFleet(r *realm, n int) (*fleet, error) {
	f := &fleet{at: map[netip.Addr]*initiator{}}
	for k := range n {
		i, err := newInitiator(r, k)
		if err != nil {
			return nil, fmt.Errorf("client %d: %w", k, err)
		}
		f.clients = append(f.clients, i)
		f.at[i.addr] = i
	}
	return f, nil
}

// The bounds of a conversation: exchanges in each direction, and what clients let pass before each batch so that no two of
// their IKE SAs are of one moment.
const (
	maxTurns  = 100
	batchStep = 1e6 // ns
)

// connect brings some clients up and returns an error unless each got its tunnel. The responder's share is billed.
func (f *fleet) connect(r responder, b *bill, clients []*initiator) error {
	before := r.tunnels()
	f.now += batchStep
	for _, i := range clients {
		if err := i.engine.Initiate(f.now, "net", ""); err != nil {
			return err
		}
	}
	if err := f.talk(r, b.timed, clients); err != nil {
		return err
	}
	for _, i := range clients {
		if !i.up {
			return fmt.Errorf("client %v has no tunnel: %q", i.addr, i.failure)
		}
	}
	if n := r.tunnels() - before; n != len(clients) {
		return fmt.Errorf("the responder has %d new tunnels, expected %d", n, len(clients))
	}
	b.setups += len(clients)
	return nil
}

// disconnect takes clients down; nobody is billed.
func (f *fleet) disconnect(r responder, clients []*initiator) error {
	before := r.tunnels()
	for _, i := range clients {
		if err := i.engine.Terminate(f.now, "net"); err != nil {
			return err
		}
	}
	if err := f.talk(r, func(work func()) { work() }, clients); err != nil {
		return err
	}
	if n := before - r.tunnels(); n != len(clients) {
		return fmt.Errorf("the responder gave up %d tunnels, expected %d", n, len(clients))
	}
	return nil
}

// talk carries datagrams there and back until nobody has anything to say. Clients and the responder work in turn, so the
// responder never waits.
func (f *fleet) talk(r responder, timed func(work func()), clients []*initiator) error {
	var there, back []ike.Datagram
	for range maxTurns {
		there = there[:0]
		for _, i := range clients {
			there = i.settle(f.now, there)
		}
		if len(there) == 0 {
			return nil
		}
		r.take(there)
		timed(r.work)
		back = r.give(back[:0])
		for _, d := range back {
			if i := f.at[d.Remote.Addr()]; i != nil {
				i.engine.Receive(f.now, turned(d))
			}
		}
	}
	return fmt.Errorf("the ends have not come to rest after %d exchanges", maxTurns)
}

// turned is a datagram as its receiver sees it.
func turned(d ike.Datagram) ike.Datagram {
	d.Local, d.Remote = d.Remote, d.Local
	return d
}
