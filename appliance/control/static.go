package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"stillwater/appliance/config"
	"stillwater/appliance/dataplane"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
)

// Static is one SA pair of a [[tunnel]], whose keys stand in the configuration.
type Static struct {
	Tunnel, Number int // Number: of the [[tunnel.sa]] in its tunnel
	Lcore          int
	SPIIn, SPIOut  uint32
	Suite          string
	HasOut         bool // a pair beyond the lcores receives only
	// What it has carried. The data plane publishes it, a millisecond late at most.
	Received, Sent esp.Counters
	inSlot         uint32
	outSlot        uint32
}

// Execute is one command and its acknowledgement: Plane.Execute, or ExecuteStepped with a clock of the caller's.
type Execute func(context.Context, *dataplane.Command) (dataplane.Ack, error)

// espPort is the UDP port of ESP and IKE behind NATs (RFC 3948).
const espPort = 4500

// InstallStatic publishes policy and routes and brings up every static SA pair. before, which may be nil, is called when
// every inbound SA is in place and nothing has been sent. It comes before the first Step.
func (c *Core) InstallStatic(ctx context.Context, do Execute, before func(context.Context) error) error {
	if err := c.publishNext(); err != nil { // an SA sends from its install on, and needs to know where to
		return err
	}
	if err := c.installPairs(ctx, do, before); err != nil {
		return err
	}
	c.staticRefs = c.refsOfStatic()
	c.draft.routes = true // which writes the rows of static tunnels too
	if err := c.publishNext(); err != nil {
		return err
	}
	return c.takenUp(ctx, c.number)
}

// settleEvery is how often start-up looks whether the lcores have taken a generation up.
const settleEvery = 2 * time.Millisecond

// takenUp waits until every lcore uses generation n. A stepped appliance uses it from its next step on.
func (c *Core) takenUp(ctx context.Context, n uint64) error {
	if c.stepped {
		return nil
	}
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for !c.plane.Seen(n) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("lcores have not taken up generation %d: %w", n, ctx.Err())
		}
	}
	return nil
}

// StaticPairs lists the static SA pairs. Safe for concurrent use.
func (c *Core) StaticPairs() []Static {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := slices.Clone(c.static)
	for i := range out {
		s := &out[i]
		if s.inSlot != noSlot {
			s.Received = c.plane.SACounters(s.Lcore, s.inSlot, true)
		}
		if s.outSlot != noSlot {
			s.Sent = c.plane.SACounters(s.Lcore, s.outSlot, false)
		}
	}
	return out
}

// noSlot is the slot of an SA that is not installed.
const noSlot = ^uint32(0)

// seatStatic remembers where an SA has been installed.
func (c *Core) seatStatic(slot *uint32, at uint32) {
	c.mu.Lock()
	*slot = at
	c.mu.Unlock()
}

// assignStatic gives pair k of each tunnel to lcore k modulo the number of lcores and returns which lcore owns which
// inbound SPI. A pair beyond the lcores has an inbound SA only: one outbound SA per lcore is all that can be used, and
// every inbound one has to work (RFC 9611 4).
func (c *Core) assignStatic() map[uint32]int {
	lcores, owners := c.plane.Lcores(), map[uint32]int{}
	for i := range c.cfg.Tunnels {
		for k, s := range c.cfg.Tunnels[i].SAs {
			st := s.Encr
			if s.Integ != "" {
				st += "-" + s.Integ
			}
			c.static = append(c.static, Static{Tunnel: i, Number: k, Lcore: k % lcores, SPIIn: s.SPIIn, SPIOut: s.SPIOut, Suite: st, HasOut: k < lcores, inSlot: noSlot, outSlot: noSlot})
			owners[s.SPIIn] = k % lcores
			c.useSPI(s.SPIIn, k%lcores)
		}
	}
	return owners
}

