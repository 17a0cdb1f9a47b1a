package bench

import (
	"fmt"
	"net/netip"

	"stillwater/appliance/dataplane"
	"stillwater/appliance/spd"
	"stillwater/crypto/esp"
	"stillwater/crypto/suite"
	"stillwater/iptfs"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// The ports of a gateway, by their index.
const (
	insidePort = iota
	outsidePort
)

// jumboMTU is the MTU of all wires: the largest inner packet with everything ESP puts around it.
const jumboMTU = MaxSize + 256

// queueOctets is the framer's queue, the same as the appliance's.
const queueOctets = 8 << 20

// gateway is a data plane of one lcore between two in-memory wires of raw IP packets. It is stepped by its owner.
type gateway struct {
	plane *dataplane.Plane
	ports [2]pmd.Port
	now   *int64 // the clock it shares with the wires
}

// newGateway builds a gateway that holds end A of the inside wire and outerEnd of the outside wire.
func newGateway(inside, outside *softpmd.Wire, outerEnd softpmd.End, pool *mbuf.Pool, now *int64) (*gateway, error) {
	g := &gateway{now: now}
	for i, open := range []struct {
		wire *softpmd.Wire
		end  softpmd.End
	}{insidePort: {inside, softpmd.A}, outsidePort: {outside, outerEnd}} {
		var err error
		if g.ports[i], err = open.wire.Open(open.end, portConfig(pool, now, i)); err != nil {
			return nil, err
		}
	}
	var err error
	g.plane, err = dataplane.New(dataplane.Config{
		Ports: []dataplane.PortConfig{
			insidePort:  {Name: "inside", Link: pmd.RawIP},
			outsidePort: {Name: "outside", Link: pmd.RawIP, Outside: true},
		},
		Lcores: []dataplane.LcoreConfig{{
			CPU: -1, Pool: pool,
			Rx: []dataplane.RxBinding{{Port: insidePort, Queue: g.ports[insidePort].Rx(0)}, {Port: outsidePort, Queue: g.ports[outsidePort].Rx(0)}},
			Tx: []pmd.TxQueue{g.ports[insidePort].Tx(0), g.ports[outsidePort].Tx(0)},
		}},
		Slots: 1,
		Clock: func() int64 { return *now },
	})
	return g, err
}

// portConfig is what every end of a wire is opened with: one queue of each kind.
func portConfig(pool *mbuf.Pool, now *int64, index int) pmd.Config {
	pools := []*mbuf.Pool{pool}
	return pmd.Config{RxPools: pools, TxPools: pools, MTU: jumboMTU, Index: uint16(index), Now: func() int64 { return *now }}
}

// install publishes the policy, gives the gateway one SA and, outbound, sends traffic to it.
func (g *gateway) install(op dataplane.Op, sa dataplane.SA, own, peer netip.Addr) error {
	gen, err := generation(own, peer)
	if err != nil {
		return err
	}
	g.plane.Publish(dataplane.NewGeneration(gen, 1)) // an SA is installed for a child that is known already
	ack, err := g.plane.ExecuteStepped(&dataplane.Command{Op: op, Ticket: 1, SA: sa}, func() int64 { return *g.now })
	if err != nil {
		return err
	}
	if op == dataplane.InstallOutbound {
		gen.Number, gen.Out = 2, []dataplane.OutRef{{Slot: ack.Slot}}
		g.plane.Publish(dataplane.NewGeneration(gen, 1))
	}
	return nil
}

// generation is the policy of a gateway, without an SA to send by: what comes from inside is protected in the one tunnel,
// what comes out of the tunnel goes inside.
func generation(own, peer netip.Addr) (gen dataplane.Generation, err error) {
	gen = dataplane.Generation{Number: 1, Local: []netip.Addr{own}, Buckets: dataplane.EvenBuckets(1)}
	everything := []spd.Selector{{}}
	if gen.Policy, err = spd.New([]spd.Entry{{Selectors: everything, Action: spd.Protect}}); err != nil {
		return gen, err
	}
	selectors, err := spd.NewSelectors(everything)
	if err != nil {
		return gen, err
	}
	if gen.Routes, err = routes(own, peer); err != nil {
		return gen, err
	}
	at, ok := gen.Routes.Lookup(0, peer)
	if !ok {
		return gen, fmt.Errorf("gateway %v: no route to its peer %v", own, peer)
	}
	gen.Children = []dataplane.Child{{Name: "tunnel", Selectors: selectors, Egress: *gen.Routes.Adjacency(at), MTU: jumboMTU}}
	return gen, nil
}

// routes sends the peer's address outside and everything else inside.
func routes(own, peer netip.Addr) (*spd.Routes, error) {
	return spd.NewRoutes([]spd.Route{
		{Prefix: netip.PrefixFrom(own, 32), Local: true},
		{Prefix: netip.PrefixFrom(peer, 32), Port: outsidePort},
		{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Port: insidePort},
	}, nil, []spd.Egress{
		{Port: insidePort, Raw: true, MTU: jumboMTU},
		{Port: outsidePort, Raw: true, MTU: jumboMTU},
	})
}

// stepTime is how far the clock moves in each step, in nanoseconds: about what a burst takes.
const stepTime = 4000

// settle steps the lcore until it finds no more work.
func (g *gateway) settle() {
	for {
		*g.now += stepTime
		if g.plane.Step(*g.now) == 0 {
			return
		}
	}
}

// drops returns the lcore's counters of drops; it moves the clock so far that they are published.
func (g *gateway) drops() map[string]uint64 {
	*g.now += 1e9
	g.plane.Step(*g.now)
	total := g.plane.Total()
	return total.Drops()
}

// tunnelSA and aggregateSA are the SA of a loop, in the data plane's form.
func tunnelSA(p *esp.Params) dataplane.SA {
	sa := dataplane.SA{
		SPI: p.SPI, Alg: suite.AES128GCM16, Mode: p.Mode, ESN: p.ESN, CopyECN: p.CopyECN, KeymatLen: uint8(len(p.Keymat)),
		Src: dataplane.AddrFrom(p.Src), Dst: dataplane.AddrFrom(p.Dst), MTU: jumboMTU, MaxInner: MaxSize,
		ReplayWindow: int32(p.ReplayWindow),
	}
	copy(sa.Keymat[:], p.Keymat)
	return sa
}

func aggregateSA(p *esp.Params) dataplane.SA {
	sa := tunnelSA(p)
	sa.MTU = outerSize
	sa.Framing = dataplane.Framing{OuterSize: outerSize, QueueOctets: queueOctets, QueuePackets: queuePackets}
	sa.Reorder = dataplane.Reorder{Window: iptfs.DefaultWindow}
	return sa
}
