package bench

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"stillwater/crypto/suite"
	"stillwater/ike"
	"stillwater/ike/wire"
)

// The addresses of both sides. Clients have one each, because limits are per address.
var (
	gatewayAddr = netip.MustParseAddr("192.0.2.1")
	clientNet   = netip.MustParsePrefix("198.18.0.0/15") // RFC 2544
	gatewayNet  = netip.MustParsePrefix("10.1.0.0/16")
	innerNet    = netip.MustParsePrefix("10.128.0.0/9")
)

// The proposals of both sides, in strongSwan's spelling.
const (
	ikeProposal = "aes128gcm16-prfsha256-x25519"
	espProposal = "aes128gcm16"
)

// MaxTunnels is how many clients there are addresses for.
const MaxTunnels = 100_000

// nth is address n of a prefix of IPv4.
func nth(p netip.Prefix, n int) netip.Addr {
	a := p.Addr().As4()
	binary.BigEndian.PutUint32(a[:], binary.BigEndian.Uint32(a[:])+uint32(n))
	return netip.AddrFrom4(a)
}

// initiator is a client with an engine of its own and a data plane that says yes to everything. Owned by one goroutine.
type initiator struct {
	engine  *ike.Engine
	addr    netip.Addr
	effects ike.Effects
	drawn   uint32
	up      bool
	failure string
}

// newInitiator is client number n of a realm.
func newInitiator(r *realm, n int) (*initiator, error) {
	name := fmt.Sprintf("c%d%s", n, clientDomain)
	c, err := connection(r, name, gatewayName, side{nth(clientNet, n+1), netip.PrefixFrom(nth(innerNet, n+1), 32)}, side{gatewayAddr, gatewayNet})
	if err != nil {
		return nil, err
	}
	c.Peer = gatewayAddr
	i := &initiator{addr: c.Local}
	i.engine, err = ike.New(ike.Config{
		Connections: []*ike.Connection{c}, Lcores: 1, Place: func() int { return 0 },
		NewSPI: func(int) (uint32, error) { i.drawn++; return 0x1000 + i.drawn, nil },
	})
	return i, err
}

// side is an end of a tunnel: its own address and the network behind it.
type side struct {
	addr netip.Addr // the zero Addr: any
	net  netip.Prefix
}

// connection is what both kinds of engine here are configured with. Nothing in it is due before hours have passed.
func connection(r *realm, self, peer string, here, there side) (*ike.Connection, error) {
	c := &ike.Connection{Name: "net", Local: here.addr, FragmentSize: 1280, Retransmit: ike.DefaultRetransmit}
	var err error
	if c.Self, err = r.local(self); err != nil {
		return nil, err
	}
	if c.Them, err = r.peer(peer); err != nil {
		return nil, err
	}
	p, err := suite.ParseIKEProposal(ikeProposal)
	if err != nil {
		return nil, err
	}
	e, err := suite.ParseESPProposal(espProposal)
	if err != nil {
		return nil, err
	}
	c.Proposals = []suite.IKEProposal{p}
	c.Children = []*ike.Child{{
		Name: "net", Local: []wire.Selector{whole(here.net)}, Remote: []wire.Selector{whole(there.net)}, Proposals: []suite.ESPProposal{e},
	}}
	return c, nil
}

// whole is the traffic selector of everything in a prefix of IPv4.
func whole(p netip.Prefix) wire.Selector {
	return wire.Selector{EndPort: 0xffff, First: p.Addr(), Last: nth(p, 1<<(32-p.Bits())-1)}
}

// settle does all that the engine wants at once and appends the datagrams it sends.
func (i *initiator) settle(now int64, out []ike.Datagram) []ike.Datagram {
	for {
		e := &i.effects
		e.Datagrams, e.Operations, e.Jobs, e.Events = e.Datagrams[:0], e.Operations[:0], e.Jobs[:0], e.Events[:0]
		i.engine.Take(e)
		if len(e.Datagrams)+len(e.Operations)+len(e.Jobs)+len(e.Events) == 0 {
			return out
		}
		out = append(out, e.Datagrams...)
		for k := range e.Events {
			i.heed(&e.Events[k])
		}
		for _, op := range e.Operations {
			i.engine.Acknowledge(now, op.Ticket, nil)
		}
		for _, j := range e.Jobs {
			i.engine.Finish(now, j.Ticket, j.Run())
		}
	}
}

// heed notes how far the client has come.
func (i *initiator) heed(e *ike.Event) {
	switch e.Kind {
	case ike.EventChildUp:
		i.up = true
	case ike.EventChildDown, ike.EventDown:
		i.up = false
	case ike.EventFailed:
		i.failure = e.Failure.Stage + ": " + e.Failure.Reason
	}
}
