package control

import (
	"fmt"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/faketime"

	"stillwater/appliance/dataplane"
	"stillwater/appliance/hoststack"
	"stillwater/pmd"
	"stillwater/pmd/mbuf"
)

// The memory of the side entry of each lcore, the bounds of outer fragments in reassembly, and ICMP errors per second for
// the whole appliance.
var injectPool = mbuf.PoolConfig{N2K: 512, N9K: 32, N64K: 4}

const (
	fragmentPackets = 1024
	fragmentOctets  = 4 << 20
	fragmentTime    = 2 * time.Second
	icmpRate        = 1000
	icmpBurst       = 100
)

// startStack brings up the host stack on every port.
func (c *Core) startStack() error {
	for l := range c.plane.Lcores() {
		_, ring := c.plane.Punts(l)
		cfg := injectPool
		cfg.Name = fmt.Sprintf("inject %d", l)
		i, err := hoststack.NewInjector(ring, cfg)
		if err != nil {
			return err
		}
		c.injectors = append(c.injectors, i)
	}
	c.fragments = hoststack.NewReassembler(fragmentPackets, fragmentOctets, fragmentTime)
	c.errors = hoststack.NewLimiter(icmpRate, icmpBurst)
	cfg := hoststack.Config{
		Send:    func(port int, frame []byte) bool { return c.injector().Frame(port, frame) },
		Forward: func(packet []byte) bool { return c.injector().Packet(0, packet, dataplane.InjectOwn) },
		Changed: func(n hoststack.Neighbour) { c.inbox.neighbour(n); c.notify() },
	}
	if c.stepped {
		c.stackTime = faketime.NewManualClock()
		cfg.Clock = c.stackTime
	}
	for i := range c.cfg.Ports {
		cfg.Interfaces = append(cfg.Interfaces, c.hostInterface(i))
	}
	for _, r := range c.cfg.Routes {
		if c.cfg.Ports[r.Port].VRF == 0 {
			cfg.Routes = append(cfg.Routes, hoststack.Route{To: r.To, Via: r.Via, Interface: r.Port})
		}
	}
	for _, n := range c.cfg.Neighbours {
		cfg.Static = append(cfg.Static, hoststack.Neighbour{Port: n.Port, Addr: n.Address, MAC: [6]byte(n.MAC), Valid: true})
	}
	var err error
	if c.stack, err = hoststack.New(cfg); err != nil {
		return err
	}
	for _, port := range []uint16{500, 4500} {
		if err := c.stack.ListenUDP(port, func(d hoststack.Datagram) { c.inbox.datagram(d) }); err != nil {
			return err
		}
	}
	return nil
}

// hostInterface describes a port to the host stack. Ports of other VRFs have no host stack of their own yet: only their
// link is there.
func (c *Core) hostInterface(i int) hoststack.Interface {
	p, info := &c.cfg.Ports[i], c.ports[i].Info()
	out := hoststack.Interface{Name: p.Name, MAC: info.MAC, MTU: min(p.MTU, info.MTU), Raw: info.Link == pmd.RawIP}
	if p.VRF == 0 {
		out.Addresses = p.Addresses
	}
	return out
}

// injector is the side entry of the first living lcore.
func (c *Core) injector() *hoststack.Injector {
	for l, i := range c.injectors {
		if !c.plane.Dead(l) {
			return i
		}
	}
	return c.injectors[0]
}

// tickStack gives the host stack its time when the caller steps.
func (c *Core) tickStack(now int64) {
	if c.stackTime != nil && c.lastStep != 0 && now > c.lastStep {
		c.stackTime.Advance(time.Duration(now - c.lastStep))
	}
	c.lastStep = now
	c.fragments.Expire(now)
}

// puntQuota bounds the packets of one lcore that a step takes, so that a flood does not hold up timers.
const puntQuota = 256

// takePunts gives packets for the appliance to the host stack and answers those that could not be forwarded.
func (c *Core) takePunts(now int64) int {
	work := 0
	for l := range c.plane.Lcores() {
		punts, _ := c.plane.Punts(l)
		for range puntQuota {
			m, ok := punts.Pop()
			if !ok {
				break
			}
			c.punt(now, m)
			m.Pool().Return(m)
			work++
		}
	}
	if work > 0 {
		c.mu.Lock()
		c.counts.punted += uint64(work)
		c.mu.Unlock()
	}
	return work
}

func (c *Core) punt(now int64, m *mbuf.Mbuf) {
	switch m.Verdict {
	case mbuf.OuterFragment:
		c.fragment(now, m)
	case mbuf.TTLExceeded, mbuf.TooBig:
		c.icmpError(now, m)
	default:
		c.stack.Receive(int(m.Port), m.Data(), int(m.L3))
	}
}

// fragment collects IP fragments of ESP and UDP; a whole packet of ESP goes back to the lcores (ESP-018).
func (c *Core) fragment(now int64, m *mbuf.Mbuf) {
	frame, l3 := m.Data(), int(m.L3)
	whole, _ := c.fragments.Add(now, frame[l3:])
	switch {
	case whole == nil:
	case hoststack.CarriesESP(whole):
		c.injector().Packet(int(m.Port), whole, dataplane.InjectOutside)
	default:
		c.stack.Receive(int(m.Port), append(frame[:l3:l3], whole...), l3)
	}
}

// icmpError tells a sender why its packet was not forwarded (RFC 792, RFC 4443).
func (c *Core) icmpError(now int64, m *mbuf.Mbuf) {
	from, ok := c.ownAddress(m)
	if !ok || !c.errors.Allow(now) {
		return
	}
	var packet []byte
	if m.Verdict == mbuf.TooBig {
		packet, ok = hoststack.TooBig(nil, m.Data(), int(m.Aux), from)
	} else {
		packet, ok = hoststack.TimeExceeded(nil, m.Data(), from)
	}
	if ok {
		c.injector().Packet(int(m.Port), packet, dataplane.InjectOwn)
	}
}
