package appliance

import (
	"context"
	"crypto/rand"
	"fmt"

	"stillwater/appliance/dataplane"
)

// install brings up every static SA pair in the order that loses nothing: all inbound SAs first, then the outbound ones,
// then the generation that sends traffic to them.
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
	if err := a.installPairs(ctx, do); err != nil {
		return err
	}
	a.cfg.Wipe()
	g.Out = a.outRefs(lcores)
	a.plane.Publish(dataplane.NewGeneration(g, lcores))
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
			a.pairs = append(a.pairs, saSlot{tunnel: i, lcore: k % lcores, spiIn: s.SPIIn, spiOut: s.SPIOut, suite: st, hasOut: k < lcores})
			owners[s.SPIIn] = k % lcores
		}
	}
	return owners
}

func (a *Appliance) installPairs(ctx context.Context, do execute) error {
	at := 0
	for i := range a.cfg.Tunnels {
		t := &a.cfg.Tunnels[i]
		share := min(len(t.SAs), a.plane.Lcores())
		for k := range t.SAs {
			out, in, err := saPair(a.cfg, t, &t.SAs[k], share)
			if err != nil {
				return err
			}
			pair := &a.pairs[at]
			at++
			if pair.inSlot, err = a.installOne(ctx, do, dataplane.InstallInbound, pair, in); err != nil {
				return err
			}
			if !pair.hasOut {
				continue
			}
			if pair.outSlot, err = a.installOne(ctx, do, dataplane.InstallOutbound, pair, out); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Appliance) installOne(ctx context.Context, do execute, op dataplane.Op, pair *saSlot, sa dataplane.SA) (uint32, error) {
	c := dataplane.Command{Op: op, Lcore: uint8(pair.lcore), Ticket: a.nextTicket(), Child: uint32(pair.tunnel), SA: sa}
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
