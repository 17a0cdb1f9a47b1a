package control_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/faketime"

	"stillwater/appliance/hoststack"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
	"stillwater/pmd/softpmd"
)

// host is a machine in the network behind a gateway. It answers ARP and Neighbour Discovery, and asks like any other.
type host struct {
	t     testing.TB
	side  int
	stack *hoststack.Stack
	clock *faketime.ManualClock
	pool  *mbuf.Pool
	port  pmd.Port
	got   map[string]int // payloads
}

// hostPort is where hosts listen and send from.
const hostPort = 4000

// newHost puts a host on the far end of a gateway's inside wire.
func (s *site) newHost(side int) *host {
	t := s.t
	t.Helper()
	h := &host{t: t, side: side, clock: faketime.NewManualClock(), got: map[string]int{}}
	var err error
	h.pool, err = mbuf.NewPool(mbuf.PoolConfig{Name: "host", N2K: 256})
	must(t, err)
	pools := []*mbuf.Pool{h.pool}
	h.port, err = s.wires[fmt.Sprint("inside", side)].Open(softpmd.B, pmd.Config{RxPools: pools, TxPools: pools, Now: s.clock})
	must(t, err)
	gateway4, gateway6 := netip.MustParseAddr(fmt.Sprintf("10.%d.0.1", side)), netip.MustParseAddr(fmt.Sprintf("2001:db8:%d::1", side))
	h.stack, err = hoststack.New(hoststack.Config{
		Interfaces: []hoststack.Interface{{
			Name: "lan", MAC: h.port.Info().MAC, MTU: 1500,
			Addresses: []netip.Prefix{netip.PrefixFrom(h.address(false), 16), netip.PrefixFrom(h.address(true), 64)},
		}},
		Routes: []hoststack.Route{{To: netip.MustParsePrefix("0.0.0.0/0"), Via: gateway4}, {To: netip.MustParsePrefix("::/0"), Via: gateway6}},
		Send:   h.transmit, Clock: h.clock,
	})
	must(t, err)
	must(t, h.stack.ListenUDP(hostPort, func(d hoststack.Datagram) { h.got[string(d.Data)]++ }))
	t.Cleanup(func() { h.stack.Close(); h.port.Close() })
	return h
}

// address is the host's.
func (h *host) address(ipv6 bool) netip.Addr {
	if ipv6 {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:%d::9", h.side))
	}
	return netip.MustParseAddr(fmt.Sprintf("10.%d.0.9", h.side))
}

func (h *host) transmit(_ int, frame []byte) bool {
	m := h.pool.Get(len(frame))
	if m == nil {
		return false
	}
	copy(m.Append(len(frame)), frame)
	if h.port.Tx(0).TxBurst(mbuf.Burst{m}) == 0 {
		h.pool.Put(m)
		return false
	}
	return true
}

// step lets time pass and takes what has arrived.
func (h *host) step(d time.Duration) {
	h.clock.Advance(d)
	burst := make(mbuf.Burst, 32)
	n := h.port.Rx(0).RxBurst(burst)
	for _, m := range burst[:n] {
		h.stack.Receive(0, m.Data(), 14)
	}
	h.pool.Free(burst[:n])
}

// send sends a datagram to another host.
func (h *host) send(to *host, ipv6 bool, text string) {
	h.t.Helper()
	must(h.t, h.stack.SendUDP(hoststack.Datagram{
		Local: netip.AddrPortFrom(h.address(ipv6), hostPort), Remote: netip.AddrPortFrom(to.address(ipv6), hostPort), Data: []byte(text),
	}))
}

// TestNextHopsAreResolved: nobody knows a link address at first. Gateways find each other, and the hosts behind them, by ARP and
// Neighbour Discovery; IKE brings the SAs up, and datagrams cross both ways inside IPv4 and IPv6.
func TestNextHopsAreResolved(t *testing.T) {
	for name, outer := range map[string][2]string{"ARP": {"192.0.2.1", "192.0.2.2"}, "ND": {"2001:db8::1", "2001:db8::2"}} {
		for _, mode := range []string{"aggregate", "tunnel"} {
			t.Run(name+" "+mode, func(t *testing.T) {
				now := int64(1)
				s := &site{t: t, link: pmd.Ethernet, lcores: 1, outer: outer, child: fmt.Sprintf("mode = %q", mode), clock: func() int64 { return now }}
				s.build()
				hosts := [2]*host{s.newHost(1), s.newHost(2)}
				for _, g := range s.gateways {
					must(t, g.Setup(s.clock))
					t.Cleanup(func() { g.Close() })
				}
				step := func() {
					now += int64(time.Millisecond)
					for i, g := range s.gateways {
						g.Step(now)
						hosts[i].step(time.Millisecond)
					}
				}
				wait := func(what string, done func() bool) {
					for range 20_000 {
						if step(); done() {
							return
						}
					}
					t.Fatalf("%s: not in 20 s of the test's clock; drops %v and %v", what, s.gateways[0].Status().Drops, s.gateways[1].Status().Drops)
				}
				must(t, s.gateways[0].Core().Initiate(context.Background(), "t", ""))
				wait("SAs", func() bool { return len(s.sending(0)) == 1 && len(s.sending(1)) == 1 })
				for _, ipv6 := range []bool{false, true} {
					for i, h := range hosts {
						to, text := hosts[1-i], fmt.Sprint("from ", i, ipv6)
						h.send(to, ipv6, text) // lost where a lcore has to ask for the host, which it does once
						for range 2000 {
							step()
						}
						h.send(to, ipv6, text)
						wait(text, func() bool { return to.got[text] > 0 })
					}
				}
			})
		}
	}
}
