package appliance

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"stillwater/appliance/dataplane"
)

// install brings up every static SA pair: policy and routes first, then the SAs, then the generation that sends traffic to
// them.
func (a *Appliance) install(ctx context.Context, do execute) error {
	lcores := a.plane.Lcores()
	g, err := baseGeneration(a.cfg, a.ports)
	if err != nil {
		return err
	}
	owners := a.assignPairs(lcores)
	if g.Perm, g.Buckets, err = dataplane.SteerStatic(owners, lcores, func(b []byte) { rand.Read(b) }); err != nil {
		return err
	}
	a.plane.Publish(dataplane.NewGeneration(g, lcores)) // an SA sends from its install on, and needs to know where to
	if err := a.installPairs(ctx, do); err != nil {
		return err
	}
	a.cfg.Wipe()
	g.Number++
	g.Out = a.outRefs(lcores)
	a.plane.Publish(dataplane.NewGeneration(g, lcores))
	return a.settled(ctx, g.Number)
}

// settled waits until every lcore uses generation n. A stepped appliance uses it from its next step on.
func (a *Appliance) settled(ctx context.Context, n uint64) error {
	if a.clock == nil {
		return nil
	}
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for !a.plane.Seen(n) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("lcores have not taken up generation %d: %w", n, ctx.Err())
		}
	}
	return nil
}

// assignPairs gives pair k of each tunnel to lcore k modulo the number of lcores and returns which lcore owns which
// inbound SPI. A pair beyond the lcores has an inbound SA only: one outbound SA per lcore is all that can be used, and
// every inbound one has to work (RFC 9611 4).
func (a *Appliance) assignPairs(lcores int) map[uint32]int {
	a.statusMu.Lock()
	defer a.statusMu.Unlock()
	owners := map[uint32]int{}
	for i := range a.cfg.Tunnels {
		for k, s := range a.cfg.Tunnels[i].SAs {
			st := s.Encr
			if s.Integ != "" {
				st += "-" + s.Integ
			}
			a.pairs = append(a.pairs, saSlot{tunnel: i, number: k, lcore: k % lcores, spiIn: s.SPIIn, spiOut: s.SPIOut, suite: st, hasOut: k < lcores})
			owners[s.SPIIn] = k % lcores
		}
	}
	return owners
}

// installPairs installs all inbound SAs, then all outbound ones: an outbound SA may send from that moment on.
func (a *Appliance) installPairs(ctx context.Context, do execute) error {
	out := make([]dataplane.SA, len(a.pairs))
	defer func() {
		for i := range out {
			clear(out[i].Keymat[:])
		}
	}()
	for i := range a.pairs {
		pair := &a.pairs[i]
		t := &a.cfg.Tunnels[pair.tunnel]
		share := min(len(t.SAs), a.plane.Lcores())
		var in dataplane.SA
		var err error
		if out[i], in, err = saPair(a.cfg, t, &t.SAs[pair.number], share); err != nil {
			return err
		}
		if pair.inSlot, err = a.installOne(ctx, do, dataplane.InstallInbound, pair, &in); err != nil {
			return err
		}
	}
	if wait := a.opt.BeforeOutbound; wait != nil {
		if err := wait(ctx); err != nil {
			return err
		}
	}
	for i := range a.pairs {
		pair := &a.pairs[i]
		if !pair.hasOut {
			continue
		}
		var err error
		if pair.outSlot, err = a.installOne(ctx, do, dataplane.InstallOutbound, pair, &out[i]); err != nil {
			return err
		}
	}
	return nil
}

// installOne installs one SA and wipes its keys here, whether the data plane took them or not.
func (a *Appliance) installOne(ctx context.Context, do execute, op dataplane.Op, pair *saSlot, sa *dataplane.SA) (uint32, error) {
	c := dataplane.Command{Op: op, Lcore: uint8(pair.lcore), Ticket: a.nextTicket(), Child: uint32(pair.tunnel), SA: *sa}
	clear(sa.Keymat[:])
	defer clear(c.SA.Keymat[:])
	ack, err := do(ctx, &c)
	if err != nil {
		return 0, fmt.Errorf("tunnel %q: %w", a.cfg.Tunnels[pair.tunnel].Name, err)
	}
	return ack.Slot, nil
}

// outRefs says for each tunnel and lcore which SA to seal with: the lcore's own, else that of the lcore its traffic is
// handed to.
func (a *Appliance) outRefs(lcores int) []dataplane.OutRef {
	refs := make([]dataplane.OutRef, len(a.cfg.Tunnels)*lcores)
	for t := range a.cfg.Tunnels {
		row := refs[t*lcores : (t+1)*lcores]
		for l := range row {
			row[l] = dataplane.NoSA
		}
		owners := 0
		for _, p := range a.pairs {
			if p.tunnel == t && p.hasOut {
				row[p.lcore] = dataplane.OutRef{Lcore: uint8(p.lcore), Slot: p.outSlot}
				owners++
			}
		}
		for l := owners; l < lcores && owners > 0; l++ {
			row[l] = row[l%owners]
		}
	}
	return refs
}