// installPairs installs all inbound SAs, then all outbound ones: an outbound SA may send from that moment on.
func (c *Core) installPairs(ctx context.Context, do Execute, before func(context.Context) error) error {
	out := make([]dataplane.SA, len(c.static))
	defer func() {
		for i := range out {
			clear(out[i].Keymat[:])
		}
	}()
	for i := range c.static {
		s := &c.static[i]
		t := &c.cfg.Tunnels[s.Tunnel]
		var in dataplane.SA
		if err := c.staticPair(&out[i], &in, t, &t.SAs[s.Number], min(len(t.SAs), c.plane.Lcores())); err != nil {
			return err
		}
		slot, err := c.installOne(ctx, do, dataplane.InstallInbound, s, &in)
		if err != nil {
			return err
		}
		c.seatStatic(&s.inSlot, slot)
	}
	if before != nil {
		if err := before(ctx); err != nil {
			return err
		}
	}
	for i := range c.static {
		s := &c.static[i]
		if !s.HasOut {
			continue
		}
		slot, err := c.installOne(ctx, do, dataplane.InstallOutbound, s, &out[i])
		if err != nil {
			return err
		}
		c.seatStatic(&s.outSlot, slot)
	}
	return nil
}

// staticPair turns one [[tunnel.sa]] into the parameters of its two SAs. share is how many outbound SAs divide the tunnel's
// rate between them. Keys are copied last, when nothing can fail any more.
func (c *Core) staticPair(out, in *dataplane.SA, t *config.Tunnel, s *config.SA, share int) error {
	st, err := suite.ParseESP(s.Encr, s.Integ)
	if err != nil {
		return fmt.Errorf("tunnel %q: %w", t.Name, err)
	}
	*out = c.common(&t.Traffic, st, s.ESN, t.Mode != config.ModeTunnel)
	out.Soft = esp.Limits{Packets: t.Lifetime.SoftPackets, Octets: t.Lifetime.SoftBytes}
	out.Hard = esp.Limits{Packets: t.Lifetime.Packets, Octets: t.Lifetime.Bytes}
	if t.Encap == config.EncapUDP {
		out.Encap, out.SrcPort, out.DstPort = esp.EncapUDP, espPort, espPort
	}
	*in = *out
	out.SPI, out.Src, out.Dst = s.SPIOut, dataplane.AddrFrom(t.Local), dataplane.AddrFrom(t.Remote)
	in.SPI, in.Src, in.Dst = s.SPIIn, dataplane.AddrFrom(t.Remote), dataplane.AddrFrom(t.Local)
	if st.IVLen() == counterIV {
		out.IVBase = randomBase()
	}
	in.Reorder = reorder(&t.Traffic)
	if out.Framing, err = framing(&t.Traffic, share); err != nil {
		return fmt.Errorf("tunnel %q: %w", t.Name, err)
	}
	out.KeymatLen, in.KeymatLen = uint8(copy(out.Keymat[:], s.KeyOut.Bytes())), uint8(copy(in.Keymat[:], s.KeyIn.Bytes()))
	return nil
}

// installOne installs one SA and wipes its keys here, whether the data plane took them or not.
func (c *Core) installOne(ctx context.Context, do Execute, op dataplane.Op, s *Static, sa *dataplane.SA) (uint32, error) {
	c.orders.ticket++
	cmd := dataplane.Command{Op: op, Lcore: uint8(s.Lcore), Ticket: c.orders.ticket, Child: uint32(s.Tunnel), SA: *sa}
	clear(sa.Keymat[:])
	defer clear(cmd.SA.Keymat[:])
	ack, err := do(ctx, &cmd)
	if err != nil {
		return 0, fmt.Errorf("tunnel %q: %w", c.cfg.Tunnels[s.Tunnel].Name, err)
	}
	return ack.Slot, nil
}

// refsOfStatic says for each static tunnel and lcore which SA to seal with: the lcore's own, else that of the lcore its
// traffic is handed to.
func (c *Core) refsOfStatic() []dataplane.OutRef {
	lcores := c.plane.Lcores()
	refs := make([]dataplane.OutRef, len(c.cfg.Tunnels)*lcores)
	for t := range c.cfg.Tunnels {
		row := refs[t*lcores : (t+1)*lcores]
		for l := range row {
			row[l] = dataplane.NoSA
		}
		owners := 0
		for _, p := range c.static {
			if p.Tunnel == t && p.HasOut {
				row[p.Lcore] = dataplane.OutRef{Lcore: uint8(p.Lcore), Slot: p.outSlot}
				owners++
			}
		}
		for l := owners; l < lcores && owners > 0; l++ {
			row[l] = row[l%owners]
		}
	}
	return refs
}
